import type { TilledSubscription } from '../../tilled/tilled.shapes.js';
import { isoTime } from '../clock.js';
import type { Engine } from '../engine.js';
import type { SubscriptionRecord } from '../records.js';
import { firstPaymentAfterMs } from './subscription-cycle.js';

// The states of a subscription. Call each function within a transaction; it leaves the event it caused.

/** The subscription as the wire shows it. */
export function renderSubscription(record: SubscriptionRecord): TilledSubscription {
  const { has_been_paid: _paid, ...shown } = record;
  return shown;
}

/** Keeps a subscription changed now, sets its timers by what it says, and tells of it. */
export function putSubscription(
  engine: Engine,
  subscription: SubscriptionRecord,
  event: 'subscription.created' | 'subscription.updated' | 'subscription.canceled',
): SubscriptionRecord {
  const updated = { ...subscription, updated_at: engine.clock.iso() };
  engine.store.subscriptions.put(updated);
  setTimers(engine, updated);
  engine.emit(event, updated.account_id, renderSubscription(updated));
  return updated;
}

/** When it is next paid: the first date of its cycle after a time, or null when it will have ended by then. */
export function nextPaymentAt(subscription: SubscriptionRecord, afterMs: number): string | null {
  const nextMs = firstPaymentAfterMs(subscription, afterMs);
  // An end at the very moment of a payment comes before it: that is how an end at the period's end is asked for.
  const isEndedByThen = subscription.cancel_at !== null && Date.parse(subscription.cancel_at) <= nextMs;
  return isEndedByThen ? null : isoTime(nextMs);
}

/** Ends it now and for good. */
export function cancelSubscription(engine: Engine, subscription: SubscriptionRecord): SubscriptionRecord {
  const ended = { ...subscription, status: 'canceled' as const, canceled_at: engine.clock.iso(), next_payment_at: null };
  return putSubscription(engine, ended, 'subscription.canceled');
}

/** Stops payments until it is resumed, by hand or at resume_at. */
export function pauseSubscription(engine: Engine, subscription: SubscriptionRecord, resumeAt: string | null): SubscriptionRecord {
  const paused = { ...subscription, status: 'paused' as const, paused_at: engine.clock.iso(), pause_at: null };
  return putSubscription(engine, { ...paused, resume_at: resumeAt, next_payment_at: null }, 'subscription.updated');
}

/** Goes on with the next date of the regular cycle; what fell into the pause is not made up for. */
export function resumeSubscription(engine: Engine, subscription: SubscriptionRecord): SubscriptionRecord {
  const status = subscription.has_been_paid ? ('active' as const) : ('pending' as const);
  const next = nextPaymentAt(subscription, engine.clock.now() - 1);
  return putSubscription(
    engine,
    { ...subscription, status, paused_at: null, resume_at: null, next_payment_at: next },
    'subscription.updated',
  );
}

/** A payment of it was declined or given back: nothing more is tried until somebody says so. */
export function paymentOfSubscriptionFailed(engine: Engine, subscriptionId: string): void {
  const subscription = engine.store.subscriptions.get(subscriptionId);
  if (subscription === undefined || subscription.status === 'canceled' || subscription.status === 'paused') return;
  putSubscription(engine, { ...subscription, status: 'past_due', next_payment_at: null }, 'subscription.updated');
}

/** The time to end has come. */
export function cancelScheduled(engine: Engine, subscriptionId: string): void {
  const subscription = engine.store.subscriptions.get(subscriptionId);
  if (subscription !== undefined && subscription.status !== 'canceled') cancelSubscription(engine, subscription);
}

/** The time to pause has come. */
export function pauseScheduled(engine: Engine, subscriptionId: string): void {
  const subscription = engine.store.subscriptions.get(subscriptionId);
  if (subscription === undefined || subscription.status === 'canceled' || subscription.status === 'paused') return;
  pauseSubscription(engine, subscription, subscription.resume_at);
}

/** The time to resume has come. */
export function resumeScheduled(engine: Engine, subscriptionId: string): void {
  const subscription = engine.store.subscriptions.get(subscriptionId);
  if (subscription?.status === 'paused') resumeSubscription(engine, subscription);
}

function setTimers(engine: Engine, subscription: SubscriptionRecord): void {
  const isOver = subscription.status === 'canceled';
  const isPaused = subscription.status === 'paused';
  setTimer(engine, subscription, { kind: 'subscription.charge', at: subscription.next_payment_at });
  setTimer(engine, subscription, { kind: 'subscription.cancel', at: isOver ? null : subscription.cancel_at });
  setTimer(engine, subscription, { kind: 'subscription.pause', at: isOver || isPaused ? null : subscription.pause_at });
  setTimer(engine, subscription, { kind: 'subscription.resume', at: isPaused ? subscription.resume_at : null });
}

interface SubscriptionTimer {
  kind: 'subscription.charge' | 'subscription.cancel' | 'subscription.pause' | 'subscription.resume';
  at: string | null;
}

function setTimer(engine: Engine, subscription: SubscriptionRecord, timer: SubscriptionTimer): void {
  if (timer.at === null) engine.unschedule(timer.kind, subscription.id);
  else engine.schedule(timer.kind, subscription, Date.parse(timer.at));
}
