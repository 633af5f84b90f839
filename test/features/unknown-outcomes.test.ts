import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, cut, newBankAccount, refuse, takenAtTilled } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let customerId: string;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
});
afterEach(async () => {
  await world.control('faults', { clear: true });
  await world.control('webhooks', { paused: false });
});
afterAll(() => world.close());

const CREATE = 'POST /v1/payment-intents';
const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
const CAPTURE = 'POST /v1/payment-intents/:id/capture';
const CANCEL = 'POST /v1/payment-intents/:id/cancel';
const WHENS = ['before', 'after'] as const;
const unknown = { userErrors: [{ code: 'OUTCOME_UNKNOWN' }] };
const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

async function pay(input: Partial<ops.PaymentCreateInput> = {}) {
  return (await world.ask(app, ops.PaymentCreateDocument, { input: { customerId, amount: usd(4_200), ...input } })).paymentCreate;
}

async function refund(input: ops.RefundCreateInput) {
  return (await world.ask(app, ops.RefundCreateDocument, { input })).refundCreate;
}

async function subscribe(input: Partial<ops.SubscriptionCreateInput> = {}) {
  return (await world.ask(app, ops.SubscriptionCreateDocument, { input: { customerId, price: usd(900), ...input } })).subscriptionCreate;
}

async function read(id: string | undefined) {
  const { payment } = await world.ask(app, ops.PaymentDocument, { id: id ?? '' });
  if (!payment) throw new Error(`There is no payment ${id}.`);
  return payment;
}

/** Long enough for a request that was lost to be sent again. */
async function quietTimePasses(): Promise<void> {
  for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
}

/** Nothing is left to be done. */
async function expectNothingToDo(): Promise<void> {
  expect(await world.rows('billing_jobs', app)).toEqual([]);
}

