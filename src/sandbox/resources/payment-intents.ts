import type { TilledPaymentIntent } from '../../tilled/tilled.shapes.js';
import { CANCELLATION_REASONS, PAYMENT_INTENT_STATUSES } from '../../tilled/tilled.shapes.js';
import type { Call, Effect, Route } from '../call.js';
import { createdWithin, latest, listPage, ownRecord, recordOf } from '../call.js';
import { Fields, mergedMetadata } from '../fields.js';
import { badRequest } from '../http-error.js';
import type { PaymentIntentRecord, PaymentMethodRecord } from '../records.js';
import { assertEnabled } from './accounts.js';
import { goodChargeOf } from './charges.js';
import { decidePayment } from './payment-decision.js';
import { cancelIntent, captureIntent, carryOutPayment, emitIntent, putIntent, renderPaymentIntent } from './payment-flow.js';
import { changedFields, newIntentFields } from './payment-intent-input.js';
import { isChargeable } from './payment-methods.js';
import { addRelease } from './refunds.js';

const AREA = { area: 'payment_intents' };

/** The operations on payment intents. */
export const paymentIntentRoutes: Route[] = [
  { method: 'POST', path: '/v1/payment-intents', status: 201, ...AREA, begin: createIntent },
  { method: 'GET', path: '/v1/payment-intents', status: 200, ...AREA, handle: listIntents },
  { method: 'GET', path: '/v1/payment-intents/:id', status: 200, ...AREA, isPublishable: true, handle: getIntent },
  { method: 'PATCH', path: '/v1/payment-intents/:id', status: 200, ...AREA, handle: updateIntent },
  { method: 'POST', path: '/v1/payment-intents/:id/confirm', status: 201, ...AREA, isPublishable: true, begin: confirm },
  { method: 'POST', path: '/v1/payment-intents/:id/capture', status: 201, ...AREA, begin: capture },
  { method: 'POST', path: '/v1/payment-intents/:id/cancel', status: 201, ...AREA, begin: cancel },
];

/** A payment intent with nothing tried yet. Its created event is told. Within a transaction. */
export function addIntent(
  call: Pick<Call, 'engine' | 'account'>,
  input: Pick<PaymentIntentRecord, 'amount' | 'currency' | 'payment_method_types'> & Partial<PaymentIntentRecord>,
): PaymentIntentRecord {
  const { engine, account } = call;
  const id = engine.ids.object('pi');
  const now = engine.clock.iso();
  const intent: PaymentIntentRecord = {
    amount_capturable: 0,
    amount_received: 0,
    capture_method: 'automatic',
    canceled_at: null,
    cancellation_reason: null,
    customer_id: null,
    payment_method_id: null,
    last_payment_error: null,
    next_action: null,
    level3: null,
    metadata: null,
    occurrence_type: null,
    platform_fee_amount: null,
    statement_descriptor_suffix: null,
    subscription_id: null,
    ...input,
    id,
    account_id: account.id,
    client_secret: engine.ids.secret(`${id}_secret`, 25),
    created_at: now,
    updated_at: now,
    status: input.payment_method_id ? 'requires_confirmation' : 'requires_payment_method',
  };
  engine.store.paymentIntents.put(intent);
  emitIntent(engine, 'payment_intent.created', intent);
  return intent;
}

function createIntent(call: Call): Effect {
  const { engine } = call;
  const { isConfirmed, methodId, ...sent } = newIntentFields(call.body);
  assertEnabled(call.account, sent.payment_method_types);
  const method = methodId === null ? null : usableMethod(call, methodId, sent.payment_method_types);
  if (isConfirmed && method === null) throw badRequest('payment_method_id is required to confirm');
  const chosen = { ...sent, payment_method_id: method?.id ?? null, customer_id: method?.customer_id ?? null };
  if (!isConfirmed || method === null) return () => renderPaymentIntent(engine, addIntent(call, chosen));
  const decision = decidePayment(engine, method, sent.amount);
  return () => renderPaymentIntent(engine, carryOutPayment(engine, { intent: addIntent(call, chosen), method, decision }));
}

function listIntents(call: Call): unknown {
  const { query, engine } = call;
  const statuses = query.listOf('status', PAYMENT_INTENT_STATUSES);
  const isCreatedWithin = createdWithin(call);
  const sought = query.text('q')?.toLowerCase();
  // One status is found by the index; several are tested for.
  const isSingle = statuses?.length === 1;
  const needsTest = (statuses !== undefined && !isSingle) || isCreatedWithin !== undefined || sought !== undefined;
  const keys: string[] = isSingle ? [`status=${statuses[0]}`] : [];
  for (const name of ['subscription_id', 'customer_id']) {
    const value = query.text(name);
    if (value !== undefined) keys.push(`${name}=${value}`);
  }
  const where = (intent: PaymentIntentRecord) =>
    (statuses?.includes(intent.status) ?? true) &&
    (isCreatedWithin?.(intent) ?? true) &&
    (sought === undefined || isAbout(call, intent, sought));
  return listPage(call, {
    collection: engine.store.paymentIntents,
    keys,
    where: needsTest ? where : undefined,
    render: (intent) => renderPaymentIntent(engine, intent),
  });
}

