import type { TilledDeclineCode } from '../../tilled/tilled.shapes.js';
import type { Engine } from '../engine.js';
import { badRequest, notFound } from '../http-error.js';
import type { PaymentIntentRecord } from '../records.js';
import { APPROVED, declined } from './payment-decision.js';
import { carryOutPayment } from './payment-flow.js';

/** The payer did what was required or, with a code, it came to nothing. 400 when nothing is. Within a transaction. */
export function completeAction(engine: Engine, intent: PaymentIntentRecord, code: TilledDeclineCode | null): PaymentIntentRecord {
  if (intent.status !== 'requires_action') throw badRequest(`A payment intent that is ${intent.status} awaits no action`);
  const method = engine.store.paymentMethods.get(intent.payment_method_id ?? '');
  if (method === undefined) throw notFound('Payment method', intent.payment_method_id ?? '');
  engine.unschedule('action.expire', intent.id);
  return carryOutPayment(engine, { intent, method, decision: code === null ? APPROVED : declined(code) });
}

/** The time for the action is over. Ignored unless it is still required. */
export function expireAction(engine: Engine, intentId: string): void {
  const intent = engine.store.paymentIntents.get(intentId);
  if (intent?.status === 'requires_action') completeAction(engine, intent, 'authentication_required');
}
