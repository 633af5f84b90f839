import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, newBankAccount, refuse, takenAtTilled } from '../support/at-tilled.js';
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
  await world.control('webhooks', { paused: false });
});
afterAll(() => world.close());

const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

async function refund(input: ops.RefundCreateInput) {
  return (await world.ask(app, ops.RefundCreateDocument, { input })).refundCreate;
}

async function read(id: string) {
  const { payment } = await world.ask(app, ops.PaymentDocument, { id });
  if (!payment) throw new Error(`There is no payment ${id}.`);
  return payment;
}

/** A payment of 50.00 usd that the nightly batch has not had yet. */
async function fresh() {
  const { customer } = await world.payer(app);
  return world.payment(app, customer.id);
}

/** A payment of 50.00 usd that the nightly batch had. */
async function batched() {
  const payment = await fresh();
  await world.control('batch', {});
  return payment;
}

/** The id at Tilled of the app's only payment intent. */
async function intentId(): Promise<unknown> {
  return (await atTilled(world, app, 'payment_intents'))[0]?.id;
}

describe('refundCreate', () => {
  it('gives everything back when no amount is named', async () => {
    const payment = await batched();
    expect(await refund({ paymentId: payment.id, reason: 'REQUESTED_BY_CUSTOMER' })).toMatchObject({
      refund: { status: 'SUCCEEDED', amount: { amountMinor: 5_000 }, reason: 'REQUESTED_BY_CUSTOMER', payment: { id: payment.id } },
      userErrors: [],
    });
    expect(await read(payment.id)).toMatchObject({ status: 'SUCCEEDED', refunded: { amountMinor: 5_000 } });
    expect(await atTilled(world, app, 'refunds')).toMatchObject([{ amount: 5_000, reason: 'requested_by_customer' }]);
  });

  it('gives back part by part, and then what is left', async () => {
    const payment = await batched();
    await refund({ paymentId: payment.id, amount: usd(1_200) });
    await refund({ paymentId: payment.id, amount: usd(800) });
    expect(await refund({ paymentId: payment.id })).toMatchObject({ refund: { amount: { amountMinor: 3_000 } } });
    expect((await read(payment.id)).refunds.map((row) => row.amount.amountMinor)).toEqual([1_200, 800, 3_000]);
    expect(await takenAtTilled(world, app)).toEqual([0]);
  });

  it('gives back at most what was captured of a partial capture', async () => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id, { captureMethod: 'MANUAL' });
    await world.ask(app, ops.PaymentCaptureDocument, { input: { id: payment.id, amount: usd(3_000) } });
    await world.control('batch', {});
    expect(await refund({ paymentId: payment.id, amount: usd(3_001) })).toMatchObject({ userErrors: [{ code: 'REFUND_TOO_LARGE' }] });
    expect(await refund({ paymentId: payment.id })).toMatchObject({ refund: { amount: { amountMinor: 3_000 }, status: 'SUCCEEDED' } });
    expect(await takenAtTilled(world, app)).toEqual([0]);
  });

  it('voids the whole of a payment that the batch has not had, at once', async () => {
    const payment = await fresh();
    expect(await refund({ paymentId: payment.id })).toMatchObject({ refund: { status: 'SUCCEEDED', amount: { amountMinor: 5_000 } } });
    expect(await atTilled(world, app, 'refunds')).toMatchObject([{ amount: 5_000, reason: 'reversal' }]);
    await world.settle();
    expect((await read(payment.id)).refunds).toHaveLength(1);
  });

  it('is found by its id and in the lists', async () => {
    const payment = await batched();
    const { refund: made } = await refund({ paymentId: payment.id, amount: usd(100) });
    const { refund: found } = await world.ask(app, ops.RefundDocument, { id: made?.id ?? '' });
    const { refunds } = await world.ask(app, ops.RefundsDocument, { paymentId: payment.id });
    expect(found).toEqual(made);
    expect(refunds.nodes).toEqual([made]);
  });

  it('is PENDING for a bank debit until the bank has it, and gives its share back when that fails', async () => {
    const customer = await world.customer(app);
    await world.card(app, customer.id, { tilledPaymentMethodId: await newBankAccount(world, app) });
    const payment = await world.payment(app, customer.id);
    await world.advance({ days: 4 });
    const { refund: pending } = await refund({ paymentId: payment.id, amount: usd(5_000) });
    expect(pending).toMatchObject({ status: 'PENDING' });
    expect(await refund({ paymentId: payment.id, amount: usd(1) })).toMatchObject({ userErrors: [{ code: 'REFUND_TOO_LARGE' }] });
    const [atHand] = await atTilled(world, app, 'refunds');
    await world.control('settle', { refundId: atHand?.id, failureCode: 'declined' });
    await world.settle();
    expect(await read(payment.id)).toMatchObject({
      refunded: { amountMinor: 0 },
      refunds: [{ status: 'FAILED', failureCode: 'declined' }],
    });
    expect(await refund({ paymentId: payment.id, amount: usd(5_000) })).toMatchObject({ refund: { status: 'PENDING' }, userErrors: [] });
  });
});

