/** States of a subscription. CANCELED is final. */
export enum SubscriptionStatus {
  PENDING = 'PENDING',
  ACTIVE = 'ACTIVE',
  PAST_DUE = 'PAST_DUE',
  PAUSED = 'PAUSED',
  CANCELED = 'CANCELED',
}

const { PENDING, ACTIVE, PAST_DUE, PAUSED, CANCELED } = SubscriptionStatus;

/**
 * Which states may follow which. Staying is always allowed. We may miss a pause, so what it lies between is one step
 * too (PAST_DUE → PENDING). PENDING means that the first payment was not made yet: nothing that was active goes back
 * there.
 */
export const SUBSCRIPTION_STATES: {
  readonly noun: 'subscription';
  readonly edges: Readonly<Record<SubscriptionStatus, readonly SubscriptionStatus[]>>;
} = {
  noun: 'subscription',
  edges: {
    PENDING: [ACTIVE, PAST_DUE, PAUSED, CANCELED],
    ACTIVE: [PAST_DUE, PAUSED, CANCELED],
    PAST_DUE: [PENDING, ACTIVE, PAUSED, CANCELED],
    PAUSED: [PENDING, ACTIVE, PAST_DUE, CANCELED],
    CANCELED: [],
  },
};

/** States in which something will still be collected. */
export const LIVE_STATUSES: readonly SubscriptionStatus[] = [PENDING, ACTIVE, PAST_DUE, PAUSED];
