import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, cut, newBankAccount, refuse, takenAtTilled } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
  world.shifts.wallMs = 0;
});
afterEach(async () => {
  world.shifts.wallMs = 0;
  await world.control('faults', { clear: true });
});
afterAll(() => world.close());

const WEEK = { intervalUnit: 'WEEK' } as const;
const NOTHING_PAID = { currentPeriodStart: null, currentPeriodEnd: null };

function inDays(days: number): string {
  return new Date(world.sandbox.now().getTime() + days * 86_400_000).toISOString();
}

async function read(id: string) {
  const { subscription } = await world.ask(app, ops.SubscriptionDocument, { id });
  if (!subscription) throw new Error(`There is no subscription ${id}.`);
  return subscription;
}

async function cancel(id: string, mode: ops.CancelMode = 'AT_PERIOD_END') {
  return (await world.ask(app, ops.SubscriptionCancelDocument, { input: { id, mode } })).subscriptionCancel;
}

async function pause(input: ops.SubscriptionPauseInput) {
  return (await world.ask(app, ops.SubscriptionPauseDocument, { input })).subscriptionPause;
}

async function resume(id: string) {
  return (await world.ask(app, ops.SubscriptionResumeDocument, { input: { id } })).subscriptionResume;
}

/** A weekly subscription whose first payment was taken. */
async function active() {
  const { customer, card } = await world.payer(app);
  const { id } = await world.subscription(app, customer.id, WEEK);
  await world.settle();
  return { id, customer, card };
}

/** From now on Tilled declines what is asked of the only method of the app; with null no more. */
async function declineAll(code: string | null = 'insufficient_funds'): Promise<void> {
  const [method] = await world.rows('billing_payment_methods', app);
  await world.control('declines', { paymentMethodId: method?.tilled_payment_method_id, code });
}

