import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { both, here, isReal, Kit, refusal, START } from './kit.js';

let kit: Kit;
beforeAll(async () => {
  kit = await Kit.open();
});
afterAll(() => kit.close());

const NOW = isReal ? new Date() : START;
const LATER = new Date(NOW.getTime() + 10 * 86_400_000).toISOString();

/** A subscription with a payer of its own. */
async function subscribe(own: Kit, change: object = {}) {
  const { customer, method } = await own.payer();
  const { status, data } = await own.sdk.subscriptions.createSubscription({
    tilled_account: own.account,
    SubscriptionCreateParams: {
      customer_id: customer,
      payment_method_id: method,
      price: 2500,
      currency: 'usd',
      interval_unit: 'month',
      billing_cycle_anchor: LATER,
      metadata: { plan: 'basic' },
      ...change,
    },
  });
  return { status, id: data.id, data, customer, method };
}

const read = async (own: Kit, id: string) => (await own.sdk.subscriptions.getSubscription({ tilled_account: own.account, id })).data;
const patch = (own: Kit, id: string, change: object) =>
  own.sdk.subscriptions.updateSubscription({ tilled_account: own.account, id, SubscriptionUpdateParams: change });
const pause = (own: Kit, id: string, change = {}) =>
  own.sdk.subscriptions.pauseSubscription({ tilled_account: own.account, id, SubscriptionPauseParams: change });
const resume = (own: Kit, id: string) => own.sdk.subscriptions.resumeSubscription({ tilled_account: own.account, id });
const retry = (own: Kit, id: string, change = {}) =>
  own.sdk.subscriptions.retrySubscription({ tilled_account: own.account, id, SubscriptionRetryParams: change });
const cancel = (own: Kit, id: string) => own.sdk.subscriptions.cancelSubscription({ tilled_account: own.account, id });

/** When a subscription was paid, oldest first. */
async function payments(own: Kit, id: string) {
  const { data } = await own.sdk.intents.listPaymentIntents({ tilled_account: own.account, subscription_id: id, limit: 100 });
  return data.items.reverse();
}
const days = async (own: Kit, id: string) => (await payments(own, id)).map((intent) => intent.created_at.slice(0, 10));

/** Runs the body on a sandbox of its own, whose clock it may move. */
async function alone(body: (own: Kit) => Promise<void>): Promise<void> {
  const own = await Kit.open();
  try {
    await body(own);
  } finally {
    await own.close();
  }
}

