import type { TilledDeclineCode, TilledNextAction, TilledPaymentIntent } from '../../tilled/tilled.shapes.js';
import { AUTHORIZATION_LIFE_MS, BANK_SETTLEMENT_MS, DISPUTE_OPENS_AFTER_MS } from '../assumptions.js';
import { latest } from '../call.js';
import { isoTime } from '../clock.js';
import type { Engine } from '../engine.js';
import type { ChargeRecord, PaymentIntentRecord, PaymentMethodRecord } from '../records.js';
import { DISPUTED_AMOUNT } from './card-data.js';
import { capturedCharge, chargesOf, failedCharge, goodChargeOf, messageOf, newCharge, putCharge, renderCharge } from './charges.js';
import type { PaymentDecision } from './payment-decision.js';
import { decidePayment } from './payment-decision.js';
import { renderPaymentMethod, spendPaymentMethod } from './payment-methods.js';
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
  const awaits = intent.status === 'requires_action' ? (intent.next_action ?? null) : null;
  const updated = { ...intent, next_action: awaits, updated_at: engine.clock.iso() };
  engine.store.paymentIntents.put(updated);
  return updated;
}

/** Tells of a payment intent as it is now. */
export function emitIntent(engine: Engine, type: `payment_intent.${IntentEvent}`, intent: PaymentIntentRecord): void {
  engine.emit(type, intent.account_id, renderPaymentIntent(engine, intent));
}

type IntentEvent = 'created' | 'succeeded' | 'payment_failed' | 'processing' | 'requires_action' | 'canceled' | 'amount_capturable_updated';

/** Tells of a charge as it is now. */
export function emitCharge(engine: Engine, type: `charge.${ChargeEvent}`, charge: ChargeRecord): void {
  engine.emit(type, charge.account_id, renderCharge(engine, charge));
}

type ChargeEvent = 'succeeded' | 'failed' | 'pending' | 'captured' | 'expired' | 'refunded';

/** Tries to pay the intent with the method. A decline is no error: it is in the intent returned. */
export function attemptPayment(engine: Engine, intent: PaymentIntentRecord, method: PaymentMethodRecord): PaymentIntentRecord {
  return carryOutPayment(engine, { intent, method, decision: decidePayment(engine, method, intent.amount) });
}

/** A payment about to happen: the method is as it was when it was decided. */
export interface DecidedPayment {
  intent: PaymentIntentRecord;
  method: PaymentMethodRecord;
  decision: PaymentDecision;
}

/** Does what was decided, be the intent canceled or paid by now. What moves no money leaves such an intent as it is. */
export function carryOutPayment(engine: Engine, { intent, method, decision }: DecidedPayment): PaymentIntentRecord {
  const { status, code } = decision;
  const isOver = intent.status === 'requires_capture' || !intent.status.startsWith('requires_');
  const chosen = { ...intent, payment_method_id: method.id, customer_id: method.customer_id, last_payment_error: null };
  const isTried = status === 'succeeded' || status === 'processing' || code !== null;
  if (!isTried) return isOver ? intent : waitForPayer(engine, { ...chosen, status }, method);
  const charge = newCharge(engine, intent, method);
  spendPaymentMethod(engine, latest(engine.store.paymentMethods, method));
  if (code !== null && isOver) {
    emitCharge(engine, 'charge.failed', putCharge(engine, failedCharge(engine, charge, code)));
    return intent;
  }
  if (code !== null) return fail(engine, { intent: chosen, charge, code });
  if (status === 'processing') return beginProcessing(engine, chosen, charge);
  if (intent.capture_method === 'manual') return authorize(engine, chosen, charge);
  return succeed(engine, chosen, capturedCharge(engine, charge, intent.amount), 'charge.succeeded');
}

/**
 * The payment intent as the answer to a repeated confirm that the issuer took for a duplicate; nothing of it is kept.
 */
