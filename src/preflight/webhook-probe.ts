import { randomBytes } from 'node:crypto';
import { signPayload, TILLED_SIGNATURE_HEADER } from '../tilled/tilled.signature.js';
import { type Finding, failed, verdict } from './check.js';
import { appsOf, type PreflightParts, probe, publicUrlOf } from './parts.js';

/** A type that Tilled does not have: such an event is recorded, and nothing else is done with it. */
const TYPE = 'billing.preflight';
const AT_ONCE = 10;

interface Probe {
  readonly id: string;
  readonly body: string;
  readonly url: string;
  readonly secret: string;
}

/** A signed event arrives, and its row is there. */
export async function signedDelivery(parts: PreflightParts): Promise<Finding> {
  const made = await newProbe(parts);
  const answer = await deliver(parts, made);
  if (answer.status !== 200) return failed(`A signed event was answered ${answer.status}.`);
  const row = await rowOf(parts, made);
  return verdict(
    row?.status === 'PROCESSED',
    `A signed event was answered 200 and recorded (${made.id}).`,
    'A signed event was answered 200, but it is not in this database.',
  );
}

/** The same event a second time is the same event. */
export async function duplicateDelivery(parts: PreflightParts): Promise<Finding> {
  const made = await newProbe(parts);
  const answers = [await deliver(parts, made), await deliver(parts, made)];
  const row = await rowOf(parts, made);
  const isOne = answers.map(({ text }) => isDuplicate(text)).join() === 'false,true' && Number(row?.deliveries) === 2;
  return verdict(
    isOne,
    'Delivered twice: recorded once, the second answered as a duplicate.',
    `Delivered twice: answered ${answers.map(({ status }) => status).join(' and ')}.`,
  );
}

/** An event that somebody else signed is refused and leaves nothing. */
export async function forgedDelivery(parts: PreflightParts): Promise<Finding> {
  const made = await newProbe(parts);
  const { status } = await deliver(parts, { ...made, secret: `whsec_${randomBytes(20).toString('hex')}` });
  if (status !== 401) return failed(`A forged event was answered ${status}, not 401.`);
  return verdict(
    (await rowOf(parts, made)) === undefined,
    'A forged event was answered 401 and not recorded.',
    'A forged event was recorded.',
  );
}

/** Ten deliveries of one event at once: one is recorded, nine are duplicates. */
export async function concurrentDeliveries(parts: PreflightParts): Promise<Finding> {
  const made = await newProbe(parts);
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => deliver(parts, made)));
  const recorded = answers.filter(({ status, text }) => status === 200 && !isDuplicate(text)).length;
  const duplicates = answers.filter(({ status, text }) => status === 200 && isDuplicate(text)).length;
  const deliveries = Number((await rowOf(parts, made))?.deliveries ?? 0);
  const told = `${AT_ONCE} deliveries at once: ${recorded} recorded, ${duplicates} duplicates, one row that counts ${deliveries}.`;
  return verdict(recorded === 1 && duplicates === AT_ONCE - 1 && deliveries === AT_ONCE, told, told);
}

async function newProbe(parts: PreflightParts): Promise<Probe & { readonly appId: string }> {
  const [first] = await appsOf(parts);
  if (first === undefined) throw new Error('There is no app.');
  const secrets = (await parts.listeners.ofApp(first.app.id)).flatMap((endpoint) => endpoint.secrets);
  const secret = secrets.find((one) => one === parts.tilled.webhookSecret) ?? secrets[0];
  if (secret === undefined) throw new Error(`The app ${first.app.id} has no webhook endpoint: billing webhooks register.`);
  const id = `evt_preflight_${randomBytes(10).toString('hex')}`;
  const account = first.app.tilledAccountId;
  // Spaces, escapes and bytes that anything which parses the body and writes it again would change.
  const body = `{ "id":"${id}",  "type" : "${TYPE}","account_id":"${account}",\n"created_at":"${parts.now().toISOString()}","data":{"id":"caf\\u00e9 ☕","n":1.0}}`;
  return { id, body, secret, appId: first.app.id, url: `${publicUrlOf(parts)}/api/billing/webhooks/${first.app.id}` };
}

function deliver({ now }: PreflightParts, { url, body, secret }: Probe) {
  const signature = signPayload({ secret, rawBody: body, timestampMs: now().getTime() });
  return probe(url, { method: 'POST', headers: { 'content-type': 'application/json', [TILLED_SIGNATURE_HEADER]: signature }, body });
}

async function rowOf(parts: PreflightParts, { id, appId }: { readonly id: string; readonly appId: string }) {
  const { database } = parts;
  const [row] = await database.query('select status, deliveries from billing_webhooks where app_id = ? and event_id = ?', [appId, id]);
  return row;
}

function isDuplicate(text: string): boolean {
  return /"duplicate":\s*true/.test(text);
}
