import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, cut, refuse, takenAtTilled } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

const DAY_MS = 86_400_000;
const CREATE = 'POST /v1/payment-intents';
const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
const CAPTURE = 'POST /v1/payment-intents/:id/capture';
const LOOK = 'GET /v1/payment-intents/:id';
const REFUND = 'POST /v1/refunds';
const UNDER_WAY = { when: 'during', delayMs: 15_000, drop: true };
const unknown = { userErrors: [{ code: 'OUTCOME_UNKNOWN' }] };
const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

let world: World;
let app: TestApp;
let customerId: string;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
  await world.settle();
});
afterEach(async () => {
  await world.control('faults', { clear: true });
  await world.resumeDeliveries();
  Object.assign(world.shifts, { wallMs: 0, databaseMs: 0 });
});
afterAll(() => world.close());

async function pay(input: Partial<ops.PaymentCreateInput> = {}) {
  return (await world.ask(app, ops.PaymentCreateDocument, { input: { customerId, amount: usd(4_200), ...input } })).paymentCreate;
}

async function refund(input: ops.RefundCreateInput) {
  return (await world.ask(app, ops.RefundCreateDocument, { input })).refundCreate;
}

async function capture(id: string) {
  return (await world.ask(app, ops.PaymentCaptureDocument, { input: { id, idempotencyKey: 'capture' } })).paymentCapture;
}

/** Everything that is under way at Tilled ends, and then as much time passes as it takes to find that out. */
async function allEnds(): Promise<void> {
  await world.control('faults', { clear: true });
  await world.control('underway', {});
  for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
}

const statusIn = async (table: string) => (await world.rows(table, app)).map(({ status }) => status);

describe('a question that Tilled refuses to answer', () => {
  it.each([400, 404, 422])('with %i settles no refund that is under way', async (status) => {
    const payment = await world.payment(app, customerId);
    await world.control('faults', { operation: REFUND, ...UNDER_WAY });
    const asked = { paymentId: payment.id, idempotencyKey: 'refund' };
    expect(await refund(asked)).toMatchObject(unknown);
    await refuse(world, LOOK, status);
    expect(await refund(asked)).toMatchObject({ refund: { status: 'UNKNOWN' }, ...unknown });
    await allEnds();
    expect([await statusIn('billing_refunds'), await takenAtTilled(world, app)]).toEqual([['SUCCEEDED'], [0]]);
  });

  it.each([400, 404])('with %i settles no payment that is under way, and the job stays', async (status) => {
    await world.holdDeliveries();
    await world.control('faults', { operation: CONFIRM, ...UNDER_WAY });
    expect(await pay({ idempotencyKey: 'pay' })).toMatchObject(unknown);
    await refuse(world, LOOK, status);
    expect(await pay({ idempotencyKey: 'pay' })).toMatchObject({ payment: { status: 'UNKNOWN' }, ...unknown });
    await allEnds();
    expect([await statusIn('billing_payments'), await takenAtTilled(world, app)]).toEqual([['SUCCEEDED'], [4_200]]);
  });

  it('settles no capture that is under way', async () => {
    await world.holdDeliveries();
    const { payment } = await pay({ captureMethod: 'MANUAL' });
    await world.control('faults', { operation: CAPTURE, ...UNDER_WAY });
    expect(await capture(payment?.id ?? '')).toMatchObject(unknown);
    await refuse(world, LOOK, 404);
    expect(await capture(payment?.id ?? '')).toMatchObject(unknown);
    await allEnds();
    expect(await statusIn('billing_payments')).toEqual(['SUCCEEDED']);
  });
});

