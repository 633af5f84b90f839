import { AppError, OutcomeUnknown, ProcessorRejected, UserErrorCode, type UserErrorFacts } from '../../platform/errors.js';
import type { Payment } from './payment.entity.js';
import { isSettled, PaymentStatus } from './payment.states.js';

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

/** The reference is held by one that differs in what it takes or gives, or from whom. */
export class DuplicateReference extends AppError {
  readonly code = UserErrorCode.DUPLICATE_REFERENCE;
  override readonly field = ['referenceId'];

  constructor(noun: string, referenceId: string, id: string) {
    super(`The reference ${referenceId} belongs to ${noun} ${id}, which differs: take another reference for another ${noun}.`);
  }
}

/** The payment was called off before it took money: by somebody, by the end of its hold, or for want of an answer. */
class PaymentCanceled extends AppError {
  readonly code = UserErrorCode.PAYMENT_CANCELED;

  constructor(id: string) {
    super(`Payment ${id} was canceled and takes no money: to try again, send a new request with a new idempotency key.`);
  }
}

/** The failure that a payment's row shows; null where it went well, goes on, or is not known. */
export function failureOf({ id, status, failureCode, failureMessage }: Payment): AppError | null {
  if (status === PaymentStatus.CANCELED) return new PaymentCanceled(id);
  if (status !== PaymentStatus.FAILED) return null;
  if (failureCode === PROCESSOR_REJECTED) return new ProcessorRejected(failureMessage ?? '');
  return new PaymentDeclined(failureCode ?? 'generic_decline', failureMessage ?? 'The payment was declined.');
}

/** What a payment's row says of how taking it ended; nothing where it went well, or goes on without us. */
export function errorsOf(payment: Payment): readonly UserErrorFacts[] {
  if (!isSettled(payment.status)) return [new OutcomeUnknown().facts()];
  const failure = failureOf(payment);
  return failure === null ? [] : [failure.facts()];
}
