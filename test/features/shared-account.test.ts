import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { signPayload } from '../../src/tilled/tilled.signature.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

const HOUR_MS = 3_600_000;

let world: World;
let older: TestApp;
let younger: TestApp;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  older = await world.app();
  const id = `younger-than-${older.id}`;
  await world.gateway.access.createApp({ id, name: 'Younger', tilledAccountId: older.accountId });
  younger = { ...older, id, key: (await world.gateway.access.createKey(id, 'service')).key };
});
afterAll(() => world.close());

describe('of two apps on one Tilled account', () => {
  it('the one that has the customer hears of its cards, payments, charges, disputes and refunds, and the other of nothing', async () => {
    const { customer } = await world.payer(younger);
    const payment = await world.payment(younger, customer.id);
    await world.subscription(younger, customer.id);
    await world.settle();
    await dispute(payment.id);
    await world.ask(younger, ops.PaymentMethodDetachDocument, { input: { id: (await world.card(younger, customer.id)).id } });
    await world.settle();
    const types = (await events(younger)).map(({ type }) => String(type));
    expect(new Set(types.map((type) => type.split('.')[0]))).toEqual(
      new Set(['customer', 'payment_method', 'payment_intent', 'charge', 'dispute', 'subscription']),
    );
    expect(await events(older)).toEqual([]);
    expect(await world.rows('billing_disputes', younger)).toEqual([expect.objectContaining({ payment_id: payment.id })]);
    expect((await world.rows('billing_webhook_facts', younger)).map(({ type }) => type)).toContain('dispute.created');
    for (const table of ['billing_disputes', 'billing_payments', 'billing_payment_methods', 'billing_webhook_facts', 'billing_jobs'])
      expect([table, (await world.rows(table, older)).filter(({ kind }) => kind !== 'webhook.route')]).toEqual([table, []]);
  });

  it('each has its own, and each event is stored once however often and by whichever path it is delivered', async () => {
    const [one, other] = [await world.payer(older), await world.payer(younger)];
    const [first, second] = [await world.payment(older, one.customer.id), await world.payment(younger, other.customer.id)];
    await dispute(second.id);
    await world.settle();
    await dispute(first.id, older);
    await world.settle();
    const before = [await events(older), await events(younger)];
    for (const event of before.flat()) {
      const body = String(event['payload']);
      for (const path of ['', `/${older.id}`, `/${younger.id}`]) expect(await deliver(body, path)).toBe(200);
    }
    await world.settle();
    const after = [await events(older), await events(younger)];
    const idsOf = (rows: typeof after) => rows.map((its) => its.map(({ event_id: id }) => id));
    expect(idsOf(after)).toEqual(idsOf(before));
    expect(idsOf(after).flat()).toHaveLength(new Set(idsOf(after).flat()).size);
    expect(after.flat().every(({ status }) => status === 'PROCESSED')).toBe(true);
    expect((await world.rows('billing_disputes', older)).map(({ payment_id: id }) => id)).toEqual([first.id]);
    expect((await world.rows('billing_disputes', younger)).map(({ payment_id: id }) => id)).toEqual([second.id]);
  });

  it('an event whose app only Tilled can tell is kept until Tilled is back, and seen by neither meanwhile', async () => {
    const { customer } = await world.payer(younger);
    const payment = await world.payment(younger, customer.id);
    await world.settle();
    const before = await events(younger);
    await world.control('faults', { operation: 'GET /v1/*', status: 503, times: 10_000 });
    await dispute(payment.id);
    await world.settle();
    const typesOf = (rows: Awaited<ReturnType<typeof events>>) =>
      rows.map(({ type }) => String(type)).filter((type) => /dispute/.test(type));
    expect([typesOf(await events(older)), typesOf(await events(younger))]).toEqual([[], []]);
    await world.advance({ ms: 3 * HOUR_MS });
    await world.control('faults', { clear: true });
    await world.advance({ ms: HOUR_MS });
    expect([typesOf(await events(older)), typesOf(await events(younger))]).toEqual([[], ['dispute.created']]);
    expect(await world.rows('billing_disputes', younger)).toHaveLength(1);
    expect((await events(younger)).length).toBeGreaterThan(before.length);
  });

  it('an event of a card that nobody attached yet goes to the app that attaches it, and one that nobody ever does to neither', async () => {
    const { id: customerId } = await world.customer(younger);
    await world.settle();
    const [wanted, unwanted] = [await world.newCard(younger), await world.newCard(younger)];
    const events_ = [wanted, unwanted].map((id) => JSON.stringify(eventOf('payment_method.updated', { id, customer_id: null })));
    for (const body of events_) expect(await deliver(body, '')).toBe(200);
    await world.settle();
    expect([...(await cardEvents(older)), ...(await cardEvents(younger))]).toEqual([]);
    await world.card(younger, customerId, { tilledPaymentMethodId: wanted });
    await world.advance({ days: 2 });
    expect(await cardEvents(older)).toEqual([]);
    expect(new Set(await cardEvents(younger))).toEqual(new Set([wanted]));
    const waiting = (await world.rows('billing_jobs', older)).filter(({ kind }) => kind === 'webhook.route');
    expect(waiting).toEqual([]);
  });

  it('no event is lost that waits for Tilled to say whose it is when the app is removed whose queue keeps it', async () => {
    const { customer } = await world.payer(younger);
    const payment = await world.payment(younger, customer.id);
    await world.settle();
    await world.control('faults', { operation: 'GET /v1/*', status: 503, times: 10_000 });
    await dispute(payment.id);
    await world.settle();
    await world.gateway.appLife.suspend(await world.scope(older));
    await world.advance({ ms: 10_000 });
    await world.gateway.appLife.remove(await world.scope(older));
    await world.control('faults', { clear: true });
    await world.advance({ ms: HOUR_MS });
    expect((await events(younger)).map(({ type }) => type)).toContain('dispute.created');
    expect(await world.rows('billing_disputes', younger)).toHaveLength(1);
  });

  it('the oldest hears of what is about no object of anybody', async () => {
    expect(await deliver(JSON.stringify(eventOf('payout.paid', { id: 'po_0123456789' })), '')).toBe(200);
    expect((await events(older)).map(({ type }) => type)).toEqual(['payout.paid']);
    expect(await events(younger)).toEqual([]);
  });
});

let made = 0;

function eventOf(type: string, data: object) {
  made += 1;
  return { id: `evt_shared_${made}`, type, account_id: older.accountId, created_at: world.sandbox.now().toISOString(), data };
}

async function deliver(body: string, path: string): Promise<number> {
  const signature = signPayload({ secret: world.webhookSecret, rawBody: body, timestampMs: world.sandbox.now().getTime() });
  const headers = { 'content-type': 'application/json', 'tilled-signature': signature };
  return (await fetch(`${world.url}/api/billing/webhooks${path}`, { method: 'POST', headers, body })).status;
}

function events(app: TestApp) {
  return world.rows('billing_webhooks', app);
}

/** The cards that an app heard of. */
async function cardEvents(app: TestApp): Promise<unknown[]> {
  return (await events(app)).filter(({ object_kind: kind }) => kind === 'payment_method').map(({ object_id: id }) => id);
}

async function dispute(paymentId: string, app = younger): Promise<void> {
  const payments = await world.rows('billing_payments', app);
  const { tilled_payment_intent_id: paymentIntentId } = payments.find(({ id }) => id === paymentId) ?? {};
  await world.control('disputes', { paymentIntentId });
}
