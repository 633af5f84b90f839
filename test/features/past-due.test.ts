import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
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

const RETRY = 'POST /v1/subscriptions/:id/retry';

function inDays(days: number): string {
  return new Date(world.sandbox.now().getTime() + days * 86_400_000).toISOString();
}

async function read(id: string) {
  const { subscription } = await world.ask(app, ops.SubscriptionDocument, { id });
  if (!subscription) throw new Error(`There is no subscription ${id}.`);
  return subscription;
}

async function retry(id: string, idempotencyKey?: string) {
  return (await world.ask(app, ops.SubscriptionRetryDocument, { input: { id, idempotencyKey } })).subscriptionRetry;
}

async function update(input: ops.SubscriptionUpdateInput) {
  return (await world.ask(app, ops.SubscriptionUpdateDocument, { input })).subscriptionUpdate;
}

async function pause(id: string) {
  return (await world.ask(app, ops.SubscriptionPauseDocument, { input: { id } })).subscriptionPause;
}

/** From now on Tilled declines what is asked of the first method of the app; without a code it does so no more. */
async function decline(code: string | null): Promise<void> {
  const [method] = await world.rows('billing_payment_methods', app);
  await world.control('declines', { paymentMethodId: method?.tilled_payment_method_id, code });
}

/** A weekly subscription of 19.90 whose second payment was declined, 3 days ago. Its card works again, unless said otherwise. */
async function pastDue({ works = true } = {}) {
  const { customer, card } = await world.payer(app);
  const { id } = await world.subscription(app, customer.id, { intervalUnit: 'WEEK' });
  await world.settle();
  await decline('insufficient_funds');
  await world.advance({ days: 10 });
  expect(await read(id)).toMatchObject({ status: 'PAST_DUE', nextPaymentAt: null });
  expect(await takenAtTilled(world, app)).toEqual([1_990]);
  if (works) await decline(null);
  return { id, customer, card };
}

/** Lets queued work, and what waits for a call to be dead, come to its end. */
async function waitItOut(): Promise<void> {
  for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
  expect(await world.rows('billing_jobs', app)).toEqual([]);
}

async function attempts(): Promise<number> {
  return (await atTilled(world, app, 'payment_intents')).length;
}

