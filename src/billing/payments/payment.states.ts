/** States of a payment. UNKNOWN: Tilled was asked and has not answered; it is found out, never guessed. */
export enum PaymentStatus {
  PENDING = 'PENDING',
  REQUIRES_ACTION = 'REQUIRES_ACTION',
  PROCESSING = 'PROCESSING',
  REQUIRES_CAPTURE = 'REQUIRES_CAPTURE',
  SUCCEEDED = 'SUCCEEDED',
  FAILED = 'FAILED',
  CANCELED = 'CANCELED',
  UNKNOWN = 'UNKNOWN',
}

const { PENDING, REQUIRES_ACTION, PROCESSING, REQUIRES_CAPTURE, SUCCEEDED, FAILED, CANCELED, UNKNOWN } = PaymentStatus;

/**
 * Which states may follow which. Staying is always allowed. A bank debit that succeeded may come back days later
 * (SUCCEEDED → FAILED), and a failed payment may be collected with another method (FAILED → …). We look at Tilled now and
 * then and may miss a state, so what several steps lead to is one step too (SUCCEEDED → PROCESSING).
 */
export const PAYMENT_STATES: { readonly noun: string; readonly edges: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> } = {
  noun: 'payment',
  edges: {
    PENDING: [REQUIRES_ACTION, PROCESSING, REQUIRES_CAPTURE, SUCCEEDED, FAILED, CANCELED, UNKNOWN],
    UNKNOWN: [PENDING, REQUIRES_ACTION, PROCESSING, REQUIRES_CAPTURE, SUCCEEDED, FAILED, CANCELED],
    REQUIRES_ACTION: [PROCESSING, REQUIRES_CAPTURE, SUCCEEDED, FAILED, CANCELED, UNKNOWN],
    PROCESSING: [REQUIRES_ACTION, REQUIRES_CAPTURE, SUCCEEDED, FAILED, CANCELED],
    REQUIRES_CAPTURE: [REQUIRES_ACTION, PROCESSING, SUCCEEDED, FAILED, CANCELED, UNKNOWN],
    SUCCEEDED: [REQUIRES_ACTION, PROCESSING, REQUIRES_CAPTURE, FAILED, CANCELED],
    FAILED: [REQUIRES_ACTION, PROCESSING, REQUIRES_CAPTURE, SUCCEEDED, CANCELED],
    CANCELED: [],
  },
};

/** Whether a request to take the payment needs nothing more from us. */
export function isSettled(status: PaymentStatus): boolean {
  return status !== PENDING && status !== UNKNOWN;
}
