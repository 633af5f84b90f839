import { DECLINE_CODES, DISPUTE_STATUSES, REFUND_FAILURE_CODES } from '../tilled/tilled.shapes.js';
import type { Collection, Keyed } from './collection.js';
import type { Engine } from './engine.js';
import { Fields } from './fields.js';
import { badRequest, notFound } from './http-error.js';
import { CONFIRM_OUTCOMES, NEXT_ACTIONS, REFUND_OUTCOMES } from './records.js';
import { goodChargeOf } from './resources/charges.js';
import { assertDisputable, moveDispute, openDispute, renderDispute } from './resources/disputes.js';
import { completeAction } from './resources/payment-actions.js';
import { putWishes } from './resources/payment-decision.js';
import { renderPaymentIntent, returnPayment, settlePayment } from './resources/payment-flow.js';
import { settleRefund } from './resources/refunds.js';
import { addToken } from './resources/tokens.js';

// What tests may make happen to money. Every function is to be called within a transaction.

/** {paymentIntentId}: what is processing goes through now. {refundId, failureCode?}: a pending refund ends now. */
export function settle(engine: Engine, body: unknown): unknown {
  const fields = new Fields(body);
  const intentId = fields.text('paymentIntentId');
  const refundId = fields.text('refundId');
  const failureCode = fields.oneOf('failureCode', REFUND_FAILURE_CODES) ?? null;
  fields.assertValid();
  if (refundId) {
    known(engine.store.refunds, refundId, 'Refund');
    settleRefund(engine, refundId, failureCode);
    return { refundId, status: engine.store.refunds.get(refundId)?.status };
  }
  const intent = known(engine.store.paymentIntents, intentId ?? '', 'Payment intent');
  if (intent.status !== 'processing') throw badRequest(`A payment intent that is ${intent.status} cannot be settled`);
  settlePayment(engine, intent.id);
  return renderPaymentIntent(engine, known(engine.store.paymentIntents, intent.id, 'Payment intent'));
}

/**
 * {paymentIntentId, code = 'R01'}: the bank gives a debit back, before or after it went through; a card payment only
 * before.
 */
export function giveBack(engine: Engine, body: unknown): unknown {
  const fields = new Fields(body);
  const intentId = fields.requiredText('paymentIntentId');
  const code = fields.oneOf('code', DECLINE_CODES) ?? 'R01';
  fields.assertValid();
  const intent = known(engine.store.paymentIntents, intentId, 'Payment intent');
  if (!returnPayment(engine, intent, code)) throw badRequest('There is nothing to return');
  return renderPaymentIntent(engine, known(engine.store.paymentIntents, intent.id, 'Payment intent'));
}

/** {paymentIntentId | chargeId, status?, amount?, reason?} opens a dispute; {disputeId, status} moves one. */
export function changeDispute(engine: Engine, body: unknown): unknown {
  const fields = new Fields(body);
  const disputeId = fields.text('disputeId');
  const chargeId = fields.text('chargeId');
  const intentId = fields.text('paymentIntentId');
  const status = fields.oneOf('status', DISPUTE_STATUSES) ?? undefined;
  const amount = fields.integer('amount', { min: 1 }) ?? undefined;
  const reason = fields.text('reason') ?? undefined;
  fields.assertValid();
  if (disputeId) {
    if (status === undefined) throw badRequest('status is required');
    return renderDispute(moveDispute(engine, known(engine.store.disputes, disputeId, 'Dispute'), status));
  }
  const charge = intentId ? goodChargeOf(engine, intentId) : engine.store.charges.get(chargeId ?? '');
  if (charge === undefined) throw notFound('Charge of', intentId ?? chargeId ?? '');
  assertDisputable(engine, charge);
  return renderDispute(openDispute(engine, charge, { status, amount, reason }));
}

/** {paymentMethodId, code | null, after = 0}: its payments, after so many more, are declined until told otherwise. */
export function setDecline(engine: Engine, body: unknown): unknown {
  const fields = new Fields(body);
  const methodId = fields.requiredText('paymentMethodId');
  const code = fields.oneOf('code', DECLINE_CODES) ?? null;
  const after = fields.integer('after', { min: 0 }) ?? 0;
  fields.assertValid();
  const method = known(engine.store.paymentMethods, methodId, 'Payment method');
  putWishes(engine, { ...method, declines_with: code }, { passes_left: after });
  return { paymentMethodId: method.id, code, after };
}

/** {paymentMethodId, confirm?, refund?, times?}: what becomes of the next card payments or refunds; null as usual. */
export function setOutcomes(engine: Engine, body: unknown): unknown {
  const fields = new Fields(body);
  const methodId = fields.requiredText('paymentMethodId');
  const confirm = fields.oneOf('confirm', CONFIRM_OUTCOMES);
  const refund = fields.oneOf('refund', REFUND_OUTCOMES);
  const times = fields.integer('times', { min: 1 }) ?? null;
  const nextAction = fields.oneOf('nextAction', NEXT_ACTIONS) ?? 'redirect_to_url';
  const lifeMs = fields.integer('actionExpiresInMs', { min: 1 }) ?? null;
  fields.assertValid();
  const method = known(engine.store.paymentMethods, methodId, 'Payment method');
  if (method.type !== 'card') throw badRequest('Only payments by card have outcomes to choose');
  const { wishes } = putWishes(engine, method, {
    ...(confirm === undefined ? {} : { confirm: confirm === null ? null : { outcome: confirm, times } }),
    ...(confirm === 'requires_action' && { next_action: { kind: nextAction, life_ms: lifeMs } }),
    ...(refund === undefined ? {} : { refund: refund === null ? null : { outcome: refund, times } }),
  });
  return { paymentMethodId: method.id, confirm: wishes?.confirm ?? null, refund: wishes?.refund ?? null };
}

/** {paymentIntentId, code?}: the payer did what was required; with a code it came to nothing. */
export function endAction(engine: Engine, body: unknown): unknown {
  const fields = new Fields(body);
  const intentId = fields.requiredText('paymentIntentId');
  const code = fields.oneOf('code', DECLINE_CODES) ?? null;
  fields.assertValid();
  const intent = known(engine.store.paymentIntents, intentId, 'Payment intent');
  return renderPaymentIntent(engine, completeAction(engine, intent, code));
}

/** {accountId, type, card | ach_debit | eft_debit, billing_details?}: a single-use token as hosted fields make it. */
export function mintToken(engine: Engine, body: unknown): unknown {
  const fields = new Fields(body);
  const accountId = fields.requiredText('accountId');
  fields.assertValid();
  const token = addToken({ engine, account: known(engine.store.accounts, accountId, 'Account'), body });
  return { payment_token: token.id, expires_at: token.expires_at };
}

function known<T extends Keyed>(collection: Collection<T>, id: string, noun: string): T {
  const record = collection.get(id);
  if (record === undefined) throw notFound(noun, id);
  return record;
}