describe('a change that was carried out, and has gone further since', () => {
  it('is not called refused: a capture that is processing', async () => {
    await world.holdDeliveries();
    const { payment } = await pay({ captureMethod: 'MANUAL' });
    const [row] = await world.rows('billing_payments', app);
    const intent = (await world.tilled(app, 'GET', `/v1/payment-intents/${row?.tilled_payment_intent_id}`)) as object;
    await cut(world, CAPTURE, 'before');
    expect(await capture(payment?.id ?? '')).toMatchObject(unknown);
    await world.control('faults', { operation: LOOK, status: 200, body: { ...intent, status: 'processing' }, times: 100 });
    for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
    expect(await capture(payment?.id ?? '')).toMatchObject({ payment: { status: 'PROCESSING' }, userErrors: [] });
    await allEnds();
  });

  it('is not called refused: a subscription that is resumed and past due', async () => {
    const { id } = await world.subscription(app, customerId);
    await world.settle();
    await world.ask(app, ops.SubscriptionPauseDocument, { input: { id } });
    const [row] = await world.rows('billing_subscriptions', app);
    const headers = { 'idempotency-key': 'resume' };
    const resume = async () => (await world.ask(app, ops.SubscriptionResumeDocument, { input: { id } }, { headers })).subscriptionResume;
    await cut(world, 'POST /v1/subscriptions/:id/resume', 'after');
    expect(await resume()).toMatchObject(unknown);
    const seen = (await world.tilled(app, 'GET', `/v1/subscriptions/${row?.tilled_subscription_id}`)) as object;
    await world.control('faults', { operation: 'GET /v1/subscriptions/:id', status: 200, body: { ...seen, status: 'past_due' }, times: 9 });
    expect(await resume()).toMatchObject({ subscription: { status: 'PAST_DUE' }, userErrors: [] });
  });
});

describe('a success that does not say of what', () => {
  it('leaves a refund in doubt, which is given once', async () => {
    const payment = await world.payment(app, customerId);
    await world.holdDeliveries();
    await world.control('faults', { operation: REFUND, status: 201, body: {}, when: 'after' });
    expect(await refund({ paymentId: payment.id })).toMatchObject(unknown);
    expect(await world.rows('billing_jobs', app)).toMatchObject([{ sends: 1 }]);
    await allEnds();
    expect([await statusIn('billing_refunds'), await takenAtTilled(world, app)]).toEqual([['SUCCEEDED'], [0]]);
  });

  it('leaves a payment in doubt, also where it has an id and no state', async () => {
    await world.holdDeliveries();
    await world.control('faults', { operation: CONFIRM, status: 200, body: {}, when: 'after' });
    expect(await pay()).toMatchObject(unknown);
    await world.control('faults', { operation: CONFIRM, status: 200, body: { id: 'pi_1' }, when: 'after' });
    const { errors } = await world.send(app, ops.PaymentCreateDocument, { input: { customerId, amount: usd(4_200) } });
    expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL' } }]);
    expect(await world.rows('billing_jobs', app)).toMatchObject([{ sends: 1 }, { sends: 1 }]);
    await allEnds();
    expect(await statusIn('billing_payments')).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  });
});