describe('subscriptions', () => {
  both('begin pending, with the anchor as their first payment', async () => {
    const { status, data } = await subscribe(kit);
    expect(status).toBe(201);
    expect(data).toMatchObject({ status: 'pending', next_payment_at: LATER, billing_cycle_anchor: LATER, interval_count: 1 });
  });

  both('begin pending even when the anchor is now', async () => {
    expect((await subscribe(kit, { billing_cycle_anchor: NOW.toISOString() })).data.status).toBe('pending');
  });

  both('know no trial and no period: such fields are ignored', async () => {
    const { data } = await subscribe(kit, { trial_end: LATER, cancel_at_period_end: true });
    for (const field of ['trial_end', 'cancel_at_period_end', 'current_period_start']) expect(data).not.toHaveProperty(field);
  });

  both('are refused without an anchor', async () => {
    const { customer, method } = await kit.payer();
    const body = { customer_id: customer, payment_method_id: method, price: 1, currency: 'usd', interval_unit: 'month' };
    expect((await kit.raw('POST', '/v1/subscriptions', { body })).status).toBe(400);
  });

  both('are refused with a payment method of another customer', async () => {
    const { method: stranger } = await kit.payer();
    const { customer } = await kit.payer();
    const body = { customer_id: customer, payment_method_id: stranger, price: 1, currency: 'usd', interval_unit: 'month' };
    expect((await kit.raw('POST', '/v1/subscriptions', { body: { ...body, billing_cycle_anchor: LATER } })).status).toBe(400);
  });

  here('are active after the first payment, whose intent names them and copies their metadata', async () => {
    const { id } = await subscribe(kit, { billing_cycle_anchor: START.toISOString() });
    expect(await read(kit, id)).toMatchObject({ status: 'active', next_payment_at: '2026-02-28T12:00:00.000Z' });
    expect(await payments(kit, id)).toMatchObject([
      { status: 'succeeded', amount: 2500, subscription_id: id, metadata: { plan: 'basic' }, occurrence_type: 'merchant_recurring' },
    ]);
    expect(await kit.eventTypes(id)).toEqual(['subscription.created', 'subscription.updated']);
  });

  here('anchored on 31 January are paid on the last day of shorter months and return to the 31st', () =>
    alone(async (own) => {
      const { id } = await subscribe(own, { billing_cycle_anchor: '2026-01-31T12:00:00Z' });
      await own.advanceTo('2027-01-30');
      const year = ['01-31', '02-28', '03-31', '04-30', '05-31', '06-30', '07-31', '08-31', '09-30', '10-31', '11-30', '12-31'];
      expect(await days(own, id)).toEqual(year.map((day) => `2026-${day}`));
      expect((await read(own, id)).next_payment_at).toBe('2027-01-31T12:00:00.000Z');
    }),
  );

  const series: [object, string, string[]][] = [
    [{ interval_unit: 'week', interval_count: 2 }, '2026-03-20', ['2026-02-01', '2026-02-15', '2026-03-01', '2026-03-15']],
    [{ interval_unit: 'month', interval_count: 3 }, '2026-09-01', ['2026-02-01', '2026-05-01', '2026-08-01']],
    [{ interval_unit: 'year' }, '2029-01-01', ['2026-02-01', '2027-02-01', '2028-02-01']],
  ];
  for (const [interval, until, expected] of series) {
    here(`with ${JSON.stringify(interval)} are paid on ${expected.join(', ')}`, () =>
      alone(async (own) => {
        const { id } = await subscribe(own, { ...interval, billing_cycle_anchor: '2026-02-01T00:00:00Z' });
        await own.advanceTo(until);
        expect(await days(own, id)).toEqual(expected);
      }),
    );
  }

  here('anchored on 29 February are paid on the 28th in other years', () =>
    alone(async (own) => {
      const { id } = await subscribe(own, { interval_unit: 'year', billing_cycle_anchor: '2028-02-29T00:00:00Z' });
      await own.advanceTo('2031-12-31');
      expect(await days(own, id)).toEqual(['2028-02-29', '2029-02-28', '2030-02-28', '2031-02-28']);
    }),
  );

  here('declined are past_due with nothing scheduled, until a retry with another method makes them active', () =>
    alone(async (own) => {
      const { id, customer } = await subscribe(own, { price: 777701, billing_cycle_anchor: START.toISOString() });
      expect(await read(own, id)).toMatchObject({ status: 'past_due', next_payment_at: null });
      const [failed] = await payments(own, id);
      expect(failed).toMatchObject({ status: 'requires_payment_method', last_payment_error: { code: 'insufficient_funds' } });
      expect(await own.eventTypes(String(failed?.id), id)).toEqual([
        'subscription.created',
        'payment_intent.created',
        'payment_intent.payment_failed',
        'subscription.updated',
      ]);
      const card = await own.card();
      const attach = { tilled_account: own.account, id: card, PaymentMethodAttachParams: { customer_id: customer } };
      await own.sdk.methods.attachPaymentMethodToCustomer(attach);
      await patch(own, id, { payment_method_id: card, price: 2500 });
      expect((await retry(own, id)).status).toBe(200);
      expect(await read(own, id)).toMatchObject({ status: 'active', next_payment_at: '2026-02-28T12:00:00.000Z' });
    }),
  );

  here('past_due can be retried at a time', () =>
    alone(async (own) => {
      const { id } = await subscribe(own, { price: 777701, billing_cycle_anchor: START.toISOString() });
      await patch(own, id, { price: 2500 });
      await retry(own, id, { next_payment_at: '2026-02-05T00:00:00Z' });
      expect(await read(own, id)).toMatchObject({ status: 'past_due', next_payment_at: '2026-02-05T00:00:00.000Z' });
      await own.advanceTo('2026-02-05');
      expect(await read(own, id)).toMatchObject({ status: 'active', next_payment_at: '2026-02-28T12:00:00.000Z' });
    }),
  );

  here('whose bank debit is returned are past_due', () =>
    alone(async (own) => {
      const { customer, method } = await own.payer('bank');
      const { id } = await subscribe(own, { customer_id: customer, payment_method_id: method, billing_cycle_anchor: START.toISOString() });
      const [debit] = await payments(own, id);
      expect([debit?.status, (await read(own, id)).status]).toEqual(['processing', 'active']);
      await own.control('return', { paymentIntentId: debit?.id, code: 'R01' });
      expect((await read(own, id)).status).toBe('past_due');
    }),
  );

  here('paused pay nothing and resume on their regular cycle, by hand or at resume_at', () =>
    alone(async (own) => {
      const { id } = await subscribe(own, { billing_cycle_anchor: START.toISOString() });
      expect((await pause(own, id)).data).toMatchObject({ status: 'paused', next_payment_at: null });
      await own.advanceTo('2026-04-10');
      expect((await resume(own, id)).data).toMatchObject({ status: 'active', next_payment_at: '2026-04-30T12:00:00.000Z' });
      await pause(own, id, { resume_at: '2026-06-01T00:00:00Z' });
      await own.advanceTo('2026-07-01');
      expect(await days(own, id)).toEqual(['2026-01-31', '2026-06-30']);
    }),
  );

  here('pause at pause_at and end at cancel_at', () =>
    alone(async (own) => {
      const { id } = await subscribe(own, { billing_cycle_anchor: START.toISOString() });
      await patch(own, id, { pause_at: '2026-03-01T00:00:00Z', cancel_at: '2026-04-01T00:00:00Z' });
      await own.advanceTo('2026-03-01');
      expect((await read(own, id)).status).toBe('paused');
      await own.advanceTo('2026-04-01');
      expect(await read(own, id)).toMatchObject({ status: 'canceled', canceled_at: '2026-04-01T00:00:00.000Z', next_payment_at: null });
      expect(await days(own, id)).toEqual(['2026-01-31', '2026-02-28']);
    }),
  );

  here('with cancel_at on the next payment end without it, and go on when it is cleared', () =>
    alone(async (own) => {
      const { id, data } = await subscribe(own, { billing_cycle_anchor: '2026-02-10T00:00:00Z' });
      const ending = await patch(own, id, { cancel_at: data.next_payment_at });
      expect(ending.data.next_payment_at).toBeNull();
      const going = await patch(own, id, { cancel_at: null });
      expect(going.data).toMatchObject({ cancel_at: null, next_payment_at: '2026-02-10T00:00:00.000Z' });
      await patch(own, id, { cancel_at: data.next_payment_at });
      await own.advanceTo('2026-02-11');
      expect(await read(own, id)).toMatchObject({ status: 'canceled' });
      expect(await payments(own, id)).toEqual([]);
    }),
  );

  both('end at once and for good', async () => {
    const { id } = await subscribe(kit);
    expect(await cancel(kit, id)).toMatchObject({ status: 200, data: { status: 'canceled', next_payment_at: null } });
    const refused = [cancel(kit, id), pause(kit, id), resume(kit, id), retry(kit, id), patch(kit, id, { price: 1 })];
    for (const call of refused) expect((await refusal(call)).status).toBe(400);
  });

  both('that are not paused cannot be resumed', async () => {
    expect((await refusal(resume(kit, (await subscribe(kit)).id))).status).toBe(400);
  });

  both('keep their interval and anchor whatever a patch says', async () => {
    const { id } = await subscribe(kit);
    const { data } = await patch(kit, id, { interval_unit: 'year', billing_cycle_anchor: '2030-01-01', price: 3000 });
    expect(data).toMatchObject({ interval_unit: 'month', billing_cycle_anchor: LATER, price: 3000 });
  });

  both('are listed by customer and status', async () => {
    const { id, customer } = await subscribe(kit);
    const list = (status: 'pending' | 'active') =>
      kit.sdk.subscriptions.listSubscriptions({ tilled_account: kit.account, customer_id: customer, status });
    expect((await list('pending')).data.items.map((item) => item.id)).toEqual([id]);
    expect((await list('active')).data.items).toEqual([]);
  });

  here('end with their customer', async () => {
    const { id, customer } = await subscribe(kit);
    await kit.sdk.customers.deleteCustomer({ tilled_account: kit.account, id: customer });
    expect((await read(kit, id)).status).toBe('canceled');
  });
});
