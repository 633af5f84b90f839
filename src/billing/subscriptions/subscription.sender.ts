import { NotConfirmedYet, ProcessorRejected } from '../../platform/errors.js';
import type { Intents } from '../../platform/idempotency/intents.js';
import type { Execution } from '../../platform/idempotency/mutation.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCurrency, TilledIntervalUnit, TilledSubscription } from '../../tilled/tilled.shapes.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { changeOnce } from '../kit/change-once.js';
import { markedId, markOf, type Processor } from '../kit/processor.js';
import { recordAnswer } from '../kit/record-answer.js';
import { moveTo } from '../kit/transition.js';
import { PaymentMethodRepository } from '../payment-methods/payment-method.repository.js';
import { type Change, RETRY, tilledIdOf } from './subscription.changes.js';
import type { Subscription } from './subscription.entity.js';
import type { SubscriptionMirror } from './subscription.mirror.js';
import { SubscriptionRepository } from './subscription.repository.js';
import { SUBSCRIPTION_STATES, SubscriptionStatus } from './subscription.states.js';

interface SubscriptionSenderParts {
  readonly processor: Processor;
  readonly intents: Intents;
  readonly mirror: SubscriptionMirror;
}

const { CANCELED } = SubscriptionStatus;

/** Asks Tilled to make and to change subscriptions, each once, and records what it answers. */
export class SubscriptionSender {
  constructor(private readonly parts: SubscriptionSenderParts) {}

  /** Makes it, once. Throws ProcessorRejected, ProcessorUnavailable or OutcomeUnknown. */
  async create(scope: Scope, execution: Execution): Promise<void> {
    const subscription = await SubscriptionRepository.of(scope).get(execution.subject);
    if (subscription.tilledSubscriptionId !== null) return;
    const { tilledCustomerId } = await CustomerRepository.of(scope).get(subscription.customerId);
    const { tilledPaymentMethodId } = await PaymentMethodRepository.of(scope).get(subscription.paymentMethodId);
    if (tilledCustomerId === null) throw new NotConfirmedYet('customer');
    const known = execution.isFirst ? null : await this.findAtTilled(scope, subscription.id, tilledCustomerId);
    if (known === null) await execution.assertNothingUnderWay();
    const snapshot =
      known ??
      (await this.orCanceled(scope, execution, () =>
        this.parts.processor.send(scope, execution.lease, (tilled) =>
          tilled.createSubscription({
            customer_id: tilledCustomerId,
            payment_method_id: tilledPaymentMethodId,
            price: subscription.priceMinor,
            ...(subscription.platformFeeMinor === null ? {} : { platform_fee_amount: subscription.platformFeeMinor }),
            currency: subscription.currency as TilledCurrency,
            interval_unit: subscription.intervalUnit.toLowerCase() as TilledIntervalUnit,
            interval_count: subscription.intervalCount,
            billing_cycle_anchor: subscription.billingCycleAnchor.toISOString(),
            metadata: markOf(scope, subscription.id),
          }),
        ),
      ));
    await this.record(scope, subscription, snapshot, execution);
  }

  /** Makes a change, once. Throws as create does. */
  async change<Input extends { readonly id: string }>(scope: Scope, change: Change<Input>, execution: Execution): Promise<void> {
    const subscription = await SubscriptionRepository.of(scope).get(execution.subject);
    const payload = execution.payload as never;
    const { apply } = change;
    const snapshot = await changeOnce<TilledSubscription>(execution, {
      send: () => this.parts.processor.send(scope, execution.lease, (tilled) => change.send(tilled, subscription, payload)),
      read: () => this.parts.processor.find(scope, (tilled) => tilled.getSubscription(tilledIdOf(subscription))),
      isDone: (seen) => seen !== null && change.isMade(seen, payload),
      resend: change.isRepeatable?.(payload) ? 'atOnce' : 'whenQuiet',
      recordRefused: (seen) =>
        scope.transaction(async (tx) => {
          await this.parts.mirror.record(tx, seen);
        }),
    });
    if (snapshot === null) return;
    await this.record(scope, subscription, snapshot, apply === undefined ? execution : null);
    if (apply === undefined) return;
    await scope.transaction(async (tx) => {
      const changed = await SubscriptionRepository.of(tx).lock(subscription.id);
      apply(changed, payload);
      // Who took it over has applied it, and something newer may have been since.
      await execution.confirm(tx);
      if (change.isCollectedAfter?.(changed, payload)) await this.parts.intents.enqueue(tx, RETRY, changed.id);
      await execution.conclude(tx, null);
    });
  }

  /** Records what Tilled says of it now. Throws ProcessorUnavailable or ReadRefused. */
  async readAgain(scope: Scope, subscription: Subscription): Promise<void> {
    const tilledId = tilledIdOf(subscription);
    const snapshot = await this.parts.processor.ask(scope, (tilled) => tilled.getSubscription(tilledId));
    await this.record(scope, subscription, snapshot, null);
  }

  /** A subscription that Tilled refused to make will never collect anything. */
  private async orCanceled<T>(scope: Scope, execution: Execution, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ProcessorRejected) {
        const now = scope.businessNow();
        await scope.transaction(async (tx) => {
          const subscription = await SubscriptionRepository.of(tx).lock(execution.subject);
          await moveTo(tx, subscription, CANCELED, SUBSCRIPTION_STATES);
          Object.assign(subscription, { canceledAt: now, nextPaymentAt: null, updatedAt: now });
          await execution.confirm(tx);
        });
      }
      throw error;
    }
  }

  private async findAtTilled(scope: Scope, id: string, tilledCustomerId: string): Promise<TilledSubscription | null> {
    const query = { customer_id: tilledCustomerId, metadata: markOf(scope, id), limit: 1 };
    const list = await this.parts.processor.ask(scope, (tilled) => tilled.listSubscriptions(query));
    return list.items.find((item) => markedId(scope, item.metadata) === id) ?? null;
  }

  private record(scope: Scope, { id, version }: Subscription, snapshot: TilledSubscription, execution: Execution | null): Promise<void> {
    return recordAnswer(scope, {
      execution,
      snapshot,
      seenVersion: version,
      currentVersion: async (tx) => (await SubscriptionRepository.of(tx).lock(id)).version,
      readAgain: () => this.parts.processor.ask(scope, (tilled) => tilled.getSubscription(snapshot.id)),
      record: async (tx, latest) => {
        await this.parts.mirror.record(tx, latest);
        return null;
      },
    });
  }
}
