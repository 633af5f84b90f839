import type { TilledSubscription } from '../../tilled/tilled.shapes.js';
import { CURRENCIES, INTERVAL_UNITS, SUBSCRIPTION_STATUSES } from '../../tilled/tilled.shapes.js';
import { ANCHOR_GRACE_MS } from '../assumptions.js';
import type { Call, Effect, Route } from '../call.js';
import { latest, listPage, ownRecord, recordOf } from '../call.js';
import type { Engine } from '../engine.js';
import { Fields, mergedMetadata } from '../fields.js';
import { badRequest } from '../http-error.js';
import type { PaymentMethodRecord, SubscriptionRecord } from '../records.js';
import { assertEnabled } from './accounts.js';
import { AMOUNT_BOUNDS } from './payment-intent-input.js';
import {
  cancelSubscription,
  nextPaymentAt,
  pauseSubscription,
  putSubscription,
  renderSubscription,
  resumeSubscription,
} from './subscription-changes.js';

const AREA = { area: 'subscriptions' };

/** The operations on subscriptions. */
export const subscriptionRoutes: Route[] = [
  { method: 'POST', path: '/v1/subscriptions', status: 201, ...AREA, begin: createSubscription },
  { method: 'GET', path: '/v1/subscriptions', status: 200, ...AREA, handle: listSubscriptions },
  { method: 'GET', path: '/v1/subscriptions/:id', status: 200, ...AREA, handle: getSubscription },
  { method: 'PATCH', path: '/v1/subscriptions/:id', status: 200, ...AREA, begin: updateSubscription },
  { method: 'POST', path: '/v1/subscriptions/:id/cancel', status: 200, ...AREA, begin: cancel },
  { method: 'POST', path: '/v1/subscriptions/:id/pause', status: 200, ...AREA, begin: pause },
  { method: 'POST', path: '/v1/subscriptions/:id/resume', status: 200, ...AREA, begin: resume },
  { method: 'POST', path: '/v1/subscriptions/:id/retry', status: 200, ...AREA, begin: retry },
];

function createSubscription(call: Call): Effect {
  const { engine, account } = call;
  const fields = new Fields(call.body);
  const customerId = fields.requiredText('customer_id');
  const methodId = fields.requiredText('payment_method_id');
  const sent = {
    price: fields.requiredInteger('price', AMOUNT_BOUNDS),
    currency: fields.requiredOneOf('currency', CURRENCIES),
    interval_unit: fields.requiredOneOf('interval_unit', INTERVAL_UNITS),
    interval_count: fields.integer('interval_count', { min: 1 }) ?? 1,
    billing_cycle_anchor: fields.requiredTime('billing_cycle_anchor'),
    cancel_at: fields.time('cancel_at') ?? null,
    platform_fee_amount: fields.integer('platform_fee_amount', { min: 0 }) ?? null,
  };
  const metadata = mergedMetadata(null, fields.metadata());
  fields.assertValid();
  const customer = ownRecord({ collection: engine.store.customers, accountId: account.id, id: customerId, noun: 'Customer' });
  const method = methodOfCustomer(call, methodId, customer.id);
  assertEnabled(account, [method.type]);
  const anchorMs = Date.parse(sent.billing_cycle_anchor);
  if (engine.behaviour.oldAnchor === 'refuse' && anchorMs < engine.clock.now() - ANCHOR_GRACE_MS)
    throw badRequest('billing_cycle_anchor must not be in the past');
  assertNotPast(call, { cancel_at: sent.cancel_at });
  const chosen = { ...sent, account_id: account.id, customer_id: customer.id, payment_method_id: method.id, metadata };
  return () => renderSubscription(addSubscription(engine, chosen));
}

type ChosenFields = 'cancel_at' | 'platform_fee_amount' | 'account_id' | 'customer_id' | 'payment_method_id' | 'metadata';
type NewSubscription = Pick<
  SubscriptionRecord,
  ChosenFields | 'price' | 'currency' | 'interval_unit' | 'interval_count' | 'billing_cycle_anchor'
>;

function addSubscription(engine: Engine, chosen: NewSubscription): SubscriptionRecord {
  const now = engine.clock.iso();
  const subscription: SubscriptionRecord = {
    ...chosen,
    id: engine.ids.object('sub'),
    status: 'pending',
    created_at: now,
    updated_at: now,
    next_payment_at: null,
    canceled_at: null,
    pause_at: null,
    paused_at: null,
    resume_at: null,
    has_been_paid: false,
  };
  const next = nextPaymentAt(subscription, Date.parse(chosen.billing_cycle_anchor) - 1);
  return putSubscription(engine, { ...subscription, next_payment_at: next }, 'subscription.created');
}

function listSubscriptions(call: Call): unknown {
  const { query } = call;
  const customerId = query.text('customer_id');
  const status = query.oneOf('status', SUBSCRIPTION_STATUSES);
  const fromMs = query.timeMs('next_payment_at_gte');
  const untilMs = query.timeMs('next_payment_at_lte');
  const isBounded = fromMs !== undefined || untilMs !== undefined;
  const isNextWithin = ({ next_payment_at: next }: SubscriptionRecord) =>
    next !== null && Date.parse(next) >= (fromMs ?? Number.NEGATIVE_INFINITY) && Date.parse(next) <= (untilMs ?? Number.POSITIVE_INFINITY);
  return listPage(call, {
    collection: call.engine.store.subscriptions,
    keys: [...(customerId === undefined ? [] : [`customer_id=${customerId}`]), ...(status === undefined ? [] : [`status=${status}`])],
    where: isBounded ? isNextWithin : undefined,
    render: renderSubscription,
  });
}

