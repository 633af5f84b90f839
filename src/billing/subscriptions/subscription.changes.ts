import { IllegalTransition, InvalidInput } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledAccountClient } from '../../tilled/tilled.client.js';
import type { TilledSubscription } from '../../tilled/tilled.shapes.js';
import { CancelMode } from '../kit/cancel-mode.js';
import { mergedMetadata } from '../kit/metadata.js';
import { platformFeeOf } from '../kit/platform-fee.js';
import type { Subscription } from './subscription.entity.js';
import {
  PauseMode,
  type SubscriptionCancelInput,
  type SubscriptionPauseInput,
  type SubscriptionReactivateInput,
  type SubscriptionResumeInput,
  type SubscriptionUpdateInput,
} from './subscription.inputs.js';
import { SubscriptionStatus } from './subscription.states.js';
import { assertDebits, assertMethodAttached, methodToKeep } from './usable-method.js';

/** A change of a subscription that is at Tilled already. */
export interface Change<Input extends { readonly id: string }> {
  readonly operation: string;
  /** Whether it arranges that money is taken, or another sum: not for an app that is suspended. */
  readonly sells: boolean;
  /** Throws AppError when the subscription must not be changed so; returns what the execution needs to know. */
  readonly allow: (tx: Scope, subscription: Subscription, input: Input & { readonly now: Date }) => Promise<unknown>;
  readonly send: (tilled: TilledAccountClient, subscription: Subscription, payload: never) => Promise<TilledSubscription>;
  /** Whether a snapshot shows that the change was made: a refusal of a repeated request may mean so. */
  readonly isMade: (snapshot: TilledSubscription, payload: never) => boolean;
  /**
   * Whether doing it twice is doing it once, whatever was done between. All else is sent again only when the one that
   * was not answered is dead: carried out late it would undo what came after.
   */
  readonly isRepeatable?: (payload: never) => boolean;
  /** Changes of fields that are ours. */
  readonly apply?: (subscription: Subscription, payload: never) => void;
  /** Whether a missed payment is to be collected now that the change was made. */
  readonly isCollectedAfter?: (subscription: Subscription, payload: never) => boolean;
}

/** What the intent of subscriptionUpdate left for its execution. */
export interface UpdatePayload {
  readonly priceMinor?: number;
  readonly platformFeeMinor?: number | null;
  readonly tilledPaymentMethodId?: string;
  /** Whether another method takes the place of the one it had. */
  readonly replacesMethod?: boolean;
  /** Whether Tilled's copy looks different once it is done. */
  readonly isVisible?: boolean;
  readonly planCode?: string | null;
  readonly planName?: string | null;
  readonly metadata: Record<string, string | null> | null;
}

const { PENDING, ACTIVE, PAST_DUE, PAUSED } = SubscriptionStatus;

/** What the intent of subscriptionPause left for its execution. */
interface PausePayload {
  readonly pauseAt: string | null;
  readonly resumeAt: string | null;
}

/** A pause at the period's end comes so long before it, ms: Tilled may take a payment half an hour early. */
const PAUSE_AHEAD_MS = 3_600_000;
const PAUSED_AFTER_RETRY = 'paused: collect what it missed with subscriptionRetry first, or cancel it';

