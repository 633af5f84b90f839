import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { IdempotencyKeyRepository } from '../../src/platform/idempotency/idempotency-key.repository.js';
import { keyIdOf } from '../../src/platform/idempotency/request-key.js';
import { atTilled, cut, refuse, takenAtTilled } from '../support/at-tilled.js';
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
afterEach(() => world.control('faults', { clear: true }));
afterAll(() => world.close());

const DETACH = 'PUT /v1/payment-methods/:id/detach';
const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });
const keyed = (key: string | undefined) => (key === undefined ? {} : { headers: { 'idempotency-key': key } });
const conflict = { userErrors: [{ code: 'CONFLICT' }] };

async function detach(id: string, idempotencyKey?: string) {
  return (await world.ask(app, ops.PaymentMethodDetachDocument, { input: { id } }, keyed(idempotencyKey))).paymentMethodDetach;
}

async function remove(id: string, idempotencyKey?: string) {
  return (await world.ask(app, ops.CustomerDeleteDocument, { input: { id } }, keyed(idempotencyKey))).customerDelete;
}

async function pay(customerId: string, input: Partial<ops.PaymentCreateInput> = {}) {
  return (await world.ask(app, ops.PaymentCreateDocument, { input: { customerId, amount: usd(4_200), ...input } })).paymentCreate;
}

async function subscribe(customerId: string, input: Partial<ops.SubscriptionCreateInput> = {}) {
  return (await world.ask(app, ops.SubscriptionCreateDocument, { input: { customerId, price: usd(900), ...input } })).subscriptionCreate;
}

async function pause(id: string) {
  return (await world.ask(app, ops.SubscriptionPauseDocument, { input: { id } })).subscriptionPause;
}

async function resume(id: string) {
  return (await world.ask(app, ops.SubscriptionResumeDocument, { input: { id } })).subscriptionResume;
}

async function reprice(id: string, amountMinor: number) {
  return (await world.ask(app, ops.SubscriptionUpdateDocument, { input: { id, price: usd(amountMinor) } })).subscriptionUpdate;
}

const sent = (operation: string) => world.sandbox.requests(operation).filter(({ account }) => account === app.accountId).length;

/** Sends a mutation whose request at Tilled is held up between its decision and its effect, until `end`. */
async function underWay<Payload>(operation: string, mutate: () => Promise<Payload>) {
  await world.control('faults', { operation, when: 'during', delayMs: 60_000 });
  const answer = mutate();
  const held = async () => ((await world.control('underway')) as { underWay: unknown[] }).underWay.length > 0;
  await world.until(held);
  return { answer, end: () => world.control('underway', {}) };
}

/** Long enough for a request that was lost to be sent again. */
async function quietTimePasses(): Promise<void> {
  for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
}

describe('a paymentMethodDetach under way', () => {
  it('is seen from its commit on: nothing is built on the card, and no live subscription is left on a detached one', async () => {
    const { customer, card } = await world.payer(app);
    const { answer, end } = await underWay(DETACH, () => detach(card.id));
    expect(await subscribe(customer.id)).toMatchObject({ subscription: null, ...conflict });
    expect(await pay(customer.id, { paymentMethodId: card.id })).toMatchObject({ payment: null, ...conflict });
    expect((await answer).userErrors).toMatchObject([{ code: 'OUTCOME_UNKNOWN' }]);
    // Now it is no request's any more, but its job's.
    expect(await subscribe(customer.id)).toMatchObject({
      userErrors: [{ code: 'CONFLICT', message: `paymentMethodDetach of ${card.id} has not ended: wait for it and look again.` }],
    });
    await end();
    await world.advance({ ms: 10_000 });
    expect(await subscribe(customer.id)).toMatchObject({ userErrors: [{ code: 'NO_PAYMENT_METHOD' }] });
    expect(await atTilled(world, app, 'subscriptions')).toEqual([]);
    expect(await takenAtTilled(world, app)).toEqual([]);
  });

  it('is no answer that a key remembers: the same key pays once there is another card', async () => {
    const { customer, card } = await world.payer(app);
    await cut(world, DETACH, 'before');
    await detach(card.id);
    expect(await pay(customer.id, { idempotencyKey: 'key-1' })).toMatchObject(conflict);
    await world.card(app, customer.id, { setAsDefault: true });
    expect(await pay(customer.id, { idempotencyKey: 'key-1' })).toMatchObject({ payment: { status: 'SUCCEEDED' }, replayed: false });
    await world.advance({ ms: 10_000 });
  });

  it('ends with the webhook alone, when that comes first', async () => {
    const { card } = await world.payer(app);
    await cut(world, DETACH, 'after');
    await detach(card.id);
    await world.settle();
    expect(await world.rows('billing_payment_methods', app)).toMatchObject([{ detached_at: expect.anything(), detaching_at: null }]);
    await world.advance({ ms: 10_000 });
  });

  it('leaves the card as it was when Tilled could not be asked, and the same key detaches it later', async () => {
    const { customer, card } = await world.payer(app);
    await refuse(world, DETACH, 429);
    expect((await detach(card.id, 'key-1')).userErrors).toMatchObject([{ code: 'PROCESSOR_UNAVAILABLE' }]);
    expect((await pay(customer.id)).userErrors).toEqual([]);
    expect(await detach(card.id, 'key-1')).toMatchObject({ userErrors: [], replayed: false });
  });

  it('leaves the card as it was when Tilled refuses for good', async () => {
    const { customer, card } = await world.payer(app);
    await refuse(world, DETACH, 400, { body: { message: 'no', statusCode: 400 } });
    expect((await detach(card.id)).userErrors).toMatchObject([{ code: 'PROCESSOR_REJECTED' }]);
    expect((await pay(customer.id)).userErrors).toEqual([]);
    expect((await detach(card.id)).userErrors).toEqual([]);
  });

  it('and a subscriptionCreate at the same moment never both happen, and one of them does', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { customer, card } = await world.payer(app);
      const [detached, subscribed] = await Promise.all([detach(card.id), subscribe(customer.id, { paymentMethodId: card.id })]);
      expect([detached.userErrors.length, subscribed.userErrors.length].toSorted()).toEqual([0, 1]);
    }
  });
});

