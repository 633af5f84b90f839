import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, newBankAccount, takenAtTilled } from '../support/at-tilled.js';
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

/** From now on Tilled declines what is asked of the only method of the app. */
async function declineAll(code = 'insufficient_funds'): Promise<void> {
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

  it('is kept by a pause that ends within it', async () => {
    const { id } = await active();
    const paid = { currentPeriodStart: inDays(0), currentPeriodEnd: inDays(7) };
    await pause({ id });
    await world.advance({ days: 3 });
    expect(await resume(id)).toMatchObject({ subscription: { status: 'ACTIVE', ...paid, nextPaymentAt: inDays(4) } });
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
