import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, refuse } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
});
afterEach(async () => {
  await world.control('faults', { clear: true });
  await world.control('webhooks', { paused: false, reorder: false, duplicate: 0, lose: 0 });
});
afterAll(() => world.close());

const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

async function events(variables: ops.WebhookEventsQueryVariables = {}) {
  return (await world.ask(app, ops.WebhookEventsDocument, variables)).webhookEvents;
}

async function replay(id: string) {
  return (await world.ask(app, ops.WebhookEventReplayDocument, { input: { id } })).webhookEventReplay;
}

async function read(id: string) {
  const { payment } = await world.ask(app, ops.PaymentDocument, { id });
  if (!payment) throw new Error(`There is no payment ${id}.`);
  return payment;
}

/** The newest event of a type; throws when there is none. */
async function newest(type: string) {
  const [event] = (await events({ type })).nodes;
  if (!event) throw new Error(`There is no event ${type}.`);
  return event;
}

describe('webhookEvents', () => {
  it('shows every event once, newest first, with what became of it', async () => {
    const { customer } = await world.payer(app);
    await world.payment(app, customer.id);
    await world.settle();
    const { nodes, totalCount } = await events({ first: 100 });
    expect(totalCount).toBe(nodes.length);
    expect(new Set(nodes.map((event) => event.eventId)).size).toBe(nodes.length);
    expect(nodes[0]?.type).toBe('payment_intent.succeeded');
    expect(nodes.every((event) => event.status === 'PROCESSED' && event.deliveries === 1 && event.processedAt !== null)).toBe(true);
  });

  it('filters by type and by status', async () => {
    const { customer } = await world.payer(app);
    await world.payment(app, customer.id);
    await world.settle();
    expect((await events({ type: 'payment_intent.created' })).nodes.map((event) => event.type)).toEqual(['payment_intent.created']);
    expect((await events({ status: ['FAILED', 'DEAD', 'RECEIVED'] })).totalCount).toBe(0);
    expect((await events({ status: ['PROCESSED'], type: 'payment_intent.succeeded' })).totalCount).toBe(1);
    expect((await events({ type: 'no.such' })).nodes).toEqual([]);
  });

  it('counts repeated deliveries of one event and handles it once', async () => {
    const { customer } = await world.payer(app);
    await world.settle();
    await world.control('webhooks', { duplicate: 100 });
    await world.payment(app, customer.id);
    await world.settle();
    expect(await newest('payment_intent.succeeded')).toMatchObject({ deliveries: 2, attempts: 1, status: 'PROCESSED' });
  });

  it('shows each app its own only', async () => {
    await world.customer(app);
    await world.settle();
    const count = (await events()).totalCount;
    const other = await world.app();
    expect((await world.ask(other, ops.WebhookEventsDocument, {})).webhookEvents).toMatchObject({ nodes: [], totalCount: 0 });
    expect((await events()).totalCount).toBe(count);
  });
});

describe('webhook events that cannot be handled', () => {
  it('are FAILED with the reason while Tilled cannot be asked, and PROCESSED by themselves later', async () => {
    const { customer } = await world.payer(app);
    await world.settle();
    await world.payment(app, customer.id);
    await refuse(world, 'GET /v1/payment-intents/:id', 401, { times: 1 });
    await world.settle();
    expect(await newest('payment_intent.succeeded')).toMatchObject({
      status: 'FAILED',
      attempts: 1,
      error: expect.any(String),
      processedAt: null,
    });
    await world.advance({ ms: 120_000 });
    expect(await newest('payment_intent.succeeded')).toMatchObject({ status: 'PROCESSED', attempts: 2, error: null });
  });

  it('are DEAD after the last try, and PROCESSED when they are replayed', async () => {
    const { customer } = await world.payer(app);
    await world.settle();
    await world.payment(app, customer.id);
    await refuse(world, 'GET /v1/payment-intents/:id', 401, { times: 100 });
    for (let hours = 0; hours < 6; hours += 1) await world.advance({ ms: 10_800_000 });
    const dead = await newest('payment_intent.succeeded');
    expect(dead).toMatchObject({ status: 'DEAD', attempts: 5 });
    expect((await events({ status: ['DEAD'] })).nodes.map((event) => event.id)).toContain(dead.id);
    await world.control('faults', { clear: true });
    expect(await replay(dead.id)).toMatchObject({ webhookEvent: { id: dead.id, status: 'RECEIVED', error: null }, userErrors: [] });
    await world.settle();
    expect(await newest('payment_intent.succeeded')).toMatchObject({ status: 'PROCESSED' });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('webhookEventReplay', () => {
  it('records what is at Tilled now', async () => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id, { captureMethod: 'MANUAL' });
    await world.settle();
    await world.control('webhooks', { lose: 100 });
    const [intent] = await atTilled(world, app, 'payment_intents');
    await world.tilled(app, 'POST', `/v1/payment-intents/${intent?.id}/capture`, {});
    await world.settle();
    expect((await read(payment.id)).status).toBe('REQUIRES_CAPTURE');
    await replay((await newest('payment_intent.created')).id);
    await world.settle();
    expect(await read(payment.id)).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 5_000 } });
  });

  it('changes nothing when nothing changed, however often', async () => {
    const { customer } = await world.payer(app);
    await world.payment(app, customer.id);
    await world.settle();
    const before = await world.rows('billing_payments', app);
    const { id } = await newest('payment_intent.succeeded');
    for (let times = 0; times < 3; times += 1) expect(await replay(id)).toMatchObject({ userErrors: [] });
    await world.settle();
    const facts = ({ version: _version, updated_at: _updatedAt, ...row }: Record<string, unknown>) => row;
    expect((await world.rows('billing_payments', app)).map(facts)).toEqual(before.map(facts));
    expect(await newest('payment_intent.succeeded')).toMatchObject({ status: 'PROCESSED' });
  });

  it('answers NOT_FOUND for an id nobody has', async () => {
    expect(await replay('whe_00000000000000000000000000')).toMatchObject({ webhookEvent: null, userErrors: [{ code: 'NOT_FOUND' }] });
  });

  it("answers NOT_FOUND for another app's event", async () => {
    await world.customer(app);
    await world.settle();
    const [event] = (await events()).nodes;
    app = await world.app();
    expect(await replay(event?.id ?? '')).toMatchObject({ webhookEvent: null, userErrors: [{ code: 'NOT_FOUND' }] });
  });
});