function isAbout(call: Call, intent: PaymentIntentRecord, sought: string): boolean {
  const { customer, payment_method: method } = renderPaymentIntent(call.engine, intent);
  const texts = [
    intent.id,
    String(intent.amount),
    method?.id,
    method?.billing_details?.name,
    method?.card?.last4,
    method?.ach_debit?.last2,
    method?.eft_debit?.last2,
    customer?.first_name,
    customer?.last_name,
  ];
  return texts.some((text) => text?.toLowerCase().includes(sought));
}

function getIntent(call: Call): TilledPaymentIntent {
  return renderPaymentIntent(call.engine, intentOf(call));
}

function updateIntent(call: Call): TilledPaymentIntent {
  const current = intentOf(call);
  const { methodId, metadata, ...changes } = changedFields(call.body, current);
  if (current.status === 'canceled') throw badRequest('A canceled payment intent cannot be updated');
  const isOpen = current.status === 'requires_payment_method' || current.status === 'requires_confirmation';
  const changesMoney = methodId !== undefined || Object.keys(changes).length > 0;
  if (changesMoney && !isOpen) throw badRequest(`A payment intent that is ${current.status} can only have its metadata updated`);
  const types = changes.payment_method_types ?? current.payment_method_types;
  assertEnabled(call.account, types);
  const method = methodId === undefined ? null : usableMethod(call, methodId, types);
  const chosen =
    method === null ? {} : { payment_method_id: method.id, customer_id: method.customer_id, status: 'requires_confirmation' as const };
  const updated = putIntent(call.engine, {
    ...current,
    ...changes,
    ...chosen,
    metadata: mergedMetadata(current.metadata, metadata),
    last_payment_error: null,
  });
  return renderPaymentIntent(call.engine, updated);
}

function confirm(call: Call): Effect {
  const { engine } = call;
  const intent = intentOf(call);
  const fields = new Fields(call.body);
  const methodId = fields.text('payment_method_id') ?? intent.payment_method_id;
  fields.assertValid();
  if (intent.status !== 'requires_payment_method' && intent.status !== 'requires_confirmation') {
    throw badRequest(`A payment intent that is ${intent.status} cannot be confirmed`);
  }
  if (methodId === null) throw badRequest('payment_method_id is required to confirm');
  assertEnabled(call.account, intent.payment_method_types);
  const method = usableMethod(call, methodId, intent.payment_method_types);
  const decision = decidePayment(engine, method, intent.amount);
  return () =>
    renderPaymentIntent(engine, carryOutPayment(engine, { intent: latest(engine.store.paymentIntents, intent), method, decision }));
}

function capture(call: Call): Effect {
  const { engine } = call;
  const intent = intentOf(call);
  const fields = new Fields(call.body);
  const amount = fields.integer('amount_to_capture', { min: 1, max: intent.amount }) ?? intent.amount;
  const fee = fields.integer('platform_fee_amount', { min: 0 });
  fields.assertValid();
  if (intent.status !== 'requires_capture') throw badRequest(`A payment intent that is ${intent.status} cannot be captured`);
  return () => {
    const held = latest(engine.store.paymentIntents, intent);
    const withFee = fee === undefined || fee === null ? held : { ...held, platform_fee_amount: Math.min(fee, amount) };
    const captured = captureIntent(engine, withFee, amount);
    const charge = goodChargeOf(engine, captured.id);
    if (engine.behaviour.partialCapture === 'refund' && charge && amount < charge.amount) addRelease(engine, charge);
    return renderPaymentIntent(engine, captured);
  };
}

function cancel(call: Call): Effect {
  const { engine } = call;
  const intent = intentOf(call);
  const fields = new Fields(call.body);
  const reason = fields.oneOf('cancellation_reason', CANCELLATION_REASONS) ?? null;
  fields.assertValid();
  if (!intent.status.startsWith('requires_')) throw badRequest(`A payment intent that is ${intent.status} cannot be canceled`);
  return () => {
    const unpaid = latest(engine.store.paymentIntents, intent);
    // Money that was taken meanwhile is not given back by canceling.
    const isPaid = unpaid.status === 'succeeded' || unpaid.status === 'processing';
    return renderPaymentIntent(engine, isPaid ? unpaid : cancelIntent(engine, unpaid, reason));
  };
}

function intentOf(call: Call): PaymentIntentRecord {
  return recordOf(call, call.engine.store.paymentIntents, 'Payment intent');
}

/** A payment method of the account that can pay and is of one of the types. Throws 404 or 400. */
function usableMethod(call: Call, methodId: string, types: PaymentIntentRecord['payment_method_types']): PaymentMethodRecord {
  const { engine, account } = call;
  const method = ownRecord({ collection: engine.store.paymentMethods, accountId: account.id, id: methodId, noun: 'Payment method' });
  if (!types.includes(method.type)) throw badRequest(`Payment method type ${method.type} is not among payment_method_types`);
  if (!isChargeable(engine, method)) throw badRequest(`Payment method ${method.id} is not chargeable`);
  return method;
}