describe('refundCreate of a part before the nightly batch', () => {
  it('is PENDING without an error, keeps its reservation, and is sent by itself after the batch', async () => {
    const payment = await fresh();
    const { refund: pending, userErrors } = await refund({ paymentId: payment.id, amount: usd(2_000) });
    expect([pending?.status, userErrors]).toEqual(['PENDING', []]);
    expect(await refund({ paymentId: payment.id, amount: usd(3_001) })).toMatchObject({ userErrors: [{ code: 'REFUND_TOO_LARGE' }] });
    expect(await read(payment.id)).toMatchObject({ refunded: { amountMinor: 0 } });
    await world.advance({ days: 1 });
    expect(await read(payment.id)).toMatchObject({ refunded: { amountMinor: 2_000 }, refunds: [{ id: pending?.id, status: 'SUCCEEDED' }] });
    expect(await takenAtTilled(world, app)).toEqual([3_000]);
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });

  it('gives everything back once when two parts and the rest wait for the batch', async () => {
    const payment = await fresh();
    for (const amount of [usd(2_000), usd(1_000), undefined])
      expect(await refund({ paymentId: payment.id, amount })).toMatchObject({ userErrors: [] });
    expect(await atTilled(world, app, 'refunds')).toEqual([]);
    await world.advance({ days: 1 });
    const { refunds, refunded } = await read(payment.id);
    expect(refunds.map((row) => [row.status, row.amount.amountMinor])).toEqual([
      ['SUCCEEDED', 2_000],
      ['SUCCEEDED', 1_000],
      ['SUCCEEDED', 2_000],
    ]);
    expect(refunded.amountMinor).toBe(5_000);
    expect(await takenAtTilled(world, app)).toEqual([0]);
  });

  it('answers the pending refund again for the same key', async () => {
    const payment = await fresh();
    const input = { paymentId: payment.id, amount: usd(2_000), idempotencyKey: 'refund-1' };
    const first = await refund(input);
    expect(await refund(input)).toEqual({ ...first, replayed: true });
    await world.advance({ days: 1 });
    expect(await refund(input)).toMatchObject({ refund: { id: first.refund?.id, status: 'SUCCEEDED' }, userErrors: [], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([3_000]);
  });

  it('is FAILED and frees its share when the whole was given back at Tilled by hand meanwhile', async () => {
    const payment = await fresh();
    const { refund: pending } = await refund({ paymentId: payment.id, amount: usd(2_000) });
    await world.tilled(app, 'POST', '/v1/refunds', { payment_intent_id: await intentId() });
    await world.settle();
    await world.advance({ days: 1 });
    const { refunds, refunded } = await read(payment.id);
    expect(refunded.amountMinor).toBe(5_000);
    expect(refunds.find((row) => row.id === pending?.id)).toMatchObject({ status: 'FAILED', failureCode: 'processor_rejected' });
    expect(await takenAtTilled(world, app)).toEqual([0]);
  });
});

describe('refundCreate, concurrently', () => {
  it('gives exactly ten tenths back of fifty requests for one', async () => {
    const payment = await batched();
    const answers = await Promise.all(Array.from({ length: 50 }, () => refund({ paymentId: payment.id, amount: usd(500) })));
    expect(answers.filter((answer) => answer.refund?.status === 'SUCCEEDED')).toHaveLength(10);
    expect(answers.flatMap((answer) => answer.userErrors.map((error) => error.code))).toEqual(Array(40).fill('REFUND_TOO_LARGE'));
    expect(await atTilled(world, app, 'refunds')).toHaveLength(10);
    expect(await read(payment.id)).toMatchObject({ refunded: { amountMinor: 5_000 } });
  });

  it('gives the whole back once of ten requests without an amount', async () => {
    const payment = await batched();
    const answers = await Promise.all(Array.from({ length: 10 }, () => refund({ paymentId: payment.id })));
    expect(answers.filter((answer) => answer.refund !== null)).toHaveLength(1);
    expect(await takenAtTilled(world, app)).toEqual([0]);
  });

  it('gives back once what ten requests with one reference ask for', async () => {
    const payment = await batched();
    const input = { paymentId: payment.id, amount: usd(500), referenceId: 'return:1' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => refund(input)));
    expect(new Set(answers.map((answer) => answer.refund?.id)).size).toBe(1);
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(await takenAtTilled(world, app)).toEqual([4_500]);
  });
});

describe('refundCreate REFUND_TOO_LARGE', () => {
  it('refuses the cent that would exceed the payment, and asks Tilled nothing', async () => {
    const payment = await batched();
    await refund({ paymentId: payment.id, amount: usd(3_000) });
    expect(await refund({ paymentId: payment.id, amount: usd(2_001) })).toMatchObject({
      refund: null,
      userErrors: [{ code: 'REFUND_TOO_LARGE', field: ['amount', 'amountMinor'] }],
    });
    expect(await atTilled(world, app, 'refunds')).toHaveLength(1);
    expect(await world.rows('billing_refunds', app)).toHaveLength(1);
  });

  it('refuses any amount, and none, when everything was given back', async () => {
    const payment = await batched();
    await refund({ paymentId: payment.id });
    for (const amount of [usd(1), undefined]) {
      expect(await refund({ paymentId: payment.id, amount })).toMatchObject({ refund: null, userErrors: [{ code: 'REFUND_TOO_LARGE' }] });
    }
  });
});

describe('refundCreate after more was given back at Tilled by hand than was left', () => {
  it.each([undefined, usd(1)])('of %j is REFUND_TOO_LARGE: never less than nothing is left', async (amount) => {
    const payment = await fresh();
    const { refund: part } = await refund({ paymentId: payment.id, amount: usd(3_000) });
    await world.tilled(app, 'POST', '/v1/refunds', { payment_intent_id: await intentId() });
    await world.settle();
    expect(await world.rows('billing_payments', app)).toMatchObject([{ captured_minor: 5_000, refund_reserved_minor: 8_000 }]);
    expect(await refund({ paymentId: payment.id, amount })).toMatchObject({
      refund: null,
      userErrors: [{ code: 'REFUND_TOO_LARGE', message: expect.stringContaining('; 0 can be refunded') }],
    });
    await world.advance({ days: 1 });
    expect(await read(payment.id)).toMatchObject({ refunded: { amountMinor: 5_000 } });
    expect((await read(payment.id)).refunds.find(({ id }) => id === part?.id)?.status).toBe('FAILED');
  });
});

describe('refundCreate PAYMENT_DISPUTED', () => {
  async function disputed(status: string) {
    const payment = await batched();
    await world.control('disputes', { paymentIntentId: await intentId(), status });
    await world.settle();
    return payment;
  }

  it.each([
    'needs_response',
    'under_review',
    'closed',
    'lost',
  ])('keeps a payment whose dispute is %s from being paid back twice', async (status) => {
    const payment = await disputed(status);
    expect(await refund({ paymentId: payment.id })).toMatchObject({
      refund: null,
      userErrors: [{ code: 'PAYMENT_DISPUTED', field: ['paymentId'] }],
    });
    expect(await atTilled(world, app, 'refunds')).toEqual([]);
    expect(await world.rows('billing_refunds', app)).toEqual([]);
  });

  it.each([
    'warning_needs_response',
    'warning_under_review',
    'warning_closed',
    'won',
  ])('is not said of a dispute that is %s', async (status) => {
    const payment = await disputed(status);
    expect(await refund({ paymentId: payment.id, amount: usd(100) })).toMatchObject({ refund: { status: 'SUCCEEDED' }, userErrors: [] });
  });

  it('has a way through, under the same key: who says that they know of the dispute may refund', async () => {
    const payment = await disputed('lost');
    const input = { paymentId: payment.id, amount: usd(100), idempotencyKey: 'key-1' };
    expect(await refund(input)).toMatchObject({ userErrors: [{ code: 'PAYMENT_DISPUTED' }] });
    expect(await refund({ ...input, acknowledgeDispute: true })).toMatchObject({ refund: { status: 'SUCCEEDED' }, userErrors: [] });
    expect(await refund({ ...input, acknowledgeDispute: true })).toMatchObject({ replayed: true, userErrors: [] });
    expect(await takenAtTilled(world, app)).toEqual([4_900]);
  });
});

describe('refundCreate, refused', () => {
  it('answers DUPLICATE_REFERENCE for another amount or payment, and the existing refund for the same', async () => {
    const payment = await batched();
    const first = await refund({ paymentId: payment.id, amount: usd(500), referenceId: 'return:1' });
    const otherAmount = await refund({ paymentId: payment.id, amount: usd(501), referenceId: 'return:1' });
    expect(otherAmount).toMatchObject({ refund: null, userErrors: [{ code: 'DUPLICATE_REFERENCE', field: ['referenceId'] }] });
    const other = await batched();
    const otherPayment = await refund({ paymentId: other.id, amount: usd(500), referenceId: 'return:1' });
    expect(otherPayment).toMatchObject({ refund: null, userErrors: [{ code: 'DUPLICATE_REFERENCE' }] });
    expect(await refund({ paymentId: payment.id, amount: usd(500), referenceId: 'return:1' })).toEqual({ ...first, replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([4_500, 5_000]);
  });

  it('answers DUPLICATE_REFERENCE when a partial refund is asked for again as the whole', async () => {
    const payment = await batched();
    await refund({ paymentId: payment.id, amount: usd(500), referenceId: 'return:1' });
    expect(await refund({ paymentId: payment.id, referenceId: 'return:1' })).toMatchObject({
      refund: null,
      userErrors: [{ code: 'DUPLICATE_REFERENCE' }],
    });
  });

  it('answers INVALID for another currency', async () => {
    const payment = await batched();
    expect(await refund({ paymentId: payment.id, amount: { amountMinor: 100, currency: 'cad' } })).toMatchObject({
      userErrors: [{ code: 'INVALID', field: ['amount', 'currency'] }],
    });
  });

  it('answers NOT_FOUND for a payment nobody has', async () => {
    expect(await refund({ paymentId: 'pay_00000000000000000000000000' })).toMatchObject({
      refund: null,
      userErrors: [{ code: 'NOT_FOUND', field: ['paymentId'] }],
    });
  });

  it('answers ILLEGAL_TRANSITION for what was only held, and for what was declined', async () => {
    const { customer } = await world.payer(app);
    const held = await world.payment(app, customer.id, { captureMethod: 'MANUAL' });
    const declined = await world.ask(app, ops.PaymentCreateDocument, { input: { customerId: customer.id, amount: usd(777_701) } });
    for (const id of [held.id, declined.paymentCreate.payment?.id ?? '']) {
      expect(await refund({ paymentId: id })).toMatchObject({ refund: null, userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    }
  });

  it('is FAILED with what Tilled said when Tilled refuses it, and frees its share', async () => {
    const payment = await batched();
    await refuse(world, 'POST /v1/refunds', 400, { body: { statusCode: 400, message: 'The charge is too old to be refunded' } });
    expect(await refund({ paymentId: payment.id, amount: usd(5_000) })).toMatchObject({
      refund: { status: 'FAILED', failureCode: 'processor_rejected' },
      userErrors: [{ code: 'PROCESSOR_REJECTED', message: expect.stringContaining('too old') }],
    });
    expect(await refund({ paymentId: payment.id, amount: usd(5_000) })).toMatchObject({ refund: { status: 'SUCCEEDED' } });
  });
});

describe('refunds made at Tilled by hand', () => {
  it('appear on the payment with their amount and reason', async () => {
    const payment = await batched();
    await world.tilled(app, 'POST', '/v1/refunds', { payment_intent_id: await intentId(), amount: 700, reason: 'duplicate' });
    await world.settle();
    expect(await read(payment.id)).toMatchObject({
      refunded: { amountMinor: 700 },
      refunds: [{ status: 'SUCCEEDED', amount: { amountMinor: 700 }, reason: 'DUPLICATE', referenceId: null }],
    });
    expect(await refund({ paymentId: payment.id, amount: usd(4_301) })).toMatchObject({ userErrors: [{ code: 'REFUND_TOO_LARGE' }] });
  });

  it('are not exceeded by a refund of everything that comes before their webhook', async () => {
    const payment = await batched();
    await world.control('webhooks', { paused: true });
    await world.tilled(app, 'POST', '/v1/refunds', { payment_intent_id: await intentId(), amount: 700 });
    await refund({ paymentId: payment.id });
    await world.control('webhooks', { paused: false });
    await world.advance({ days: 1 });
    const { refunds, refunded } = await read(payment.id);
    const givenBack = refunds.filter((row) => row.status === 'SUCCEEDED').map((row) => row.amount.amountMinor);
    expect(givenBack.reduce((sum, amount) => sum + amount, 0)).toBe(refunded.amountMinor);
    const [charge] = await atTilled(world, app, 'charges');
    expect(refunded.amountMinor).toBe(charge?.amount_refunded);
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('a refund of a bank debit', () => {
  it('that is given back although the debit came back meanwhile is recorded, and was captured all the same', async () => {
    const { id: customerId } = await world.customer(app);
    const bank = await world.card(app, customerId, { tilledPaymentMethodId: await newBankAccount(world, app) });
    const { id: paymentId } = await world.payment(app, customerId, { paymentMethodId: bank.id });
    const [row] = await world.rows('billing_payments', app);
    const paymentIntentId = row?.['tilled_payment_intent_id'];
    await world.control('settle', { paymentIntentId });
    await world.settle();
    const { refundCreate } = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId } });
    expect(refundCreate.refund?.status).toBe('PENDING');
    await world.control('return', { paymentIntentId, code: 'R01' });
    await world.settle();
    await world.advance({ days: 4 });
    const { payment } = await world.ask(app, ops.PaymentDocument, { id: paymentId });
    expect(payment).toMatchObject({ status: 'FAILED', captured: { amountMinor: 5_000 }, refunded: { amountMinor: 5_000 } });
    expect(payment?.refunds).toMatchObject([{ status: 'SUCCEEDED' }]);
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('refundCreate refundPlatformFee', () => {
  const asked = () => world.sandbox.requests('POST /v1/refunds').filter(({ account }) => account === app.accountId);

  it('asks Tilled to give back the fee too, and asks for nothing of the kind without it', async () => {
    const payment = await batched();
    await refund({ paymentId: payment.id, amount: usd(100) });
    await refund({ paymentId: payment.id, amount: usd(100), refundPlatformFee: true });
    expect(asked().map(({ body }) => (body as { refund_platform_fee?: boolean }).refund_platform_fee)).toEqual([undefined, true]);
  });

  it('asks so again by itself after an answer that was lost', async () => {
    const payment = await batched();
    await world.control('faults', { operation: 'POST /v1/refunds', drop: true, when: 'before' });
    const { userErrors } = await refund({ paymentId: payment.id, amount: usd(100), refundPlatformFee: true });
    expect(userErrors).toMatchObject([{ code: 'OUTCOME_UNKNOWN' }]);
    for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
    expect(asked().map(({ body }) => (body as { refund_platform_fee?: boolean }).refund_platform_fee)).toEqual([true, true]);
    expect((await read(payment.id)).refunds).toMatchObject([{ status: 'SUCCEEDED' }]);
  });
});