describe('what another request was told of under its reference', () => {
  it('is not taken back: a payment', async () => {
    await world.control('faults', { operation: CREATE, status: 429, delayMs: 700 });
    const first = pay({ referenceId: 'order', idempotencyKey: 'one' });
    await sleep(250);
    const second = await pay({ referenceId: 'order', idempotencyKey: 'two' });
    expect(second).toMatchObject({ payment: { status: 'PENDING' }, ...unknown, replayed: true });
    expect(await first).toMatchObject({ payment: { id: second.payment?.id }, ...unknown });
    await world.advance({ ms: 10_000 });
    const again = await pay({ referenceId: 'order', idempotencyKey: 'two' });
    expect(again).toMatchObject({ payment: { id: second.payment?.id, status: 'SUCCEEDED' }, userErrors: [] });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('is not taken back: a refund', async () => {
    const payment = await world.payment(app, customerId);
    await world.control('faults', { operation: REFUND, status: 429, delayMs: 700 });
    const asked = { paymentId: payment.id, referenceId: 'return' };
    const first = refund({ ...asked, idempotencyKey: 'one' });
    await sleep(250);
    const second = await refund({ ...asked, idempotencyKey: 'two' });
    expect(second).toMatchObject({ refund: { status: 'PENDING' }, userErrors: [], replayed: true });
    expect(await first).toMatchObject({ refund: { id: second.refund?.id }, ...unknown });
    await world.advance({ ms: 10_000 });
    expect([await statusIn('billing_refunds'), await takenAtTilled(world, app)]).toEqual([['SUCCEEDED'], [0]]);
  });
});

describe('a customer that was never made', () => {
  it('keeps nobody else from its external id for good', async () => {
    const make = async (idempotencyKey: string) => {
      const input = { email: 'ann@example.com', externalId: 'user:1', idempotencyKey };
      return (await world.ask(app, ops.CustomerCreateDocument, { input })).customerCreate;
    };
    await world.control('faults', { operation: 'POST /v1/customers', status: 429, delayMs: 700 });
    const first = make('one');
    await sleep(250);
    expect(await make('two')).toMatchObject({ userErrors: [{ code: 'DUPLICATE_EXTERNAL_ID' }] });
    expect(await first).toMatchObject({ userErrors: [{ code: 'PROCESSOR_UNAVAILABLE' }] });
    expect(await make('two')).toMatchObject({ customer: { externalId: 'user:1' }, userErrors: [] });
  });
});

describe('what is overtaken', () => {
  it('makes no payment unknown: the news of its intent come before the answer', async () => {
    await world.control('faults', { operation: CREATE, delayMs: 900, when: 'after' });
    const answer = pay();
    await sleep(400);
    await world.settle();
    expect(await answer).toMatchObject({ payment: { status: 'SUCCEEDED' }, userErrors: [] });
  });

  it('makes no detached method the default: it was looked at before', async () => {
    const customer = await world.customer(app);
    await world.settle();
    const card = await world.card(app, customer.id);
    await world.control('faults', { operation: 'GET /v1/payment-methods/:id', delayMs: 900, when: 'after' });
    const looking = world.settle();
    await sleep(400);
    await world.holdDeliveries();
    await world.ask(app, ops.PaymentMethodDetachDocument, { input: { id: card.id } });
    await looking;
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });

  it('writes nothing over what is newer: an update that somebody else carried through', async () => {
    const { id } = await world.subscription(app, customerId, { planCode: 'basic' });
    await world.settle();
    const update = async (input: Omit<ops.SubscriptionUpdateInput, 'id'>, headers = {}) =>
      (await world.ask(app, ops.SubscriptionUpdateDocument, { input: { id, ...input } }, { headers })).subscriptionUpdate;
    const [old, newer] = [
      { price: usd(2_000), planCode: 'old' },
      { price: usd(3_000), planCode: 'new' },
    ];
    await world.control('faults', { operation: 'PATCH /v1/subscriptions/:id', delayMs: 1_200, when: 'after' });
    const slow = update(old, { 'idempotency-key': 'update' });
    await sleep(300);
    await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + 20_000));
    expect(await update(old, { 'idempotency-key': 'update' })).toMatchObject({ userErrors: [], replayed: true });
    expect(await update(newer)).toMatchObject({ userErrors: [] });
    await slow;
    expect(await world.rows('billing_subscriptions', app)).toMatchObject([{ plan_code: 'new', price_minor: 3_000 }]);
  });
});

describe('what comes late', () => {
  it('does not stay over what is newer: an older change of a customer', async () => {
    const update = (email: string) => world.ask(app, ops.CustomerUpdateDocument, { input: { id: customerId, email } });
    await world.control('faults', { operation: 'PATCH /v1/customers/:id', ...UNDER_WAY, repeat: 'allow' });
    await update('old@example.com');
    await world.control('faults', { clear: true });
    await update('new@example.com');
    await allEnds();
    expect(await atTilled(world, app, 'customers')).toMatchObject([{ email: 'new@example.com' }]);
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('a clock that is far off', () => {
  it('has no gateway forget a key: the same key pays once', async () => {
    await pay({ idempotencyKey: 'pay' });
    world.shifts.wallMs = 31 * DAY_MS;
    expect(await pay({ idempotencyKey: 'pay' })).toMatchObject({ payment: { status: 'SUCCEEDED' }, replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('leaves no doubt for longer than the quiet time once it is put right: that of the database', async () => {
    Object.assign(world.shifts, { wallMs: DAY_MS, databaseMs: DAY_MS });
    await world.advance({ ms: 6_000 });
    await cut(world, CONFIRM, 'before');
    expect(await pay()).toMatchObject(unknown);
    Object.assign(world.shifts, { wallMs: 0, databaseMs: 0 });
    await world.advance({ ms: 6_000 });
    await allEnds();
    expect(await statusIn('billing_payments')).toEqual(['SUCCEEDED']);
  });
});
