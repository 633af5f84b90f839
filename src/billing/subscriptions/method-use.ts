import type { Scope } from '../../platform/tenancy/scope.js';
import { openIntentsOf } from '../kit/open-mutations.js';
import type { PaymentMethod } from '../payment-methods/payment-method.entity.js';
import { CHANGES, type UpdatePayload } from './subscription.changes.js';
import { SubscriptionRepository } from './subscription.repository.js';

/** Whether something will still be collected with the method: a live subscription has it, or is being changed to it. */
export async function isMethodUsed(scope: Scope, { id, tilledPaymentMethodId }: PaymentMethod): Promise<boolean> {
  const collecting = await SubscriptionRepository.of(scope).collectingWith(id);
  if (collecting.isAny) return true;
  const reactivated = await openIntentsOf(scope, CHANGES.reactivate.operation);
  if (reactivated.some(({ subject }) => collecting.ending.includes(subject))) return true;
  const updates = await openIntentsOf<UpdatePayload>(scope, CHANGES.update.operation);
  return updates.some(({ payload }) => payload.tilledPaymentMethodId === tilledPaymentMethodId);
}