describe('what is built on a card and is not committed yet', () => {
  class RolledBack extends Error {}

  /** Holds a request with this key back after it has read the card, until `end`. */
  async function holdBack(operation: string, idempotencyKey: string) {
    const scope = await world.scope(app);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: isHeld, resolve: held } = Promise.withResolvers<void>();
    const holding = scope.transaction(async (tx) => {
      const now = tx.now();
      const id = keyIdOf(scope.caller, operation, { idempotencyKey }) ?? '';
      const unknown = { fingerprint: '', state: 'open' as const, resourceId: null, errors: [] };
      IdempotencyKeyRepository.of(tx).add({ id, operation, ...unknown, createdAt: now, expiresAt: now });
      await tx.db.flush();
      held();
      await released;
      throw new RolledBack();
    });
    await isHeld;
    return async () => {
      release();
      await expect(holding).rejects.toThrow(RolledBack);
    };
  }

  const cases = [
    ['subscriptionCreate', 'paymentMethodDetach', 'PAYMENT_METHOD_IN_USE'],
    ['paymentCreate', 'customerDelete', 'CONFLICT'],
  ] as const;

  it.each(cases)('is waited for: %s is done, and %s gets %s', async (use, _, code) => {
    const { customer, card } = await world.payer(app);
    const end = await holdBack(use, 'key-1');
    const isSubscription = use === 'subscriptionCreate';
    const used = isSubscription
      ? subscribe(customer.id, { idempotencyKey: 'key-1' })
      : pay(customer.id, { idempotencyKey: 'key-1', captureMethod: 'MANUAL' });
    await sleep(500);
    const ended = isSubscription ? detach(card.id) : remove(customer.id);
    await sleep(500);
    await end();
    expect((await used).userErrors).toEqual([]);
    expect((await ended).userErrors).toMatchObject([{ code }]);
  });
});

describe('a subscriptionUpdate to another card', () => {
  it('uses that card from its commit on, until it has ended', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id);
    const next = await world.card(app, customer.id);
    await cut(world, 'PATCH /v1/subscriptions/:id', 'before');
    const input = { id, paymentMethodId: next.id };
    expect((await world.ask(app, ops.SubscriptionUpdateDocument, { input })).subscriptionUpdate.userErrors).toMatchObject([
      { code: 'OUTCOME_UNKNOWN' },
    ]);
    expect(await detach(next.id)).toMatchObject({ userErrors: [{ code: 'PAYMENT_METHOD_IN_USE' }] });
    await quietTimePasses();
    expect(await world.rows('billing_subscriptions', app)).toMatchObject([{ payment_method_id: next.id }]);
  });
});

