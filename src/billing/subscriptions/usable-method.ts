import { AppError, IllegalTransition, NotFound, UserErrorCode } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { PaymentMethod } from '../payment-methods/payment-method.entity.js';
import { PaymentMethodRepository } from '../payment-methods/payment-method.repository.js';

/** The customer has no payment method to collect with. */
class NoPaymentMethod extends AppError {
  readonly code = UserErrorCode.NO_PAYMENT_METHOD;
  override readonly field = ['paymentMethodId'];

  constructor() {
    super('The customer has no attached payment method: attach one with paymentMethodAttach, or name one.');
  }
}

/** The method to collect with: the one named, or the customer's default. Throws NotFound or NoPaymentMethod. */
export async function usableMethod(tx: Scope, customerId: string, paymentMethodId: string | null | undefined): Promise<PaymentMethod> {
  const methods = PaymentMethodRepository.of(tx);
  const method = paymentMethodId ? await methods.get(paymentMethodId, ['paymentMethodId']) : await methods.defaultOf(customerId);
  if (method === null) throw new NoPaymentMethod();
  if (method.customerId !== customerId) throw new NotFound('payment method', method.id, ['paymentMethodId']);
  if (method.detachedAt !== null) throw new IllegalTransition('payment method', 'detached', 'used');
  return method;
}
