import { AppError, IllegalTransition, InvalidInput, NotFound, UserErrorCode } from '../../platform/errors.js';
import { AlreadyRunning } from '../../platform/idempotency/idempotency.errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import type { PaymentMethod, PaymentMethodType } from '../payment-methods/payment-method.entity.js';
import { PaymentMethodRepository } from '../payment-methods/payment-method.repository.js';
import type { Subscription } from './subscription.entity.js';

/** The customer has no payment method to collect with. */
class NoPaymentMethod extends AppError {
  readonly code = UserErrorCode.NO_PAYMENT_METHOD;
  override readonly field = ['paymentMethodId'];

  constructor() {
    super('The customer has no attached payment method: attach one with paymentMethodAttach, or name one.');
  }
}

/** The subscription's payment method was detached, so it has nothing to collect with. */
class MethodGone extends AppError {
  readonly code = UserErrorCode.NO_PAYMENT_METHOD;
  override readonly isOutcome = false;
  override readonly field = ['id'];

  constructor() {
    super("The subscription's payment method was detached: give it another one with subscriptionUpdate, then ask again.");
  }
}

/** Throws AppError unless the subscription has a method to collect with; it cannot be detached meanwhile. */
export async function assertMethodAttached(tx: Scope, { customerId, paymentMethodId }: Subscription): Promise<void> {
  await lockBoth(tx, customerId, paymentMethodId);
  if ((await PaymentMethodRepository.of(tx).usable(customerId, paymentMethodId)) === null) throw new MethodGone();
}

/** The method that a subscription shall have from now on, locked on all servers of a cluster. Throws AppError. */
export async function methodToKeep(tx: Scope, customerId: string, paymentMethodId: string | null | undefined): Promise<PaymentMethod> {
  const method = await usableMethod(tx, customerId, paymentMethodId);
  await lockBoth(tx, customerId, method.id);
  return method;
}

/** Locked so, both are written, which keeps them from being ended through another server of a cluster meanwhile. */
async function lockBoth(tx: Scope, customerId: string, paymentMethodId: string): Promise<void> {
  await CustomerRepository.of(tx).lock(customerId);
  await PaymentMethodRepository.of(tx).lock(paymentMethodId, ['paymentMethodId']);
}

/** The method to collect with, locked on this server: the one named, or the customer's default. Throws AppError. */
export async function usableMethod(tx: Scope, customerId: string, paymentMethodId: string | null | undefined): Promise<PaymentMethod> {
  return (
    (await PaymentMethodRepository.of(tx).usable(customerId, paymentMethodId ?? null)) ?? unusable(tx, customerId, paymentMethodId ?? null)
  );
}

/** The one currency that debits of a kind are in: that of the country whose banks they are. */
const DEBIT_CURRENCIES: Readonly<Partial<Record<PaymentMethodType, string>>> = { ACH_DEBIT: 'usd', EFT_DEBIT: 'cad' };

/** Throws InvalidInput, at `field`, for a currency in which the method cannot be debited. */
export function assertDebits({ type }: PaymentMethod, currency: string, field: readonly string[]): void {
  const only = DEBIT_CURRENCIES[type];
  if (only !== undefined && only !== currency)
    throw InvalidInput.because(field, `${field.join('.')}: a payment method ${type} pays in ${only} only, not in ${currency}.`);
}

/** Says why there is no method to collect with. */
async function unusable(tx: Scope, customerId: string, paymentMethodId: string | null): Promise<never> {
  const customer = await CustomerRepository.of(tx).findLive(customerId);
  if (customer === null) throw new NotFound('customer', customerId, ['customerId']);
  if (customer.deletingAt !== null) throw new AlreadyRunning('customerDelete', customerId);
  const methods = PaymentMethodRepository.of(tx);
  const method = paymentMethodId === null ? await methods.defaultOf(customerId) : await methods.get(paymentMethodId, ['paymentMethodId']);
  if (method === null) throw new NoPaymentMethod();
  if (method.customerId !== customerId) throw new NotFound('payment method', method.id, ['paymentMethodId']);
  if (method.detachedAt !== null) throw new IllegalTransition('payment method', 'detached', 'used');
  throw new AlreadyRunning('paymentMethodDetach', method.id);
}
