import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, cut, newBankAccount, takenAtTilled } from '../support/at-tilled.js';
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

const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

function inDays(days: number): string {
  return new Date(world.sandbox.now().getTime() + days * 86_400_000).toISOString();
}

async function create(input: ops.SubscriptionCreateInput) {
  return (await world.ask(app, ops.SubscriptionCreateDocument, { input })).subscriptionCreate;
}

async function update(input: ops.SubscriptionUpdateInput) {
  return (await world.ask(app, ops.SubscriptionUpdateDocument, { input })).subscriptionUpdate;
}

async function pause(input: ops.SubscriptionPauseInput) {
  return (await world.ask(app, ops.SubscriptionPauseDocument, { input })).subscriptionPause;
}

async function resume(id: string) {
  return (await world.ask(app, ops.SubscriptionResumeDocument, { input: { id } })).subscriptionResume;
}

async function cancel(input: ops.SubscriptionCancelInput) {
  return (await world.ask(app, ops.SubscriptionCancelDocument, { input })).subscriptionCancel;
}

async function reactivate(id: string) {
  return (await world.ask(app, ops.SubscriptionReactivateDocument, { input: { id } })).subscriptionReactivate;
}

async function read(id: string) {
  const { subscription } = await world.ask(app, ops.SubscriptionDocument, { id });
  if (!subscription) throw new Error(`There is no subscription ${id}.`);
  return subscription;
}

/** A subscription whose first payment was taken. */
async function active(input: Partial<ops.SubscriptionCreateInput> = {}) {
  const { customer, card } = await world.payer(app);
  const { id } = await world.subscription(app, customer.id, input);
  await world.settle();
  return { customer, card, id };
}

/** The id at Tilled of the only payment method of the app. */
async function onlyMethodAtTilled(): Promise<unknown> {
  return (await world.rows('billing_payment_methods', app))[0]?.tilled_payment_method_id;
}

describe('subscriptionCreate', () => {
  it('takes nothing before a later anchor, and the first payment at it', async () => {
    const { id } = await active({ billingCycleAnchor: inDays(14) });
    expect(await read(id)).toMatchObject({
      status: 'PENDING',
      currentPeriodStart: null,
      currentPeriodEnd: null,
      nextPaymentAt: inDays(14),
    });
    expect(await takenAtTilled(world, app)).toEqual([]);
    await world.advance({ days: 14 });
    expect(await read(id)).toMatchObject({
      status: 'ACTIVE',
      currentPeriodStart: inDays(0),
      payments: { nodes: [{ status: 'SUCCEEDED' }] },
    });
    expect(await takenAtTilled(world, app)).toEqual([1_990]);
  });

  it('takes each period once, at the price of then', async () => {
    const { id } = await active({ intervalUnit: 'WEEK', intervalCount: 2 });
    await world.advance({ days: 28 });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990, 1_990]);
    const subscription = await read(id);
    expect(subscription.nextPaymentAt).toBe(inDays(14));
    expect(subscription.payments.nodes.map((payment) => payment.status)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
  });

  it('bills a cycle of the 31st on the last day of a short month and on the 31st after it', async () => {
    const now = world.sandbox.now();
    const anchor = new Date(Date.UTC(now.getUTCFullYear() + 1, 0, 31, 12)).toISOString();
    const { id } = await active({ billingCycleAnchor: anchor });
    await world.advance({ ms: Date.parse(anchor) - now.getTime() });
    const first = await read(id);
    expect(first.currentPeriodEnd).toMatch(/-02-28T12:00:00\.000Z$/);
    await world.advance({ days: 28 });
    expect(await read(id)).toMatchObject({
      currentPeriodStart: first.currentPeriodEnd,
      nextPaymentAt: expect.stringMatching(/-03-31T12:/),
    });
  });

  it('pays with the named method instead of the default', async () => {
    const { customer } = await world.payer(app);
    const second = await world.card(app, customer.id);
    const subscription = await world.subscription(app, customer.id, { paymentMethodId: second.id });
    await world.settle();
    expect(subscription.paymentMethod.id).toBe(second.id);
    expect((await read(subscription.id)).payments.nodes[0]?.paymentMethod?.id).toBe(second.id);
  });

  it('becomes PAST_DUE when the first payment is declined, and says why on the payment', async () => {
    const { customer } = await world.payer(app);
    await world.control('declines', { paymentMethodId: await onlyMethodAtTilled(), code: 'insufficient_funds' });
    const { id } = await world.subscription(app, customer.id);
    await world.settle();
    expect(await read(id)).toMatchObject({
      status: 'PAST_DUE',
      nextPaymentAt: null,
      payments: { nodes: [{ status: 'FAILED', failureCode: 'insufficient_funds', captured: { amountMinor: 0 } }] },
    });
    expect(await takenAtTilled(world, app)).toEqual([]);
  });

  it('is ACTIVE while a bank debit is under way, and PAST_DUE when the bank returns it', async () => {
    const customer = await world.customer(app);
    await world.card(app, customer.id, { tilledPaymentMethodId: await newBankAccount(world, app) });
    const { id } = await world.subscription(app, customer.id);
    await world.settle();
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', payments: { nodes: [{ status: 'PROCESSING' }] } });
    const [intent] = await atTilled(world, app, 'payment_intents');
    await world.control('return', { paymentIntentId: intent?.id, code: 'R01' });
    await world.settle();
    expect(await read(id)).toMatchObject({ status: 'PAST_DUE', payments: { nodes: [{ status: 'FAILED', failureCode: 'R01' }] } });
  });
});

