import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, cut, newBankAccount, refuse, takenAtTilled } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
const CANCEL = 'POST /v1/payment-intents/:id/cancel';
const ORDER = 'order:1';
const AMOUNT = 4_200;

/** Divergences that tests leave open, because nothing but a person can close them. */
let leftOpen = 0;
let world: World;
let app: TestApp;
let customerId: string;
let keys = 0;

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
afterAll(() => world.close({ divergences: leftOpen }));

const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });
const code = (name: string) => ({ userErrors: [{ code: name }] });

/** Pays the order, each time with a key of its own. */
async function pay(input: Partial<ops.PaymentCreateInput> = {}) {
  keys += 1;
  const asked = { customerId, amount: usd(AMOUNT), referenceId: ORDER, idempotencyKey: `key-${keys}`, ...input };
  return (await world.ask(app, ops.PaymentCreateDocument, { input: asked })).paymentCreate;
}

async function refund(input: Partial<ops.RefundCreateInput> & { paymentId: string }) {
  keys += 1;
  const asked = { referenceId: 'return:1', idempotencyKey: `key-${keys}`, ...input };
  return (await world.ask(app, ops.RefundCreateDocument, { input: asked })).refundCreate;
}

async function cancel(id: string) {
  return (await world.ask(app, ops.PaymentCancelDocument, { input: { id } })).paymentCancel;
}

const statusOf = async (id: string) => (await world.ask(app, ops.PaymentDocument, { id })).payment?.status;
const listed = async () => (await world.ask(app, ops.PaymentsDocument, { referenceId: ORDER })).payments.nodes.map(({ id }) => id);
const byReference = async () => (await world.ask(app, ops.PaymentByReferenceIdDocument, { referenceId: ORDER })).paymentByReferenceId?.id;

/** The ids at Tilled of the customer's methods, oldest first. */
async function methodsAtTilled(): Promise<string[]> {
  const rows = await world.rows('billing_payment_methods', app);
  return rows.filter((row) => row['customer_id'] === customerId).map((row) => String(row['tilled_payment_method_id']));
}

async function wish(kind: 'declines' | 'outcomes', facts: object): Promise<void> {
  const [paymentMethodId] = await methodsAtTilled();
  await world.control(kind, { paymentMethodId, ...facts });
}

async function intentOf(paymentId: string): Promise<string> {
  const rows = await world.rows('billing_payments', app);
  return String(rows.find(({ id }) => id === paymentId)?.['tilled_payment_intent_id']);
}

async function bank(): Promise<string> {
  return (await world.card(app, customerId, { tilledPaymentMethodId: await newBankAccount(world, app) })).id;
}

async function quietTimePasses(): Promise<void> {
  for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
}

/** Pays, so that the payer is asked to act. */
async function awaitingAction() {
  await wish('outcomes', { confirm: 'requires_action', times: 1 });
  const { payment } = await pay();
  expect(payment?.status).toBe('REQUIRES_ACTION');
  return payment?.id ?? '';
}

