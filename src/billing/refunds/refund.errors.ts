import { AppError, OutcomeUnknown, ProcessorRejected, UserErrorCode, type UserErrorFacts } from '../../platform/errors.js';
import type { Refund } from './refund.entity.js';
import { OVER_STATUSES, RefundStatus } from './refund.states.js';

/** The refund asked for exceeds what is left of the payment. */
export class RefundTooLarge extends AppError {
  readonly code = UserErrorCode.REFUND_TOO_LARGE;
  override readonly field = ['amount', 'amountMinor'];

  constructor(
    readonly askedMinor: number,
    readonly refundableMinor: number,
  ) {
    super(`Asked to refund ${askedMinor} minor units; ${refundableMinor} can be refunded.`);
  }
}

/** The cardholder's bank has the money back already, or may have soon: a refund as well would pay them twice. */
export class PaymentDisputed extends AppError {
  readonly code = UserErrorCode.PAYMENT_DISPUTED;
  override readonly isOutcome = false;
  override readonly field = ['paymentId'];

  constructor(paymentId: string) {
    super(
      `A dispute of payment ${paymentId} is open or lost: a refund may pay twice. Send acknowledgeDispute: true to refund all the same.`,
    );
  }
}

/** What a refund's row says of how giving it ended; nothing where it went well, or goes on without us. */
export function errorsOf(refund: Refund): readonly UserErrorFacts[] {
  if (refund.status === RefundStatus.UNKNOWN) return [new OutcomeUnknown().facts()];
  const failure = failureOf(refund);
  return failure === null ? [] : [failure.facts()];
}

/** The failure that a refund's row shows: refused at once, or accepted and not given after all. */
export function failureOf({ status, failureCode, failureMessage }: Refund): ProcessorRejected | null {
  if (!OVER_STATUSES.includes(status)) return null;
  return new ProcessorRejected(failureMessage ?? failureCode ?? `the refund is ${status}`);
}

/** Throws the failure that a refund's row shows, if it shows one. */
export function throwFailureOf(refund: Refund): void {
  const failure = failureOf(refund);
  if (failure !== null) throw failure;
}
