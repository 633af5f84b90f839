import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import { DivergenceKind } from '../../billing/kit/divergence.entity.js';
import type { ObjectRef } from '../../billing/kit/divergence.repository.js';
import { markedId, type Processor } from '../../billing/kit/processor.js';
import { isLegalMove } from '../../billing/kit/transition.js';
import { PaymentMethodRepository } from '../../billing/payment-methods/payment-method.repository.js';
import type { Subscription } from '../../billing/subscriptions/subscription.entity.js';
import { duplicateOf } from '../../billing/subscriptions/subscription.mirror.js';
import { SubscriptionRepository } from '../../billing/subscriptions/subscription.repository.js';
import { SUBSCRIPTION_STATES, SubscriptionStatus } from '../../billing/subscriptions/subscription.states.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledSubscription } from '../../tilled/tilled.shapes.js';
import { jobKindOf } from '../../webhooks/event-catalogue.js';
import {
  type ComparedObject,
  type Comparison,
  comparedDuplicate,
  dateOf,
  findMatch,
  listedPage,
  timeFact,
  withoutMissing,
} from './comparison.js';

/** Subscriptions: those we made, and others of our customers, which would take money that we know nothing of. */
export class SubscriptionComparison implements Comparison<TilledSubscription> {
  readonly kind = DivergenceKind.SUBSCRIPTION;
  readonly table = 'billing_subscriptions';
  readonly tilledColumn = 'tilled_subscription_id';

  constructor(private readonly processor: Processor) {}

  idOf(snapshot: TilledSubscription): string {
    return snapshot.id;
  }

  list(scope: Scope, position: string) {
    return listedPage(position, (query) => this.processor.ask(scope, (tilled) => tilled.listSubscriptions(query)));
  }

  fetch(scope: Scope, tilledId: string): Promise<TilledSubscription | null> {
    return this.processor.find(scope, (tilled) => tilled.getSubscription(tilledId));
  }

  async read(tx: Scope, ref: ObjectRef, snapshot: TilledSubscription | null): Promise<ComparedObject | null> {
    const marked = snapshot === null ? null : markedId(tx, snapshot.metadata);
    const match = await findMatch(tx, SubscriptionRepository.of(tx), { ref, snapshot });
    const row = match?.row ?? null;
    if (row !== null && snapshot !== null && match?.isDuplicate) return comparedDuplicate(duplicateOf(row.id, snapshot));
    const owner = snapshot === null ? null : await CustomerRepository.of(tx).findByTilledId(snapshot.customer_id);
    if (row === null && marked === null && owner === null) return null;
    const method = row === null ? null : await PaymentMethodRepository.of(tx).find(row.paymentMethodId);
    const tilledId = row?.tilledSubscriptionId ?? snapshot?.id ?? ref.tilledId;
    const status = snapshot === null ? null : SubscriptionStatus[snapshot.status.toUpperCase() as keyof typeof SubscriptionStatus];
    return {
      objectId: row?.id ?? null,
      tilledId,
      ours: row === null ? null : oursOf(row, method?.tilledPaymentMethodId ?? null),
      theirs: snapshot === null ? null : theirsOf(snapshot),
      isLegal: row === null || status === null || isLegalMove(SUBSCRIPTION_STATES, row.status, status),
      // One of ours that is over takes nothing any more.
      mayBeMissing: row === null && status === SubscriptionStatus.CANCELED,
      oursChangedAt: row?.updatedAt ?? null,
      theirsChangedAt: dateOf(snapshot),
      subjects: withoutMissing(row?.id, tilledId, marked),
      healing: tilledId === null ? [] : [{ kind: jobKindOf('subscription'), subject: tilledId }],
    };
  }
}

function oursOf(row: Subscription, tilledMethodId: string | null) {
  return {
    tilledId: row.tilledSubscriptionId,
    status: row.status,
    priceMinor: row.priceMinor,
    platformFeeMinor: row.platformFeeMinor,
    currency: row.currency,
    interval: `${row.intervalCount} ${row.intervalUnit.toLowerCase()}`,
    paymentMethod: tilledMethodId,
    nextPaymentAt: timeFact(row.nextPaymentAt),
    cancelAt: timeFact(row.cancelAt),
    canceledAt: timeFact(row.canceledAt),
    pauseAt: timeFact(row.pauseAt),
    pausedAt: timeFact(row.pausedAt),
    resumeAt: timeFact(row.resumeAt),
  };
}

function theirsOf(snapshot: TilledSubscription) {
  return {
    tilledId: snapshot.id,
    status: snapshot.status.toUpperCase(),
    priceMinor: snapshot.price,
    platformFeeMinor: snapshot.platform_fee_amount || null,
    currency: snapshot.currency,
    interval: `${snapshot.interval_count} ${snapshot.interval_unit}`,
    paymentMethod: snapshot.payment_method_id,
    nextPaymentAt: timeFact(snapshot.next_payment_at),
    cancelAt: timeFact(snapshot.cancel_at),
    canceledAt: timeFact(snapshot.canceled_at),
    pauseAt: timeFact(snapshot.pause_at),
    pausedAt: timeFact(snapshot.paused_at),
    resumeAt: timeFact(snapshot.resume_at),
  };
}
