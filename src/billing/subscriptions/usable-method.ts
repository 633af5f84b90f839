import { AppError, IllegalTransition, NotFound, UserErrorCode } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { CustomerRepository } from '../customers/customer.repository.js';
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
  return (
    (await PaymentMethodRepository.of(tx).usable(customerId, paymentMethodId ?? null)) ?? unusable(tx, customerId, paymentMethodId ?? null)
  );
}

/** Says why there is no method to collect with. */
async function unusable(tx: Scope, customerId: string, paymentMethodId: string | null): Promise<never> {
  if ((await CustomerRepository.of(tx).findLive(customerId)) === null) throw new NotFound('customer', customerId, ['customerId']);
  if (paymentMethodId === null) throw new NoPaymentMethod();
  const method = await PaymentMethodRepository.of(tx).get(paymentMethodId, ['paymentMethodId']);
  if (method.customerId !== customerId) throw new NotFound('payment method', method.id, ['paymentMethodId']);
  throw new IllegalTransition('payment method', 'detached', 'used');
}
