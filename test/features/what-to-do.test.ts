import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { isEnumType } from 'graphql';
import { composeSchema } from '../../src/compose.js';
import { cut, refuse, takenAtTilled } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

/** Sends a request with an idempotency key; the codes of what went wrong. */
type Request = (key: string) => Promise<string[]>;

/** A way to a code, and out of it. */
interface Case {
  readonly refused: Request;
  /** What has to be done before another try may succeed. */
  readonly putRight?: () => Promise<unknown>;
  /** The other try, where it is not the same request. */
  readonly again?: Request;
}

const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

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

function request<Data extends object, Input>(document: TypedDocumentNode<Data, { input: Input }>, input: Input): Request {
  return async (key) => {
    const data = await world.ask(app, document, { input }, { headers: { 'idempotency-key': key } });
    const payloads = Object.values(data) as { userErrors?: { code: string }[] }[];
    return payloads.flatMap(({ userErrors = [] }) => userErrors.map(({ code }) => code));
  };
}

const create = (input: ops.CustomerCreateInput) => request(ops.CustomerCreateDocument, input);
const pay = (input: ops.PaymentCreateInput) => request(ops.PaymentCreateDocument, input);
const refund = (input: ops.RefundCreateInput) => request(ops.RefundCreateDocument, input);
const cancel = (input: ops.SubscriptionCancelInput) => request(ops.SubscriptionCancelDocument, input);
const decline = async (code: string | null) => {
  const [method] = await world.rows('billing_payment_methods', app);
  return world.control('declines', { paymentMethodId: method?.['tilled_payment_method_id'], code });
};

/** After these the same key may try again. */
const SAME_KEY: Readonly<Record<string, () => Promise<Case>>> = {
  INVALID: async () => {
    const customerId = (await world.payer(app)).customer.id;
    return { refused: pay({ customerId, amount: usd(0) }), again: pay({ customerId, amount: usd(100) }) };
  },
  CONFLICT: async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id);
    const refused = request(ops.CustomerDeleteDocument, { id: customer.id });
    return { refused, putRight: () => cancel({ id, mode: 'IMMEDIATELY' })('cancel') };
  },
  APP_SUSPENDED: async () => {
    const customerId = (await world.payer(app)).customer.id;
    await world.gateway.appLife.suspend(await world.scope(app));
    const putRight = async () => world.gateway.appLife.resume(await world.scope(app));
    return { refused: pay({ customerId, amount: usd(100) }), putRight };
  },
  PAYMENT_METHOD_IN_USE: async () => {
    const { customer, card } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id);
    const paymentMethodId = (await world.card(app, customer.id)).id;
    const putRight = () => request(ops.SubscriptionUpdateDocument, { id, paymentMethodId })('other card');
    return { refused: request(ops.PaymentMethodDetachDocument, { id: card.id }), putRight };
  },
  PAYMENT_DISPUTED: async () => {
    const payment = await world.payment(app, (await world.payer(app)).customer.id, { amount: usd(777_799) });
    await world.advance({ ms: 10_000 });
    return { refused: refund({ paymentId: payment.id }), again: refund({ paymentId: payment.id, acknowledgeDispute: true }) };
  },
  IDEMPOTENCY_IN_PROGRESS: async () => {
    const first = pay({ customerId: (await world.payer(app)).customer.id, amount: usd(100) });
    await world.control('faults', { operation: CONFIRM, delayMs: 1_500 });
    let ended: Promise<unknown> = Promise.resolve();
    const refused: Request = async (key) => {
      ended = first(key);
      await world.until(async () => (await world.rows('billing_payments', app)).length > 0);
      return first(key);
    };
    return { refused, putRight: () => ended, again: first };
  },
  TARGET_REFUSED: async () => {
    const listen = (url: string) => request(ops.WebhookEndpointCreateDocument, { url });
    return { refused: listen('https://169.254.169.254/billing'), again: listen('https://example.com/billing') };
  },
  PROCESSOR_UNAVAILABLE: async () => {
    await refuse(world, 'POST /v1/payment-intents', 429);
    return { refused: pay({ customerId: (await world.payer(app)).customer.id, amount: usd(100) }) };
  },
  OUTCOME_UNKNOWN: async () => {
    await cut(world, CONFIRM, 'after');
    return { refused: pay({ customerId: (await world.payer(app)).customer.id, amount: usd(100) }) };
  },
};

