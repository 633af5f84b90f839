import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { TilledPaymentIntent } from '../../src/tilled/tilled.shapes.js';
import { atTilled, newBankAccount, refuse, takenAtTilled } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type RequestOptions, type TestApp, World } from '../support/world.js';

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

const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

async function create(input: ops.PaymentCreateInput) {
  return (await world.ask(app, ops.PaymentCreateDocument, { input })).paymentCreate;
}

async function capture(input: ops.PaymentCaptureInput) {
  return (await world.ask(app, ops.PaymentCaptureDocument, { input })).paymentCapture;
}

async function cancel(input: ops.PaymentCancelInput) {
  return (await world.ask(app, ops.PaymentCancelDocument, { input })).paymentCancel;
}

async function read(id: string) {
  const { payment } = await world.ask(app, ops.PaymentDocument, { id });
  if (!payment) throw new Error(`There is no payment ${id}.`);
  return payment;
}

/** A customer who pays from a bank account. */
async function bankPayer() {
  const customer = await world.customer(app);
  await world.card(app, customer.id, { tilledPaymentMethodId: await newBankAccount(world, app) });
  return customer;
}

/** An authorised payment of 50.00 usd. */
async function held() {
  const { customer } = await world.payer(app);
  return world.payment(app, customer.id, { captureMethod: 'MANUAL' });
}

describe('paymentCreate', () => {
  it('takes the money once and keeps what was said about it', async () => {
    const { customer, card } = await world.payer(app);
    const input = {
      customerId: customer.id,
      amount: usd(4_200),
      referenceId: 'order:1',
      description: 'Two seats',
      metadata: { order: '1' },
    };
    expect(await create(input)).toMatchObject({
      payment: {
        status: 'SUCCEEDED',
        amount: { amountMinor: 4_200, currency: 'usd', decimal: '42.00' },
        captured: { amountMinor: 4_200 },
        refunded: { amountMinor: 0 },
        captureMethod: 'AUTOMATIC',
        referenceId: 'order:1',
        description: 'Two seats',
        metadata: { order: '1' },
        customer: { id: customer.id },
        paymentMethod: { id: card.id },
        subscription: null,
      },
      userErrors: [],
      replayed: false,
    });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('marks the payment intent at Tilled with our id and the reference', async () => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id, { referenceId: 'order:1' });
    expect(await atTilled(world, app, 'payment_intents')).toMatchObject([
      { status: 'succeeded', metadata: { billing_app_id: app.id, billing_id: payment.id, reference_id: 'order:1' } },
    ]);
  });

  it('is found by its id, its reference and in the lists', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id, { referenceId: 'order:1' });
    const { paymentByReferenceId } = await world.ask(app, ops.PaymentByReferenceIdDocument, { referenceId: 'order:1' });
    const { payments } = await world.ask(app, ops.PaymentsDocument, { customerId: customer.id, status: ['SUCCEEDED'] });
    const { node } = await world.ask(app, ops.NodeDocument, { id });
    expect([paymentByReferenceId?.id, ...payments.nodes.map((payment) => payment.id), node?.id]).toEqual([id, id, id]);
  });

  it('takes a currency without a fraction as it is', async () => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id, { amount: { amountMinor: 1_990, currency: 'jpy' } });
    expect(payment.amount).toEqual(expect.objectContaining({ amountMinor: 1_990, currency: 'jpy', decimal: '1990' }));
    expect(await atTilled(world, app, 'payment_intents')).toMatchObject([{ amount: 1_990, currency: 'jpy' }]);
  });

  it.each([1, 99_999_999])('takes %i minor units, the edge of what Tilled takes', async (amountMinor) => {
    const { customer } = await world.payer(app);
    expect((await world.payment(app, customer.id, { amount: usd(amountMinor) })).status).toBe('SUCCEEDED');
    expect(await takenAtTilled(world, app)).toEqual([amountMinor]);
  });

  it('takes every one of ten concurrent payments without a key', async () => {
    const { customer } = await world.payer(app);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => create({ customerId: customer.id, amount: usd(100 + index) })),
    );
    expect(answers.map((answer) => answer.payment?.status)).toEqual(Array(10).fill('SUCCEEDED'));
    expect((await takenAtTilled(world, app)).sort()).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
  });
});

