import type { Scope } from '../../platform/tenancy/scope.js';
import { openIntentsOf } from '../kit/open-mutations.js';
import type { AttachPayload } from '../payment-methods/payment-method.service.js';
import { SubscriptionRepository } from '../subscriptions/subscription.repository.js';
import { PaymentRepository } from './payment.repository.js';
import { PaymentStatus } from './payment.states.js';

/** Why a customer cannot be deleted yet, and what to do; null if they can. The caller has locked their row. */
export async function deletionObstacle(scope: Scope, customerId: string): Promise<string | null> {
  if (await SubscriptionRepository.of(scope).isAnyLiveOf(customerId))
    return 'The customer has a live subscription: cancel it first, so that nothing is collected from somebody forgotten.';
  const payment = await PaymentRepository.of(scope).undecidedOf(customerId);
  if (payment !== null) return `Payment ${payment.id} of the customer is ${payment.status}: ${WHAT_TO_DO[payment.status] ?? WAIT}.`;
  const attachments = await openIntentsOf<AttachPayload>(scope, 'paymentMethodAttach');
  const attachment = attachments.find(({ payload }) => payload.customerId === customerId);
  return attachment === undefined ? null : `paymentMethodAttach of ${attachment.subject} has not ended: wait for it and look again.`;
}

const WAIT = 'wait until its outcome is known';
const WHAT_TO_DO: Partial<Record<PaymentStatus, string>> = {
  [PaymentStatus.REQUIRES_CAPTURE]: 'capture it or cancel it first',
  [PaymentStatus.REQUIRES_ACTION]: 'let the payer finish it or cancel it first',
};
