/** States of a refund. UNKNOWN: Tilled was asked and has not answered; it is found out, never guessed. */
export enum RefundStatus {
  PENDING = 'PENDING',
  SUCCEEDED = 'SUCCEEDED',
  FAILED = 'FAILED',
  CANCELED = 'CANCELED',
  REQUIRES_ACTION = 'REQUIRES_ACTION',
  UNKNOWN = 'UNKNOWN',
}

const { PENDING, SUCCEEDED, FAILED, CANCELED, REQUIRES_ACTION, UNKNOWN } = RefundStatus;

/** Which states may follow which. Staying is always allowed. A refund may bounce (SUCCEEDED → FAILED). */
export const REFUND_STATES: { readonly noun: 'refund'; readonly edges: Readonly<Record<RefundStatus, readonly RefundStatus[]>> } = {
  noun: 'refund',
  edges: {
    PENDING: [SUCCEEDED, FAILED, CANCELED, REQUIRES_ACTION, UNKNOWN],
    UNKNOWN: [PENDING, SUCCEEDED, FAILED, CANCELED, REQUIRES_ACTION],
    REQUIRES_ACTION: [PENDING, SUCCEEDED, FAILED, CANCELED, UNKNOWN],
    SUCCEEDED: [FAILED],
    FAILED: [],
    CANCELED: [],
  },
};

/** States of a refund that gave nothing and will not give anything. */
export const OVER_STATUSES: readonly RefundStatus[] = [FAILED, CANCELED];

/** States in which a refund keeps its part of the payment from other refunds. */
export const RESERVING_STATUSES: readonly RefundStatus[] = [PENDING, SUCCEEDED, REQUIRES_ACTION, UNKNOWN];
