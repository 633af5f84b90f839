import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Fleet } from '../support/fleet.js';
import { billing, freePort } from '../support/processes.js';
import { builtReleaseBefore, RELEASE_BEFORE } from '../support/release-before.mjs';
import { type TestApp, World } from '../support/world.js';

const SETTLED_MS_MAX = 90_000;
const ORDERS = 12;

/** What both releases have: fields and mutations that clients of the release before use. */
const ASK = {
  customer: 'mutation ($input: CustomerCreateInput!) { it: customerCreate(input: $input) { customer { id } userErrors { code message } } }',
  attach:
    'mutation ($input: PaymentMethodAttachInput!) { it: paymentMethodAttach(input: $input) { paymentMethod { id } userErrors { code message } } }',
  pay: 'mutation ($input: PaymentCreateInput!) { it: paymentCreate(input: $input) { payment { id status } userErrors { code message } } }',
  refund: 'mutation ($input: RefundCreateInput!) { it: refundCreate(input: $input) { refund { id status } userErrors { code message } } }',
  subscribe:
    'mutation ($input: SubscriptionCreateInput!) { it: subscriptionCreate(input: $input) { subscription { id status } userErrors { code message } } }',
  cancel:
    'mutation ($input: SubscriptionCancelInput!) { it: subscriptionCancel(input: $input) { subscription { id status } userErrors { code message } } }',
};

type Noun = { readonly id: string; readonly status?: string };
type Answered = { readonly it: { readonly userErrors: readonly unknown[] } & Readonly<Record<string, Noun | readonly unknown[]>> };

let world: World;
let app: TestApp;
let older: Fleet;
let newer: Fleet;
let [olderUrl, newerUrl] = ['', ''];

beforeAll(async () => {
  world = await World.create({ clock: 'running' });
  app = await world.app();
  const environment = { ...world.environment, BILLING_DATA_DIR: '/nonexistent' };
  [older, newer] = [new Fleet(environment, builtReleaseBefore()), new Fleet(environment)];
});
afterAll(async () => {
  await older.close();
  await newer.close();
  await world.close();
});

/** What one of the two answers. Throws if it is an error of ours, or a refusal: neither may come of the upgrade. */
async function ask(url: string, query: string, input: object): Promise<string> {
  const { status, data, errors } = await world.post<Answered>({ query, variables: { input } }, { credential: app.key, url });
  const { userErrors = [], ...nouns } = data?.it ?? {};
  const noun = Object.values(nouns)[0] as Noun | undefined;
  if (errors.length > 0 || userErrors.length > 0 || noun === undefined)
    throw new Error(`${url} answered ${status}: ${JSON.stringify({ errors, userErrors, query, input })}`);
  return noun.id;
}

/** An order from beginning to end, its requests sent to the two in turn, and one of each kind sent twice. */
async function order(number: number, urls: readonly string[]): Promise<void> {
  const at = (step: number) => urls[(number + step) % urls.length] ?? '';
  const customerId = await ask(at(0), ASK.customer, { email: `payer-${number}-${randomUUID()}@example.com` });
  const card = async (step: number) =>
    ask(at(step), ASK.attach, { customerId, tilledPaymentMethodId: await world.newCard(app), setAsDefault: true });
  const paymentMethodId = await card(1);
  const payment = { customerId, paymentMethodId, amount: { amountMinor: 1_000 + number, currency: 'usd' }, idempotencyKey: randomUUID() };
  const paymentId = await ask(at(2), ASK.pay, payment);
  expect(await ask(at(3), ASK.pay, payment)).toBe(paymentId);
  const refund = { paymentId, idempotencyKey: randomUUID() };
  const refundId = await ask(at(4), ASK.refund, refund);
  expect(await ask(at(5), ASK.refund, refund)).toBe(refundId);
  const price = { amountMinor: 1_990, currency: 'usd' };
  const id = await ask(at(6), ASK.subscribe, { customerId, paymentMethodId, price, intervalUnit: 'MONTH', idempotencyKey: randomUUID() });
  expect(await ask(at(7), ASK.cancel, { id, mode: 'IMMEDIATELY', idempotencyKey: randomUUID() })).toBe(id);
}

async function orders(urls: readonly string[]): Promise<void> {
  await Promise.all(Array.from({ length: ORDERS }, (_, number) => order(number, urls)));
}

/** Until every event and job is done that does not wait for a time to come. */
async function settled(): Promise<void> {
  const sql = `select (select count(*) from billing_webhooks where status <> 'PROCESSED' and status <> 'IGNORED')
    + (select count(*) from billing_jobs where priority < 2 and kind not like '%backfill%' and kind not in ('reconcile', 'retention.sweep')) as open_work`;
  for (const until = Date.now() + SETTLED_MS_MAX; ; await sleep(200)) {
    const left = Number((await world.gateway.database.query(sql, []))[0]?.open_work);
    if (left === 0) return;
    if (Date.now() > until) throw new Error(`${left} are not done: ${[...older.lines, ...newer.lines].join('\n')}`);
  }
}

const count = async (table: string): Promise<number> => (await world.rows(table, app)).length;

describe('an upgrade while the release before serves', () => {
  it('begins with the release before alone, on its own schema', async () => {
    expect(await billing(['migrate', '--down', '--to', RELEASE_BEFORE.migration, '--discard-data'], world.environment)).toMatchObject({
      status: 0,
    });
    const port = await freePort();
    olderUrl = `http://127.0.0.1:${port}`;
    await older.startGateway(port);
    older.startWorker('worker');
    await world.deliverTo(`${olderUrl}/api/billing/webhooks`);
    await orders([olderUrl]);
  });

  it('migrates under its traffic, and it serves on', async () => {
    const migrating = billing(['migrate'], world.environment);
    await orders([olderUrl]);
    expect(await migrating).toMatchObject({ status: 0, stderr: '' });
    await orders([olderUrl]);
  });

  it('has both serve the same apps, one begun by the other, with webhooks and jobs of either', async () => {
    const port = await freePort();
    newerUrl = `http://127.0.0.1:${port}`;
    await newer.startGateway(port);
    newer.startWorker('worker');
    await orders([olderUrl, newerUrl]);
    await world.deliverTo(`${newerUrl}/api/billing/webhooks`);
    await orders([newerUrl, olderUrl]);
  });

  it('lets the release before start anew on the newer schema', async () => {
    await older.kill('gateway');
    await older.startGateway(Number(new URL(olderUrl).port));
    await orders([olderUrl, newerUrl]);
  });

  it('lost nothing and doubled nothing, and neither saw an error', async () => {
    await settled();
    const made = 6 * ORDERS;
    expect(await count('billing_payments')).toBeGreaterThanOrEqual(made);
    expect(await count('billing_refunds')).toBe(made);
    expect(await count('billing_subscriptions')).toBe(made);
    const { stdout, status } = await billing(['reconcile', '--json'], world.environment);
    expect([status, stdout]).toEqual([0, expect.any(String)]);
    expect((await world.gateway.verifyBooks()).violations).toEqual([]);
    expect(newer.lines).toEqual([]);
    expect(older.lines).toEqual([]);
  });
});
