import { AppError, UserErrorCode, type UserErrorFacts } from '../../platform/errors.js';
import type { Payment } from './payment.entity.js';

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
  override readonly field = ['paymentMethodId'];

  constructor(
    readonly declineCode: string,
    readonly reason: string,
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