describe('the current period', () => {
  it.each([
    ['2 seconds behind', -2_000],
    ['20 seconds behind', -20_000],
    ['20 seconds ahead', 20_000],
  ])('is what was paid, on a gateway whose clock is %s', async (_, wallMs) => {
    const { customer } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id, { ...WEEK, billingCycleAnchor: inDays(1) });
    world.shifts.wallMs = wallMs;
    await world.advance({ days: 1 });
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', currentPeriodStart: inDays(0), currentPeriodEnd: inDays(7) });
    await world.advance({ days: 7 });
    expect(await read(id)).toMatchObject({ currentPeriodStart: inDays(0), currentPeriodEnd: inDays(7), nextPaymentAt: inDays(7) });
  });

  it('is none before anything was paid, and none when the first payment is declined', async () => {
    const { customer } = await world.payer(app);
    await declineAll();
    const { id } = await world.subscription(app, customer.id, { ...WEEK, billingCycleAnchor: inDays(1) });
    expect(await read(id)).toMatchObject({ status: 'PENDING', ...NOTHING_PAID });
    await world.advance({ days: 1 });
    expect(await read(id)).toMatchObject({ status: 'PAST_DUE', ...NOTHING_PAID });
  });

  it('stays the last one that was paid while a payment is missed', async () => {
    const { id } = await active();
    const paid = { currentPeriodStart: inDays(0), currentPeriodEnd: inDays(7) };
    await declineAll();
    await world.advance({ days: 16 });
    expect(await read(id)).toMatchObject({ status: 'PAST_DUE', ...paid });
  });

  it('goes back to the one before when the bank returns the payment', async () => {
    const customer = await world.customer(app);
    await world.card(app, customer.id, { tilledPaymentMethodId: await newBankAccount(world, app) });
    const { id } = await world.subscription(app, customer.id, WEEK);
    await world.settle();
    const first = { currentPeriodStart: inDays(0), currentPeriodEnd: inDays(7) };
    expect(await read(id)).toMatchObject(first);
    await world.advance({ days: 7 });
    expect(await read(id)).toMatchObject({ currentPeriodStart: inDays(0), currentPeriodEnd: inDays(7) });
    await world.control('return', { paymentIntentId: (await atTilled(world, app, 'payment_intents')).at(-1)?.id, code: 'R01' });
    await world.settle();
    expect(await read(id)).toMatchObject({ status: 'PAST_DUE', ...first });
    // The returned one was the only payment of another subscription.
    const { id: other } = await world.subscription(app, customer.id, WEEK);
    await world.settle();
    await world.control('return', { paymentIntentId: (await atTilled(world, app, 'payment_intents')).at(-1)?.id, code: 'R01' });
    await world.settle();
    expect(await read(other)).toMatchObject({ status: 'PAST_DUE', ...NOTHING_PAID });
  });

  it('stays the paid one over a pause that takes whole periods away, until the next payment', async () => {
    const { id } = await active();
    const paid = { currentPeriodStart: inDays(0), currentPeriodEnd: inDays(7) };
    await world.advance({ days: 2 });
    const resumeAt = inDays(16);
    expect(await pause({ id, resumeAt })).toMatchObject({ subscription: { status: 'PAUSED', ...paid }, userErrors: [] });
    await world.advance({ days: 17 });
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', ...paid, nextPaymentAt: inDays(2) });
    // Any further look at it changes nothing of that.
    await world.ask(app, ops.SubscriptionUpdateDocument, { input: { id, price: { amountMinor: 2_000, currency: 'usd' } } });
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', ...paid });
    await world.advance({ days: 2 });
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', currentPeriodStart: inDays(0), currentPeriodEnd: inDays(7) });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 2_000]);
  });

  it('is the new one when a pause ended and the next payment was taken before we looked', async () => {
    const { id } = await active();
    await world.advance({ days: 2 });
    await pause({ id, resumeAt: inDays(4.99) });
    const paid = { currentPeriodStart: inDays(5), currentPeriodEnd: inDays(12), nextPaymentAt: inDays(12) };
    await world.advance({ days: 4 });
    await world.holdDeliveries();
    await world.advance({ days: 1 });
    await world.resumeDeliveries();
    expect(await read(id)).toMatchObject({ status: 'PAUSED' });
    await world.advance({ ms: 3_600_000 });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', ...paid });
  });

  it('is not that of a date that a planned pause skipped while we heard nothing', async () => {
    const { id } = await active();
    const paid = { currentPeriodStart: inDays(0), currentPeriodEnd: inDays(7) };
    await pause({ id, mode: 'AT_PERIOD_END', resumeAt: inDays(16) });
    await world.holdDeliveries();
    await world.advance({ days: 17 });
    await world.resumeDeliveries();
    await world.settle();
    expect(await takenAtTilled(world, app)).toEqual([1_990]);
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', ...paid, pauseAt: null, nextPaymentAt: inDays(4) });
    await world.advance({ days: 4 });
    expect(await read(id)).toMatchObject({ currentPeriodStart: inDays(0), currentPeriodEnd: inDays(7) });
  });

  it.each([
    ['by us', async (id: string) => void (await world.ask(app, ops.SubscriptionRetryDocument, { input: { id } }))],
    [
      'at Tilled',
      async () => {
        const [subscription] = await atTilled(world, app, 'subscriptions');
        await world.tilled(app, 'POST', `/v1/subscriptions/${subscription?.id}/retry`, {});
      },
    ],
  ])('is the one that is about to end when its missed payment is collected in its last minutes, %s', async (_, collect) => {
    const { id } = await active();
    await declineAll();
    await world.advance({ days: 7 });
    await declineAll(null);
    await world.advance({ ms: 7 * 86_400_000 - 1_200_000 });
    const running = { currentPeriodStart: inDays(-7 + 1 / 72), currentPeriodEnd: inDays(1 / 72) };
    await collect(id);
    await world.settle();
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', ...running, nextPaymentAt: running.currentPeriodEnd });
    await declineAll();
    await world.advance({ days: 1 });
    expect(await read(id)).toMatchObject({ status: 'PAST_DUE', ...running });
  });

  it('is kept by a pause that ends within it', async () => {
    const { id } = await active();
    const paid = { currentPeriodStart: inDays(0), currentPeriodEnd: inDays(7) };
    await pause({ id });
    await world.advance({ days: 3 });
    expect(await resume(id)).toMatchObject({ subscription: { status: 'ACTIVE', ...paid, nextPaymentAt: inDays(4) } });
  });
});