describe('subscriptionRetry', () => {
  it('collects the missed payment, which pays the period that runs, and goes on with the cycle', async () => {
    const { id } = await pastDue();
    expect(await retry(id)).toMatchObject({
      subscription: { status: 'ACTIVE', currentPeriodStart: inDays(-3), currentPeriodEnd: inDays(4), nextPaymentAt: inDays(4) },
      userErrors: [],
    });
    expect((await read(id)).payments.nodes.map(({ status }) => status)).toEqual(['SUCCEEDED', 'FAILED', 'SUCCEEDED']);
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
    await world.advance({ days: 4 });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990, 1_990]);
  });

  it('answers a decline as PAYMENT_DECLINED with its code, and can be asked again with another key', async () => {
    const { id } = await pastDue({ works: false });
    const declined = await retry(id, 'first');
    expect(declined).toMatchObject({
      subscription: { status: 'PAST_DUE' },
      userErrors: [{ code: 'PAYMENT_DECLINED', declineCode: 'insufficient_funds', field: ['id'] }],
    });
    expect((await read(id)).payments.nodes[0]).toMatchObject({ status: 'FAILED', failureCode: 'insufficient_funds' });
    expect(await retry(id, 'first')).toMatchObject({ userErrors: declined.userErrors, replayed: true });
    await decline(null);
    expect(await retry(id, 'second')).toMatchObject({ subscription: { status: 'ACTIVE' }, userErrors: [] });
    expect(await attempts()).toBe(4);
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('collects once for the same key', async () => {
    const { id } = await pastDue();
    const first = await retry(id, 'once');
    expect(await retry(id, 'once')).toEqual({ ...first, replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('is refused with ILLEGAL_TRANSITION where nothing is missed', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id);
    await world.settle();
    expect(await retry(id)).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    expect(await takenAtTilled(world, app)).toEqual([1_990]);
  });

  it('collects nothing that was collected already and we were not told of', async () => {
    const { id } = await pastDue();
    const [subscription] = await atTilled(world, app, 'subscriptions');
    await world.holdDeliveries();
    await world.tilled(app, 'POST', `/v1/subscriptions/${subscription?.id}/retry`, {});
    expect(await read(id)).toMatchObject({ status: 'PAST_DUE' });
    expect(await retry(id)).toMatchObject({ subscription: { status: 'ACTIVE' }, userErrors: [] });
    await world.resumeDeliveries();
    await waitItOut();
    expect(world.sandbox.requests(RETRY).filter(({ path }) => path.includes(String(subscription?.id)))).toHaveLength(1);
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('leaves an attempt alone that somebody scheduled at Tilled', async () => {
    const { id } = await pastDue();
    const [subscription] = await atTilled(world, app, 'subscriptions');
    const at = inDays(1);
    await world.holdDeliveries();
    await world.tilled(app, 'POST', `/v1/subscriptions/${subscription?.id}/retry`, { next_payment_at: at });
    expect(await retry(id)).toMatchObject({ userErrors: [{ code: 'CONFLICT', message: expect.stringContaining(at) }] });
    await world.resumeDeliveries();
    await waitItOut();
    expect(await read(id)).toMatchObject({ nextPaymentAt: at });
    expect(await retry(id)).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
    await world.advance({ days: 1 });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('is refused while another is under way, as is every other change', async () => {
    const { id } = await pastDue();
    await cut(world, RETRY, 'before');
    expect(await retry(id, 'lost')).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    expect(await retry(id, 'other')).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
    expect(await update({ id, planCode: 'x' })).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
    await waitItOut();
    expect(await retry(id, 'lost')).toMatchObject({ subscription: { status: 'ACTIVE' }, userErrors: [], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it.each([
    ['before Tilled took it', RETRY, 'before'],
    ['after Tilled took it', RETRY, 'after'],
    ['before it was marked', 'PATCH /v1/subscriptions/:id', 'before'],
    ['after it was marked', 'PATCH /v1/subscriptions/:id', 'after'],
  ] as const)('collects once when the connection breaks %s', async (_, operation, when) => {
    const { id } = await pastDue();
    await cut(world, operation, when);
    expect(await retry(id, 'key')).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await waitItOut();
    expect(await retry(id, 'key')).toMatchObject({ subscription: { status: 'ACTIVE' }, userErrors: [], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('tells its key of a decline whose answer was lost, and does not try again by itself', async () => {
    const { id } = await pastDue({ works: false });
    await cut(world, RETRY, 'after');
    expect(await retry(id, 'key')).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await waitItOut();
    expect(await retry(id, 'key')).toMatchObject({ userErrors: [{ code: 'PAYMENT_DECLINED', declineCode: 'insufficient_funds' }] });
    expect(await attempts()).toBe(3);
  });

  it('collects once when Tilled carries it out so late that the job looks meanwhile', async () => {
    const { id } = await pastDue();
    await world.control('faults', { operation: RETRY, delayMs: 4_000, when: 'during' });
    expect(await retry(id, 'key')).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await world.advance({ ms: 10_000 });
    expect(await takenAtTilled(world, app)).toEqual([1_990]);
    await world.until(async () => (await takenAtTilled(world, app)).length === 2);
    await waitItOut();
    expect(await retry(id, 'key')).toMatchObject({ subscription: { status: 'ACTIVE' }, userErrors: [], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
    expect(await attempts()).toBe(3);
  });

  it('collects nothing when its process froze between its question and its request, and another took it over', async () => {
    const { id } = await pastDue();
    await world.control('faults', { operation: 'GET /v1/subscriptions/:id', delayMs: 1_500, when: 'before' });
    const asked = retry(id, 'key');
    await world.until(async () => (await world.rows('billing_jobs', app)).length === 1);
    world.shifts.databaseMs += 400_000;
    const beside = await world.anotherGateway({ wallMs: 400_000 });
    await beside.gateway.worker.drain();
    await asked;
    await beside.close();
    world.shifts.databaseMs -= 400_000;
    await waitItOut();
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
    expect(await attempts()).toBe(3);
  });

  it('only looks while what Tilled accepted is not to be seen, and asks once more when that is certainly dead', async () => {
    const { id } = await pastDue();
    const [subscription] = await atTilled(world, app, 'subscriptions');
    await refuse(world, RETRY, 200, { times: 1, body: subscription });
    const asked = () => world.sandbox.requests(RETRY).filter(({ path }) => path.includes(String(subscription?.id))).length;
    expect(await retry(id, 'key')).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await world.advance({ ms: 240_000 });
    expect(await retry(id, 'key')).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    expect(asked()).toBe(1);
    await waitItOut();
    expect(asked()).toBe(2);
    expect(await retry(id, 'key')).toMatchObject({ subscription: { status: 'ACTIVE' }, userErrors: [], replayed: true });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('looks until Tilled tried, however late that is, and tells its key of it', async () => {
    const { id } = await pastDue();
    const [subscription] = await atTilled(world, app, 'subscriptions');
    // Tilled takes what it was asked for half an hour later: here somebody else's request stands for its own delay.
    await refuse(world, RETRY, 200, { times: 1, body: subscription });
    expect(await retry(id, 'key')).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    const later = { next_payment_at: new Date(world.sandbox.now().getTime() + 1_800_000).toISOString() };
    await world.tilled(app, 'POST', `/v1/subscriptions/${subscription?.id}/retry`, later);
    await world.advance({ ms: 1_500_000 });
    expect(await retry(id, 'key')).toMatchObject({ subscription: { status: 'PAST_DUE' }, userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    for (let minutes = 0; minutes < 45; minutes += 1) await world.advance({ ms: 60_000 });
    expect(await retry(id, 'key')).toMatchObject({ subscription: { status: 'ACTIVE' }, userErrors: [], replayed: true });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('says that nothing happened when Tilled refuses to be asked now', async () => {
    const { id } = await pastDue();
    await refuse(world, RETRY, 429, { times: 1 });
    await refuse(world, 'PATCH /v1/subscriptions/:id', 429, { times: 1 });
    expect(await retry(id, 'key')).toMatchObject({ userErrors: [{ code: 'PROCESSOR_UNAVAILABLE' }] });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
    await world.control('faults', { clear: true });
    expect(await retry(id, 'key')).toMatchObject({ subscription: { status: 'ACTIVE' }, userErrors: [] });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });
});

describe('the card of what ends at the period end', () => {
  async function ending() {
    const { customer, card } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id, { intervalUnit: 'WEEK' });
    await world.settle();
    await world.ask(app, ops.SubscriptionCancelDocument, { input: { id, mode: 'AT_PERIOD_END' } });
    return { id, customer, card };
  }
  const detach = async (id: string) => (await world.ask(app, ops.PaymentMethodDetachDocument, { input: { id } })).paymentMethodDetach;
  const reactivate = async (id: string) =>
    (await world.ask(app, ops.SubscriptionReactivateDocument, { input: { id } })).subscriptionReactivate;

  it('can be detached; to reactivate it then asks for another one', async () => {
    const { id, customer, card } = await ending();
    expect(await detach(card.id)).toMatchObject({ userErrors: [] });
    expect(await reactivate(id)).toMatchObject({ userErrors: [{ code: 'NO_PAYMENT_METHOD', field: ['id'] }] });
    const { id: paymentMethodId } = await world.card(app, customer.id);
    expect(await update({ id, paymentMethodId })).toMatchObject({ userErrors: [] });
    expect(await reactivate(id)).toMatchObject({ subscription: { cancelAtPeriodEnd: false }, userErrors: [] });
    expect(await detach(paymentMethodId)).toMatchObject({ userErrors: [{ code: 'PAYMENT_METHOD_IN_USE' }] });
    await world.advance({ days: 7 });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('cannot be detached while it is being reactivated, nor if it would be collected before it ends', async () => {
    const { id, card } = await ending();
    await cut(world, 'PATCH /v1/subscriptions/:id', 'before');
    expect(await reactivate(id)).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    expect(await detach(card.id)).toMatchObject({ userErrors: [{ code: 'PAYMENT_METHOD_IN_USE' }] });
    await waitItOut();
    const [subscription] = await atTilled(world, app, 'subscriptions');
    await world.tilled(app, 'PATCH', `/v1/subscriptions/${subscription?.id}`, { cancel_at: inDays(20) });
    await world.settle();
    expect(await read(id)).toMatchObject({ cancelAtPeriodEnd: true });
    expect(await detach(card.id)).toMatchObject({ userErrors: [{ code: 'PAYMENT_METHOD_IN_USE' }] });
  });
});

describe('the platform fee', () => {
  const money = (amountMinor: number, currency = 'usd') => ({ amountMinor, currency });
  const create = async (customerId: string, platformFee: ops.MoneyInput) =>
    (await world.ask(app, ops.SubscriptionCreateDocument, { input: { customerId, price: money(1_990), platformFee } })).subscriptionCreate;
  const feeOf = async (id: string, credential = app.key) =>
    world.post<{ subscription: { platformFee: unknown } }>(
      { query: 'query ($id: ID!) { subscription(id: $id) { platformFee { amountMinor currency } } }', variables: { id } },
      { credential },
    );

  it('is kept of each payment, until it is changed, and no customer sees it', async () => {
    const { customer } = await world.payer(app);
    const { subscription } = await create(customer.id, money(199));
    const id = subscription?.id ?? '';
    await world.settle();
    expect((await feeOf(id)).data).toEqual({ subscription: { platformFee: money(199) } });
    expect(await update({ id, price: money(100) })).toMatchObject({ userErrors: [{ code: 'INVALID', field: ['price', 'amountMinor'] }] });
    expect(await update({ id, price: money(100), platformFee: money(10) })).toMatchObject({ userErrors: [] });
    await world.advance({ days: 31 });
    expect((await atTilled(world, app, 'payment_intents')).map((intent) => intent.platform_fee_amount)).toEqual([199, 10]);
    const { customerSessionCreate } = await world.ask(app, ops.CustomerSessionCreateDocument, { input: { customerId: customer.id } });
    expect((await feeOf(id, customerSessionCreate.token ?? '')).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });

  it.each([
    ['beyond the price', money(1_991), 'amountMinor'],
    ['in another currency', money(10, 'cad'), 'currency'],
    ['of nothing', money(0), 'amountMinor'],
  ])('is INVALID %s, and nothing is made', async (_, platformFee, part) => {
    const { customer } = await world.payer(app);
    expect(await create(customer.id, platformFee)).toMatchObject({ userErrors: [{ code: 'INVALID', field: ['platformFee', part] }] });
    expect(await atTilled(world, app, 'subscriptions')).toEqual([]);
  });

  it('is null where there is none', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id);
    expect((await feeOf(id)).data).toEqual({ subscription: { platformFee: null } });
  });
});

describe('a missed payment', () => {
  it('is collected once, by itself, when another method takes the place of the one that failed', async () => {
    const { id, customer } = await pastDue({ works: false });
    const { id: paymentMethodId } = await world.card(app, customer.id, { setAsDefault: true });
    await world.advance({ days: 1 });
    expect(await attempts()).toBe(2);
    expect(await update({ id, paymentMethodId })).toMatchObject({
      subscription: { paymentMethod: { id: paymentMethodId } },
      userErrors: [],
    });
    await world.settle();
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', nextPaymentAt: inDays(3), currentPeriodEnd: inDays(3) });
    await update({ id, paymentMethodId });
    await waitItOut();
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
    expect(await attempts()).toBe(3);
  });

  it.each(['before', 'after'] as const)('is so, too, when the connection breaks %s the method was replaced', async (when) => {
    const { id, customer } = await pastDue({ works: false });
    const { id: paymentMethodId } = await world.card(app, customer.id);
    await cut(world, 'PATCH /v1/subscriptions/:id', when);
    expect(await update({ id, paymentMethodId })).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await waitItOut();
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', paymentMethod: { id: paymentMethodId } });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
    expect(await attempts()).toBe(3);
  });

  it('is left alone by an update that keeps the method, and by one whose new method is declined, too', async () => {
    const { id, customer, card } = await pastDue({ works: false });
    await update({ id, paymentMethodId: card.id, price: { amountMinor: 2_000, currency: 'usd' } });
    await waitItOut();
    expect(await attempts()).toBe(2);
    const second = await world.card(app, customer.id);
    const [, method] = await world.rows('billing_payment_methods', app);
    await world.control('declines', { paymentMethodId: method?.tilled_payment_method_id, code: 'expired_card' });
    await update({ id, paymentMethodId: second.id });
    await waitItOut();
    expect(await attempts()).toBe(3);
    expect(await read(id)).toMatchObject({ status: 'PAST_DUE', payments: { nodes: [{ failureCode: 'expired_card' }, {}, {}] } });
  });

  it('is not given away by a pause: that is refused with ILLEGAL_TRANSITION, also before we were told of the decline', async () => {
    const { id } = await pastDue();
    expect(await pause(id)).toMatchObject({
      userErrors: [{ code: 'ILLEGAL_TRANSITION', message: expect.stringContaining('subscriptionRetry') }],
    });
    const { customer } = await world.payer(app);
    const { id: other } = await world.subscription(app, customer.id, { intervalUnit: 'WEEK' });
    await world.settle();
    const [, method] = await world.rows('billing_payment_methods', app);
    await world.control('declines', { paymentMethodId: method?.tilled_payment_method_id, code: 'expired_card' });
    await world.holdDeliveries();
    await world.advance({ days: 7 });
    expect(await read(other)).toMatchObject({ status: 'ACTIVE' });
    expect(await pause(other)).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    await world.resumeDeliveries();
    await world.settle();
  });
});