describe('subscriptionCreate, refused', () => {
  it('answers NO_PAYMENT_METHOD for a customer without one, and asks Tilled nothing', async () => {
    const customer = await world.customer(app);
    expect(await create({ customerId: customer.id, price: usd(100) })).toMatchObject({
      subscription: null,
      userErrors: [{ code: 'NO_PAYMENT_METHOD', field: ['paymentMethodId'] }],
    });
    expect(await atTilled(world, app, 'subscriptions')).toEqual([]);
  });

  it("answers NOT_FOUND for another customer's method", async () => {
    const { card } = await world.payer(app);
    const { customer } = await world.payer(app);
    expect(await create({ customerId: customer.id, paymentMethodId: card.id, price: usd(100) })).toMatchObject({
      subscription: null,
      userErrors: [{ code: 'NOT_FOUND', field: ['paymentMethodId'] }],
    });
  });

  it.each([
    ['a price of nothing', { price: usd(0) }, ['price', 'amountMinor']],
    ['a currency Tilled does not take', { price: { amountMinor: 100, currency: 'xau' } }, ['price', 'currency']],
    ['an interval of no length', { price: usd(100), intervalCount: 0 }, ['intervalCount']],
    ['an anchor in the past', { price: usd(100), billingCycleAnchor: '2026-01-01T00:00:00.000Z' }, ['billingCycleAnchor']],
  ])('answers INVALID for %s, and stores nothing', async (_, input, field) => {
    const { customer } = await world.payer(app);
    expect(await create({ customerId: customer.id, ...input })).toMatchObject({
      subscription: null,
      userErrors: [{ code: 'INVALID', field }],
    });
    expect(await world.rows('billing_subscriptions', app)).toEqual([]);
  });

  it('is CANCELED for good when Tilled rejects it', async () => {
    const { customer } = await world.payer(app);
    await world.control('faults', { operation: 'POST /v1/subscriptions', status: 400, body: { statusCode: 400, message: 'not enabled' } });
    const refused = await create({ customerId: customer.id, price: usd(100) });
    expect(refused).toMatchObject({ userErrors: [{ code: 'PROCESSOR_REJECTED' }] });
    await world.advance({ days: 40 });
    expect(await takenAtTilled(world, app)).toEqual([]);
    expect(await world.rows('billing_subscriptions', app)).toMatchObject([{ status: 'CANCELED', next_payment_at: null }]);
  });
});