describe('changes of one subscription', () => {
  async function active() {
    const { customer } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id);
    await world.settle();
    return id;
  }

  it('come one at a time: a pause that is carried out late undoes no resume', async () => {
    const id = await active();
    const { answer, end } = await underWay('POST /v1/subscriptions/:id/pause', () => pause(id));
    expect(await resume(id)).toMatchObject(conflict);
    await answer;
    await world.advance({ ms: 60_000 });
    expect(await resume(id)).toMatchObject(conflict);
    await end();
    await world.advance({ ms: 60_000 });
    expect(await resume(id)).toMatchObject({ subscription: { status: 'ACTIVE' }, userErrors: [] });
    await quietTimePasses();
    expect(await atTilled(world, app, 'subscriptions')).toMatchObject([{ status: 'active' }]);
  });

  it('are not sent again while a lost one may still be carried out', async () => {
    const id = await active();
    await cut(world, 'POST /v1/subscriptions/:id/pause', 'before');
    await pause(id);
    for (let times = 0; times < 4; times += 1) await world.advance({ ms: 60_000 });
    expect(sent('POST /v1/subscriptions/:id/pause')).toBe(1);
    await quietTimePasses();
    expect(sent('POST /v1/subscriptions/:id/pause')).toBe(2);
    expect(await atTilled(world, app, 'subscriptions')).toMatchObject([{ status: 'paused' }]);
  });

  it('are settled by the first look where Tilled shows that they were made', async () => {
    const id = await active();
    await cut(world, 'PATCH /v1/subscriptions/:id', 'after');
    expect((await reprice(id, 1_500)).userErrors).toMatchObject([{ code: 'OUTCOME_UNKNOWN' }]);
    expect((await reprice(id, 1_600)).userErrors).toMatchObject([{ code: 'CONFLICT' }]);
    await world.advance({ ms: 10_000 });
    expect((await reprice(id, 1_600)).subscription?.price.amountMinor).toBe(1_600);
    expect(sent('PATCH /v1/subscriptions/:id')).toBe(2);
  });

  it('of which ten are asked for at the same moment are made one after the other or refused with CONFLICT', async () => {
    const id = await active();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => reprice(id, 1_000 + index)));
    const codes = answers.flatMap(({ userErrors }) => userErrors.map(({ code }) => code));
    expect(codes.filter((code) => code !== 'CONFLICT')).toEqual([]);
    expect(codes.length).toBeLessThan(10);
    const [ours] = await world.rows('billing_subscriptions', app);
    expect(await atTilled(world, app, 'subscriptions')).toMatchObject([{ price: Number(ours?.price_minor) }]);
  });
});

describe('paymentCapture and paymentCancel of one payment', () => {
  it('come one at a time: while a capture is under way a cancel is refused, and the money is taken', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id, { captureMethod: 'MANUAL' });
    const cancel = async () => (await world.ask(app, ops.PaymentCancelDocument, { input: { id } })).paymentCancel;
    const { answer, end } = await underWay(
      'POST /v1/payment-intents/:id/capture',
      async () => (await world.ask(app, ops.PaymentCaptureDocument, { input: { id } })).paymentCapture,
    );
    expect(await cancel()).toMatchObject(conflict);
    expect((await answer).userErrors).toMatchObject([{ code: 'OUTCOME_UNKNOWN' }]);
    expect(await cancel()).toMatchObject(conflict);
    await end();
    await world.advance({ ms: 60_000 });
    expect(await cancel()).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    expect(await takenAtTilled(world, app)).toEqual([5_000]);
  });
});

describe('a customerDelete that has begun', () => {
  const later = [
    ['the second card', DETACH, 1],
    ['the customer', 'DELETE /v1/customers/:id', 0],
  ] as const;

  it.each(
    later,
  )('is finished by itself when Tilled cannot be asked about %s: nobody says that nothing happened', async (_, operation, skip) => {
    const { customer } = await world.payer(app);
    await world.card(app, customer.id);
    await world.control('faults', { operation, status: 429, skip });
    expect(await remove(customer.id, 'key-1')).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    expect(await pay(customer.id)).toMatchObject(conflict);
    await world.advance({ ms: 10_000 });
    expect(await remove(customer.id, 'key-1')).toMatchObject({ userErrors: [], replayed: true });
    expect(await atTilled(world, app, 'payment_methods')).toMatchObject([{ customer_id: null }, { customer_id: null }]);
    expect(await atTilled(world, app, 'customers')).toEqual([]);
    expect(await world.rows('billing_customers', app)).toMatchObject([{ deleted_at: expect.anything(), deleting_at: null }]);
  });

  it('leaves the customer as they were when Tilled could not be asked about anything, and the same key deletes them later', async () => {
    const { customer } = await world.payer(app);
    await refuse(world, DETACH, 429);
    expect(await remove(customer.id, 'key-1')).toMatchObject({ userErrors: [{ code: 'PROCESSOR_UNAVAILABLE' }] });
    expect((await pay(customer.id)).userErrors).toEqual([]);
    expect(await remove(customer.id, 'key-1')).toMatchObject({ userErrors: [], replayed: false });
  });

  it('lets go of the customer when Tilled refuses for good', async () => {
    const { customer } = await world.payer(app);
    await refuse(world, 'DELETE /v1/customers/:id', 400, { body: { message: 'no', statusCode: 400 } });
    expect((await remove(customer.id)).userErrors).toMatchObject([{ code: 'PROCESSOR_REJECTED' }]);
    await world.card(app, customer.id);
    expect((await pay(customer.id)).userErrors).toEqual([]);
  });

  it('and a payment that is held at the same moment never both happen, and one of them does', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { customer } = await world.payer(app);
      const [removed, held] = await Promise.all([remove(customer.id), pay(customer.id, { captureMethod: 'MANUAL' })]);
      expect([removed.userErrors.length, held.userErrors.length].toSorted()).toEqual([0, 1]);
    }
  });
});