/** After these the same key keeps its answer, whatever was put right. */
const NEW_KEY: Readonly<Record<string, () => Promise<Case>>> = {
  NOT_FOUND: async () => ({
    refused: pay({ customerId: 'cus_01arz3ndektsv4rrffq69g5fav', amount: usd(100) }),
    again: pay({ customerId: (await world.payer(app)).customer.id, amount: usd(100) }),
  }),
  STALE_VERSION: async () => {
    const { id, version } = await world.subscription(app, (await world.payer(app)).customer.id);
    const input = { id, mode: 'IMMEDIATELY' as const };
    return { refused: cancel({ ...input, expectedVersion: version + 1 }), again: cancel({ ...input, expectedVersion: version }) };
  },
  DUPLICATE_EXTERNAL_ID: async () => {
    await world.customer(app, { externalId: 'ann' });
    const input = { email: 'bob@example.com' };
    return { refused: create({ ...input, externalId: 'ann' }), again: create({ ...input, externalId: 'bob' }) };
  },
  DUPLICATE_REFERENCE: async () => {
    const customerId = (await world.payer(app)).customer.id;
    await world.payment(app, customerId, { referenceId: 'order:1' });
    const input = { customerId, amount: usd(100) };
    return { refused: pay({ ...input, referenceId: 'order:1' }), again: pay({ ...input, referenceId: 'order:2' }) };
  },
  NO_PAYMENT_METHOD: async () => {
    const { id: customerId } = await world.customer(app);
    return { refused: pay({ customerId, amount: usd(100) }), putRight: () => world.card(app, customerId) };
  },
  PAYMENT_DECLINED: async () => {
    const customerId = (await world.payer(app)).customer.id;
    await decline('insufficient_funds');
    return { refused: pay({ customerId, amount: usd(100) }), putRight: () => decline(null) };
  },
  PAYMENT_CANCELED: async () => {
    const held = pay({ customerId: (await world.payer(app)).customer.id, amount: usd(100), captureMethod: 'MANUAL' });
    const refused: Request = async (key) => {
      await held(key);
      const [payment] = await world.rows('billing_payments', app);
      await request(ops.PaymentCancelDocument, { id: String(payment?.['id']) })('cancel');
      return held(key);
    };
    return { refused, again: held };
  },
  ILLEGAL_TRANSITION: async () => {
    const { id } = await world.payment(app, (await world.payer(app)).customer.id, { captureMethod: 'MANUAL' });
    return { refused: refund({ paymentId: id }), putRight: () => request(ops.PaymentCaptureDocument, { id })('capture') };
  },
  REFUND_TOO_LARGE: async () => {
    const paymentId = (await world.payment(app, (await world.payer(app)).customer.id)).id;
    return { refused: refund({ paymentId, amount: usd(5_001) }), again: refund({ paymentId, amount: usd(5_000) }) };
  },
  IDEMPOTENCY_KEY_REUSED: async () => {
    const customerId = (await world.payer(app)).customer.id;
    const refused: Request = async (key) => {
      await pay({ customerId, amount: usd(100) })(key);
      return pay({ customerId, amount: usd(200) })(key);
    };
    return { refused, again: pay({ customerId, amount: usd(200) }) };
  },
  PROCESSOR_REJECTED: async () => {
    const { id: paymentId } = await world.payment(app, (await world.payer(app)).customer.id);
    await refuse(world, 'POST /v1/refunds', 400, { body: { statusCode: 400, message: 'not today' } });
    return { refused: refund({ paymentId }) };
  },
};

describe('what a code says to do', () => {
  it.each(Object.entries(SAME_KEY))('%s: with the same key it may succeed, once', async (code, arrange) => {
    const { refused, putRight, again = refused } = await arrange();
    expect(await refused('key')).toEqual([code]);
    await putRight?.();
    expect(await again('key')).toEqual([]);
    expect((await takenAtTilled(world, app)).length).toBeLessThanOrEqual(1);
  });

  it.each(Object.entries(NEW_KEY))('%s: the same key keeps the answer, a new one may succeed', async (code, arrange) => {
    const { refused, putRight, again = refused } = await arrange();
    expect(await refused('key')).toEqual([code]);
    await putRight?.();
    expect(await refused('key')).toEqual([code]);
    expect(await again('another key')).toEqual([]);
  });

  it('is what was tried, for every code', async () => {
    const type = (await composeSchema()).getType('UserErrorCode');
    const codes = isEnumType(type) ? type.getValues() : [];
    const saying = (words: RegExp) => codes.filter(({ description }) => words.test(description ?? '')).map(({ name }) => name);
    expect(saying(/\bsame key\b/)).toEqual(expect.arrayContaining(Object.keys(SAME_KEY)));
    expect(saying(/\bnew key\b/)).toEqual(expect.arrayContaining(Object.keys(NEW_KEY)));
    expect(codes.map(({ name }) => name).filter((name) => !(name in SAME_KEY) && !(name in NEW_KEY))).toEqual([]);
  });
});
