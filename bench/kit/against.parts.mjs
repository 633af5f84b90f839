import { randomUUID } from 'node:crypto';
import { deliveries } from './deliveries.mjs';
import { startDirect } from './direct.mjs';
import { interleaved } from './load.mjs';
import { readListRequests, readOneRequests } from './reads.mjs';
import { startPart } from './start.part.mjs';

/** How many payments a second are due in `write`; how long Tilled takes for each of the two calls of a payment. */
const [RATE, LATENCY_MS] = [50, 100];
/** Payments under way at once in `saturation`, more than a gateway can finish; how long it is warmed up, seconds, for some 2,000 payments. */
const [PAYING_AT_ONCE, WARM_UP_SECONDS] = [64, 20];

/**
 * The parts of a comparison of builds. Each starts its gateways, has them take turns, and ends them.
 * @type {Record<string, (rig: { builds: import('./builds.mjs').Build[], tilled: any, rounds: number, seconds: number }) => Promise<Record<string, object>>>}
 */
export const PARTS = {
  read: (rig) => reading(rig, async (_, build) => readOneRequests(build.customerIds.slice(0, 400), authorizationOf(build))),
  lists: (rig) => reading(rig, (url, build) => readListRequests(url, build.customerIds, authorizationOf(build))),
  ingest: (rig) =>
    taking(rig, async (_, build) => ({ connections: 64, requests: deliveries({ accountId: build.environment.TILLED_ACCOUNT_ID }) })),
  write: (rig) => paying(rig, { connections: RATE, rate: RATE }),
  saturation: (rig) => paying(rig, { connections: PAYING_AT_ONCE, warmUpSeconds: WARM_UP_SECONDS }),
  start: startPart,
};

function reading(rig, requestsOf) {
  return taking(rig, async (url, build) => ({ connections: 32, requests: await requestsOf(url, build) }));
}

async function taking({ builds, rounds, seconds }, loadOf) {
  const entries = [];
  for (const build of builds) {
    const contestant = await build.start('off');
    entries.push({ contestant, load: { seconds, ...(await loadOf(contestant.url, build)) } });
  }
  return inTurns(entries, rounds);
}

/** paymentCreate, beside the same two calls to Tilled without a gateway where payments are due at a rate: what it adds is the gateway's. */
async function paying({ builds, tilled, rounds, seconds }, load) {
  // A round has too few payments for a p95 otherwise.
  const longer = { ...load, seconds: 2 * seconds };
  await tilled.latency(0);
  const entries = [];
  const cards = [];
  for (const build of builds) {
    const contestant = await build.start('on');
    const { customerId, cardId } = await payerAt(contestant, build, tilled);
    cards.push(cardId);
    entries.push({ contestant, load: { ...longer, requests: payments(build, customerId) } });
  }
  const direct = load.rate === undefined ? null : await startDirect(tilled, cards[0]);
  if (direct !== null) entries.push({ contestant: direct, load: { ...longer, requests: [{ method: 'POST', path: '/', body: '{}' }] } });
  await tilled.latency(LATENCY_MS);
  const found = await inTurns(entries, rounds);
  if (direct === null) return found;
  const adds = ({ p50, p95, ...rest }) => ({ ...rest, p50: p50 - found.direct.p50, p95: p95 - found.direct.p95 });
  return Object.fromEntries(builds.map(({ name }) => [name, adds(found[name])]));
}

async function inTurns(entries, rounds) {
  const found = await interleaved(entries, rounds);
  for (const { contestant } of entries) await contestant.stop();
  return found;
}

function* payments(build, customerId) {
  const query = 'mutation ($input: PaymentCreateInput!) { paymentCreate(input: $input) { payment { id status } userErrors { code } } }';
  for (;;) {
    const variables = { input: { customerId, amount: { amountMinor: 1990, currency: 'usd' }, idempotencyKey: randomUUID() } };
    yield { method: 'POST', path: '/graphql', headers: authorizationOf(build), body: JSON.stringify({ query, variables }) };
  }
}

/** A customer with a card, who pays all that a build is asked for. */
async function payerAt({ url }, build, tilled) {
  const graphql = async (query, input) => {
    const body = JSON.stringify({ query, variables: { input } });
    const answer = await fetch(`${url}/graphql`, { method: 'POST', headers: authorizationOf(build), body });
    const { data, errors } = await answer.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  const create = 'mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }';
  const { id: customerId } = (await graphql(create, { email: 'ann@example.com' })).customerCreate.customer;
  const attach = 'mutation ($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) { paymentMethod { id } } }';
  const { id: cardId } = await tilled.card();
  await graphql(attach, { customerId, tilledPaymentMethodId: cardId });
  return { customerId, cardId };
}

function authorizationOf({ key }) {
  return { 'content-type': 'application/json', authorization: `Bearer ${key}` };
}
