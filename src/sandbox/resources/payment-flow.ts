import type { TilledDeclineCode, TilledPaymentIntent } from '../../tilled/tilled.shapes.js';
import { AUTHORIZATION_LIFE_MS, BANK_SETTLEMENT_MS, DISPUTE_OPENS_AFTER_MS } from '../assumptions.js';
import type { Engine } from '../engine.js';
import type { ChargeRecord, PaymentIntentRecord, PaymentMethodRecord } from '../records.js';
import { DISPUTED_AMOUNT, declineOfAmount, isExpired } from './card-data.js';
import { capturedCharge, chargesOf, failedCharge, goodChargeOf, messageOf, newCharge, putCharge, renderCharge } from './charges.js';
import { isChargeable, renderPaymentMethod, spendPaymentMethod } from './payment-methods.js';
import { paymentOfSubscriptionFailed } from './subscription-changes.js';

// How money moves. Every function here is to be called within a transaction and leaves the events it caused.

/** The payment intent as the wire shows it: customer, method and charges inside. */
export function renderPaymentIntent(engine: Engine, record: PaymentIntentRecord): TilledPaymentIntent {
  const { customer_id: customerId, payment_method_id: methodId, ...shown } = record;
  const method = methodId === null ? undefined : engine.store.paymentMethods.get(methodId);
  return {
    ...shown,
    customer: (customerId === null ? undefined : engine.store.customers.get(customerId)) ?? null,
    payment_method: method === undefined ? null : renderPaymentMethod(engine, method),
    charges: chargesOf(engine, record.id).map((charge) => renderCharge(engine, charge)),
  };
}

/** Keeps a payment intent, changed now. */
export function putIntent(engine: Engine, intent: PaymentIntentRecord): PaymentIntentRecord {
  const updated = { ...intent, updated_at: engine.clock.iso() };
  engine.store.paymentIntents.put(updated);
  return updated;
}

/** Tells of a payment intent as it is now. */
export function emitIntent(engine: Engine, type: `payment_intent.${IntentEvent}`, intent: PaymentIntentRecord): void {
  engine.emit(type, intent.account_id, renderPaymentIntent(engine, intent));
}

type IntentEvent = 'created' | 'succeeded' | 'payment_failed' | 'processing' | 'canceled' | 'amount_capturable_updated';

/** Tells of a charge as it is now. */
export function emitCharge(engine: Engine, type: `charge.${ChargeEvent}`, charge: ChargeRecord): void {
  engine.emit(type, charge.account_id, renderCharge(engine, charge));
}

type ChargeEvent = 'succeeded' | 'failed' | 'pending' | 'captured' | 'expired' | 'refunded';

/** Tries to pay the intent with the method. A decline is no error: it is in the intent returned. */
export function attemptPayment(engine: Engine, intent: PaymentIntentRecord, method: PaymentMethodRecord): PaymentIntentRecord {
  const charge = newCharge(engine, intent, method);
  const decline = declineOf(engine, intent, method);
  spendPaymentMethod(engine, method);
  const chosen = { ...intent, payment_method_id: method.id, customer_id: method.customer_id, last_payment_error: null };
  if (decline !== undefined) return fail(engine, { intent: chosen, charge, code: decline });
  if (method.type === 'ach_debit' || method.type === 'eft_debit') return beginDebit(engine, chosen, charge);
  if (intent.capture_method === 'manual') return authorize(engine, chosen, charge);
  return succeed(engine, chosen, capturedCharge(engine, charge, intent.amount), 'charge.succeeded');
}

/** Takes the money of an authorized intent, once; what is left of the authorization is released. */
export function captureIntent(engine: Engine, intent: PaymentIntentRecord, amount: number): PaymentIntentRecord {
  const charge = goodChargeOf(engine, intent.id);
  if (charge === undefined) throw new Error(`payment intent ${intent.id} awaits capture without a charge`);
  engine.unschedule('authorization.expire', intent.id);
  return succeed(engine, intent, capturedCharge(engine, charge, amount), 'charge.captured');
}

/** Ends an intent that took no money. */
export function cancelIntent(
  engine: Engine,
  intent: PaymentIntentRecord,
  reason: PaymentIntentRecord['cancellation_reason'],
): PaymentIntentRecord {
  engine.unschedule('authorization.expire', intent.id);
  const canceled = putIntent(engine, {
    ...intent,
    status: 'canceled',
    amount_capturable: 0,
    canceled_at: engine.clock.iso(),
    cancellation_reason: reason,
  });
  emitIntent(engine, 'payment_intent.canceled', canceled);
  return canceled;
}

/** The authorization ran out: Tilled cancels by itself. Ignored when it was captured or canceled meanwhile. */
export function expireAuthorization(engine: Engine, intentId: string): void {
  const intent = engine.store.paymentIntents.get(intentId);
  const charge = goodChargeOf(engine, intentId);
  if (intent?.status !== 'requires_capture' || charge === undefined) return;
  emitCharge(engine, 'charge.expired', putCharge(engine, charge));
  cancelIntent(engine, intent, 'automatic');
}