describe('paymentCreate PAYMENT_DECLINED', () => {
  it.each([
    [777_701, 'insufficient_funds', true],
    [777_703, 'generic_decline', false],
    [777_705, 'expired_card', false],
    [777_708, 'limit_exceeded', true],
    [777_715, 'fraudulent', false],
    [777_716, 'processing_error', true],
  ])('tells for %i that the bank said %s, and whether to try again', async (amountMinor, declineCode, retryable) => {
    const { customer } = await world.payer(app);
    expect(await create({ customerId: customer.id, amount: usd(amountMinor) })).toMatchObject({
      payment: { status: 'FAILED', failureCode: declineCode, captured: { amountMinor: 0 } },
      userErrors: [{ __typename: 'PaymentDeclined', code: 'PAYMENT_DECLINED', declineCode, retryable }],
    });
    expect(await takenAtTilled(world, app)).toEqual([]);
  });

  it('stays FAILED whatever webhooks come', async () => {
    const { customer } = await world.payer(app);
    const { payment } = await create({ customerId: customer.id, amount: usd(777_701) });
    await world.advance({ days: 8 });
    expect(await read(payment?.id ?? '')).toMatchObject({ status: 'FAILED', failureCode: 'insufficient_funds' });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('paymentCreate, refused before Tilled is asked', () => {
  it('answers NO_PAYMENT_METHOD for a customer without one', async () => {
    const customer = await world.customer(app);
    expect(await create({ customerId: customer.id, amount: usd(100) })).toMatchObject({
      payment: null,
      userErrors: [{ code: 'NO_PAYMENT_METHOD', field: ['paymentMethodId'] }],
    });
    expect(await world.rows('billing_payments', app)).toEqual([]);
  });

  it("answers NOT_FOUND for another customer's method, and takes nothing", async () => {
    const { card } = await world.payer(app);
    const { customer } = await world.payer(app);
    expect(await create({ customerId: customer.id, paymentMethodId: card.id, amount: usd(100) })).toMatchObject({
      payment: null,
      userErrors: [{ code: 'NOT_FOUND', field: ['paymentMethodId'] }],
    });
    expect(await atTilled(world, app, 'payment_intents')).toEqual([]);
  });

  it('answers ILLEGAL_TRANSITION for a detached method', async () => {
    const { customer, card } = await world.payer(app);
    await world.ask(app, ops.PaymentMethodDetachDocument, { input: { id: card.id } });
    expect(await create({ customerId: customer.id, paymentMethodId: card.id, amount: usd(100) })).toMatchObject({
      payment: null,
      userErrors: [{ code: 'ILLEGAL_TRANSITION' }],
    });
  });

  it.each([
    ['nothing', usd(0), ['amount', 'amountMinor']],
    ['less than nothing', usd(-1), ['amount', 'amountMinor']],
    ['more than Tilled takes', usd(100_000_000), ['amount', 'amountMinor']],
    ['a currency Tilled does not take', { amountMinor: 100, currency: 'xau' }, ['amount', 'currency']],
  ])('answers INVALID for %s, and stores nothing', async (_, amount, field) => {
    const { customer } = await world.payer(app);
    expect(await create({ customerId: customer.id, amount })).toMatchObject({ payment: null, userErrors: [{ code: 'INVALID', field }] });
    expect(await world.rows('billing_payments', app)).toEqual([]);
  });
});

describe('paymentCreate DUPLICATE_REFERENCE', () => {
  it('answers the existing payment for the same reference and amount, and takes nothing more', async () => {
    const { customer } = await world.payer(app);
    const input = { customerId: customer.id, amount: usd(4_200), referenceId: 'order:1' };
    const first = await create(input);
    expect(await create(input)).toEqual({ ...first, replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('refuses the reference for another amount, currency or customer', async () => {
    const { customer } = await world.payer(app);
    const { customer: other } = await world.payer(app);
    await create({ customerId: customer.id, amount: usd(4_200), referenceId: 'order:1' });
    const others = [
      { customerId: customer.id, amount: usd(4_201) },
      { customerId: customer.id, amount: { amountMinor: 4_200, currency: 'cad' } },
      { customerId: other.id, amount: usd(4_200) },
    ];
    for (const input of others) {
      expect(await create({ ...input, referenceId: 'order:1' })).toMatchObject({
        payment: null,
        userErrors: [{ code: 'DUPLICATE_REFERENCE', field: ['referenceId'] }],
      });
    }
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('takes the money once when ten requests with one reference and no key come at the same time', async () => {
    const { customer } = await world.payer(app);
    const input = { customerId: customer.id, amount: usd(4_200), referenceId: 'order:1' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(input)));
    expect(new Set(answers.map((answer) => answer.payment?.id)).size).toBe(1);
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('lets two apps use the same reference', async () => {
    const { customer } = await world.payer(app);
    await create({ customerId: customer.id, amount: usd(100), referenceId: 'order:1' });
    app = await world.app();
    const { customer: other } = await world.payer(app);
    expect(await create({ customerId: other.id, amount: usd(999), referenceId: 'order:1' })).toMatchObject({
      userErrors: [],
      replayed: false,
    });
  });
});

describe('paymentCreate PROCESSOR_REJECTED', () => {
  it('is FAILED, never taken later, and says what Tilled said', async () => {
    const { customer } = await world.payer(app);
    await refuse(world, 'POST /v1/payment-intents', 400, { body: { statusCode: 400, message: 'card is not enabled for this account' } });
    const { payment, userErrors } = await create({ customerId: customer.id, amount: usd(100) });
    expect(userErrors).toMatchObject([{ code: 'PROCESSOR_REJECTED', message: expect.stringContaining('not enabled') }]);
    expect(payment).toMatchObject({ status: 'FAILED', failureCode: 'processor_rejected', captured: { amountMinor: 0 } });
    await world.advance({ days: 1 });
    expect(await read(payment?.id ?? '')).toMatchObject({ status: 'FAILED' });
    expect(await takenAtTilled(world, app)).toEqual([]);
  });
});

describe('paymentCreate with a bank account', () => {
  it('is PROCESSING until the debit goes through days later', async () => {
    const customer = await bankPayer();
    const payment = await world.payment(app, customer.id);
    expect(payment).toMatchObject({ status: 'PROCESSING', captured: { amountMinor: 0 } });
    await world.advance({ days: 4 });
    expect(await read(payment.id)).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 5_000 } });
  });

  it('is FAILED with the return code when the bank returns it while it is under way', async () => {
    const customer = await bankPayer();
    const payment = await world.payment(app, customer.id);
    const [intent] = await atTilled(world, app, 'payment_intents');
    await world.control('return', { paymentIntentId: intent?.id, code: 'R02' });
    await world.settle();
    expect(await read(payment.id)).toMatchObject({ status: 'FAILED', failureCode: 'R02', captured: { amountMinor: 0 } });
  });

  it('is FAILED with nothing captured when the bank returns it after it went through', async () => {
    const customer = await bankPayer();
    const payment = await world.payment(app, customer.id);
    const [intent] = await atTilled(world, app, 'payment_intents');
    await world.control('settle', { paymentIntentId: intent?.id });
    await world.settle();
    expect(await read(payment.id)).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 5_000 } });
    await world.control('return', { paymentIntentId: intent?.id, code: 'R10' });
    await world.settle();
    expect(await read(payment.id)).toMatchObject({ status: 'FAILED', failureCode: 'R10', captured: { amountMinor: 0 } });
    const { refundCreate } = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: payment.id } });
    expect(refundCreate).toMatchObject({ refund: null, userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
  });
});

describe('an answer that comes later than the news of what followed', () => {
  it('does not put the payment back to where it was', async () => {
    const customer = await bankPayer();
    await world.control('faults', { operation: 'POST /v1/payment-intents/:id/confirm', delayMs: 1_500, when: 'after' });
    const answered = world.payment(app, customer.id);
    await world.until(async () => (await atTilled(world, app, 'payment_intents'))[0]?.status === 'processing');
    const [intent] = await atTilled(world, app, 'payment_intents');
    await world.control('settle', { paymentIntentId: intent?.id });
    await world.settle();
    const payment = await answered;
    expect(payment).toMatchObject({ status: 'SUCCEEDED' });
    expect(await read(payment.id)).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 5_000 } });
  });
});

describe('a payment whose payer has to act', () => {
  /** Paid with a card for which the payer is asked to act. */
  async function awaiting(wish: object = {}) {
    const { customer, card } = await world.payer(app);
    const [method] = (await world.rows('billing_payment_methods', app)).filter(({ id }) => id === card.id);
    const paymentMethodId = method?.['tilled_payment_method_id'];
    await world.control('outcomes', { paymentMethodId, confirm: 'requires_action', times: 1, ...wish });
    const payment = await world.payment(app, customer.id);
    const intent = (await atTilled(world, app, 'payment_intents')).find(({ amount }) => amount === payment.amount.amountMinor);
    return { payment, customer, intentId: String(intent?.id) };
  }

  const asked = async (id: string, options: RequestOptions = {}) =>
    (await world.ask(app, ops.PaymentNextActionDocument, { id }, options)).payment;

  it('hands on the page, the secret and the end that Tilled names, and nothing once it is done', async () => {
    const { payment, intentId } = await awaiting({ actionExpiresInMs: 600_000 });
    const intent = (await world.tilled(app, 'GET', `/v1/payment-intents/${intentId}`)) as TilledPaymentIntent;
    expect(payment.status).toBe('REQUIRES_ACTION');
    expect(await asked(payment.id)).toEqual({
      status: 'REQUIRES_ACTION',
      nextAction: {
        type: 'redirect_to_url',
        clientSecret: intent.client_secret,
        url: intent.next_action?.redirect_to_url?.url,
        expiresAt: new Date(world.sandbox.now().getTime() + 600_000).toISOString(),
      },
    });
    await world.control('action', { paymentIntentId: intentId });
    await world.settle();
    expect(await asked(payment.id)).toEqual({ status: 'SUCCEEDED', nextAction: null });
  });

  it('is finished with the client secret alone where Tilled names no page', async () => {
    const { payment } = await awaiting({ nextAction: 'none' });
    expect((await asked(payment.id))?.nextAction).toEqual({
      type: 'confirm_with_client_secret',
      clientSecret: expect.stringMatching(/^pi_.+_secret_/),
      url: null,
      expiresAt: null,
    });
  });

  it('shows that to the payer themselves, and to no key that only reads', async () => {
    const { payment, customer } = await awaiting();
    const { customerSessionCreate } = await world.ask(app, ops.CustomerSessionCreateDocument, { input: { customerId: customer.id } });
    expect((await asked(payment.id, { credential: customerSessionCreate.token }))?.nextAction).not.toBeNull();
    for (const role of ['read_only', 'operator'] as const) {
      const { errors } = await world.send(
        app,
        ops.PaymentNextActionDocument,
        { id: payment.id },
        { credential: await world.key(app, role) },
      );
      expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    }
  });

  it('is answered all the same while Tilled cannot be asked', async () => {
    const { payment } = await awaiting();
    await refuse(world, 'GET /v1/payment-intents/:id', 401, { times: 1_000 });
    const { data, errors } = await world.send(app, ops.PaymentNextActionDocument, { id: payment.id });
    expect(data).toEqual({ payment: { status: 'REQUIRES_ACTION', nextAction: null } });
    expect(errors).toMatchObject([{ path: ['payment', 'nextAction'], extensions: { reason: 'PROCESSOR_UNAVAILABLE' } }]);
  });
});

describe('platformFee', () => {
  it('is what Tilled gives to the platform, and is there to be read again', async () => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id, { amount: usd(4_200), platformFee: usd(420) });
    expect(payment.platformFee).toEqual(expect.objectContaining(usd(420)));
    expect((await read(payment.id)).platformFee).toEqual(payment.platformFee);
    expect(await atTilled(world, app, 'payment_intents')).toMatchObject([{ platform_fee_amount: 420 }]);
    expect((await world.payment(app, customer.id)).platformFee).toBeNull();
  });

  it.each([
    ['all of the amount', 4_200, 4_200],
    ['one minor unit', 1, 1],
  ])('may be %s', async (_, fee, kept) => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id, { amount: usd(4_200), platformFee: usd(fee) });
    expect(payment.platformFee?.amountMinor).toBe(kept);
  });

  it.each([
    ['more than the amount', usd(4_201), ['platformFee', 'amountMinor']],
    ['of another currency', { amountMinor: 100, currency: 'cad' }, ['platformFee', 'currency']],
    ['nothing', usd(0), ['platformFee', 'amountMinor']],
  ])('of %s is INVALID, and nothing is stored or asked', async (_, platformFee, field) => {
    const { customer } = await world.payer(app);
    expect(await create({ customerId: customer.id, amount: usd(4_200), platformFee })).toMatchObject({
      payment: null,
      userErrors: [{ code: 'INVALID', field }],
    });
    expect(await world.rows('billing_payments', app)).toEqual([]);
  });

  it.each([
    ['is what is captured if that is less', 300, 300],
    ['stays if enough is captured', 1_500, 420],
  ])('of a hold %s', async (_, captured, fee) => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id, { captureMethod: 'MANUAL', amount: usd(4_200), platformFee: usd(420) });
    expect(await capture({ id, amount: usd(captured) })).toMatchObject({
      payment: { status: 'SUCCEEDED', captured: { amountMinor: captured }, platformFee: { amountMinor: fee } },
    });
    expect(await atTilled(world, app, 'payment_intents')).toMatchObject([{ platform_fee_amount: fee }]);
  });

  it('is looked for in the comparison of the books: what was changed at Tilled is taken over', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id, { platformFee: usd(100) });
    await world.gateway.database.run('update billing_payments set platform_fee_minor = 99 where app_id = ?', [app.id]);
    await world.advance({ ms: 600_000 });
    await world.gateway.reconciliation.run.runNow(await world.scope(app));
    await world.advance({ ms: 600_000 });
    expect((await read(id)).platformFee?.amountMinor).toBe(100);
  });
});

