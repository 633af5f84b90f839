import type { Scope } from '../../platform/tenancy/scope.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { PaymentMethodRepository } from './payment-method.repository.js';

/**
 * Lets go of a payment method that was taken over: our row goes, Tilled's stays attached. If it was the default, the
 * newest other one that has not expired becomes it. The caller has made sure that nothing is built on it. Inside a
 * transaction.
 */
export async function disownPaymentMethod(tx: Scope, id: string): Promise<void> {
  const methods = PaymentMethodRepository.of(tx);
  const { customerId } = await methods.get(id);
  await CustomerRepository.of(tx).lock(customerId);
  const method = await methods.lock(id);
  const wasDefault = method.defaultOf !== null;
  methods.remove(method);
  await tx.db.flush();
  tx.request.log.info('payment method disowned', { customerId, paymentMethodId: id });
  if (wasDefault) await methods.handOnDefault({ id, customerId });
}