describe('customerDelete CONFLICT', () => {
  it('names a payment that is held, and the same key deletes the customer once it is released', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id, { captureMethod: 'MANUAL' });
    expect(await remove(customer.id, 'key-1')).toMatchObject({
      userErrors: [{ code: 'CONFLICT', message: `Payment ${id} of the customer is REQUIRES_CAPTURE: capture it or cancel it first.` }],
    });
    await world.ask(app, ops.PaymentCancelDocument, { input: { id } });
    expect(await remove(customer.id, 'key-1')).toMatchObject({ userErrors: [], replayed: false });
  });

  it('names a payment of which nobody knows yet whether it was taken', async () => {
    const { customer } = await world.payer(app);
    await cut(world, 'POST /v1/payment-intents/:id/confirm', 'after');
    const id = (await pay(customer.id)).payment?.id ?? '';
    expect((await remove(customer.id)).userErrors).toMatchObject([{ code: 'CONFLICT', message: expect.stringContaining(id) }]);
    await world.advance({ ms: 10_000 });
    expect((await remove(customer.id)).userErrors).toEqual([]);
  });

  it('names a payment that waits for its payer', async () => {
    const { customer, card } = await world.payer(app);
    const [method] = await world.rows('billing_payment_methods', app);
    await world.control('outcomes', { paymentMethodId: method?.tilled_payment_method_id, confirm: 'requires_action', times: 1 });
    const id = (await pay(customer.id, { paymentMethodId: card.id })).payment?.id ?? '';
    expect((await remove(customer.id)).userErrors).toMatchObject([{ code: 'CONFLICT', message: expect.stringContaining(id) }]);
    await world.ask(app, ops.PaymentCancelDocument, { input: { id } });
    expect((await remove(customer.id)).userErrors).toEqual([]);
  });

  it('holds for an erasure by the command line as well, which says so', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id, { captureMethod: 'MANUAL' });
    const erase = async () => world.gateway.privacy.erase(await world.scope(app), customer.id);
    await expect(erase()).rejects.toThrow(`Payment ${id} of the customer is REQUIRES_CAPTURE`);
    await world.ask(app, ops.PaymentCaptureDocument, { input: { id } });
    expect(await erase()).toMatchObject({ customerId: customer.id });
  });

  it('waits for the creation of the customer, so that no name and address stay at Tilled', async () => {
    await cut(world, 'POST /v1/customers', 'after');
    const input = { email: 'ann@example.com', name: 'Ann Lee' };
    const id = (await world.ask(app, ops.CustomerCreateDocument, { input })).customerCreate.customer?.id ?? '';
    expect(await remove(id, 'key-1')).toMatchObject(conflict);
    await world.advance({ ms: 10_000 });
    expect(await remove(id, 'key-1')).toMatchObject({ userErrors: [], replayed: false });
    expect(await atTilled(world, app, 'customers')).toEqual([]);
  });

  it('leaves no other customer with its mark at Tilled, which a lost answer may have made', async () => {
    const { id } = await world.customer(app, { name: 'Ann Lee' });
    await world.holdDeliveries();
    const second = { email: 'ann@example.com', metadata: { billing_app_id: app.id, billing_id: id } };
    await world.tilled(app, 'POST', '/v1/customers', second);
    expect(await remove(id)).toMatchObject({ userErrors: [] });
    expect(await atTilled(world, app, 'customers')).toEqual([]);
    // One that comes later still is told by its event.
    await world.resumeDeliveries();
    await world.tilled(app, 'POST', '/v1/customers', second);
    await world.settle();
    expect(await atTilled(world, app, 'customers')).toEqual([]);
  });
});