export function renderDeclinedRepeat(engine: Engine, intent: PaymentIntentRecord): TilledPaymentIntent {
  const code = 'duplicate_transaction';
  const error = { charge_id: engine.ids.object('ch'), message: messageOf(code), code } as const;
  return renderPaymentIntent(engine, { ...intent, status: 'requires_payment_method', last_payment_error: error });
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
  engine.unschedule('action.expire', intent.id);
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

/** A payment that was processing went through, with all charges there are of it. Ignored unless it is processing. */
export function settlePayment(engine: Engine, intentId: string): void {
  const intent = engine.store.paymentIntents.get(intentId);
  if (intent?.status !== 'processing') return;
  engine.unschedule('bank.settle', intentId);
  for (const charge of chargesOf(engine, intentId).filter(({ status }) => status === 'pending')) settleCharge(engine, intent, charge);
}

function settleCharge(engine: Engine, intent: PaymentIntentRecord, charge: ChargeRecord): void {
  const isDebit = isBankDebit(engine, charge);
  if (!isDebit && intent.capture_method === 'manual') return void authorize(engine, intent, charge);
  const now = engine.clock.iso();
  const debited = { captured: true, amount_captured: intent.amount, captured_at: now, is_batched: true };
  const taken = isDebit ? { ...charge, ...debited, status: 'succeeded' as const } : capturedCharge(engine, charge, intent.amount);
  succeed(engine, intent, taken, 'charge.succeeded');
}

function isBankDebit(engine: Engine, charge: ChargeRecord): boolean {
  return engine.store.paymentMethods.get(charge.payment_method_id)?.type.endsWith('_debit') === true;
}

/**
 * The bank gave a debit back: before it settled or, our assumption, after; the intent then is unpaid again.
 * A card payment comes to nothing only while it is processing. False when there is nothing to give back.
 */
export function returnPayment(engine: Engine, intent: PaymentIntentRecord, code: TilledDeclineCode): boolean {
  const charge = goodChargeOf(engine, intent.id);
  if (charge === undefined) return false;
  if (intent.status !== 'processing' && !(intent.status === 'succeeded' && isBankDebit(engine, charge))) return false;
  engine.unschedule('bank.settle', intent.id);
  const returned = { ...charge, captured: false, amount_captured: 0, captured_at: null };
  fail(engine, { intent: { ...intent, amount_received: 0 }, charge: returned, code });
  return true;
}

/** Money that comes after all undoes the end of an intent. */
const NOT_CANCELED = { canceled_at: null, cancellation_reason: null };

function succeed(
  engine: Engine,
  intent: PaymentIntentRecord,
  charge: ChargeRecord,
  told: 'charge.succeeded' | 'charge.captured',
): PaymentIntentRecord {
  const kept = putCharge(engine, charge);
  const paid = putIntent(engine, {
    ...intent,
    ...NOT_CANCELED,
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

/** The payer has to do something, or to choose another method: nothing was tried. */
function waitForPayer(engine: Engine, intent: PaymentIntentRecord, method: PaymentMethodRecord): PaymentIntentRecord {
  if (intent.status !== 'requires_action') return putIntent(engine, intent);
  const lifeMs = method.wishes?.next_action?.life_ms ?? null;
  const endsMs = lifeMs === null ? null : engine.clock.now() + lifeMs;
  if (endsMs !== null) engine.schedule('action.expire', intent, endsMs);
  const waiting = putIntent(engine, { ...intent, next_action: nextAction(engine, intent, { method, endsMs }) });
  emitIntent(engine, 'payment_intent.requires_action', waiting);
  return waiting;
}

/** Our assumption: a page of the payer's bank. A test may have it absent, as the SDK has it. */
function nextAction(
  engine: Engine,
  { id, client_secret: secret }: PaymentIntentRecord,
  of: { method: PaymentMethodRecord; endsMs: number | null },
): TilledNextAction | null {
  if (of.method.wishes?.next_action?.kind === 'none') return null;
  const url = `${engine.baseUrl}/action/${id}?client_secret=${secret}`;
  return { type: 'redirect_to_url', redirect_to_url: { url }, expires_at: of.endsMs === null ? null : isoTime(of.endsMs) };
}

function beginProcessing(engine: Engine, intent: PaymentIntentRecord, charge: ChargeRecord): PaymentIntentRecord {
  const pending = putCharge(engine, charge);
  const processing = putIntent(engine, { ...intent, ...NOT_CANCELED, status: 'processing' });
  engine.schedule('bank.settle', processing, engine.clock.now() + BANK_SETTLEMENT_MS);
  emitCharge(engine, 'charge.pending', pending);
  emitIntent(engine, 'payment_intent.processing', processing);
  return processing;
}

function authorize(engine: Engine, intent: PaymentIntentRecord, charge: ChargeRecord): PaymentIntentRecord {
  const held = putCharge(engine, { ...charge, status: 'succeeded' });
  const authorized = putIntent(engine, { ...intent, ...NOT_CANCELED, status: 'requires_capture', amount_capturable: intent.amount });
  engine.schedule('authorization.expire', authorized, Date.parse(intent.created_at) + AUTHORIZATION_LIFE_MS);
  emitCharge(engine, 'charge.succeeded', held);
  emitIntent(engine, 'payment_intent.amount_capturable_updated', authorized);
  return authorized;
}