/** What a first payment of the order may have become; gives its id. */
const FIRSTS: Readonly<Record<string, { readonly holds: boolean; readonly become: () => Promise<string> }>> = {
  'was declined': {
    holds: false,
    become: async () => {
      await wish('declines', { code: 'expired_card' });
      const { payment, userErrors } = await pay();
      expect(userErrors).toMatchObject([{ code: 'PAYMENT_DECLINED' }]);
      await wish('declines', { code: null });
      return payment?.id ?? '';
    },
  },
  'was refused by the processor': {
    holds: false,
    become: async () => {
      await refuse(world, 'POST /v1/payment-intents', 400);
      const { payment, userErrors } = await pay();
      expect(userErrors).toMatchObject([{ code: 'PROCESSOR_REJECTED' }]);
      return payment?.id ?? '';
    },
  },
  'was held and canceled': {
    holds: false,
    become: async () => {
      const id = (await pay({ captureMethod: 'MANUAL' })).payment?.id ?? '';
      await cancel(id);
      return id;
    },
  },
  'was held until its hold ran out': {
    holds: false,
    become: async () => {
      const id = (await pay({ captureMethod: 'MANUAL' })).payment?.id ?? '';
      await world.advance({ days: 8 });
      return id;
    },
  },
  'came back from the bank after it was paid': {
    holds: false,
    become: async () => {
      const id = (await pay({ paymentMethodId: await bank() })).payment?.id ?? '';
      await world.control('settle', { paymentIntentId: await intentOf(id) });
      await world.settle();
      await world.control('return', { paymentIntentId: await intentOf(id), code: 'R10' });
      await world.settle();
      return id;
    },
  },
  'was called off after a confirm that said nothing': {
    holds: false,
    become: async () => {
      await wish('outcomes', { confirm: 'requires_payment_method', times: 1 });
      const { payment } = await pay();
      await quietTimePasses();
      expect(await statusOf(payment?.id ?? '')).toBe('CANCELED');
      return payment?.id ?? '';
    },
  },
  'was declined after an answer that was lost': {
    holds: false,
    become: async () => {
      await wish('declines', { code: 'insufficient_funds' });
      await cut(world, CONFIRM, 'before');
      const id = (await pay()).payment?.id ?? '';
      expect(await pay()).toMatchObject({ payment: { id, status: 'UNKNOWN' }, ...code('OUTCOME_UNKNOWN'), replayed: true });
      await quietTimePasses();
      await wish('declines', { code: null });
      return id;
    },
  },
  'is SUCCEEDED': { holds: true, become: async () => (await pay()).payment?.id ?? '' },
  'was given back': {
    holds: true,
    become: async () => {
      const id = (await pay()).payment?.id ?? '';
      await refund({ paymentId: id });
      return id;
    },
  },
  'is PROCESSING': { holds: true, become: async () => (await pay({ paymentMethodId: await bank() })).payment?.id ?? '' },
  'is REQUIRES_ACTION': { holds: true, become: awaitingAction },
  'is UNKNOWN': {
    holds: true,
    become: async () => {
      await cut(world, CONFIRM, 'after');
      await world.control('webhooks', { paused: true });
      return (await pay()).payment?.id ?? '';
    },
  },
};

/** What the second request asks for that the first did not. */
const SECONDS: Readonly<Record<string, () => Promise<Partial<ops.PaymentCreateInput>>>> = {
  'the same': async () => ({}),
  'another card': async () => ({ paymentMethodId: (await world.card(app, customerId)).id }),
  'another amount': async () => ({ amount: usd(AMOUNT + 1) }),
  'another currency': async () => ({ amount: { amountMinor: AMOUNT, currency: 'cad' } }),
  'another customer': async () => ({ customerId: (await world.payer(app)).customer.id }),
  'a hold': async () => ({ captureMethod: 'MANUAL' }),
};
const STILL_THE_SAME = ['the same', 'another card'];

describe('the order of a payment that is over', () => {
  const free = Object.keys(FIRSTS).filter((first) => FIRSTS[first]?.holds === false);
  const others = Object.keys(SECONDS).filter((second) => second !== 'the same');
  const cases = [...free.map((first) => [first, 'the same']), ...others.map((second) => ['was declined', second])];

  it.each(cases)('if it %s is tried again, asked for %s', async (first, second) => {
    const firstId = (await FIRSTS[first]?.become()) ?? '';
    const again = await pay(await SECONDS[second]?.());
    expect(again).toMatchObject({
      payment: { status: second === 'a hold' ? 'REQUIRES_CAPTURE' : 'SUCCEEDED', referenceId: ORDER },
      userErrors: [],
      replayed: false,
    });
    const newId = again.payment?.id ?? '';
    expect(newId).not.toBe(firstId);
    expect(await listed()).toEqual([newId, firstId]);
    expect(await byReference()).toBe(newId);
    await world.settle();
    expect(['FAILED', 'CANCELED']).toContain(await statusOf(firstId));
    expect((await pay(await SECONDS['the same']?.())).payment?.id).not.toBe(firstId);
  });
});

describe('the order of a payment that took the money, or may take it', () => {
  const held = Object.keys(FIRSTS).filter((first) => FIRSTS[first]?.holds);

  it.each(held)('if it %s is not tried again, whatever is asked for', async (first) => {
    const firstId = (await FIRSTS[first]?.become()) ?? '';
    const intents = (await atTilled(world, app, 'payment_intents')).length;
    for (const [second, asked] of Object.entries(SECONDS)) {
      const again = await pay(await asked());
      if (STILL_THE_SAME.includes(second)) expect(again).toMatchObject({ payment: { id: firstId }, replayed: true });
      else expect(again).toMatchObject({ payment: null, userErrors: [{ code: 'DUPLICATE_REFERENCE', field: ['referenceId'] }] });
    }
    expect(await atTilled(world, app, 'payment_intents')).toHaveLength(intents);
    expect([await listed(), await byReference()]).toEqual([[firstId], firstId]);
  });

  it('if it is held is not tried again by who wants the money at once', async () => {
    const { payment } = await pay({ captureMethod: 'MANUAL' });
    expect(await pay()).toMatchObject({ payment: null, ...code('DUPLICATE_REFERENCE') });
    expect(await pay({ captureMethod: 'MANUAL' })).toMatchObject({ payment: { id: payment?.id }, userErrors: [], replayed: true });
  });
});

