import type { Clock } from '../../platform/clock.js';
import { assignChanged } from '../../platform/db/changes.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledSubscription } from '../../tilled/tilled.shapes.js';
import { DivergenceKind } from '../kit/divergence.entity.js';
import { type Duplicate, recordDuplicate } from '../kit/duplicate.js';
import { matchAndLockRow } from '../kit/row-match.js';
import { moveTo } from '../kit/transition.js';
import { PaymentMethodRepository } from '../payment-methods/payment-method.repository.js';
import { periodAt } from './billing-period.js';
import type { Subscription } from './subscription.entity.js';
import { SubscriptionRepository } from './subscription.repository.js';
import { SUBSCRIPTION_STATES, SubscriptionStatus } from './subscription.states.js';

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
    const move = await moveTo(tx, subscription, statusOf(snapshot), SUBSCRIPTION_STATES);
    if (move === 'illegal') return null;
    const hasChanged = assignChanged(subscription, await this.factsOf(tx, subscription, snapshot));
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
      nextPaymentAt: dateOrNull(snapshot.next_payment_at),
      cancelAt: dateOrNull(snapshot.cancel_at),
      cancelAtPeriodEnd: snapshot.cancel_at !== null && snapshot.status !== 'canceled',
      canceledAt: dateOrNull(snapshot.canceled_at),
      pausedAt: dateOrNull(snapshot.paused_at),
      resumeAt: dateOrNull(snapshot.resume_at),
      ...this.periodOf(subscription),
    };
  }

  /** Tilled knows no periods: ours are the grid of the anchor. They stand still while nothing is collected. */
  private periodOf(subscription: Subscription): Partial<Subscription> {
    const isCollecting = subscription.status === SubscriptionStatus.ACTIVE || subscription.status === SubscriptionStatus.PAST_DUE;
    if (!isCollecting) return {};
    const cycle = { anchor: subscription.billingCycleAnchor, unit: subscription.intervalUnit, count: subscription.intervalCount };
    const period = periodAt(cycle, this.clock.now());
    return period === null ? {} : { currentPeriodStart: period.start, currentPeriodEnd: period.end };
  }
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
