import { REGISTERED_TYPES } from '../webhooks/event-catalogue.js';
import { type Check, type Finding, failed, notApplicable, ok, verdict } from './check.js';
import { appsOf, isLoopback, type PreflightParts, probe, publicUrlOf } from './parts.js';
import { concurrentDeliveries, duplicateDelivery, forgedDelivery, signedDelivery } from './webhook-probe.js';

const PRODUCTION = 'https://api.tilled.com';
const SKEW_MS_MAX = 5_000;

/** Phase 2, Tilled: account, keys and webhooks. */
export const TILLED_CHECKS: readonly Check[] = [
  {
    id: 'tilled.production',
    phase: 2,
    isAttestable: false,
    todo: "Use the production account: TILLED_BASE_URL=https://api.tilled.com, and its sk_, pk_ and whsec_ in place of the sandbox's.",
    look: async ({ isRehearsal, tilled }) => {
      if (isRehearsal) return notApplicable('Rehearsal: Tilled is a sandbox.');
      const isTest = [tilled.secretKey, tilled.publicKey].some((key) => /test|sandbox|demo|world/i.test(key));
      if (tilled.baseUrl !== PRODUCTION) return failed('TILLED_BASE_URL is not the production API.');
      return verdict(!isTest, "The production API, with keys that do not look like a sandbox's.", "A key looks like a sandbox's.");
    },
  },
  {
    id: 'tilled.account',
    phase: 2,
    isAttestable: false,
    todo: 'Have Tilled activate the account of every app, and its key reach it (TILLED_SECRET_KEY, billing apps update).',
    look: account,
  },
  {
    id: 'tilled.payment-methods',
    phase: 2,
    isAttestable: true,
    todo: 'Have Tilled enable cards, ACH and EFT on the account; attest which of them you do without.',
    look: paymentMethods,
  },
  {
    id: 'tilled.clock',
    phase: 2,
    isAttestable: false,
    todo: 'Keep the clocks of this machine and the database right (NTP): signatures are refused beyond five minutes.',
    look: clocks,
  },
  {
    id: 'webhooks.registered',
    phase: 2,
    isAttestable: false,
    todo: 'Register the endpoint for all events: billing webhooks register --app ID --url https://HOST/api/billing/webhooks/ID.',
    look: registered,
  },
  {
    id: 'webhooks.signed',
    phase: 2,
    isAttestable: false,
    todo: 'Let the raw bytes of POST /api/billing/webhooks reach the gateway unchanged, and TILLED_WEBHOOK_SECRET, if there is one, be the same everywhere.',
    look: signedDelivery,
  },
  {
    id: 'webhooks.duplicate',
    phase: 2,
    isAttestable: false,
    todo: 'See webhooks.signed; then look at the log of POST /api/billing/webhooks.',
    look: duplicateDelivery,
  },
  {
    id: 'webhooks.forged',
    phase: 2,
    isAttestable: false,
    todo: 'A forged event must be answered 401 by the gateway: see what answers in its place.',
    look: forgedDelivery,
  },
];

/** Phase 8, load: it belongs to webhooks. */
export const WEBHOOK_LOAD_CHECK: Check = {
  id: 'load.webhooks',
  phase: 8,
  isAttestable: false,
  todo: 'Ten deliveries of one event at once must be one event: see billing verify, and the unique key of billing_webhooks.',
  look: concurrentDeliveries,
};

async function account(parts: PreflightParts): Promise<Finding> {
  const accounts = await accountsOf(parts);
  const inactive = accounts.filter(({ status }) => status !== 'active');
  if (inactive.length > 0) return failed(inactive.map(({ id, status }) => `${id} is ${status ?? 'without a status'}`).join('; '));
  return ok(`Active, and our key opens it: ${accounts.map(({ id }) => id).join(', ')}.`);
}

const METHODS: Readonly<Record<string, readonly string[]>> = { card: ['card'], ACH: ['ach_debit'], EFT: ['eft_debit'] };

