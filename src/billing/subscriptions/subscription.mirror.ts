import type { Clock } from '../../platform/clock.js';
import { assignChanged } from '../../platform/db/changes.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledSubscription } from '../../tilled/tilled.shapes.js';
import { DivergenceKind } from '../kit/divergence.entity.js';
import { type Duplicate, recordDuplicate } from '../kit/duplicate.js';
import { matchAndLockRow } from '../kit/row-match.js';
import { moveTo } from '../kit/transition.js';
import { PaymentMethodRepository } from '../payment-methods/payment-method.repository.js';
import { type BillingCycle, type BillingPeriod, periodAt, periodUntil } from './billing-period.js';
import type { Subscription } from './subscription.entity.js';
import { SubscriptionRepository } from './subscription.repository.js';
import { SUBSCRIPTION_STATES, SubscriptionStatus } from './subscription.states.js';

const { ACTIVE, PAST_DUE, PAUSED } = SubscriptionStatus;
/** Tilled takes a payment within half an hour of its time, which may be before it, ms. */
const EARLY_MS_MAX = 3_600_000;

/** The only place that writes what Tilled says of subscriptions, whether an answer or an event brought it. */
export class SubscriptionMirror {
  constructor(private readonly clock: Clock) {}

  /**
   * Records a subscription that we made. Null for others, which are not ours, for one in a state that cannot be, and
   * for a second one with our mark, which collects beside ours: that is reported, and ours follows its own.
   */
  async record(tx: Scope, snapshot: TilledSubscription): Promise<Subscription | null> {
    const match = await matchAndLockRow(tx, SubscriptionRepository.of(tx), snapshot);
    if (match === null) return null;
    const { row: subscription, isDuplicate } = match;
    if (isDuplicate) {
      await recordDuplicate(tx, duplicateOf(subscription.id, snapshot));
      return null;
    }
    const paid = paidBy(subscription, snapshot);
    const move = await moveTo(tx, subscription, statusOf(snapshot), SUBSCRIPTION_STATES);
    if (move === 'illegal') return null;
    const facts = { ...(await this.factsOf(tx, subscription, snapshot)), ...laterPeriod(subscription, paid) };
    const hasChanged = assignChanged(subscription, facts);
    if (move === 'moved' || hasChanged) subscription.updatedAt = this.clock.now();
    tx.request.log.info('subscription mirrored', {
      customerId: subscription.customerId,
      subscriptionId: subscription.id,
      tilledSubscriptionId: snapshot.id,
      status: subscription.status,
    });
    return subscription;
  }

  private async factsOf(tx: Scope, subscription: Subscription, snapshot: TilledSubscription): Promise<Partial<Subscription>> {
    const method = await PaymentMethodRepository.of(tx).findByTilledId(snapshot.payment_method_id);
    return {
      tilledSubscriptionId: subscription.tilledSubscriptionId ?? snapshot.id,
      paymentMethodId: method?.id ?? subscription.paymentMethodId,
      priceMinor: snapshot.price,
      platformFeeMinor: snapshot.platform_fee_amount || null,
      nextPaymentAt: dateOrNull(snapshot.next_payment_at),
      cancelAt: dateOrNull(snapshot.cancel_at),
      cancelAtPeriodEnd: snapshot.cancel_at !== null && snapshot.status !== 'canceled',
      canceledAt: dateOrNull(snapshot.canceled_at),
      pauseAt: dateOrNull(snapshot.pause_at),
      pausedAt: dateOrNull(snapshot.paused_at),
      resumeAt: dateOrNull(snapshot.resume_at),
    };
  }

  /** A payment for it was taken, or is on its way, since `at`, which is Tilled's time: the period of then is paid. */
  async recordPaid(tx: Scope, id: string, at: Date): Promise<void> {
    const subscription = await SubscriptionRepository.of(tx).lock(id);
    const moment = isLate(subscription, at) ? at : new Date(at.getTime() + EARLY_MS_MAX);
    this.assign(subscription, laterPeriod(subscription, periodAt(cycleOf(subscription), moment)));
  }

  /** That payment was given back by the bank: what it paid is not paid any more, and the period before is the last. */
  async recordReturned(tx: Scope, id: string, at: Date): Promise<void> {
    const subscription = await SubscriptionRepository.of(tx).lock(id);
    const cycle = cycleOf(subscription);
    const returned = periodAt(cycle, new Date(at.getTime() + EARLY_MS_MAX));
    if (returned === null || returned.start.getTime() !== subscription.currentPeriodStart?.getTime()) return;
    const before = periodUntil(cycle, returned.start);
    this.assign(subscription, { currentPeriodStart: before?.start ?? null, currentPeriodEnd: before?.end ?? null });
  }

  private assign(subscription: Subscription, facts: Partial<Subscription>): void {
    if (assignChanged(subscription, facts)) subscription.updatedAt = this.clock.now();
  }
}

/**
 * The period that a snapshot shows to be paid, before it is recorded; null if it shows none. Tilled knows no periods:
 * ours are the grid of the anchor, and the one that ends at Tilled's next payment is paid when that date moved on by a
 * payment. It also moves when a pause ends, which pays nothing.
 */
function paidBy(before: Subscription, { status, next_payment_at: next, pause_at: pauseAt }: TilledSubscription): BillingPeriod | null {
  if (status !== 'active' || next === null || before.status === PAUSED) return null;
  const end = new Date(next);
  // A planned pause that is there no more may have begun and ended since: then nobody paid for the way of the date.
  if (before.pauseAt !== null && before.pauseAt < end && pauseAt === null) return null;
  const hasMovedOn = before.status !== ACTIVE || (before.nextPaymentAt !== null && before.nextPaymentAt < end);
  return hasMovedOn ? periodUntil(cycleOf(before), end) : null;
}

/**
 * Whether a payment just before a date of the grid is of the period that ends there, as one that was missed and is
 * collected late. One that was taken early for the next period moves that date on, which its snapshot shows.
 */
function isLate({ status, nextPaymentAt }: Subscription, at: Date): boolean {
  if (status === PAST_DUE) return true;
  return nextPaymentAt !== null && nextPaymentAt > at && nextPaymentAt.getTime() <= at.getTime() + EARLY_MS_MAX;
}

/** The period as what is paid, unless a later one is: news may come in any order. */
function laterPeriod({ currentPeriodStart }: Subscription, period: BillingPeriod | null): Partial<Subscription> {
  if (period === null || (currentPeriodStart !== null && currentPeriodStart >= period.start)) return {};
  return { currentPeriodStart: period.start, currentPeriodEnd: period.end };
}

function cycleOf({ billingCycleAnchor: anchor, intervalUnit: unit, intervalCount: count }: Subscription): BillingCycle {
  return { anchor, unit, count };
}

/** A second subscription with the mark of ours. It is over once it will collect nothing more. */
export function duplicateOf(subscriptionId: string, { id, status, price, currency }: TilledSubscription): Duplicate {
  const theirs = { status: status.toUpperCase(), priceMinor: price, currency };
  return { kind: DivergenceKind.SUBSCRIPTION, originalId: subscriptionId, tilledId: id, theirs, isOver: status === 'canceled' };
}

function statusOf(snapshot: TilledSubscription): SubscriptionStatus {
  return SubscriptionStatus[snapshot.status.toUpperCase() as keyof typeof SubscriptionStatus];
}

function dateOrNull(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