describe('webhooks out of order', () => {
  it('leave the newest state when they come newest first', async () => {
    const { customer } = await world.payer(app);
    await world.settle();
    await world.control('webhooks', { paused: true });
    const payment = await world.payment(app, customer.id, { captureMethod: 'MANUAL' });
    await world.ask(app, ops.PaymentCancelDocument, { input: { id: payment.id } });
    await world.control('webhooks', { paused: false, reorder: true });
    await world.settle();
    expect((await read(payment.id)).status).toBe('CANCELED');
    expect((await events({ status: ['FAILED', 'DEAD', 'RECEIVED'] })).totalCount).toBe(0);
  });
});

describe('disputes', () => {
  it('appear on the payment of the magic amount, and in the list', async () => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id, { amount: usd(777_799) });
    expect(payment.status).toBe('SUCCEEDED');
    await world.advance({ ms: 5_000 });
    const { disputes } = await read(payment.id);
    expect(disputes).toMatchObject([
      {
        id: expect.stringMatching(/^dp_/),
        status: 'NEEDS_RESPONSE',
        amount: { amountMinor: 777_799, currency: 'usd' },
        reason: 'Cardholder does not recognize the transaction',
        evidenceDueAt: expect.any(String),
        payment: { id: payment.id },
      },
    ]);
    const list = async (status: ops.DisputeStatus[]) => (await world.ask(app, ops.DisputesDocument, { status })).disputes.nodes;
    expect(await list(['NEEDS_RESPONSE'])).toEqual(disputes);
    expect(await list(['WON', 'LOST'])).toEqual([]);
    expect((await world.ask(app, ops.DisputeDocument, { id: disputes[0]?.id ?? '' })).dispute).toEqual(disputes[0]);
  });

  it.each([
    ['won', 'WON'],
    ['lost', 'LOST'],
    ['under_review', 'UNDER_REVIEW'],
  ])('move as Tilled says: %s', async (status, shown) => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id);
    const [intent] = await atTilled(world, app, 'payment_intents');
    const made = (await world.control('disputes', { paymentIntentId: intent?.id, amount: 2_000 })) as { id: string };
    await world.settle();
    await world.control('disputes', { disputeId: made.id, status });
    await world.settle();
    expect(await read(payment.id)).toMatchObject({ status: 'SUCCEEDED', disputes: [{ status: shown, amount: { amountMinor: 2_000 } }] });
    expect(await world.rows('billing_disputes', app)).toHaveLength(1);
  });

  it('are recorded with their payment when their event is the first we hear of it', async () => {
    const { customer } = await world.payer(app);
    await world.settle();
    await world.control('webhooks', { lose: 1_000 });
    const { id } = await world.subscription(app, customer.id, { price: usd(777_799) });
    await world.control('webhooks', { lose: 0 });
    await world.advance({ ms: 5_000 });
    const { subscription } = await world.ask(app, ops.SubscriptionDocument, { id });
    expect(subscription?.payments.nodes).toMatchObject([{ status: 'SUCCEEDED', amount: { amountMinor: 777_799 } }]);
    const { disputes } = await world.ask(app, ops.DisputesDocument, {});
    expect(disputes.nodes).toMatchObject([{ payment: { id: subscription?.payments.nodes[0]?.id } }]);
  });
});