/** The changes of a subscription, each with who may make it and how Tilled is asked. */
export const CHANGES = {
  update: {
    operation: 'subscriptionUpdate',
    sells: true,
    allow: async (tx, subscription, input) => {
      assertStatus(subscription, [PENDING, ACTIVE, PAST_DUE, PAUSED], 'changed');
      if (input.price && input.price.currency !== subscription.currency) {
        throw InvalidInput.because(['price', 'currency'], `The currency of a subscription stays ${subscription.currency}.`);
      }
      // Refuses too many keys now, not after Tilled was asked.
      mergedMetadata(subscription.metadata, input.metadata);
      const method = input.paymentMethodId ? await methodToKeep(tx, subscription.customerId, input.paymentMethodId) : null;
      if (method !== null) assertDebits(method, subscription.currency, ['paymentMethodId']);
      const { priceMinor, paymentMethodId, platformFeeMinor } = subscription;
      const fee = feeAfter(subscription, input);
      const payload: UpdatePayload = {
        ...(input.price ? { priceMinor: input.price.amountMinor } : {}),
        ...(method ? { tilledPaymentMethodId: method.tilledPaymentMethodId, replacesMethod: method.id !== paymentMethodId } : {}),
        ...(input.platformFee ? { platformFeeMinor: fee } : {}),
        isVisible:
          (input.price?.amountMinor ?? priceMinor) !== priceMinor ||
          (method?.id ?? paymentMethodId) !== paymentMethodId ||
          fee !== platformFeeMinor,
        ...(input.planCode !== undefined ? { planCode: input.planCode } : {}),
        ...(input.planName !== undefined ? { planName: input.planName } : {}),
        metadata: input.metadata ?? null,
      };
      return payload;
    },
    send: (tilled, subscription, payload: UpdatePayload) =>
      tilled.updateSubscription(tilledIdOf(subscription), {
        ...(payload.priceMinor === undefined ? {} : { price: payload.priceMinor }),
        ...(payload.platformFeeMinor === undefined ? {} : { platform_fee_amount: payload.platformFeeMinor }),
        ...(payload.tilledPaymentMethodId === undefined ? {} : { payment_method_id: payload.tilledPaymentMethodId }),
      }),
    isMade: (snapshot, { isVisible, priceMinor, platformFeeMinor, tilledPaymentMethodId }: UpdatePayload) =>
      isVisible === true &&
      snapshot.price === (priceMinor ?? snapshot.price) &&
      snapshot.platform_fee_amount === (platformFeeMinor ?? snapshot.platform_fee_amount) &&
      snapshot.payment_method_id === (tilledPaymentMethodId ?? snapshot.payment_method_id),
    isRepeatable: ({ priceMinor, platformFeeMinor, tilledPaymentMethodId }: UpdatePayload) =>
      priceMinor === undefined && platformFeeMinor === undefined && tilledPaymentMethodId === undefined,
    apply: (subscription, payload: UpdatePayload) => {
      if (payload.planCode !== undefined) subscription.planCode = payload.planCode;
      if (payload.planName !== undefined) subscription.planName = payload.planName;
      subscription.metadata = mergedMetadata(subscription.metadata, payload.metadata);
    },
    isCollectedAfter: ({ status, nextPaymentAt, cancelAtPeriodEnd }, { replacesMethod = false }: UpdatePayload) =>
      replacesMethod && status === PAST_DUE && nextPaymentAt === null && !cancelAtPeriodEnd,
  } satisfies Change<SubscriptionUpdateInput>,
  pause: {
    operation: 'subscriptionPause',
    sells: false,
    allow: async (_tx, subscription, input) => {
      // A pause forgets what was missed: Tilled goes on with the next date of the cycle after it.
      if (subscription.status === PAST_DUE) throw new IllegalTransition('subscription', PAST_DUE, PAUSED_AFTER_RETRY);
      assertStatus(subscription, [PENDING, ACTIVE], 'paused');
      const pauseAt = pauseOf(subscription, input);
      const resumeAt = input.resumeAt ?? null;
      if (resumeAt !== null && resumeAt <= (pauseAt ?? input.now))
        throw InvalidInput.because(['resumeAt'], `resumeAt lies after the pause begins, which is ${(pauseAt ?? input.now).toISOString()}.`);
      return { pauseAt: pauseAt?.toISOString() ?? null, resumeAt: resumeAt?.toISOString() ?? null };
    },
    send: (tilled, subscription, { pauseAt, resumeAt }: PausePayload) => {
      const hasResume = resumeAt !== null || subscription.resumeAt !== null;
      if (pauseAt === null) return tilled.pauseSubscription(tilledIdOf(subscription), resumeAt === null ? {} : { resume_at: resumeAt });
      return tilled.updateSubscription(tilledIdOf(subscription), { pause_at: pauseAt, ...(hasResume ? { resume_at: resumeAt } : {}) });
    },
    isMade: (snapshot, { pauseAt, resumeAt }: PausePayload) =>
      snapshot.status === 'paused' ||
      (pauseAt !== null && isSameTime(snapshot.pause_at, pauseAt) && isSameTime(snapshot.resume_at, resumeAt)),
  } satisfies Change<SubscriptionPauseInput>,
  resume: {
    operation: 'subscriptionResume',
    sells: true,
    allow: async (_tx, subscription) => {
      const isPlanned = subscription.status !== PAUSED && subscription.pauseAt !== null;
      assertStatus(subscription, isPlanned ? [PENDING, ACTIVE, PAST_DUE] : [PAUSED], 'resumed');
      return { isPlanned };
    },
    send: (tilled, subscription, payload: { isPlanned: boolean } | null) =>
      payload?.isPlanned
        ? tilled.updateSubscription(tilledIdOf(subscription), { pause_at: null, resume_at: null })
        : tilled.resumeSubscription(tilledIdOf(subscription)),
    // Its first payment since may have been declined already.
    isMade: ({ status, pause_at }, payload: { isPlanned: boolean } | null) =>
      ['active', 'pending', 'past_due'].includes(status) && !(payload?.isPlanned && pause_at !== null),
  } satisfies Change<SubscriptionResumeInput>,
  cancel: {
    operation: 'subscriptionCancel',
    sells: false,
    allow: async (_tx, subscription, input) => {
      assertStatus(subscription, [PENDING, ACTIVE, PAST_DUE, PAUSED], 'canceled');
      if (input.mode === CancelMode.IMMEDIATELY) return { cancelAt: null };
      return { cancelAt: paidUntil(subscription, input.now)?.toISOString() ?? null };
    },
    send: (tilled, subscription, { cancelAt }: { cancelAt: string | null }) =>
      cancelAt === null
        ? tilled.cancelSubscription(tilledIdOf(subscription))
        : tilled.updateSubscription(tilledIdOf(subscription), { cancel_at: cancelAt }),
    isMade: (snapshot, { cancelAt }: { cancelAt: string | null }) =>
      snapshot.status === 'canceled' || (cancelAt !== null && isSameTime(snapshot.cancel_at, cancelAt)),
    isRepeatable: ({ cancelAt }: { cancelAt: string | null }) => cancelAt === null,
  } satisfies Change<SubscriptionCancelInput>,
  reactivate: {
    operation: 'subscriptionReactivate',
    sells: true,
    allow: async (tx, subscription) => {
      assertStatus(subscription, [PENDING, ACTIVE, PAST_DUE, PAUSED], 'reactivated');
      if (!subscription.cancelAtPeriodEnd) throw new IllegalTransition('subscription', 'not being canceled', 'reactivated');
      await assertMethodAttached(tx, subscription);
    },
    send: (tilled, subscription) => tilled.updateSubscription(tilledIdOf(subscription), { cancel_at: null }),
    isMade: (snapshot) => snapshot.cancel_at === null && snapshot.status !== 'canceled',
  } satisfies Change<SubscriptionReactivateInput>,
};

