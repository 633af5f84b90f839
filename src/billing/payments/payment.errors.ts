import { AppError, OutcomeUnknown, ProcessorRejected, UserErrorCode, type UserErrorFacts } from '../../platform/errors.js';
import type { Payment } from './payment.entity.js';
import { PaymentStatus } from './payment.states.js';

/** The failure code of a payment, or refund, that the processor refused to try. */
export const PROCESSOR_REJECTED = 'processor_rejected';

/** Declines after which the same method may work later: a matter of time or limits (Tilled's and the banks' codes). */
const RETRYABLE_CODES = new Set([
  'insufficient_funds',
  'try_again_later',
  'issuer_not_available',
  'processing_error',
  'limit_exceeded',
  'R01',
  'R09',
]);

/** The bank or the processor declined the payment. */
export class PaymentDeclined extends AppError {
  readonly code = UserErrorCode.PAYMENT_DECLINED;

  constructor(
    readonly declineCode: string,
    readonly reason: string,
    override readonly field: readonly string[] = ['paymentMethodId'],
  ) {
    super(reason);
  }

  override facts(): UserErrorFacts {
    return { ...super.facts(), declineCode: this.declineCode, isRetryable: RETRYABLE_CODES.has(this.declineCode) };
  }
}

/** The reference belongs to a payment of another amount or customer. */
export class DuplicateReference extends AppError {
  readonly code = UserErrorCode.DUPLICATE_REFERENCE;
  override readonly field = ['referenceId'];

  constructor(noun: string, referenceId: string, id: string) {
    super(`The reference ${referenceId} belongs to ${noun} ${id}, which differs: take another reference for another ${noun}.`);
  }
}

/** What a failed payment tells its caller. */
export function declineOf(payment: Payment): PaymentDeclined {
  return new PaymentDeclined(payment.failureCode ?? 'generic_decline', payment.failureMessage ?? 'The payment was declined.');
}

/** What a payment's row says of how taking it ended; nothing where it went well, or goes on without us. */
export function errorsOf(payment: Payment): readonly UserErrorFacts[] {
  if (payment.status === PaymentStatus.UNKNOWN) return [new OutcomeUnknown().facts()];
  if (payment.status !== PaymentStatus.FAILED) return [];
  const isRefused = payment.failureCode === PROCESSOR_REJECTED;
  return [(isRefused ? new ProcessorRejected(payment.failureMessage ?? '') : declineOf(payment)).facts()];
}
