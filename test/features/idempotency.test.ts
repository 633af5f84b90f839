import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, refuse, takenAtTilled } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type RequestOptions, type TestApp, World } from '../support/world.js';

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
afterEach(() => world.control('faults', { clear: true }));
afterAll(() => world.close());

const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

async function pay(input: Partial<ops.PaymentCreateInput> = {}, options: RequestOptions = {}) {
  const variables = { input: { customerId, amount: usd(4_200), ...input } };
  return (await world.ask(app, ops.PaymentCreateDocument, variables, options)).paymentCreate;
}

const header = (key: string): RequestOptions => ({ headers: { 'idempotency-key': key } });

describe('the same key and input', () => {
  it('answers the first payment again and takes nothing more', async () => {
    const first = await pay({ idempotencyKey: 'key-1' });
    expect(first).toMatchObject({ payment: { status: 'SUCCEEDED' }, userErrors: [], replayed: false });
    expect(await pay({ idempotencyKey: 'key-1' })).toEqual({ ...first, replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('takes the key from the header Idempotency-Key', async () => {
    const first = await pay({}, header('key-1'));
    expect(await pay({}, header('key-1'))).toEqual({ ...first, replayed: true });
    expect(await pay({ idempotencyKey: 'key-1' })).toEqual({ ...first, replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('says in the header Idempotency-Replayed that the answer is an earlier one, and only then', async () => {
    const send = () => world.send(app, ops.PaymentCreateDocument, { input: { customerId, amount: usd(4_200), idempotencyKey: 'key-1' } });
    expect((await send()).headers.get('idempotency-replayed')).toBeNull();
    expect((await send()).headers.get('idempotency-replayed')).toBe('true');
  });

  it('may be in the input and in the header, but one that differs is refused, and neither key is used up', async () => {
    expect(await pay({ idempotencyKey: 'key-1' }, header('key-2'))).toMatchObject({
      payment: null,
      userErrors: [{ code: 'INVALID', field: ['idempotencyKey'] }],
    });
    const first = await pay({ idempotencyKey: 'key-1' }, header('key-1'));
    expect(first).toMatchObject({ payment: { status: 'SUCCEEDED' }, replayed: false });
    expect(await pay({}, header('key-1'))).toEqual({ ...first, replayed: true });
    expect(await pay({}, header('key-2'))).toMatchObject({ payment: { status: 'SUCCEEDED' }, replayed: false });
    expect(await takenAtTilled(world, app)).toEqual([4_200, 4_200]);
  });

  it('is the same input whether a field is null, left out or its default', async () => {
    const first = await pay({ idempotencyKey: 'key-1' });
    const nothing = { paymentMethodId: null, captureMethod: null, referenceId: null, description: null, metadata: null };
    expect(await pay({ ...nothing, idempotencyKey: 'key-1' })).toEqual({ ...first, replayed: true });
    expect(await pay({ captureMethod: 'AUTOMATIC', idempotencyKey: 'key-1' })).toEqual({ ...first, replayed: true });
    expect(await pay({ ...nothing, idempotencyKey: 'key-2' })).toMatchObject({ replayed: false });
    for (const metadata of [{}, { note: null }] as Record<string, string | null>[])
      expect(await pay({ metadata, idempotencyKey: 'key-2' })).toMatchObject({ replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([4_200, 4_200]);
  });

  it('is another input where null removes something that leaving it out does not', async () => {
    const { id } = await world.subscription(app, customerId, { planCode: 'gold', metadata: { note: 'x' } });
    const update = async (input: Partial<ops.SubscriptionUpdateInput>, key: string) =>
      (await world.ask(app, ops.SubscriptionUpdateDocument, { input: { id, ...input } }, header(key))).subscriptionUpdate;
    const reused = { userErrors: [{ code: 'IDEMPOTENCY_KEY_REUSED' }] };
    expect(await update({ planCode: null }, 'key-1')).toMatchObject({ subscription: { planCode: null }, userErrors: [] });
    expect(await update({}, 'key-1')).toMatchObject(reused);
    expect(await update({ metadata: { note: null } }, 'key-2')).toMatchObject({ subscription: { metadata: {} }, userErrors: [] });
    expect(await update({ metadata: {} }, 'key-2')).toMatchObject(reused);
    expect(await update({ metadata: { note: null }, price: null, paymentMethodId: null }, 'key-2')).toMatchObject({ replayed: true });
  });

  it('may hold metadata under any key, also under the names that objects have by themselves', async () => {
    const metadata: Record<string, unknown> = { constructor: 'x', toString: 'y', valueOf: 'z' };
    const idempotencyKey = 'named';
    const first = await pay({ metadata: metadata as never, idempotencyKey });
    expect(first).toMatchObject({ payment: { status: 'SUCCEEDED' }, userErrors: [] });
    expect(await pay({ metadata: metadata as never, idempotencyKey })).toEqual({ ...first, replayed: true });
    const other = await pay({ metadata: { ...metadata, constructor: 'other' } as never, idempotencyKey });
    expect(other).toMatchObject({ userErrors: [{ code: 'IDEMPOTENCY_KEY_REUSED' }] });
  });

  it('is known under a key of the build before, which told null from a field that was left out', async () => {
    const first = await pay({ description: null, idempotencyKey: 'key-1' });
    const before = { amount: usd(4_200), captureMethod: 'AUTOMATIC', customerId, description: null };
    const fingerprint = createHash('sha256').update(JSON.stringify(before)).digest('hex');
    await world.gateway.database.run('update billing_idempotency_keys set fingerprint = ? where app_id = ?', [fingerprint, app.id]);
    expect(await pay({ description: null, idempotencyKey: 'key-1' })).toEqual({ ...first, replayed: true });
    expect(await pay({ description: 'other', idempotencyKey: 'key-1' })).toMatchObject({
      userErrors: [{ code: 'IDEMPOTENCY_KEY_REUSED' }],
    });
  });

  it('is the same input whatever the order of its fields', async () => {
    const first = await pay({ metadata: { a: '1', b: '2' }, description: 'x', idempotencyKey: 'key-1' });
    expect(await pay({ idempotencyKey: 'key-1', description: 'x', metadata: { b: '2', a: '1' } })).toEqual({ ...first, replayed: true });
  });

  it('answers the payment as it is now', async () => {
    const first = await pay({ captureMethod: 'MANUAL', idempotencyKey: 'key-1' });
    await world.ask(app, ops.PaymentCaptureDocument, { input: { id: first.payment?.id ?? '' } });
    expect(await pay({ captureMethod: 'MANUAL', idempotencyKey: 'key-1' })).toMatchObject({
      payment: { status: 'SUCCEEDED' },
      replayed: true,
    });
  });

  it('answers the same decline again and asks the bank once', async () => {
    const first = await pay({ amount: usd(777_701), idempotencyKey: 'key-1' });
    expect(first.userErrors).toMatchObject([{ code: 'PAYMENT_DECLINED', declineCode: 'insufficient_funds', retryable: true }]);
    expect(await pay({ amount: usd(777_701), idempotencyKey: 'key-1' })).toEqual({ ...first, replayed: true });
    expect(await atTilled(world, app, 'charges')).toHaveLength(1);
  });

  it('answers the same refusal again, although the request would pass by now', async () => {
    const poor = await world.customer(app);
    const refused = await pay({ customerId: poor.id, idempotencyKey: 'key-1' });
    expect(refused.userErrors).toMatchObject([{ code: 'NO_PAYMENT_METHOD' }]);
    await world.card(app, poor.id);
    expect(await pay({ customerId: poor.id, idempotencyKey: 'key-1' })).toEqual({ ...refused, replayed: true });
    expect(await pay({ customerId: poor.id, idempotencyKey: 'key-2' })).toMatchObject({ payment: { status: 'SUCCEEDED' } });
  });

  it('makes one customer, one subscription and one refund as well', async () => {
    const create = { input: { email: 'bob@example.com', idempotencyKey: 'key-1' } };
    const one = await world.ask(app, ops.CustomerCreateDocument, create);
    const same = await world.ask(app, ops.CustomerCreateDocument, create);
    expect(same.customerCreate).toEqual({ ...one.customerCreate, replayed: true });
    const subscribe = { input: { customerId, price: usd(900), idempotencyKey: 'key-1' } };
    await world.ask(app, ops.SubscriptionCreateDocument, subscribe);
    expect((await world.ask(app, ops.SubscriptionCreateDocument, subscribe)).subscriptionCreate.replayed).toBe(true);
    const { payment } = await pay({ idempotencyKey: 'key-1' });
    const refund = { input: { paymentId: payment?.id ?? '', idempotencyKey: 'key-1' } };
    await world.ask(app, ops.RefundCreateDocument, refund);
    expect((await world.ask(app, ops.RefundCreateDocument, refund)).refundCreate.replayed).toBe(true);
    expect(await atTilled(world, app, 'customers')).toHaveLength(2);
    expect(await atTilled(world, app, 'subscriptions')).toHaveLength(1);
    expect(await atTilled(world, app, 'refunds')).toHaveLength(1);
  });

  it('is a new request in another app', async () => {
    const first = await pay({ idempotencyKey: 'key-1' });
    app = await world.app();
    customerId = (await world.payer(app)).customer.id;
    const second = await pay({ idempotencyKey: 'key-1' });
    expect(second).toMatchObject({ payment: { status: 'SUCCEEDED' }, replayed: false });
    expect(second.payment?.id).not.toBe(first.payment?.id);
  });

  it('is a new request after 30 days, and not before', async () => {
    const first = await pay({ idempotencyKey: 'key-1' });
    await world.advance({ days: 29 });
    expect((await pay({ idempotencyKey: 'key-1' })).payment?.id).toBe(first.payment?.id);
    await world.advance({ days: 2 });
    expect(await pay({ idempotencyKey: 'key-1' })).toMatchObject({ payment: { status: 'SUCCEEDED' }, replayed: false });
    expect(await takenAtTilled(world, app)).toEqual([4_200, 4_200]);
  });
});

describe('expired keys', () => {
  const FINANCIAL = ['customers', 'payment_methods', 'subscriptions', 'payments', 'refunds', 'disputes', 'events'] as const;

  const financialRows = () => Promise.all(FINANCIAL.map((table) => world.rows(`billing_${table}`, app)));

  /** Keys of long ago, as many of them as are not removed by one statement. */
  async function addOldKeys(count: number): Promise<void> {
    const past = new Date(world.sandbox.now().getTime() - 1_000);
    const values = Array.from({ length: count }, (_, n) => [app.id, `old-${n}`, past, past]);
    const places = values.map(() => "(?, ?, 'paymentCreate', 'x', 'done', null, '[]', ?, ?)").join(', ');
    const columns = 'app_id, id, operation, fingerprint, state, resource_id, errors, created_at, expires_at';
    await world.gateway.database.run(`insert into billing_idempotency_keys (${columns}) values ${places}`, values.flat());
  }

  it('are removed in small statements once their 30 days are over, and nothing about money is', async () => {
    await pay({ idempotencyKey: 'key-1' });
    await world.gateway.schedule();
    await world.advance({ days: 29 });
    await pay({ idempotencyKey: 'key-2' });
    await addOldKeys(1_100);
    const money = await financialRows();
    const deletes = (await world.statements(() => world.advance({ days: 2 }))).filter((sql) =>
      sql.startsWith('delete from billing_idempo'),
    );
    expect((await world.rows('billing_idempotency_keys', app)).map((row) => row['expires_at'])).toHaveLength(1);
    expect(deletes.length).toBeGreaterThanOrEqual(3);
    expect(await financialRows()).toEqual(money);
    expect(await pay({ idempotencyKey: 'key-2' })).toMatchObject({ replayed: true });
    const jobs = (await world.rows('billing_jobs', app)).map(({ kind, state }) => `${kind} ${state}`);
    expect(jobs.toSorted()).toEqual(['reconcile due', 'retention.sweep due', 'webhook.backfill due']);
  });

  it('are kept for as long as the outcome is not known: the same key never takes a second payment', async () => {
    const pause = (times: number) => world.control('faults', { operation: '* /v1/payment-intents*', status: 503, times });
    await pause(100_000);
    expect(await pay({ idempotencyKey: 'key-1' })).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await world.gateway.schedule();
    await world.advance({ days: 31 });
    const again = await pay({ idempotencyKey: 'key-1' });
    expect(again.userErrors).toMatchObject([{ code: expect.stringMatching(/OUTCOME_UNKNOWN|IN_PROGRESS/) }]);
    expect(await world.rows('billing_payments', app)).toHaveLength(1);
    await world.control('faults', { clear: true });
    await world.advance({ days: 1 });
    expect(await world.rows('billing_payments', app)).toHaveLength(1);
  });
});

describe('IDEMPOTENCY_KEY_REUSED', () => {
  it('refuses the same key with any other input, and does nothing', async () => {
    await pay({ idempotencyKey: 'key-1' });
    const others: Partial<ops.PaymentCreateInput>[] = [
      { amount: usd(4_201) },
      { amount: { amountMinor: 4_200, currency: 'cad' } },
      { captureMethod: 'MANUAL' },
      { description: 'other' },
      { metadata: { a: '1' } },
    ];
    for (const input of others) {
      expect(await pay({ ...input, idempotencyKey: 'key-1' })).toMatchObject({
        payment: null,
        userErrors: [{ code: 'IDEMPOTENCY_KEY_REUSED', field: ['idempotencyKey'] }],
      });
    }
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('lets an input that was INVALID be corrected under the same key', async () => {
    expect(await pay({ amount: usd(0), idempotencyKey: 'key-1' })).toMatchObject({ userErrors: [{ code: 'INVALID' }] });
    expect(await pay({ idempotencyKey: 'key-1' })).toMatchObject({ payment: { status: 'SUCCEEDED' }, userErrors: [], replayed: false });
  });

  it.each(['', '   ', 'x'.repeat(256)])('refuses %j as a key with INVALID', async (idempotencyKey) => {
    expect(await pay({ idempotencyKey })).toMatchObject({ payment: null, userErrors: [{ code: 'INVALID', field: ['idempotencyKey'] }] });
    expect(await atTilled(world, app, 'payment_intents')).toEqual([]);
  });

  it('refuses a header of 256 characters with INVALID, and takes one of 255', async () => {
    expect(await pay({}, header('x'.repeat(256)))).toMatchObject({ payment: null, userErrors: [{ code: 'INVALID' }] });
    expect(await pay({}, header('x'.repeat(255)))).toMatchObject({ payment: { status: 'SUCCEEDED' } });
  });
});

describe('IDEMPOTENCY_IN_PROGRESS', () => {
  it('says when to come back while the first request is at Tilled', async () => {
    await world.control('faults', { operation: 'POST /v1/payment-intents/:id/confirm', delayMs: 1_000, when: 'before' });
    const before = world.sandbox.requests('POST /v1/payment-intents/:id/confirm').length;
    const first = pay({ idempotencyKey: 'key-1' });
    await world.until(async () => world.sandbox.requests('POST /v1/payment-intents/:id/confirm').length > before);
    expect(await pay({ idempotencyKey: 'key-1' })).toMatchObject({
      payment: null,
      userErrors: [{ __typename: 'RetryLater', code: 'IDEMPOTENCY_IN_PROGRESS', retryAfterMs: expect.any(Number) }],
    });
    expect((await first).payment?.status).toBe('SUCCEEDED');
    expect(await pay({ idempotencyKey: 'key-1' })).toMatchObject({ payment: { status: 'SUCCEEDED' }, replayed: true });
  });
});

describe('twenty concurrent requests with one key', () => {
  it('give one charge at Tilled: one is the first, the others are replays or told to wait', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => pay({ idempotencyKey: 'key-1' })));
    expect(answers.filter((answer) => answer.payment !== null && !answer.replayed)).toHaveLength(1);
    const codes = new Set(answers.flatMap((answer) => answer.userErrors.map((error) => error.code)));
    codes.delete('IDEMPOTENCY_IN_PROGRESS');
    expect([...codes]).toEqual([]);
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
    expect(await atTilled(world, app, 'payment_intents')).toHaveLength(1);
    expect(await world.rows('billing_payments', app)).toHaveLength(1);
    expect(await world.rows('billing_idempotency_keys', app)).toHaveLength(1);
  });

  it('give one subscription at Tilled', async () => {
    const input = { customerId, price: usd(900), idempotencyKey: 'key-1' };
    await Promise.all(Array.from({ length: 20 }, () => world.ask(app, ops.SubscriptionCreateDocument, { input })));
    await world.settle();
    expect(await atTilled(world, app, 'subscriptions')).toHaveLength(1);
    expect(await takenAtTilled(world, app)).toEqual([900]);
  });

  it('give one refund at Tilled', async () => {
    const { payment } = await pay();
    await world.control('batch', {});
    const input = { paymentId: payment?.id ?? '', amount: usd(100), idempotencyKey: 'key-1' };
    await Promise.all(Array.from({ length: 20 }, () => world.ask(app, ops.RefundCreateDocument, { input })));
    expect(await atTilled(world, app, 'refunds')).toHaveLength(1);
    expect(await takenAtTilled(world, app)).toEqual([4_100]);
  });

  it('give one customer at Tilled', async () => {
    const input = { email: 'bob@example.com', idempotencyKey: 'key-1' };
    await Promise.all(Array.from({ length: 20 }, () => world.ask(app, ops.CustomerCreateDocument, { input })));
    expect(await atTilled(world, app, 'customers')).toHaveLength(2);
  });
});

describe('PROCESSOR_UNAVAILABLE', () => {
  it.each([
    ['POST /v1/payment-intents', 429],
    ['POST /v1/payment-intents', 401],
  ])('when %s is answered %i, leaves nothing behind, and the same key works later', async (operation, status) => {
    await refuse(world, operation, status);
    expect(await pay({ referenceId: 'order:1', idempotencyKey: 'key-1' })).toMatchObject({
      payment: null,
      userErrors: [{ __typename: 'RetryLater', code: 'PROCESSOR_UNAVAILABLE', retryAfterMs: expect.any(Number) }],
    });
    for (const table of ['payments', 'idempotency_keys']) expect(await world.rows(`billing_${table}`, app)).toEqual([]);
    await world.advance({ ms: 60_000 });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
    expect(await takenAtTilled(world, app)).toEqual([]);
    const later = await pay({ referenceId: 'order:1', idempotencyKey: 'key-1' });
    expect(later).toMatchObject({ payment: { status: 'SUCCEEDED' }, userErrors: [], replayed: false });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('is not said once something was made at Tilled: the payment is taken by itself, once, and the key answers it', async () => {
    await refuse(world, 'POST /v1/payment-intents/:id/confirm', 429);
    const first = await pay({ idempotencyKey: 'key-1' });
    expect(first).toMatchObject({ payment: { status: 'UNKNOWN' }, userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await world.advance({ ms: 10_000 });
    expect(await pay({ idempotencyKey: 'key-1' })).toMatchObject({ payment: { status: 'SUCCEEDED' }, userErrors: [], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([4_200]);
  });

  it('waits as long as Tilled says', async () => {
    await world.control('faults', { operation: 'POST /v1/payment-intents', status: 429, retryAfterSeconds: 17 });
    expect((await pay()).userErrors).toMatchObject([{ code: 'PROCESSOR_UNAVAILABLE', retryAfterMs: 17_000 }]);
  });

  it('frees what a refund had reserved', async () => {
    const { payment } = await pay();
    await world.control('batch', {});
    const input = { paymentId: payment?.id ?? '', amount: usd(4_200), idempotencyKey: 'key-1' };
    await refuse(world, 'POST /v1/refunds', 429);
    const refused = await world.ask(app, ops.RefundCreateDocument, { input });
    expect(refused.refundCreate).toMatchObject({ refund: null, userErrors: [{ code: 'PROCESSOR_UNAVAILABLE' }] });
    expect(await world.rows('billing_refunds', app)).toEqual([]);
    const later = await world.ask(app, ops.RefundCreateDocument, { input });
    expect(later.refundCreate).toMatchObject({ refund: { status: 'SUCCEEDED' }, replayed: false });
  });

  it('leaves no customer and no subscription behind', async () => {
    await refuse(world, 'POST /v1/customers', 429);
    const create = { input: { email: 'bob@example.com', externalId: 'bob', idempotencyKey: 'key-1' } };
    const refused = await world.ask(app, ops.CustomerCreateDocument, create);
    expect(refused.customerCreate).toMatchObject({ customer: null, userErrors: [{ code: 'PROCESSOR_UNAVAILABLE' }] });
    expect(await world.rows('billing_customers', app)).toHaveLength(1);
    expect((await world.ask(app, ops.CustomerCreateDocument, create)).customerCreate.userErrors).toEqual([]);
    await refuse(world, 'POST /v1/subscriptions', 429);
    const subscribe = { input: { customerId, price: usd(900), idempotencyKey: 'key-1' } };
    const none = await world.ask(app, ops.SubscriptionCreateDocument, subscribe);
    expect(none.subscriptionCreate).toMatchObject({ subscription: null, userErrors: [{ code: 'PROCESSOR_UNAVAILABLE' }] });
    expect(await world.rows('billing_subscriptions', app)).toEqual([]);
    expect((await world.ask(app, ops.SubscriptionCreateDocument, subscribe)).subscriptionCreate.userErrors).toEqual([]);
  });

  it('leaves a held payment held when a capture could not be sent', async () => {
    const { payment } = await pay({ captureMethod: 'MANUAL' });
    await refuse(world, 'POST /v1/payment-intents/:id/capture', 429);
    const input = { id: payment?.id ?? '', idempotencyKey: 'key-1' };
    const refused = await world.ask(app, ops.PaymentCaptureDocument, { input });
    expect(refused.paymentCapture).toMatchObject({
      payment: { status: 'REQUIRES_CAPTURE' },
      userErrors: [{ code: 'PROCESSOR_UNAVAILABLE' }],
    });
    expect((await world.ask(app, ops.PaymentCaptureDocument, { input })).paymentCapture).toMatchObject({
      payment: { status: 'SUCCEEDED' },
    });
  });
});
