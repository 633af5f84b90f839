import { WITHOUT_LEASE } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledSubscription } from '../../tilled/tilled.shapes.js';
import { markOf, NO_MARK, type Processor } from '../kit/processor.js';
import type { PaymentMethod } from '../payment-methods/payment-method.entity.js';
import { IntervalUnit } from './billing-period.js';
import type { Subscription } from './subscription.entity.js';
import type { SubscriptionMirror } from './subscription.mirror.js';
import { SubscriptionRepository } from './subscription.repository.js';
import { SubscriptionStatus } from './subscription.states.js';

/** What is known of a subscription beside what Tilled says. */
export interface SubscriptionWish {
  readonly planCode?: string | undefined;
  readonly planName?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Takes over subscriptions that run at Tilled, and lets go of them. Collects and cancels nothing. */
export class SubscriptionAdoption {
  constructor(private readonly parts: { readonly processor: Processor; readonly mirror: SubscriptionMirror }) {}

  /** Our row for a subscription at Tilled, made if there is none, in Tilled's state with that transition. */
  async adopt(tx: Scope, snapshot: TilledSubscription, method: PaymentMethod, wish: SubscriptionWish): Promise<Subscription> {
    const repository = SubscriptionRepository.of(tx);
    if ((await repository.lockByTilledId(snapshot.id)) === null) {
      repository.add(newSubscription(tx, snapshot, method, wish));
      await tx.db.flush();
    }
    const recorded = await this.parts.mirror.record(tx, snapshot);
    if (recorded === null) throw new Error(`The subscription ${snapshot.id} was adopted and is not here.`);
    await tx.db.flush();
    return recorded;
  }

  /** Writes our mark on Tilled's copy; repeatable. */
  async mark(scope: Scope, tilledId: string): Promise<void> {
    const subscription = await SubscriptionRepository.of(scope).findByTilledId(tilledId);
    if (subscription === null) return;
    const metadata = markOf(scope, subscription.id);
    await this.parts.processor.send(scope, WITHOUT_LEASE, (tilled) => tilled.updateSubscription(tilledId, { metadata }));
    // It may have been let go of meanwhile: then the mark came after it was taken off.
    const now = await scope.transaction((tx) => SubscriptionRepository.of(tx).findByTilledId(tilledId));
    if (now === null) await this.unmark(scope, tilledId);
  }

  /** Removes our row with its transitions, in a transaction. The caller made sure that nothing is built on it. */
  async disown(tx: Scope, id: string): Promise<void> {
    const repository = SubscriptionRepository.of(tx);
    repository.remove(await repository.lock(id));
    await tx.db.flush();
    tx.request.log.info('subscription disowned', { subscriptionId: id });
  }

  /** Takes our mark off Tilled's copy; repeatable. */
  async unmark(scope: Scope, tilledId: string): Promise<void> {
    await this.parts.processor.sendIfThere(scope, WITHOUT_LEASE, (tilled) =>
      tilled.updateSubscription(tilledId, { metadata: { ...NO_MARK } }),
    );
  }
}

function newSubscription(tx: Scope, snapshot: TilledSubscription, method: PaymentMethod, wish: SubscriptionWish) {
  const now = tx.now();
  return {
    id: tx.newId('sub'),
    version: 1,
    customerId: method.customerId,
    paymentMethodId: method.id,
    tilledSubscriptionId: snapshot.id,
    status: SubscriptionStatus.PENDING,
    planCode: wish.planCode ?? null,
    planName: wish.planName ?? null,
    priceMinor: snapshot.price,
    platformFeeMinor: null,
    currency: snapshot.currency,
    intervalUnit: IntervalUnit[snapshot.interval_unit.toUpperCase() as keyof typeof IntervalUnit],
    intervalCount: snapshot.interval_count,
    billingCycleAnchor: new Date(snapshot.billing_cycle_anchor),
    currentPeriodStart: null,
    currentPeriodEnd: null,
    nextPaymentAt: null,
    cancelAtPeriodEnd: false,
    cancelAt: null,
    canceledAt: null,
    pauseAt: null,
    pausedAt: null,
    resumeAt: null,
    metadata: { ...wish.metadata },
    createdAt: now,
    updatedAt: now,
  };
}
