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

type PaymentStates = { readonly noun: 'payment'; readonly edges: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> };

/**
 * Which states may follow which. Staying is always allowed. A bank debit that succeeded may come back days later
 * (SUCCEEDED → FAILED), and a failed payment may be collected with another method (FAILED → …). We look at Tilled now
 * and then and may miss a state, so what several steps lead to is one step too (SUCCEEDED → PROCESSING). What cannot
 * be: a canceled intent comes back to life, money that was taken is merely held, and what was held still needs the
 * cardholder.
 */
export const PAYMENT_STATES: PaymentStates = {
  noun: 'payment',
  edges: {
    PENDING: [REQUIRES_ACTION, PROCESSING, REQUIRES_CAPTURE, SUCCEEDED, FAILED, CANCELED, UNKNOWN],
    UNKNOWN: [REQUIRES_ACTION, PROCESSING, REQUIRES_CAPTURE, SUCCEEDED, FAILED, CANCELED],
    REQUIRES_ACTION: [PROCESSING, REQUIRES_CAPTURE, SUCCEEDED, FAILED, CANCELED, UNKNOWN],
    PROCESSING: [REQUIRES_ACTION, REQUIRES_CAPTURE, SUCCEEDED, FAILED, CANCELED],
    REQUIRES_CAPTURE: [PROCESSING, SUCCEEDED, FAILED, CANCELED, UNKNOWN],
    SUCCEEDED: [REQUIRES_ACTION, PROCESSING, FAILED, CANCELED],
    FAILED: [REQUIRES_ACTION, PROCESSING, REQUIRES_CAPTURE, SUCCEEDED, CANCELED],
    CANCELED: [],
  },
};

/** Of an intent that takes cards only: no bank gives the money back, and refunds and disputes leave it succeeded. */
export const CARD_PAYMENT_STATES: PaymentStates = { ...PAYMENT_STATES, edges: { ...PAYMENT_STATES.edges, SUCCEEDED: [] } };

/** States in which something more is to be done or decided before it is known whether the money is taken. */
export const UNDECIDED_STATUSES: readonly PaymentStatus[] = [PENDING, UNKNOWN, REQUIRES_ACTION, REQUIRES_CAPTURE];

/** States of a payment that took nothing, or gave it all back to the bank, and that nobody goes on with. */
export const OVER_STATUSES: readonly PaymentStatus[] = [FAILED, CANCELED];

/** Whether a request to take the payment needs nothing more from us. */
export function isSettled(status: PaymentStatus): boolean {
  return status !== PENDING && status !== UNKNOWN;
}