async function paymentMethods(parts: PreflightParts): Promise<Finding> {
  const missing = (await accountsOf(parts)).flatMap(({ id, capabilities }) => {
    const active = new Set(
      (capabilities ?? [])
        .filter(({ status }) => status === 'active')
        .map(({ pricing_template: price }) => price.payment_method_type as string),
    );
    const without = Object.entries(METHODS).filter(([, types]) => !types.some((type) => active.has(type)));
    return without.map(([name]) => `${id} takes no ${name}`);
  });
  return verdict(missing.length === 0, 'Cards, ACH and EFT are active.', missing.join('; '));
}

async function accountsOf(parts: PreflightParts) {
  const answers = await Promise.all((await appsOf(parts)).map(({ scope }) => parts.processor.ask(scope, (tilled) => tilled.getAccount())));
  return [...new Map(answers.map((found) => [found.id, found])).values()];
}

async function clocks({ tilled, database, now }: PreflightParts): Promise<Finding> {
  const { headers } = await probe(`${tilled.baseUrl}/v1/health`);
  const theirs = Date.parse(headers.get('date') ?? '');
  // The header has whole seconds.
  const skews = new Map([['Tilled', now().getTime() - theirs - 500]]);
  if (!database.isEmbedded) {
    const [row] = await database.query('select unix_timestamp(now(3)) as seconds', []);
    skews.set('the database', now().getTime() - Number(row?.seconds) * 1000);
  }
  // Each node of a cluster has a clock of its own.
  for (const { name, clock } of database.hosts?.reports() ?? [])
    if (clock !== null) skews.set(name, now().getTime() - clock.theirsMs - (performance.now() - clock.atMs));
  const told = [...skews].map(([who, ms]) => `${who} ${(Math.abs(ms) / 1000).toFixed(1)} s`).join(', ');
  // What is not a number is not within the bounds either.
  const isRight = [...skews.values()].every((ms) => Math.abs(ms) <= SKEW_MS_MAX);
  return verdict(isRight, `Apart from ours: ${told}.`, `Apart from ours: ${told}.`);
}

async function registered(parts: PreflightParts): Promise<Finding> {
  const base = `${publicUrlOf(parts)}/api/billing/webhooks`;
  const faults: string[] = [];
  for (const { app, scope } of await appsOf(parts)) {
    const { items } = await parts.processor.ask(scope, (tilled) => tilled.listWebhookEndpoints({ limit: 100 }));
    const ours = items.filter(({ url }) => url === base || url.startsWith(`${base}/`));
    const enabled = new Set<string>(ours.flatMap((endpoint) => endpoint.enabled_events));
    const missing = enabled.has('*') ? [] : REGISTERED_TYPES.filter((type) => !enabled.has(type));
    if (ours.length === 0) faults.push(`${app.id}: no endpoint at Tilled delivers to ${base}`);
    else if (missing.length > 0) faults.push(`${app.id}: not for ${missing.slice(0, 4).join(', ')}`);
  }
  return verdict(
    faults.length === 0,
    `Delivered to ${base}, for all ${REGISTERED_TYPES.length} types that do something here.`,
    faults.join('; '),
  );
}

/** Phase 2 also wants the endpoint to be https. */
export const HTTPS_CHECK: Check = {
  id: 'service.https',
  phase: 2,
  isAttestable: false,
  todo: 'Serve the gateway by https:// (a proxy in front of it), and give that address with --url or BILLING_PUBLIC_URL.',
  look: async (parts) => {
    const url = publicUrlOf(parts);
    if (!url.startsWith('https:')) {
      if (parts.isRehearsal && isLoopback(url)) return notApplicable('Rehearsal: the gateway is on this machine.');
      return failed('The public address is not https://.');
    }
    return ok('The public address is https://, and its certificate was accepted by every probe.');
  },
};