describe('subscriptionUpdate', () => {
  it('takes a new price from the next payment on', async () => {
    const { id } = await active();
    expect(await update({ id, price: usd(2_990), planCode: 'pro', planName: 'Pro' })).toMatchObject({
      subscription: { price: { amountMinor: 2_990 }, planCode: 'pro', planName: 'Pro' },
      userErrors: [],
    });
    await world.advance({ days: 31 });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 2_990]);
  });

  it('pays the next period with another method', async () => {
    const { id, customer } = await active();
    const second = await world.card(app, customer.id);
    expect(await update({ id, paymentMethodId: second.id })).toMatchObject({ subscription: { paymentMethod: { id: second.id } } });
    await world.advance({ days: 31 });
    expect((await read(id)).payments.nodes[0]?.paymentMethod?.id).toBe(second.id);
  });

  it('merges metadata and removes keys that are null', async () => {
    const { id } = await active({ metadata: { seats: '3', region: 'eu' } });
    const { subscription } = await update({ id, metadata: { seats: null, team: 'a' } });
    expect(subscription?.metadata).toEqual({ region: 'eu', team: 'a' });
    expect((await read(id)).metadata).toEqual({ region: 'eu', team: 'a' });
  });

  it('keeps the currency: another one is INVALID', async () => {
    const { id } = await active();
    expect(await update({ id, price: { amountMinor: 100, currency: 'cad' } })).toMatchObject({
      userErrors: [{ code: 'INVALID', field: ['price', 'currency'] }],
    });
  });

  it('refuses a decision on an old version with STALE_VERSION, and changes nothing at Tilled', async () => {
    const { id } = await active();
    const { version } = await read(id);
    expect(await update({ id, price: usd(2_990), expectedVersion: version })).toMatchObject({ userErrors: [] });
    expect(await update({ id, price: usd(9_990), expectedVersion: version })).toMatchObject({ userErrors: [{ code: 'STALE_VERSION' }] });
    expect(await atTilled(world, app, 'subscriptions')).toMatchObject([{ price: 2_990 }]);
  });

  it('reaches Tilled by itself when the connection breaks', async () => {
    const { id } = await active();
    await cut(world, 'PATCH /v1/subscriptions/:id', 'before');
    expect(await update({ id, price: usd(2_990), planCode: 'pro' })).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    // Until the lost request is dead it could undo a later change.
    for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
    expect(await read(id)).toMatchObject({ price: { amountMinor: 2_990 }, planCode: 'pro' });
    expect(await atTilled(world, app, 'subscriptions')).toMatchObject([{ price: 2_990 }]);
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('subscriptionPause', () => {
  it('takes nothing while it is paused, and goes on with the cycle when it is resumed', async () => {
    const { id } = await active();
    expect(await pause({ id })).toMatchObject({
      subscription: { status: 'PAUSED', nextPaymentAt: null, pausedAt: inDays(0) },
      userErrors: [],
    });
    await world.advance({ days: 70 });
    expect(await takenAtTilled(world, app)).toEqual([1_990]);
    expect(await resume(id)).toMatchObject({ subscription: { status: 'ACTIVE', pausedAt: null, resumeAt: null }, userErrors: [] });
    await world.advance({ days: 31 });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('resumes by itself at the time given', async () => {
    const { id } = await active();
    const resumeAt = inDays(10);
    expect(await pause({ id, resumeAt })).toMatchObject({ subscription: { status: 'PAUSED', resumeAt } });
    await world.advance({ days: 10 });
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', pausedAt: null, resumeAt: null });
  });

  it('refuses to pause twice, and to resume what is not paused, with ILLEGAL_TRANSITION', async () => {
    const { id } = await active();
    expect(await resume(id)).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    await pause({ id });
    expect(await pause({ id })).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
  });

  it('pauses when the connection breaks after Tilled paused', async () => {
    const { id } = await active();
    await cut(world, 'POST /v1/subscriptions/:id/pause', 'after');
    expect(await pause({ id })).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await world.advance({ ms: 10_000 });
    expect(await read(id)).toMatchObject({ status: 'PAUSED' });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('subscriptionCancel', () => {
  it('ends at the period end what is canceled so, and takes nothing more', async () => {
    const { id } = await active();
    const end = (await read(id)).currentPeriodEnd;
    expect(await cancel({ id, mode: 'AT_PERIOD_END' })).toMatchObject({
      subscription: { status: 'ACTIVE', cancelAtPeriodEnd: true, cancelAt: end, canceledAt: null },
      userErrors: [],
    });
    await world.advance({ days: 40 });
    expect(await read(id)).toMatchObject({ status: 'CANCELED', cancelAtPeriodEnd: false, canceledAt: end, nextPaymentAt: null });
    expect(await takenAtTilled(world, app)).toEqual([1_990]);
  });

  it('ends a trial at its end without taking anything', async () => {
    const { id } = await active({ billingCycleAnchor: inDays(14) });
    expect(await cancel({ id, mode: 'AT_PERIOD_END' })).toMatchObject({ subscription: { status: 'PENDING', cancelAt: inDays(14) } });
    await world.advance({ days: 20 });
    expect(await read(id)).toMatchObject({ status: 'CANCELED', payments: { nodes: [] } });
    expect(await takenAtTilled(world, app)).toEqual([]);
  });

  it('can cancel at the period end what was paused for longer than a period', async () => {
    const { id } = await active();
    await pause({ id });
    await world.advance({ days: 70 });
    expect(await cancel({ id, mode: 'AT_PERIOD_END' })).toMatchObject({ subscription: { id }, userErrors: [] });
    await world.advance({ days: 40 });
    expect(await read(id)).toMatchObject({ status: 'CANCELED' });
    expect(await takenAtTilled(world, app)).toEqual([1_990]);
  });

  it('can cancel at the period end what is past due for longer than a period', async () => {
    const { id } = await active();
    await world.control('declines', { paymentMethodId: await onlyMethodAtTilled(), code: 'expired_card' });
    await world.advance({ days: 31 });
    expect((await read(id)).status).toBe('PAST_DUE');
    await world.advance({ days: 70 });
    expect(await cancel({ id, mode: 'AT_PERIOD_END' })).toMatchObject({ subscription: { id }, userErrors: [] });
    await world.advance({ days: 40 });
    expect(await read(id)).toMatchObject({ status: 'CANCELED' });
  });

  it('refuses to cancel twice at once with ILLEGAL_TRANSITION', async () => {
    const { id } = await active();
    await cancel({ id, mode: 'IMMEDIATELY' });
    expect(await cancel({ id, mode: 'IMMEDIATELY' })).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    expect(await cancel({ id, mode: 'AT_PERIOD_END' })).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
  });

  it('ends at once what was to end at the period end', async () => {
    const { id } = await active();
    await cancel({ id, mode: 'AT_PERIOD_END' });
    expect(await cancel({ id, mode: 'IMMEDIATELY' })).toMatchObject({ subscription: { status: 'CANCELED', cancelAtPeriodEnd: false } });
  });

  it('refuses a decision on an old version with STALE_VERSION', async () => {
    const { id } = await active();
    const { version } = await read(id);
    await update({ id, planCode: 'other' });
    expect(await cancel({ id, mode: 'IMMEDIATELY', expectedVersion: version })).toMatchObject({ userErrors: [{ code: 'STALE_VERSION' }] });
    expect((await read(id)).status).toBe('ACTIVE');
  });

  it('answers the same again for the same key', async () => {
    const { id } = await active();
    const first = await cancel({ id, mode: 'IMMEDIATELY', idempotencyKey: 'cancel-1' });
    const second = await cancel({ id, mode: 'IMMEDIATELY', idempotencyKey: 'cancel-1' });
    expect(second).toEqual({ ...first, replayed: true });
  });

  it('is seen when somebody cancels at Tilled by hand', async () => {
    const { id } = await active();
    const [subscription] = await atTilled(world, app, 'subscriptions');
    await world.tilled(app, 'POST', `/v1/subscriptions/${subscription?.id}/cancel`);
    await world.settle();
    expect(await read(id)).toMatchObject({ status: 'CANCELED', canceledAt: inDays(0), nextPaymentAt: null });
  });

  it.each(['before', 'after'] as const)('ends it by itself when the connection breaks %s Tilled canceled', async (when) => {
    const { id } = await active();
    await cut(world, 'POST /v1/subscriptions/:id/cancel', when);
    const input = { id, mode: 'IMMEDIATELY', idempotencyKey: `cancel-${when}` } as const;
    expect(await cancel(input)).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await world.advance({ ms: 10_000 });
    expect(await read(id)).toMatchObject({ status: 'CANCELED' });
    expect(await cancel(input)).toMatchObject({ subscription: { status: 'CANCELED' }, userErrors: [], replayed: true });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('subscriptionReactivate', () => {
  it('undoes a cancellation at the period end: the next payment is taken', async () => {
    const { id } = await active();
    const before = await read(id);
    await cancel({ id, mode: 'AT_PERIOD_END' });
    expect(await reactivate(id)).toMatchObject({
      subscription: { status: 'ACTIVE', cancelAtPeriodEnd: false, cancelAt: null, nextPaymentAt: before.nextPaymentAt },
      userErrors: [],
    });
    await world.advance({ days: 31 });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('refuses what is not being canceled, and what is canceled, with ILLEGAL_TRANSITION', async () => {
    const { id } = await active();
    expect(await reactivate(id)).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
    await cancel({ id, mode: 'IMMEDIATELY' });
    expect(await reactivate(id)).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
  });
});

describe('subscriptions', () => {
  it('lists by status and by customer, newest first', async () => {
    const first = await active();
    const second = await active();
    await cancel({ id: first.id, mode: 'IMMEDIATELY' });
    const list = async (variables: ops.SubscriptionsQueryVariables) =>
      (await world.ask(app, ops.SubscriptionsDocument, variables)).subscriptions.nodes.map((node) => node.id);
    expect(await list({})).toEqual([second.id, first.id]);
    expect(await list({ status: ['CANCELED'] })).toEqual([first.id]);
    expect(await list({ status: ['ACTIVE', 'CANCELED'] })).toEqual([second.id, first.id]);
    expect(await list({ status: [] })).toEqual([]);
    expect(await list({ customerId: second.customer.id })).toEqual([second.id]);
    expect(await list({ customerId: 'cus_00000000000000000000000000' })).toEqual([]);
  });
});
