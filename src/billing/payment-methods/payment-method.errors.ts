import { AppError, UserErrorCode } from '../../platform/errors.js';

/** A live subscription is paid with this method, or about to be. */
export class PaymentMethodInUse extends AppError {
  readonly code = UserErrorCode.PAYMENT_METHOD_IN_USE;
  override readonly isOutcome = false;
  override readonly field = ['id'];

  constructor(readonly paymentMethodId: string) {
    super('A live subscription is paid with this method: give the subscription another one first.');
  }
}
