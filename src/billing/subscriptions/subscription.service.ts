import type { Clock } from '../../platform/clock.js';
import { InvalidInput, NotConfirmedYet, ProcessorRejected } from '../../platform/errors.js';
import type { Intents } from '../../platform/idempotency/intents.js';
import type { Execution, IdempotentMutation, Outcome } from '../../platform/idempotency/mutation.js';
import type { Ids } from '../../platform/ids.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledCurrency, TilledIntervalUnit, TilledSubscription } from '../../tilled/tilled.shapes.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { changeOnce } from '../kit/change-once.js';
import { assertVersion } from '../kit/expected-version.js';
import { mergedMetadata } from '../kit/metadata.js';
import { assertNoneOpen } from '../kit/open-mutations.js';
import { markedId, markOf, type Processor } from '../kit/processor.js';
import { recordAnswer } from '../kit/record-answer.js';
import { moveTo } from '../kit/transition.js';
import type { PaymentMethod } from '../payment-methods/payment-method.entity.js';
import { PaymentMethodRepository } from '../payment-methods/payment-method.repository.js';
import { IntervalUnit } from './billing-period.js';
import { CHANGES, type Change, tilledIdOf } from './subscription.changes.js';
import type { Subscription } from './subscription.entity.js';
import type {
  SubscriptionCancelInput,
  SubscriptionCreateInput,
  SubscriptionPauseInput,
  SubscriptionReactivateInput,
  SubscriptionResumeInput,
  SubscriptionUpdateInput,
} from './subscription.inputs.js';
import type { SubscriptionMirror } from './subscription.mirror.js';
import { SubscriptionRepository } from './subscription.repository.js';
import { SUBSCRIPTION_STATES, SubscriptionStatus } from './subscription.states.js';
import { usableMethod } from './usable-method.js';

interface SubscriptionServiceParts {
  readonly processor: Processor;
  readonly intents: Intents;
  readonly mirror: SubscriptionMirror;
  readonly clock: Clock;
  readonly ids: Ids;
}

const LATE_ANCHOR_MS = 300_000;
const { PENDING, CANCELED } = SubscriptionStatus;
const CHANGE_OPERATIONS = Object.values(CHANGES).map(({ operation }) => operation);

/** Subscriptions: wanted here, run by Tilled, mirrored back. */
export class SubscriptionService {
  readonly mutations: readonly IdempotentMutation<Subscription>[];
  private readonly creation: IdempotentMutation<Subscription> = {
    operation: 'subscriptionCreate',
    execute: (scope, execution) => this.sendCreate(scope, execution),
    withdraw: async (scope, execution) =>
      SubscriptionRepository.of(scope).remove(await SubscriptionRepository.of(scope).lock(execution.subject)),
    load: (scope, id) => SubscriptionRepository.of(scope).findCommitted(id),
    // Only one that was never made was refused.
    errorsOf: ({ tilledSubscriptionId }, remembered) => (tilledSubscriptionId === null ? remembered : []),
  };

  constructor(private readonly parts: SubscriptionServiceParts) {
    this.mutations = [this.creation, ...(Object.values(CHANGES) as Change<never>[]).map((change) => this.mutationOf(change))];
  }

  create(scope: Scope, input: SubscriptionCreateInput): Promise<Outcome<Subscription>> {
    return this.parts.intents.run(scope, this.creation, {
      input,
      intend: async (tx) => {
        const method = await usableMethod(tx, input.customerId, input.paymentMethodId);
        return { subject: this.newSubscription(tx, method, input).id };
      },
    });
  }

  update(scope: Scope, input: SubscriptionUpdateInput): Promise<Outcome<Subscription>> {
    return this.change(scope, CHANGES.update, input);
  }

  pause(scope: Scope, input: SubscriptionPauseInput): Promise<Outcome<Subscription>> {
    return this.change(scope, CHANGES.pause, input);
  }

  resume(scope: Scope, input: SubscriptionResumeInput): Promise<Outcome<Subscription>> {
    return this.change(scope, CHANGES.resume, input);
  }

  cancel(scope: Scope, input: SubscriptionCancelInput): Promise<Outcome<Subscription>> {
    return this.change(scope, CHANGES.cancel, input);
  }

  reactivate(scope: Scope, input: SubscriptionReactivateInput): Promise<Outcome<Subscription>> {
    return this.change(scope, CHANGES.reactivate, input);
  }

  private newSubscription(tx: Scope, method: PaymentMethod, input: SubscriptionCreateInput): Subscription {
    const now = this.parts.clock.now();
    const anchor = input.billingCycleAnchor ?? now;
    if (anchor.getTime() < now.getTime() - LATE_ANCHOR_MS) {
      throw InvalidInput.because(['billingCycleAnchor'], 'billingCycleAnchor lies in the past: take the next date of the cycle.');
    }
    return SubscriptionRepository.of(tx).add({
      id: this.parts.ids.make('sub'),
      version: 1,
      customerId: method.customerId,
      paymentMethodId: method.id,
      tilledSubscriptionId: null,
      status: PENDING,
      planCode: input.planCode ?? null,
      planName: input.planName ?? null,
      priceMinor: input.price.amountMinor,
      currency: input.price.currency,
      intervalUnit: input.intervalUnit ?? IntervalUnit.MONTH,
      intervalCount: input.intervalCount ?? 1,
      billingCycleAnchor: anchor,
      currentPeriodStart: null,
      currentPeriodEnd: null,
      nextPaymentAt: anchor,
      cancelAtPeriodEnd: false,
      cancelAt: null,
      canceledAt: null,
      pausedAt: null,
      resumeAt: null,
      metadata: mergedMetadata({}, input.metadata),
      createdAt: now,
      updatedAt: now,
    });
  }

  private async sendCreate(scope: Scope, execution: Execution): Promise<void> {
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

  /** A subscription that Tilled refused to make will never collect anything. */
  private async orCanceled<T>(scope: Scope, execution: Execution, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ProcessorRejected) {
        const now = this.parts.clock.now();
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

  private change<Input extends { readonly id: string }>(scope: Scope, change: Change<Input>, input: Input): Promise<Outcome<Subscription>> {
    return this.parts.intents.run(scope, this.mutationOf(change), {
      input,
      intend: async (tx) => {
        const subscription = await SubscriptionRepository.of(tx).lock(input.id);
        await assertNoneOpen(tx, subscription.id, CHANGE_OPERATIONS);
        assertVersion(subscription, (input as { expectedVersion?: number | null }).expectedVersion);
        if (subscription.tilledSubscriptionId === null) {
          throw new NotConfirmedYet('subscription');
        }
        return { subject: subscription.id, payload: await change.allow(tx, subscription, { ...input, now: this.parts.clock.now() }) };
      },
    });
  }

  private mutationOf<Input extends { readonly id: string }>(change: Change<Input>): IdempotentMutation<Subscription> {
    return {
      operation: change.operation,
      execute: (scope, execution) => this.sendChange(scope, change, execution),
      withdraw: async () => undefined,
      load: (scope, id) => SubscriptionRepository.of(scope).findCommitted(id),
    };
  }

  private async sendChange<Input extends { readonly id: string }>(
    scope: Scope,
    change: Change<Input>,
    execution: Execution,
  ): Promise<void> {
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
      apply(await SubscriptionRepository.of(tx).lock(subscription.id), payload);
      // Who took it over has applied it, and something newer may have been since.
      await execution.confirm(tx);
    });
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
