import { randomUUID } from 'node:crypto';
import { median, round, shuffled } from './load.mjs';
import { startContestant } from './processes.mjs';

/** How long each of the two calls of a payment takes at Tilled, ms. */
const LATENCY_MS = 100;
/** Connections of all gateways of a fleet together, of reads and of payments; those who pay, so that they do not queue for one row. */
const [READING, PAYING, PAYERS] = [32, 48, 48];
/** How many of them are made at a time. */
const AT_ONCE = 8;
/** Rounds of payments are longer: they take longer. Code is compiled in the first. */
const [PAY_LONGER, WARM_UP_SECONDS] = [2, 8];

/**
 * Gateways that share the load, each with an address of its database.
 * @typedef {{ name: string, gateways: import('./processes.mjs').Contestant[], books: import('./books.mjs').Books }} Fleet
 */

/**
 * Starts a gateway for each address.
 * @param {string} name
 * @param {import('./books.mjs').Books} books
 * @param {readonly string[]} urls
 * @returns {Promise<Fleet>}
 */
export async function startFleet(name, books, urls) {
  const start = (url, index) =>
    startContestant({
      name: `${name} ${index + 1}`,
      args: ['dist/src/main.js'],
      environment: { ...books.environment, DATABASE_URL_BILLING: url },
    });
  return { name, books, gateways: await Promise.all(urls.map(start)) };
}

/** Reads, the same for each gateway. */
export async function reading({ gateways, books }, seconds, requestsOf) {
  const connections = Math.ceil(READING / gateways.length);
  const loads = await Promise.all(gateways.map(async ({ url }) => ({ connections, seconds, requests: await requestsOf(url, books) })));
  return loads;
}

/** paymentCreate, of customers who take turns. */
export async function paying({ gateways, books }, seconds, tilled) {
  await tilled.latency(0);
  books.payers ??= await payersAt(gateways[0], books, tilled);
  await tilled.latency(LATENCY_MS);
  const connections = Math.ceil(PAYING / gateways.length);
  return gateways.map(() => ({ connections, seconds: PAY_LONGER * seconds, requests: payments(books, books.payers) }));
}

/**
 * Rounds of all fleets, one after the other and over again. The first of each warms up.
 * @param {{ fleet: Fleet, loads: Parameters<typeof round>[1][] }[]} entries
 * @param {number} rounds
 */
export async function fleetsInTurns(entries, rounds) {
  const found = new Map(entries.map(({ fleet }) => [fleet.name, []]));
  for (let turn = 0; turn <= rounds; turn += 1)
    for (const { fleet, loads } of shuffled(entries)) {
      const measured = await together(fleet, turn === 0 ? loads.map((load) => ({ ...load, seconds: WARM_UP_SECONDS })) : loads);
      if (turn > 0) found.get(fleet.name)?.push(measured);
    }
  return Object.fromEntries([...found].map(([name, all]) => [name, medians(all)]));
}

/** One round of a fleet: what its gateways did is added up, and their percentiles are averaged. */
async function together({ gateways, books }, loads) {
  const before = books.cpuMicros();
  const rounds = await Promise.all(gateways.map((gateway, index) => round(gateway, loads[index])));
  const databaseCpu = books.cpuMicros() - before;
  const sum = (figure) => rounds.reduce((total, one) => total + one[figure], 0);
  const requests = sum('requests');
  const mean = (figure) => rounds.reduce((total, one) => total + one[figure] * one.requests, 0) / requests;
  return {
    perSecond: sum('perSecond'),
    p50: mean('p50'),
    p95: mean('p95'),
    cpuMicros: mean('cpuMicros'),
    databaseCpuMicros: databaseCpu / requests,
    refused: sum('refused'),
  };
}

function medians(rounds) {
  const figures = ['perSecond', 'p50', 'p95', 'cpuMicros', 'databaseCpuMicros'];
  const of = Object.fromEntries(figures.map((figure) => [figure, median(rounds.map((one) => one[figure]))]));
  return { ...of, refused: rounds.reduce((total, one) => total + one.refused, 0) };
}

function* payments(books, payers) {
  const query = 'mutation ($input: PaymentCreateInput!) { paymentCreate(input: $input) { payment { id status } userErrors { code } } }';
  for (let index = 0; ; index += 1) {
    const customerId = payers[index % payers.length];
    const variables = { input: { customerId, amount: { amountMinor: 1990, currency: 'usd' }, idempotencyKey: randomUUID() } };
    yield { method: 'POST', path: '/graphql', headers: headersOf(books), body: JSON.stringify({ query, variables }) };
  }
}

/** Customers with a card each, made through a gateway. */
async function payersAt({ url }, books, tilled) {
  const graphql = async (query, input) => {
    const body = JSON.stringify({ query, variables: { input } });
    const answer = await fetch(`${url}/graphql`, { method: 'POST', headers: headersOf(books), body });
    const { data, errors } = await answer.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  const create = 'mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }';
  const attach = 'mutation ($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) { paymentMethod { id } } }';
  const one = async () => {
    const { id } = (await graphql(create, { email: 'ann@example.com' })).customerCreate.customer;
    await graphql(attach, { customerId: id, tilledPaymentMethodId: (await tilled.card()).id });
    return id;
  };
  const ids = [];
  while (ids.length < PAYERS) ids.push(...(await Promise.all(Array.from({ length: AT_ONCE }, one))));
  return ids;
}

/** What a client of the app sends along. */
export function headersOf({ key }) {
  return { 'content-type': 'application/json', authorization: `Bearer ${key}` };
}