/** The mutation that collects a missed payment: one of payments. It and the changes here come one at a time. */
export const RETRY = 'subscriptionRetry';

/** What is done to one subscription comes one at a time. */
export const CHANGE_OPERATIONS: readonly string[] = [...Object.values(CHANGES).map(({ operation }) => operation), RETRY];

/** The platform's fee after an update: the new one, or the old one, which a lower price must not fall below. */
function feeAfter({ platformFeeMinor, priceMinor, currency }: Subscription, input: SubscriptionUpdateInput): number | null {
  const price = input.price ?? { amountMinor: priceMinor, currency };
  if (input.platformFee) return platformFeeOf(input.platformFee, price);
  if (platformFeeMinor !== null && price.amountMinor < platformFeeMinor)
    throw InvalidInput.because(
      ['price', 'amountMinor'],
      `The platform keeps ${platformFeeMinor} minor units of it: lower platformFee as well.`,
    );
  return platformFeeMinor;
}

/** When it is to be paused; null for now, as where nothing is paid. Throws InvalidInput. */
function pauseOf(subscription: Subscription, { mode, now }: SubscriptionPauseInput & { readonly now: Date }): Date | null {
  if (mode !== PauseMode.AT_PERIOD_END) return null;
  if (subscription.cancelAtPeriodEnd) throw InvalidInput.because(['mode'], 'It ends at that time: subscriptionReactivate takes that back.');
  const end = paidUntil(subscription, now);
  const pauseAt = end === null ? null : new Date(end.getTime() - PAUSE_AHEAD_MS);
  return pauseAt !== null && pauseAt > now ? pauseAt : null;
}

/** When what was paid ends, or a trial; null where nothing is paid now. */
function paidUntil({ status, billingCycleAnchor, currentPeriodEnd }: Subscription, now: Date): Date | null {
  if (status === PAST_DUE) return null;
  const end = status === PENDING ? billingCycleAnchor : currentPeriodEnd;
  return end !== null && end > now ? end : null;
}

function isSameTime(one: string | null, other: string | null): boolean {
  return one === null || other === null ? one === other : Date.parse(one) === Date.parse(other);
}

function assertStatus(subscription: Subscription, allowed: readonly SubscriptionStatus[], verb: string): void {
  if (!allowed.includes(subscription.status)) throw new IllegalTransition('subscription', subscription.status, verb);
}

/** The subscription's id at Tilled, which a change needs. */
export function tilledIdOf(subscription: Subscription): string {
  if (subscription.tilledSubscriptionId === null) throw new Error(`Subscription ${subscription.id} is not at Tilled yet.`);
  return subscription.tilledSubscriptionId;
}