describe('subscriptionPause AT_PERIOD_END', () => {
  it('uses up what was paid, takes nothing for the next period, and resumes by itself', async () => {
    const { id } = await active();
    const [end, resumeAt] = [inDays(7), inDays(20)];
    const pauseAt = new Date(Date.parse(end) - 3_600_000).toISOString();
    expect(await pause({ id, mode: 'AT_PERIOD_END', resumeAt })).toMatchObject({
      subscription: { status: 'ACTIVE', pauseAt, pausedAt: null, resumeAt, nextPaymentAt: end },
      userErrors: [],
    });
    await world.advance({ days: 8 });
    expect(await read(id)).toMatchObject({ status: 'PAUSED', pauseAt: null, pausedAt: pauseAt, currentPeriodEnd: end });
    await world.advance({ days: 12 });
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', currentPeriodEnd: end, nextPaymentAt: inDays(1) });
    expect(await takenAtTilled(world, app)).toEqual([1_990]);
    await world.advance({ days: 1 });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('is taken back by subscriptionResume: the next payment is taken', async () => {
    const { id } = await active();
    await pause({ id, mode: 'AT_PERIOD_END', resumeAt: inDays(20) });
    expect(await resume(id)).toMatchObject({ subscription: { status: 'ACTIVE', pauseAt: null, resumeAt: null }, userErrors: [] });
    await world.advance({ days: 7 });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('cannot be taken back of what was canceled meanwhile', async () => {
    const { id } = await active();
    await pause({ id, mode: 'AT_PERIOD_END' });
    await cancel(id, 'IMMEDIATELY');
    expect(await resume(id)).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
  });

  it.each(['before', 'after'] as const)('pauses then when the connection breaks %s Tilled took it', async (when) => {
    const { id } = await active();
    await cut(world, 'PATCH /v1/subscriptions/:id', when);
    expect(await pause({ id, mode: 'AT_PERIOD_END' })).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    for (let minutes = 0; minutes < 15; minutes += 1) await world.advance({ ms: 60_000 });
    expect((await read(id)).pauseAt).not.toBeNull();
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });

  it('pauses a trial before its first payment, and at once where nothing is paid', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id, { ...WEEK, billingCycleAnchor: inDays(3) });
    await pause({ id, mode: 'AT_PERIOD_END' });
    const { id: unpaid } = await active();
    await pause({ id: unpaid, resumeAt: inDays(9) });
    await world.advance({ days: 10 });
    expect(await read(id)).toMatchObject({ status: 'PAUSED', ...NOTHING_PAID });
    expect(await pause({ id: unpaid, mode: 'AT_PERIOD_END' })).toMatchObject({ subscription: { status: 'PAUSED' }, userErrors: [] });
    expect(await takenAtTilled(world, app)).toEqual([1_990]);
  });

  it('is INVALID for what ends at that time', async () => {
    const { id } = await active();
    await cancel(id);
    expect(await pause({ id, mode: 'AT_PERIOD_END' })).toMatchObject({ userErrors: [{ code: 'INVALID', field: ['mode'] }] });
  });
});

describe('resumeAt', () => {
  it.each([
    ['in the past', 'NOW', -1],
    ['now', 'NOW', 0],
    ['before a later pause begins', 'AT_PERIOD_END', 5],
  ] as const)('is INVALID %s, and nothing is paused', async (_, mode, days) => {
    const { id } = await active();
    expect(await pause({ id, mode, resumeAt: inDays(days) })).toMatchObject({ userErrors: [{ code: 'INVALID', field: ['resumeAt'] }] });
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', pauseAt: null });
  });

  it('is INVALID also where only Tilled sees that it is past, and the key is free for another try', async () => {
    const { id } = await active();
    world.shifts.wallMs = -10_000;
    const resumeAt = new Date(world.sandbox.now().getTime() - 5_000).toISOString();
    expect(await pause({ id, resumeAt })).toMatchObject({ userErrors: [{ code: 'INVALID', field: ['resumeAt'] }] });
    expect(await read(id)).toMatchObject({ status: 'ACTIVE' });
  });
});

describe('what Tilled refuses of a new subscription', () => {
  it('is INVALID with the field that Tilled names, and the key may be used for the corrected input', async () => {
    const { customer } = await world.payer(app);
    const price = { amountMinor: 1_990, currency: 'usd' };
    const input = { customerId: customer.id, price, billingCycleAnchor: inDays(1), idempotencyKey: 'anchor' };
    const message = ['billing_cycle_anchor must not be in the past'];
    await refuse(world, 'POST /v1/subscriptions', 400, { body: { statusCode: 400, message } });
    const refused = (await world.ask(app, ops.SubscriptionCreateDocument, { input })).subscriptionCreate;
    expect(refused).toMatchObject({ userErrors: [{ code: 'INVALID', field: ['billingCycleAnchor'] }] });
    const corrected = { ...input, billingCycleAnchor: inDays(2) };
    const made = (await world.ask(app, ops.SubscriptionCreateDocument, { input: corrected })).subscriptionCreate;
    expect(made).toMatchObject({ subscription: { status: 'PENDING' }, userErrors: [], replayed: false });
    expect(await atTilled(world, app, 'subscriptions')).toHaveLength(1);
  });

  it('stays PROCESSOR_REJECTED where Tilled names no field of the input', async () => {
    const { customer } = await world.payer(app);
    await refuse(world, 'POST /v1/subscriptions', 400, { body: { statusCode: 400, message: 'price plans are not enabled' } });
    const input = { customerId: customer.id, price: { amountMinor: 1_990, currency: 'usd' } };
    const { userErrors } = (await world.ask(app, ops.SubscriptionCreateDocument, { input })).subscriptionCreate;
    expect(userErrors).toMatchObject([{ code: 'PROCESSOR_REJECTED', field: null }]);
  });
});

describe('subscriptionCancel AT_PERIOD_END', () => {
  it('ends at once what is PAST_DUE: nothing is paid', async () => {
    const { id } = await active();
    await declineAll();
    await world.advance({ days: 8 });
    expect(await cancel(id)).toMatchObject({ subscription: { status: 'CANCELED', canceledAt: inDays(0) }, userErrors: [] });
    await world.advance({ days: 30 });
    expect(await takenAtTilled(world, app)).toEqual([1_990]);
  });

  it('ends what is paused at the end of what was paid, and at once when that is over', async () => {
    const { id } = await active();
    const { id: longPaused } = await active();
    const end = inDays(7);
    await pause({ id });
    await pause({ id: longPaused });
    await world.advance({ days: 3 });
    expect(await cancel(id)).toMatchObject({ subscription: { status: 'PAUSED', cancelAt: end }, userErrors: [] });
    await world.advance({ days: 20 });
    expect(await read(id)).toMatchObject({ status: 'CANCELED', canceledAt: end });
    expect(await cancel(longPaused)).toMatchObject({ subscription: { status: 'CANCELED', canceledAt: inDays(0) }, userErrors: [] });
  });

  it('ends at once what goes on after a pause and was not paid since', async () => {
    const { id } = await active();
    await pause({ id, resumeAt: inDays(9) });
    await world.advance({ days: 10 });
    expect(await read(id)).toMatchObject({ status: 'ACTIVE', nextPaymentAt: inDays(4) });
    expect(await cancel(id)).toMatchObject({ subscription: { status: 'CANCELED' }, userErrors: [] });
    await world.advance({ days: 10 });
    expect(await takenAtTilled(world, app)).toEqual([1_990]);
  });

  it('looks at Tilled when a payment is due that we heard nothing of: what was just taken is used up', async () => {
    const { id } = await active();
    await world.holdDeliveries();
    await world.advance({ days: 7 });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
    expect(await read(id)).toMatchObject({ nextPaymentAt: inDays(0) });
    expect(await cancel(id)).toMatchObject({ subscription: { status: 'ACTIVE', cancelAt: inDays(7) }, userErrors: [] });
    await world.resumeDeliveries();
    await world.advance({ days: 10 });
    expect(await read(id)).toMatchObject({ status: 'CANCELED' });
    expect(await takenAtTilled(world, app)).toEqual([1_990, 1_990]);
  });

  it('ends a trial at its end, and at once a trial that is paused', async () => {
    const { customer } = await world.payer(app);
    const trial = { ...WEEK, billingCycleAnchor: inDays(14) };
    const { id } = await world.subscription(app, customer.id, trial);
    const { id: paused } = await world.subscription(app, customer.id, trial);
    await pause({ id: paused });
    expect(await cancel(id)).toMatchObject({ subscription: { status: 'PENDING', cancelAt: inDays(14) } });
    expect(await cancel(paused)).toMatchObject({ subscription: { status: 'CANCELED' } });
  });
});