function getSubscription(call: Call): TilledSubscription {
  return renderSubscription(subscriptionOf(call));
}

function updateSubscription(call: Call): Effect {
  const current = subscriptionOf(call);
  const fields = new Fields(call.body);
  const price = fields.integer('price', AMOUNT_BOUNDS);
  const methodId = fields.text('payment_method_id');
  const fee = fields.integer('platform_fee_amount', { min: 0 });
  const times = { cancel_at: fields.time('cancel_at'), pause_at: fields.time('pause_at'), resume_at: fields.time('resume_at') };
  const metadata = fields.metadata();
  fields.assertValid();
  if (current.status === 'canceled') throw badRequest('A canceled subscription cannot be updated');
  assertNotPast(call, times);
  if (methodId && methodId !== current.payment_method_id) methodOfCustomer(call, methodId, current.customer_id);
  const changed = (now: SubscriptionRecord): SubscriptionRecord => ({
    ...now,
    price: price ?? now.price,
    payment_method_id: methodId ?? now.payment_method_id,
    platform_fee_amount: fee === undefined ? now.platform_fee_amount : fee,
    cancel_at: times.cancel_at === undefined ? now.cancel_at : times.cancel_at,
    pause_at: times.pause_at === undefined ? now.pause_at : times.pause_at,
    resume_at: times.resume_at === undefined ? now.resume_at : times.resume_at,
    metadata: mergedMetadata(now.metadata, metadata),
  });
  changed(current);
  return onLatest(call, current, (now) => putScheduled(call.engine, changed(now)));
}

function putScheduled(engine: Engine, changed: SubscriptionRecord): SubscriptionRecord {
  const isRegular = changed.status === 'active' || changed.status === 'pending';
  // The anchor itself may lie a little in the past and still be due; anything else is the next date from now.
  const now = engine.clock.now();
  // A payment of this very moment was taken already if any was: it must not be taken again.
  const afterMs = changed.next_payment_at === null ? now - (changed.has_been_paid ? 0 : 1) : Date.parse(changed.next_payment_at) - 1;
  const next = isRegular ? nextPaymentAt(changed, afterMs) : changed.next_payment_at;
  return putSubscription(engine, { ...changed, next_payment_at: next }, 'subscription.updated');
}

function cancel(call: Call): Effect {
  const subscription = subscriptionOf(call);
  if (subscription.status === 'canceled') throw badRequest('The subscription is canceled already');
  return onLatest(call, subscription, (now) => cancelSubscription(call.engine, now));
}

function pause(call: Call): Effect {
  const subscription = subscriptionOf(call);
  const fields = new Fields(call.body);
  const resumeAt = fields.time('resume_at') ?? null;
  fields.assertValid();
  if (subscription.status === 'canceled' || subscription.status === 'paused') {
    throw badRequest(`A subscription that is ${subscription.status} cannot be paused`);
  }
  assertNotPast(call, { resume_at: resumeAt });
  return onLatest(call, subscription, (now) => pauseSubscription(call.engine, now, resumeAt));
}

function resume(call: Call): Effect {
  const subscription = subscriptionOf(call);
  if (subscription.status !== 'paused') throw badRequest(`A subscription that is ${subscription.status} cannot be resumed`);
  return onLatest(call, subscription, (now) => resumeSubscription(call.engine, now));
}

/** Sets the next attempt of one that is past due; without a time it is now, right after this answer. */
function retry(call: Call): Effect {
  const subscription = subscriptionOf(call);
  const fields = new Fields(call.body);
  const at = fields.time('next_payment_at') ?? call.engine.clock.iso();
  fields.assertValid();
  if (subscription.status !== 'past_due') throw badRequest(`A subscription that is ${subscription.status} cannot be retried`);
  return onLatest(call, subscription, (now) => putSubscription(call.engine, { ...now, next_payment_at: at }, 'subscription.updated'));
}

/** Changes the subscription as it is then; one that was canceled meanwhile stays so. */
function onLatest(call: Call, before: SubscriptionRecord, change: (now: SubscriptionRecord) => SubscriptionRecord): Effect {
  return () => {
    const now = latest(call.engine.store.subscriptions, before);
    return renderSubscription(now.status === 'canceled' ? now : change(now));
  };
}

function subscriptionOf(call: Call): SubscriptionRecord {
  return recordOf(call, call.engine.store.subscriptions, 'Subscription');
}

/** A payment method attached to this very customer. Throws 404 or 400. */
function methodOfCustomer(call: Call, methodId: string, customerId: string): PaymentMethodRecord {
  const { store } = call.engine;
  const method = ownRecord({ collection: store.paymentMethods, accountId: call.account.id, id: methodId, noun: 'Payment method' });
  if (method.customer_id !== customerId) throw badRequest(`Payment method ${method.id} is not attached to customer ${customerId}`);
  return method;
}

function assertNotPast(call: Call, times: Record<string, string | null | undefined>): void {
  for (const [name, time] of Object.entries(times)) {
    if (time && Date.parse(time) < call.engine.clock.now()) throw badRequest(`${name} must not be in the past`);
  }
}