describe('paymentCapture', () => {
  it('holds the money first and takes it when it is captured', async () => {
    const payment = await held();
    expect(payment).toMatchObject({ status: 'REQUIRES_CAPTURE', captureMethod: 'MANUAL', captured: { amountMinor: 0 } });
    expect(await takenAtTilled(world, app)).toEqual([0]);
    expect(await capture({ id: payment.id })).toMatchObject({
      payment: { status: 'SUCCEEDED', captured: { amountMinor: 5_000 } },
      userErrors: [],
    });
    expect(await takenAtTilled(world, app)).toEqual([5_000]);
  });

  it('takes a part and releases the rest for good', async () => {
    const payment = await held();
    expect(await capture({ id: payment.id, amount: usd(1_500) })).toMatchObject({
      payment: { status: 'SUCCEEDED', amount: { amountMinor: 5_000 }, captured: { amountMinor: 1_500 } },
    });
    expect(await capture({ id: payment.id, amount: usd(100) })).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    expect(await takenAtTilled(world, app)).toEqual([1_500]);
  });

  it('refuses more than was authorised and another currency with INVALID, and takes nothing', async () => {
    const payment = await held();
    const tooMuch = await capture({ id: payment.id, amount: usd(5_001) });
    expect(tooMuch).toMatchObject({ userErrors: [{ code: 'INVALID', field: ['amount', 'amountMinor'] }] });
    const otherCurrency = await capture({ id: payment.id, amount: { amountMinor: 100, currency: 'cad' } });
    expect(otherCurrency).toMatchObject({ userErrors: [{ code: 'INVALID', field: ['amount', 'currency'] }] });
    expect(await takenAtTilled(world, app)).toEqual([0]);
    expect((await read(payment.id)).status).toBe('REQUIRES_CAPTURE');
  });

  it('takes the money once when ten captures come at the same time', async () => {
    const payment = await held();
    const answers = await Promise.all(Array.from({ length: 10 }, () => capture({ id: payment.id, amount: usd(2_000) })));
    const codes = answers.flatMap((answer) => answer.userErrors.map((error) => error.code));
    expect(codes).toHaveLength(9);
    expect(new Set(['CONFLICT', 'ILLEGAL_TRANSITION', ...codes])).toEqual(new Set(['CONFLICT', 'ILLEGAL_TRANSITION']));
    expect(await takenAtTilled(world, app)).toEqual([2_000]);
  });

  it('answers the same again for the same key', async () => {
    const payment = await held();
    const first = await capture({ id: payment.id, amount: usd(1_500), idempotencyKey: 'capture-1' });
    expect(await capture({ id: payment.id, amount: usd(1_500), idempotencyKey: 'capture-1' })).toEqual({ ...first, replayed: true });
  });

  it.each(['SUCCEEDED', 'FAILED'])('refuses a payment that is %s with ILLEGAL_TRANSITION', async (status) => {
    const { customer } = await world.payer(app);
    const { payment } = await create({ customerId: customer.id, amount: usd(status === 'FAILED' ? 777_701 : 100) });
    expect(await capture({ id: payment?.id ?? '' })).toMatchObject({ payment: null, userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
  });

  it('answers NOT_FOUND for an id nobody has', async () => {
    expect(await capture({ id: 'pay_00000000000000000000000000' })).toMatchObject({
      payment: null,
      userErrors: [{ code: 'NOT_FOUND', field: ['id'] }],
    });
  });
});

describe('paymentCancel', () => {
  it('releases what was held', async () => {
    const payment = await held();
    expect(await cancel({ id: payment.id })).toMatchObject({
      payment: { status: 'CANCELED', captured: { amountMinor: 0 } },
      userErrors: [],
    });
    expect(await atTilled(world, app, 'payment_intents')).toMatchObject([{ status: 'canceled', amount_capturable: 0 }]);
    expect(await capture({ id: payment.id })).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
  });

  it('either takes or releases when a capture and a cancellation come at the same time, and says the same as Tilled', async () => {
    const payment = await held();
    await Promise.all([capture({ id: payment.id }), cancel({ id: payment.id })]);
    await world.settle();
    const [intent] = await atTilled(world, app, 'payment_intents');
    expect((await read(payment.id)).status.toLowerCase()).toBe(intent?.status);
    expect(['succeeded', 'canceled']).toContain(intent?.status);
  });

  it('refuses a captured payment with ILLEGAL_TRANSITION: that one is refunded', async () => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id);
    expect(await cancel({ id: payment.id })).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    expect(await takenAtTilled(world, app)).toEqual([5_000]);
  });

  it('happens by itself when the authorisation runs out after a week', async () => {
    const payment = await held();
    await world.advance({ days: 8 });
    expect(await read(payment.id)).toMatchObject({ status: 'CANCELED', captured: { amountMinor: 0 } });
  });

  it('is seen when somebody captures at Tilled by hand', async () => {
    const payment = await held();
    const [intent] = await atTilled(world, app, 'payment_intents');
    await world.tilled(app, 'POST', `/v1/payment-intents/${intent?.id}/capture`, { amount_to_capture: 700 });
    await world.settle();
    expect(await read(payment.id)).toMatchObject({ status: 'SUCCEEDED', captured: { amountMinor: 700 } });
  });
});

describe('payments', () => {
  it('does not take in what is made at Tilled by hand without our mark', async () => {
    const { customer } = await world.payer(app);
    const methodId = (await world.rows('billing_payment_methods', app))[0]?.tilled_payment_method_id;
    const body = { amount: 100, currency: 'usd', payment_method_types: ['card'], payment_method_id: methodId, confirm: true };
    await world.tilled(app, 'POST', '/v1/payment-intents', body);
    await world.settle();
    const { payments } = await world.ask(app, ops.PaymentsDocument, { customerId: customer.id });
    expect(payments.nodes).toEqual([]);
    const { webhookEvents } = await world.ask(app, ops.WebhookEventsDocument, { type: 'payment_intent.succeeded' });
    expect(webhookEvents.nodes).toMatchObject([{ status: 'PROCESSED' }]);
  });
});