describe('paymentCreate OUTCOME_UNKNOWN', () => {
  const places = [CREATE, CONFIRM].flatMap((operation) => WHENS.map((when) => [operation, when] as const));
  /** Where nothing can be under way that takes money: before the confirm, and after one that was carried out. */
  const clear = places.filter(([operation, when]) => operation === CREATE || when === 'after');

  it.each(places)('%s cut %s the commit: UNKNOWN at first, SUCCEEDED by itself, taken once', async (operation, when) => {
    await cut(world, operation, when);
    const first = await pay({ idempotencyKey: 'key-1' });
    expect(first).toMatchObject({ payment: { status: 'UNKNOWN', failureCode: null }, ...unknown });
    await quietTimePasses();
    expect(await read(first.payment?.id)).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 4_200 } });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
    expect(await world.rows('billing_payments', app)).toHaveLength(1);
    await expectNothingToDo();
  });

  it.each(clear)('%s cut %s the commit: the same key finds the outcome at once, taken once', async (operation, when) => {
    await cut(world, operation, when);
    const first = await pay({ idempotencyKey: 'key-1' });
    const second = await pay({ idempotencyKey: 'key-1' });
    expect(second).toMatchObject({ payment: { id: first.payment?.id, status: 'SUCCEEDED' }, userErrors: [], replayed: true });
    await world.advance({ ms: 10_000 });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
    await expectNothingToDo();
  });

  it.each(places)('%s cut %s the commit of a payment that the bank declines: FAILED by itself, never taken', async (operation, when) => {
    await cut(world, operation, when);
    const first = await pay({ amount: usd(777_701), idempotencyKey: 'key-1' });
    expect(first).toMatchObject({ payment: { status: 'UNKNOWN' }, ...unknown });
    await quietTimePasses();
    expect(await read(first.payment?.id)).toMatchObject({ status: 'FAILED', failureCode: 'insufficient_funds' });
    const again = await pay({ amount: usd(777_701), idempotencyKey: 'key-1' });
    expect(again).toMatchObject({ userErrors: [{ code: 'PAYMENT_DECLINED', declineCode: 'insufficient_funds' }], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([]);
  });

  it.each([500, 502, 503])('is told when Tilled answers %i, whether or not it did it', async (status) => {
    for (const when of WHENS) await world.control('faults', { operation: CONFIRM, status, when });
    const first = await pay();
    const second = await pay();
    expect([first.userErrors, second.userErrors]).toMatchObject([unknown.userErrors, unknown.userErrors]);
    await quietTimePasses();
    expect((await read(first.payment?.id)).status).toBe('SUCCEEDED');
    expect((await read(second.payment?.id)).status).toBe('SUCCEEDED');
    expect(await takenAtTilled(world, app)).toEqual([4_200, 4_200]);
  });

  it('is told when Tilled takes longer than we wait, and the late answer is not lost', async () => {
    await world.control('faults', { operation: CONFIRM, delayMs: 2_500, when: 'after' });
    const { payment, userErrors } = await pay();
    expect([payment?.status, userErrors]).toMatchObject(['UNKNOWN', unknown.userErrors]);
    await world.advance({ ms: 10_000 });
    expect((await read(payment?.id)).status).toBe('SUCCEEDED');
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it.each([CREATE, CONFIRM])('takes the money once when a slow %s is carried out after we asked again', async (operation) => {
    await world.control('faults', { operation, delayMs: 2_600, when: 'before' });
    const { payment } = await pay();
    await world.advance({ ms: 10_000 });
    await world.until(async () => world.sandbox.requests(operation).every((request) => request.status !== null));
    await quietTimePasses();
    expect((await read(payment?.id)).status).toBe('SUCCEEDED');
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('is also the answer to the same reference, without a second try', async () => {
    await cut(world, CONFIRM, 'after');
    const first = await pay({ referenceId: 'order:1' });
    expect(await pay({ referenceId: 'order:1' })).toMatchObject({
      payment: { id: first.payment?.id, status: 'UNKNOWN' },
      ...unknown,
      replayed: true,
    });
    await world.advance({ ms: 10_000 });
    expect(await pay({ referenceId: 'order:1' })).toMatchObject({ payment: { status: 'SUCCEEDED' }, userErrors: [], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('is not what a slow answer says, if Tilled has told us of a debit that came back while it was on its way', async () => {
    const account = await world.card(app, customerId, { tilledPaymentMethodId: await newBankAccount(world, app) });
    await world.control('faults', { operation: CONFIRM, delayMs: 1_000, when: 'after' });
    const paying = pay({ paymentMethodId: account.id });
    const debits = async () => (await atTilled(world, app, 'payment_intents')).filter(({ status }) => status === 'processing');
    await world.until(async () => (await debits()).length === 1);
    await world.control('return', { paymentIntentId: (await debits())[0]?.['id'] });
    await world.settle();
    const { payment } = await paying;
    expect([payment?.status, (await read(payment?.id)).status]).toEqual(['FAILED', 'FAILED']);
  });

  it('is resolved by the webhook alone when that comes first', async () => {
    await cut(world, CONFIRM, 'after');
    const { payment } = await pay();
    await world.settle();
    expect((await read(payment?.id)).status).toBe('SUCCEEDED');
    await world.advance({ ms: 10_000 });
    await expectNothingToDo();
  });

  it('cannot be refunded, captured or canceled while it is unknown', async () => {
    await cut(world, CONFIRM, 'before');
    const id = (await pay()).payment?.id ?? '';
    const illegal = { userErrors: [{ code: 'ILLEGAL_TRANSITION' }] };
    expect(await refund({ paymentId: id })).toMatchObject(illegal);
    expect((await world.ask(app, ops.PaymentCaptureDocument, { input: { id } })).paymentCapture).toMatchObject(illegal);
    expect((await world.ask(app, ops.PaymentCancelDocument, { input: { id } })).paymentCancel).toMatchObject(illegal);
  });
});

describe('what a later confirm is told', () => {
  /** The id at Tilled of the customer's card. */
  async function cardAtTilled(): Promise<string> {
    const [method] = (await world.rows('billing_payment_methods', app)).filter((row) => row['customer_id'] === customerId);
    return String(method?.['tilled_payment_method_id']);
  }

  const statusAtTilled = async () => (await atTilled(world, app, 'payment_intents')).map(({ status }) => status);

  it('is not sent before the first is certainly dead, and the answer says how long that may take', async () => {
    await cut(world, CONFIRM, 'before');
    const confirms = () => world.sandbox.requests(CONFIRM).filter(({ account }) => account === app.accountId);
    await pay({ idempotencyKey: 'key-1' });
    await world.advance({ ms: 60_000 });
    const { userErrors } = await pay({ idempotencyKey: 'key-1' });
    const [error] = userErrors as { __typename: string; code: string; retryAfterMs: number }[];
    expect(error).toMatchObject({ __typename: 'RetryLater', code: 'OUTCOME_UNKNOWN' });
    expect(error?.retryAfterMs).toBeGreaterThan(200_000);
    expect(error?.retryAfterMs).toBeLessThanOrEqual(300_000);
    expect(confirms()).toHaveLength(1);
    await quietTimePasses();
    expect(confirms()).toHaveLength(2);
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('if it is a decline, is final only once the intent is canceled and read back', async () => {
    await cut(world, CONFIRM, 'before');
    const id = (await pay({ idempotencyKey: 'key-1' })).payment?.id;
    await world.control('declines', { paymentMethodId: await cardAtTilled(), code: 'insufficient_funds' });
    await quietTimePasses();
    expect(await read(id)).toMatchObject({ status: 'FAILED', failureCode: 'insufficient_funds' });
    expect(await statusAtTilled()).toEqual(['canceled']);
    expect(await pay({ idempotencyKey: 'key-1' })).toMatchObject({
      payment: { status: 'FAILED' },
      userErrors: [{ code: 'PAYMENT_DECLINED' }],
    });
    await expectNothingToDo();
  });

  it.each([
    'decline',
    'conflict',
  ])('if it is a %s and the first is under way for longer than anybody thinks, settles nothing', async (repeat) => {
    await world.control('faults', { operation: CONFIRM, when: 'during', delayMs: 3_600_000, repeat });
    const id = (await pay({ idempotencyKey: 'key-1' })).payment?.id;
    await quietTimePasses();
    expect((await read(id)).status).toBe('UNKNOWN');
    await world.control('underway', {});
    await quietTimePasses();
    expect(await pay({ idempotencyKey: 'key-1' })).toMatchObject({ payment: { status: 'SUCCEEDED' }, userErrors: [], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
    await expectNothingToDo();
  });

  it('is no outcome if it says that nothing was done: the payment is called off, and never PENDING for good', async () => {
    await world.control('outcomes', { paymentMethodId: await cardAtTilled(), confirm: 'requires_payment_method' });
    const first = await pay({ idempotencyKey: 'key-1' });
    expect(first).toMatchObject({ payment: { status: 'UNKNOWN' }, ...unknown });
    await quietTimePasses();
    expect((await read(first.payment?.id)).status).toBe('CANCELED');
    expect(await takenAtTilled(world, app)).toEqual([]);
    await expectNothingToDo();
  });

  it('if it answers the only confirm with a decline, is final at once, for no further call', async () => {
    const askedBefore = world.sandbox.requests().length;
    expect(await pay({ amount: usd(777_701) })).toMatchObject({
      payment: { status: 'FAILED' },
      userErrors: [{ code: 'PAYMENT_DECLINED' }],
    });
    const asked = world.sandbox.requests().slice(askedBefore);
    expect(asked.map(({ operation }) => operation)).toEqual([CREATE, CONFIRM]);
  });
});

describe('an outage that lasts', () => {
  it('leaves the payment UNKNOWN, never FAILED, for as long as Tilled cannot be asked', async () => {
    await cut(world, CONFIRM, 'after');
    await world.control('webhooks', { paused: true });
    const { payment } = await pay({ idempotencyKey: 'key-1' });
    await refuse(world, '* /v1/payment-intents*', 401, { times: 1_000 });
    await world.advance({ ms: 600_000 });
    expect((await read(payment?.id)).status).toBe('UNKNOWN');
    expect(await pay({ idempotencyKey: 'key-1' })).toMatchObject({ payment: { status: 'UNKNOWN' }, ...unknown, replayed: true });
    await world.control('faults', { clear: true });
    await world.advance({ ms: 3_600_000 });
    await world.control('webhooks', { paused: false });
    expect((await read(payment?.id)).status).toBe('SUCCEEDED');
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('ends by itself even after a day: the outcome is asked for as long as it takes', async () => {
    await cut(world, CONFIRM, 'after');
    await world.control('webhooks', { paused: true });
    const { payment } = await pay();
    await refuse(world, '* /v1/payment-intents*', 401, { times: 1_000 });
    for (let hours = 0; hours < 24; hours += 3) await world.advance({ ms: 10_800_000 });
    expect((await read(payment?.id)).status).toBe('UNKNOWN');
    await world.control('faults', { clear: true });
    await world.advance({ ms: 10_800_000 });
    expect((await read(payment?.id)).status).toBe('SUCCEEDED');
    await world.control('webhooks', { paused: false });
    await world.settle();
    await expectNothingToDo();
  });

  it.each([CREATE, CONFIRM])('calls off a payment that %s never reached and that nobody waits for any more', async (operation) => {
    await cut(world, operation, 'before');
    const { payment } = await pay();
    await refuse(world, '* /v1/payment-intents*', 401, { times: 1_000 });
    await world.advance({ ms: 7_200_000 });
    await world.control('faults', { clear: true });
    await world.advance({ ms: 3_600_000 });
    expect(await read(payment?.id)).toMatchObject({ status: 'CANCELED', captured: { amountMinor: 0 } });
    expect(await takenAtTilled(world, app)).toEqual([]);
    await expectNothingToDo();
  });
});

describe('what is not known yet', () => {
  const intents = async (objectId?: string) => (await world.ask(app, ops.OpenIntentsDocument, { objectId })).openIntents.nodes;

  it('is shown with its age, on the payment and the refund and in the list of open intents', async () => {
    const good = await pay();
    await world.control('webhooks', { paused: true });
    await cut(world, CONFIRM, 'after');
    await cut(world, 'POST /v1/refunds', 'after');
    const begunAt = world.sandbox.now().toISOString();
    const paymentId = (await pay()).payment?.id ?? '';
    const refundId = (await refund({ paymentId: good.payment?.id ?? '' })).refund?.id ?? '';
    const since = () => world.ask(app, ops.UnknownSinceDocument, { paymentId, refundId });
    expect(await since()).toEqual({
      payment: { status: 'UNKNOWN', unknownSince: begunAt },
      refund: { status: 'UNKNOWN', unknownSince: begunAt },
    });
    await refuse(world, 'GET /v1/*', 401, { times: 1_000 });
    await world.advance({ ms: 90_000 });
    expect(await intents()).toMatchObject([
      { operation: 'refundCreate', objectId: refundId, state: 'WAITING', since: begunAt, ageSeconds: 90 },
      { operation: 'paymentCreate', objectId: paymentId, state: 'WAITING', since: begunAt, ageSeconds: 90 },
    ]);
    expect(await intents(paymentId)).toMatchObject([{ objectId: paymentId }]);
    expect(await world.gateway.openIntents()).toMatchObject({ count: 2, dead: 0, oldestAgeMs: 90_000 });
    await world.control('faults', { clear: true });
    await world.control('webhooks', { paused: false });
    await world.advance({ ms: 600_000 });
    expect(await since()).toEqual({
      payment: { status: 'SUCCEEDED', unknownSince: null },
      refund: { status: 'SUCCEEDED', unknownSince: null },
    });
    expect(await intents()).toEqual([]);
    expect(await world.gateway.openIntents()).toEqual({ count: 0, dead: 0, oldestAgeMs: 0 });
  });

  it('is shown too where no row can say UNKNOWN: a method being attached, a subscription being changed', async () => {
    const { id: subscriptionId } = await world.subscription(app, customerId);
    await world.settle();
    await world.control('webhooks', { paused: true });
    const cardId = await world.newCard(app);
    await refuse(world, '* /v1/payment-methods*', 503, { times: 1_000 });
    await refuse(world, '* /v1/subscriptions*', 503, { times: 1_000 });
    const attach = { customerId, tilledPaymentMethodId: cardId };
    expect((await world.ask(app, ops.PaymentMethodAttachDocument, { input: attach })).paymentMethodAttach).toMatchObject(unknown);
    const cancel = { id: subscriptionId, mode: 'IMMEDIATELY' as const };
    expect((await world.ask(app, ops.SubscriptionCancelDocument, { input: cancel })).subscriptionCancel).toMatchObject(unknown);
    expect(await intents()).toMatchObject([
      { operation: 'subscriptionCancel', objectId: subscriptionId },
      { operation: 'paymentMethodAttach', objectId: cardId },
    ]);
    await world.control('faults', { clear: true });
    await world.advance({ ms: 600_000 });
    expect(await intents()).toEqual([]);
  });

  it('is found out however often a fault of ours was in the way: a mutation is never given up', async () => {
    await world.control('webhooks', { paused: true });
    await cut(world, CONFIRM, 'after');
    const paymentId = (await pay({ idempotencyKey: 'key-1' })).payment?.id ?? '';
    const stop = world.gateway.database.listen((sql) => {
      if (/^select .* from .?billing_payments/.test(sql)) throw new Error('The disk is broken.');
    });
    for (let hours = 0; hours < 40; hours += 1) await world.advance({ ms: 3_600_000 });
    stop();
    const [open] = await intents(paymentId);
    expect(open?.state).toBe('WAITING');
    expect(open?.failedTries).toBeGreaterThan(10);
    const { values } = await world.gateway.metrics.jobFailures.get();
    const counted = values.filter(({ labels }) => labels.kind === 'paymentCreate');
    expect(counted).toMatchObject([{ labels: { fate: 'retry' }, value: open?.failedTries }]);
    // Two hours, and what chance adds to them.
    await world.advance({ ms: 8_000_000 });
    expect((await read(paymentId)).status).toBe('SUCCEEDED');
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });
});

describe('paymentCapture and paymentCancel OUTCOME_UNKNOWN', () => {
  it.each(WHENS)('a capture cut %s the commit takes its part once, by itself', async (when) => {
    const { payment } = await pay({ captureMethod: 'MANUAL' });
    const id = payment?.id ?? '';
    await cut(world, CAPTURE, when);
    const { paymentCapture } = await world.ask(app, ops.PaymentCaptureDocument, { input: { id, amount: usd(1_500) } });
    expect(paymentCapture).toMatchObject({ payment: { status: 'UNKNOWN' }, ...unknown });
    await quietTimePasses();
    expect(await read(id)).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 1_500 } });
    expect(await takenAtTilled(world, app)).toEqual([1_500]);
    await expectNothingToDo();
  });

  it.each(WHENS)('a cancellation cut %s the commit releases the hold by itself', async (when) => {
    const { payment } = await pay({ captureMethod: 'MANUAL' });
    const id = payment?.id ?? '';
    await cut(world, CANCEL, when);
    const { paymentCancel } = await world.ask(app, ops.PaymentCancelDocument, { input: { id } });
    expect(paymentCancel).toMatchObject({ payment: { status: 'UNKNOWN' }, ...unknown });
    await world.advance({ ms: 10_000 });
    expect((await read(id)).status).toBe('CANCELED');
    expect(await atTilled(world, app, 'payment_intents')).toMatchObject([{ status: 'canceled' }]);
    await expectNothingToDo();
  });
});

describe('refundCreate OUTCOME_UNKNOWN', () => {
  it.each(WHENS)('cut %s the commit: UNKNOWN at first, SUCCEEDED by itself, given back once', async (when) => {
    const paymentId = (await pay()).payment?.id ?? '';
    await world.control('batch', {});
    await cut(world, 'POST /v1/refunds', when);
    const input = { paymentId, amount: usd(4_000), idempotencyKey: 'key-1' };
    expect(await refund(input)).toMatchObject({ refund: { status: 'UNKNOWN' }, ...unknown });
    expect(await refund({ paymentId, amount: usd(201) })).toMatchObject({ userErrors: [{ code: 'REFUND_TOO_LARGE' }] });
    await quietTimePasses();
    expect(await read(paymentId)).toMatchObject({ refunded: { amountMinor: 4_000 }, refunds: [{ status: 'SUCCEEDED' }] });
    expect(await refund(input)).toMatchObject({ refund: { status: 'SUCCEEDED' }, userErrors: [], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([200]);
    await expectNothingToDo();
  });

  it('cut after the commit: the same key finds the outcome at once, given back once', async () => {
    const paymentId = (await pay()).payment?.id ?? '';
    await world.control('batch', {});
    await cut(world, 'POST /v1/refunds', 'after');
    const input = { paymentId, amount: usd(1_000), idempotencyKey: 'key-1' };
    await refund(input);
    expect(await refund(input)).toMatchObject({ refund: { status: 'SUCCEEDED' }, userErrors: [], replayed: true });
    await quietTimePasses();
    expect(await takenAtTilled(world, app)).toEqual([3_200]);
    expect((await read(paymentId)).refunds).toHaveLength(1);
  });

  it('is not sent again while the first request may still be carried out, however often it is repeated', async () => {
    const paymentId = (await pay()).payment?.id ?? '';
    await world.control('batch', {});
    await world.control('faults', { operation: 'POST /v1/refunds', when: 'during', delayMs: 600_000 });
    const sentBefore = world.sandbox.requests('POST /v1/refunds').length;
    const input = { paymentId, amount: usd(1_000), idempotencyKey: 'key-1' };
    expect(await refund(input)).toMatchObject({ refund: { status: 'UNKNOWN' }, ...unknown });
    expect(await refund(input)).toMatchObject({ refund: { status: 'UNKNOWN' }, ...unknown });
    await world.control('underway', {});
    await quietTimePasses();
    expect(await takenAtTilled(world, app)).toEqual([3_200]);
    expect((await read(paymentId)).refunds).toMatchObject([{ status: 'SUCCEEDED' }]);
    expect(world.sandbox.requests('POST /v1/refunds')).toHaveLength(sentBefore + 1);
  });

  it('cut before the commit of a part that is too early is PENDING until the batch, and then given back once', async () => {
    const paymentId = (await pay()).payment?.id ?? '';
    await cut(world, 'POST /v1/refunds', 'before');
    await refund({ paymentId, amount: usd(1_000) });
    await quietTimePasses();
    expect((await read(paymentId)).refunds).toMatchObject([{ status: expect.stringMatching(/^(PENDING|UNKNOWN)$/) }]);
    await world.advance({ days: 1 });
    expect((await read(paymentId)).refunds).toMatchObject([{ status: 'SUCCEEDED' }]);
    expect(await takenAtTilled(world, app)).toEqual([3_200]);
    await expectNothingToDo();
  });
});

describe('subscriptionCreate OUTCOME_UNKNOWN', () => {
  it.each(WHENS)('cut %s the commit: one subscription at Tilled, one first payment, found by itself', async (when) => {
    await cut(world, 'POST /v1/subscriptions', when);
    const first = await subscribe({ idempotencyKey: 'key-1' });
    expect(first).toMatchObject({ subscription: { status: 'PENDING' }, ...unknown });
    await quietTimePasses();
    const { subscription } = await world.ask(app, ops.SubscriptionDocument, { id: first.subscription?.id ?? '' });
    expect(subscription).toMatchObject({ status: 'ACTIVE', payments: { nodes: [{ status: 'SUCCEEDED' }] } });
    expect(await subscribe({ idempotencyKey: 'key-1' })).toMatchObject({
      subscription: { status: 'ACTIVE' },
      userErrors: [],
      replayed: true,
    });
    expect(await atTilled(world, app, 'subscriptions')).toHaveLength(1);
    expect(await takenAtTilled(world, app)).toEqual([900]);
    await expectNothingToDo();
  });

  it('cut after the commit: the same key finds it at once, and it is one', async () => {
    await cut(world, 'POST /v1/subscriptions', 'after');
    await subscribe({ idempotencyKey: 'key-1' });
    expect(await subscribe({ idempotencyKey: 'key-1' })).toMatchObject({
      subscription: { nextPaymentAt: expect.any(String) },
      userErrors: [],
      replayed: true,
    });
    await quietTimePasses();
    expect(await atTilled(world, app, 'subscriptions')).toHaveLength(1);
    expect(await takenAtTilled(world, app)).toEqual([900]);
  });

  it('cannot be changed until Tilled has confirmed it, and can be afterwards', async () => {
    await cut(world, 'POST /v1/subscriptions', 'before');
    const id = (await subscribe()).subscription?.id ?? '';
    // With one key throughout: a refusal that passes by itself is not what the key remembers.
    const input = { id, mode: 'IMMEDIATELY', idempotencyKey: 'cancel-1' } as const;
    const cancel = async () => (await world.ask(app, ops.SubscriptionCancelDocument, { input })).subscriptionCancel;
    expect(await cancel()).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
    await quietTimePasses();
    expect(await cancel()).toMatchObject({ subscription: { status: 'CANCELED' }, userErrors: [] });
  });
});

describe('customerCreate OUTCOME_UNKNOWN', () => {
  it.each(WHENS)('cut %s the commit: one customer at Tilled, found by itself', async (when) => {
    await cut(world, 'POST /v1/customers', when);
    const input = { email: 'bob@example.com', externalId: 'bob', idempotencyKey: 'key-1' };
    const first = (await world.ask(app, ops.CustomerCreateDocument, { input })).customerCreate;
    expect(first).toMatchObject({ customer: { externalId: 'bob' }, ...unknown });
    await quietTimePasses();
    const again = (await world.ask(app, ops.CustomerCreateDocument, { input })).customerCreate;
    expect(again).toMatchObject({ customer: { id: first.customer?.id }, userErrors: [], replayed: true });
    expect((await atTilled(world, app, 'customers')).filter((customer) => customer.email === 'bob@example.com')).toHaveLength(1);
    await expectNothingToDo();
    expect(await world.card(app, first.customer?.id ?? '')).toMatchObject({ isDefault: true });
  });

  it('carries to Tilled what is changed before the answer is known', async () => {
    await cut(world, 'POST /v1/customers', 'after');
    const input = { email: 'bob@example.com', name: 'Bob Lee' };
    const { customer } = (await world.ask(app, ops.CustomerCreateDocument, { input })).customerCreate;
    await world.ask(app, ops.CustomerUpdateDocument, { input: { id: customer?.id ?? '', email: 'rob@example.com', name: 'Rob' } });
    await world.advance({ ms: 600_000 });
    const bobs = (await atTilled(world, app, 'customers')).filter(({ email }) => email !== 'ann@example.com');
    expect(bobs).toMatchObject([{ email: 'rob@example.com', first_name: 'Rob', last_name: null }]);
  });

  it('is not sent again while the first request may still be carried out: Tilled ends with one customer', async () => {
    await world.control('faults', { operation: 'POST /v1/customers', when: 'during', delayMs: 600_000 });
    const sentBefore = world.sandbox.requests('POST /v1/customers').length;
    const input = { email: 'bob@example.com', idempotencyKey: 'key-1' };
    const create = async () => (await world.ask(app, ops.CustomerCreateDocument, { input })).customerCreate;
    expect(await create()).toMatchObject(unknown);
    expect(await create()).toMatchObject(unknown);
    const bobs = async () => (await atTilled(world, app, 'customers')).filter((customer) => customer.email === 'bob@example.com');
    await world.control('underway', {});
    await quietTimePasses();
    expect(await create()).toMatchObject({ userErrors: [], replayed: true });
    expect(await bobs()).toHaveLength(1);
    expect(world.sandbox.requests('POST /v1/customers')).toHaveLength(sentBefore + 1);
  });
});