/** A bank debit went through. Ignored unless it is under way. */
export function settleDebit(engine: Engine, intentId: string): void {
  const intent = engine.store.paymentIntents.get(intentId);
  const charge = goodChargeOf(engine, intentId);
  if (intent?.status !== 'processing' || charge === undefined) return;
  engine.unschedule('bank.settle', intentId);
  const now = engine.clock.iso();
  const taken: ChargeRecord = {
    ...charge,
    status: 'succeeded',
    captured: true,
    amount_captured: intent.amount,
    captured_at: now,
    is_batched: true,
  };
  succeed(engine, intent, taken, 'charge.succeeded');
}

/**
 * The bank gave a debit back: before it settled or, our assumption, after; the intent then is unpaid again.
 * False when there is no debit to give back.
 */
export function returnDebit(engine: Engine, intent: PaymentIntentRecord, code: TilledDeclineCode): boolean {
  const charge = goodChargeOf(engine, intent.id);
  const method = charge === undefined ? undefined : engine.store.paymentMethods.get(charge.payment_method_id);
  const isDebit = method?.type === 'ach_debit' || method?.type === 'eft_debit';
  if (charge === undefined || !isDebit || (intent.status !== 'processing' && intent.status !== 'succeeded')) return false;
  engine.unschedule('bank.settle', intent.id);
  const returned = { ...charge, captured: false, amount_captured: 0, captured_at: null };
  fail(engine, { intent: { ...intent, amount_received: 0 }, charge: returned, code });
  return true;
}

/** Why this method does not pay this intent, or undefined when it does. */
function declineOf(engine: Engine, intent: PaymentIntentRecord, method: PaymentMethodRecord): TilledDeclineCode | undefined {
  if (!isChargeable(engine, method)) return 'invalid_account';
  if (method.declines_with !== null) return method.declines_with;
  if (method.type !== 'card') return undefined;
  const { exp_month: month, exp_year: year } = method.card ?? {};
  if (month && year && isExpired(month, year, engine.clock.now())) return 'expired_card';
  return declineOfAmount(intent.amount);
}

function succeed(
  engine: Engine,
  intent: PaymentIntentRecord,
  charge: ChargeRecord,
  told: 'charge.succeeded' | 'charge.captured',
): PaymentIntentRecord {
  const kept = putCharge(engine, charge);
  const paid = putIntent(engine, {
    ...intent,
    status: 'succeeded',
    amount_received: kept.amount_captured,
    amount_capturable: 0,
    last_payment_error: null,
  });
  emitCharge(engine, told, kept);
  emitIntent(engine, 'payment_intent.succeeded', paid);
  // Only cards know magic amounts; of a bank debit the amount means nothing.
  const isCard = engine.store.paymentMethods.get(kept.payment_method_id)?.type === 'card';
  if (isCard && paid.amount === DISPUTED_AMOUNT) engine.schedule('dispute.open', kept, engine.clock.now() + DISPUTE_OPENS_AFTER_MS);
  return paid;
}

function fail(engine: Engine, input: { intent: PaymentIntentRecord; charge: ChargeRecord; code: TilledDeclineCode }): PaymentIntentRecord {
  const { intent, code } = input;
  const charge = putCharge(engine, failedCharge(engine, input.charge, code));
  const unpaid = putIntent(engine, {
    ...intent,
    status: 'requires_payment_method',
    last_payment_error: { charge_id: charge.id, message: messageOf(code), code },
  });
  emitCharge(engine, 'charge.failed', charge);
  emitIntent(engine, 'payment_intent.payment_failed', unpaid);
  if (unpaid.subscription_id !== null) paymentOfSubscriptionFailed(engine, unpaid.subscription_id);
  return unpaid;
}

function beginDebit(engine: Engine, intent: PaymentIntentRecord, charge: ChargeRecord): PaymentIntentRecord {
  const pending = putCharge(engine, charge);
  const processing = putIntent(engine, { ...intent, status: 'processing' });
  engine.schedule('bank.settle', processing, engine.clock.now() + BANK_SETTLEMENT_MS);
  emitCharge(engine, 'charge.pending', pending);
  emitIntent(engine, 'payment_intent.processing', processing);
  return processing;
}

function authorize(engine: Engine, intent: PaymentIntentRecord, charge: ChargeRecord): PaymentIntentRecord {
  const held = putCharge(engine, { ...charge, status: 'succeeded' });
  const authorized = putIntent(engine, { ...intent, status: 'requires_capture', amount_capturable: intent.amount });
  engine.schedule('authorization.expire', authorized, Date.parse(intent.created_at) + AUTHORIZATION_LIFE_MS);
  emitCharge(engine, 'charge.succeeded', held);
  emitIntent(engine, 'payment_intent.amount_capturable_updated', authorized);
  return authorized;
}