describe('one order', () => {
  it('is paid once by ten requests that come at the same time after a decline', async () => {
    const declined = await FIRSTS['was declined']?.become();
    const answers = await Promise.all(Array.from({ length: 10 }, () => pay()));
    const made = new Set(answers.map(({ payment }) => payment?.id));
    expect([made.size, made.has(declined)]).toEqual([1, false]);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await takenAtTilled(world, app)).toEqual([AMOUNT]);
  });

  it('keeps its answers apart: the key of a decline answers that decline, whatever was paid since', async () => {
    await wish('declines', { code: 'expired_card' });
    const first = await pay({ idempotencyKey: 'first' });
    await wish('declines', { code: null });
    expect(await pay()).toMatchObject({ payment: { status: 'SUCCEEDED' } });
    expect(await pay({ idempotencyKey: 'first' })).toEqual({ ...first, replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([AMOUNT]);
  });

  it('gets the same answer each time the processor refuses it', async () => {
    await refuse(world, 'POST /v1/payment-intents', 400, { times: 2, body: { message: 'card is not enabled for this account' } });
    const [first, second] = [await pay({ idempotencyKey: 'first' }), await pay()];
    expect(first.userErrors).toMatchObject([{ code: 'PROCESSOR_REJECTED', message: expect.stringContaining('not enabled') }]);
    expect(second.userErrors).toEqual(first.userErrors);
    expect((await pay({ idempotencyKey: 'first' })).userErrors).toEqual(first.userErrors);
  });

  it('is free again after a payment that never reached the processor, of which nothing stays', async () => {
    await refuse(world, 'POST /v1/payment-intents', 429);
    expect(await pay()).toMatchObject({ payment: null, ...code('PROCESSOR_UNAVAILABLE') });
    expect(await listed()).toEqual([]);
    expect(await pay({ amount: usd(1) })).toMatchObject({ payment: { status: 'SUCCEEDED' }, replayed: false });
  });
});

describe('a payment that is called off', () => {
  it('tells so to the caller who waits for it, and to who repeats the request', async () => {
    await world.control('faults', { operation: CONFIRM, when: 'before', delayMs: 1_000 });
    const waiting = pay({ idempotencyKey: 'first' });
    await world.until(async () => (await world.rows('billing_payments', app))[0]?.['tilled_payment_intent_id'] != null);
    const [row] = await world.rows('billing_payments', app);
    await world.tilled(app, 'POST', `/v1/payment-intents/${row?.['tilled_payment_intent_id']}/cancel`, {});
    const answer = await waiting;
    expect(answer.userErrors).toMatchObject([{ code: expect.stringMatching(/^(PAYMENT_CANCELED|OUTCOME_UNKNOWN)$/) }]);
    await quietTimePasses();
    const canceled = { payment: { id: row?.['id'], status: 'CANCELED' }, ...code('PAYMENT_CANCELED') };
    expect(await pay({ idempotencyKey: 'first' })).toMatchObject({ ...canceled, replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([]);
  });

  it('because its hold was canceled, is an error to who repeats its request, and none to who canceled it', async () => {
    const { payment } = await pay({ captureMethod: 'MANUAL', idempotencyKey: 'first' });
    expect(await cancel(payment?.id ?? '')).toMatchObject({ payment: { status: 'CANCELED' }, userErrors: [] });
    const again = await pay({ captureMethod: 'MANUAL', idempotencyKey: 'first' });
    expect(again).toMatchObject({ payment: { id: payment?.id, status: 'CANCELED' }, ...code('PAYMENT_CANCELED'), replayed: true });
  });
});

describe('a payment that failed after its payer was asked to act', () => {
  async function failed(): Promise<string> {
    const id = await awaitingAction();
    await world.control('action', { paymentIntentId: await intentOf(id), code: 'authentication_required' });
    return id;
  }

  it('is canceled at Tilled before its order is tried again, since a browser may still pay it', async () => {
    const id = await failed();
    await world.settle();
    expect(await atTilled(world, app, 'payment_intents')).toMatchObject([{ status: 'canceled' }]);
    expect(await statusOf(id)).toBe('FAILED');
    expect(await pay()).toMatchObject({ payment: { status: 'SUCCEEDED' }, replayed: false });
    expect(await takenAtTilled(world, app)).toEqual([AMOUNT]);
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });

  it('keeps its order until that is done, and says that it passes by itself', async () => {
    const id = await failed();
    await refuse(world, CANCEL, 503, { times: 100 });
    await world.settle();
    expect(await statusOf(id)).toBe('FAILED');
    expect(await pay({ idempotencyKey: 'again' })).toMatchObject({ payment: null, ...code('CONFLICT') });
    await world.control('faults', { clear: true });
    await world.advance({ ms: 60_000 });
    expect(await pay({ idempotencyKey: 'again' })).toMatchObject({ payment: { status: 'SUCCEEDED' }, userErrors: [] });
    expect(await takenAtTilled(world, app)).toEqual([AMOUNT]);
  });

  it.each([
    ['the first time it is asked to', async () => undefined],
    [
      'when somebody else asked for it, who is told that it is not done yet',
      async (id: string) => expect(await cancel(id)).toMatchObject(code('OUTCOME_UNKNOWN')),
    ],
  ])('frees its order although Tilled refused to cancel it %s', async (_, first) => {
    const id = await awaitingAction();
    await world.holdDeliveries();
    await refuse(world, CANCEL, 400, { times: 1 });
    await world.control('action', { paymentIntentId: await intentOf(id), code: 'authentication_required' });
    await first(id);
    await world.resumeDeliveries();
    await quietTimePasses();
    expect(await atTilled(world, app, 'payment_intents')).toMatchObject([{ status: 'canceled' }]);
    expect(await pay()).toMatchObject({ payment: { status: 'SUCCEEDED' }, userErrors: [], replayed: false });
    expect(await takenAtTilled(world, app)).toEqual([AMOUNT]);
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });

  it('is the payment of its order all the same if the browser was faster', async () => {
    const id = await failed();
    await refuse(world, CANCEL, 503, { times: 1 });
    await world.settle();
    const [paymentMethodId] = await methodsAtTilled();
    await world.tilled(app, 'POST', `/v1/payment-intents/${await intentOf(id)}/confirm`, { payment_method_id: paymentMethodId });
    await quietTimePasses();
    expect(await pay()).toMatchObject({ payment: { id, status: 'SUCCEEDED' }, userErrors: [], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([AMOUNT]);
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('a payment that takes money after another one has its order', () => {
  const divergences = async () => (await world.ask(app, ops.DivergencesDocument, {})).divergences.nodes;

  /** Declined, and told to nobody who has a key: a key that remembers a failure of what was paid breaks the books. */
  async function declined(): Promise<string> {
    await wish('declines', { code: 'expired_card' });
    const { payment } = await pay({ idempotencyKey: null });
    await wish('declines', { code: null });
    return payment?.id ?? '';
  }

  /** A declined payment that somebody confirms at Tilled, once the order was paid by another. */
  async function paidTwice() {
    const late = await declined();
    const holder = (await pay()).payment?.id ?? '';
    await confirmByHand(late);
    return { late, holder, tilledId: await intentOf(late) };
  }

  async function confirmByHand(id: string): Promise<void> {
    const [paymentMethodId] = await methodsAtTilled();
    await world.tilled(app, 'POST', `/v1/payment-intents/${await intentOf(id)}/confirm`, { payment_method_id: paymentMethodId });
    await world.settle();
  }

  it('is recorded as it is and reported, and the other one stays the payment of the order', async () => {
    const { late, holder, tilledId } = await paidTwice();
    expect([await statusOf(late), await statusOf(holder)]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(await divergences()).toMatchObject([
      { kind: 'PAYMENT', class: 'DUPLICATE_AT_TILLED', status: 'OPEN', objectId: holder, tilledId },
    ]);
    expect([await byReference(), await listed()]).toEqual([holder, [holder, late]]);
    expect((await pay()).payment?.id).toBe(holder);
    await world.gateway.reconciliation.run.runNow(await world.scope(app));
    expect(await divergences()).toMatchObject([{ status: 'OPEN' }]);
    leftOpen += 1;
  });

  it('is no longer reported once it was given back', async () => {
    const { late } = await paidTwice();
    expect(await refund({ paymentId: late })).toMatchObject({ refund: { status: 'SUCCEEDED' } });
    await world.settle();
    expect(await divergences()).toMatchObject([{ status: 'HEALED' }]);
  });

  it('has the order to itself if the other one comes to nothing', async () => {
    const late = await declined();
    const holder = (await pay({ paymentMethodId: await bank() })).payment?.id ?? '';
    await confirmByHand(late);
    await world.control('return', { paymentIntentId: await intentOf(holder), code: 'R02' });
    await world.settle();
    expect(await statusOf(holder)).toBe('FAILED');
    expect(await byReference()).toBe(late);
    expect(await pay()).toMatchObject({ payment: { id: late, status: 'SUCCEEDED' }, replayed: true });
    await world.advance({ ms: 600_000 });
    await world.gateway.reconciliation.run.runNow(await world.scope(app));
    expect(await divergences()).toMatchObject([{ status: 'HEALED' }]);
    expect(await takenAtTilled(world, app)).toEqual([AMOUNT]);
  });

  it('takes the order back if nobody tried it again', async () => {
    const late = await declined();
    await confirmByHand(late);
    expect(await pay()).toMatchObject({ payment: { id: late, status: 'SUCCEEDED' }, userErrors: [], replayed: true });
    expect(await divergences()).toEqual([]);
    expect(await takenAtTilled(world, app)).toEqual([AMOUNT]);
  });
});

describe('the reference of a refund', () => {
  it('is free for another try after a refusal, and both stay in the list', async () => {
    const paymentId = (await pay()).payment?.id ?? '';
    await refuse(world, 'POST /v1/refunds', 400, { body: { message: 'no' } });
    const first = await refund({ paymentId });
    expect(first).toMatchObject({ refund: { status: 'FAILED' }, ...code('PROCESSOR_REJECTED') });
    const again = await refund({ paymentId });
    expect(again).toMatchObject({ refund: { status: 'SUCCEEDED' }, userErrors: [], replayed: false });
    const { refunds } = await world.ask(app, ops.RefundsDocument, { paymentId });
    expect(refunds.nodes.map(({ id }) => id)).toEqual([again.refund?.id, first.refund?.id]);
    expect(await refund({ paymentId })).toMatchObject({ refund: { id: again.refund?.id }, replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([0]);
  });

  it('is free after one that failed at the bank, which is an error and never an empty answer', async () => {
    await wish('outcomes', { refund: 'failed', times: 1 });
    const paymentId = (await pay()).payment?.id ?? '';
    const first = await refund({ paymentId, idempotencyKey: 'first' });
    expect(first).toMatchObject({ refund: { status: 'FAILED' }, ...code('PROCESSOR_REJECTED') });
    expect(await refund({ paymentId, idempotencyKey: 'first' })).toEqual({ ...first, replayed: true });
    expect(await refund({ paymentId })).toMatchObject({ refund: { status: 'SUCCEEDED' }, userErrors: [], replayed: false });
    expect(await takenAtTilled(world, app)).toEqual([0]);
  });

  it('is not free while the first may still be given', async () => {
    const paymentId = (await pay()).payment?.id ?? '';
    await world.control('batch', {});
    await cut(world, 'POST /v1/refunds', 'before');
    const asked = { paymentId, amount: usd(300) };
    const first = await refund(asked);
    expect(await refund(asked)).toMatchObject({ refund: { id: first.refund?.id }, ...code('OUTCOME_UNKNOWN'), replayed: true });
    expect(await refund({ paymentId, amount: usd(301) })).toMatchObject(code('DUPLICATE_REFERENCE'));
    await quietTimePasses();
    expect(await refund(asked)).toMatchObject({ refund: { id: first.refund?.id, status: 'SUCCEEDED' }, userErrors: [], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([AMOUNT - 300]);
  });
});

describe('the external id of a customer', () => {
  const make = async (input: Partial<ops.CustomerCreateInput> = {}) => {
    const asked = { email: 'bob@example.com', externalId: 'user:1', ...input };
    return (await world.ask(app, ops.CustomerCreateDocument, { input: asked })).customerCreate;
  };

  it('is taken while the customer is there, also for another key, and free once they are deleted or were refused', async () => {
    await refuse(world, 'POST /v1/customers', 400);
    expect(await make({ idempotencyKey: 'refused' })).toMatchObject(code('PROCESSOR_REJECTED'));
    const first = await make({ idempotencyKey: 'first' });
    expect(first).toMatchObject({ customer: { externalId: 'user:1' }, userErrors: [] });
    expect(await make({ idempotencyKey: 'second' })).toMatchObject({ customer: null, ...code('DUPLICATE_EXTERNAL_ID') });
    await world.ask(app, ops.CustomerDeleteDocument, { input: { id: first.customer?.id ?? '' } });
    const third = await make({ idempotencyKey: 'third' });
    expect(third).toMatchObject({ customer: { externalId: 'user:1' }, userErrors: [], replayed: false });
    expect(third.customer?.id).not.toBe(first.customer?.id);
  });
});
