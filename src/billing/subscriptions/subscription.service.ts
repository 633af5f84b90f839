import { InvalidInput, type NotAllowed, NotConfirmedYet } from '../../platform/errors.js';
import type { Intents } from '../../platform/idempotency/intents.js';
import type { IdempotentMutation, Outcome } from '../../platform/idempotency/mutation.js';
import type { Ids } from '../../platform/ids.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { CancelMode } from '../kit/cancel-mode.js';
import { assertVersion } from '../kit/expected-version.js';
import { mergedMetadata } from '../kit/metadata.js';
import { assertNoneOpen } from '../kit/open-mutations.js';
import { platformFeeOf } from '../kit/platform-fee.js';
import { namingInput, type SentFields } from '../kit/refused-input.js';
import type { PaymentMethod } from '../payment-methods/payment-method.entity.js';
import { cancelRefusal } from '../settings/portal.policy.js';
import { IntervalUnit } from './billing-period.js';
import { CHANGE_OPERATIONS, CHANGES, type Change } from './subscription.changes.js';
import type { Subscription } from './subscription.entity.js';
import {
  type SubscriptionCancelInput,
  type SubscriptionCreateInput,
  type SubscriptionPauseInput,
  type SubscriptionReactivateInput,
  type SubscriptionResumeInput,
  type SubscriptionUpdateInput,
} from './subscription.inputs.js';
import { SubscriptionRepository } from './subscription.repository.js';
import type { SubscriptionSender } from './subscription.sender.js';
import { SubscriptionStatus } from './subscription.states.js';
import { assertDebits, methodToKeep } from './usable-method.js';

interface SubscriptionServiceParts {
  readonly sender: SubscriptionSender;
  readonly intents: Intents;
  readonly ids: Ids;
}

const LATE_ANCHOR_MS = 300_000;

const CHANGE_FIELDS: SentFields = {
  price: ['price'],
  payment_method_id: ['paymentMethodId'],
  platform_fee_amount: ['platformFee'],
  resume_at: ['resumeAt'],
};
const CREATE_FIELDS: SentFields = {
  ...CHANGE_FIELDS,
  billing_cycle_anchor: ['billingCycleAnchor'],
  interval_count: ['intervalCount'],
  interval_unit: ['intervalUnit'],
  currency: ['price', 'currency'],
};

/** Subscriptions: wanted here, run by Tilled, mirrored back. */
export class SubscriptionService {
  readonly mutations: readonly IdempotentMutation<Subscription>[];
  private readonly creation: IdempotentMutation<Subscription> = {
    operation: 'subscriptionCreate',
    sells: true,
    execute: (scope, execution) => namingInput(CREATE_FIELDS, () => this.parts.sender.create(scope, execution)),
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
        const method = await methodToKeep(tx, input.customerId, input.paymentMethodId);
        assertDebits(method, input.price.currency, ['price', 'currency']);
        return { subject: this.newSubscription(tx, method, input).id };
      },
    });
  }

  update(scope: Scope, input: SubscriptionUpdateInput): Promise<Outcome<Subscription>> {
    return this.change(scope, CHANGES.update, input);
  }

  async pause(scope: Scope, input: SubscriptionPauseInput): Promise<Outcome<Subscription>> {
    await this.readIfDue(scope, input.id);
    return this.change(scope, CHANGES.pause, input);
  }

  resume(scope: Scope, input: SubscriptionResumeInput): Promise<Outcome<Subscription>> {
    return this.change(scope, CHANGES.resume, input);
  }

  async cancel(scope: Scope, input: SubscriptionCancelInput): Promise<Outcome<Subscription>> {
    const refusal = await cancelRefusal(scope, input.mode);
    if (refusal === null && input.mode === CancelMode.AT_PERIOD_END) await this.readIfDue(scope, input.id);
    return this.change(scope, CHANGES.cancel, input, refusal);
  }

  async reactivate(scope: Scope, input: SubscriptionReactivateInput): Promise<Outcome<Subscription>> {
    return this.change(scope, CHANGES.reactivate, input, await cancelRefusal(scope, CancelMode.AT_PERIOD_END));
  }

  private newSubscription(tx: Scope, method: PaymentMethod, input: SubscriptionCreateInput): Subscription {
    const now = tx.businessNow();
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
      status: SubscriptionStatus.PENDING,
      planCode: input.planCode ?? null,
      planName: input.planName ?? null,
      priceMinor: input.price.amountMinor,
      platformFeeMinor: platformFeeOf(input.platformFee, input.price),
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
      pauseAt: null,
      pausedAt: null,
      resumeAt: null,
      metadata: mergedMetadata({}, input.metadata),
      createdAt: now,
      updatedAt: now,
    });
  }

  /** A caller who may not is refused in the intent: what a repeat asks about was allowed when it was begun. */
  private change<Input extends { readonly id: string }>(
    scope: Scope,
    change: Change<Input>,
    input: Input,
    refusal: NotAllowed | null = null,
  ): Promise<Outcome<Subscription>> {
    return this.parts.intents.run(scope, this.mutationOf(change), {
      input,
      intend: async (tx) => {
        if (refusal !== null) throw refusal;
        const subscription = await SubscriptionRepository.of(tx).lock(input.id);
        await assertNoneOpen(tx, subscription.id, CHANGE_OPERATIONS);
        assertVersion(subscription, (input as { expectedVersion?: number | null }).expectedVersion);
        if (subscription.tilledSubscriptionId === null) {
          throw new NotConfirmedYet('subscription');
        }
        return { subject: subscription.id, payload: await change.allow(tx, subscription, { ...input, now: tx.businessNow() }) };
      },
    });
  }

  /** Looks at Tilled if a payment is due: it may be taken or declined, and we not told yet. */
  private async readIfDue(scope: Scope, id: string): Promise<void> {
    const subscription = await SubscriptionRepository.of(scope).find(id);
    const isDue = subscription !== null && subscription.nextPaymentAt !== null && subscription.nextPaymentAt <= scope.businessNow();
    if (isDue && subscription.tilledSubscriptionId !== null) await this.parts.sender.readAgain(scope, subscription);
  }

  private mutationOf<Input extends { readonly id: string }>(change: Change<Input>): IdempotentMutation<Subscription> {
    return {
      operation: change.operation,
      sells: change.sells,
      execute: (scope, execution) => namingInput(CHANGE_FIELDS, () => this.parts.sender.change(scope, change, execution)),
      withdraw: async () => undefined,
      load: (scope, id) => SubscriptionRepository.of(scope).findCommitted(id),
    };
  }
}
