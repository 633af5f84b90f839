import type { TilledPaymentMethod } from '../../tilled/tilled.shapes.js';
import { PAYMENT_METHOD_TYPES } from '../../tilled/tilled.shapes.js';
import { SINGLE_USE_LIFE_MS } from '../assumptions.js';
import type { Call, Effect, Route } from '../call.js';
import { latest, listPage, ownRecord, recordOf } from '../call.js';
import { isoTime } from '../clock.js';
import type { Engine } from '../engine.js';
import { Fields, mergedMetadata } from '../fields.js';
import { badRequest } from '../http-error.js';
import type { PaymentMethodRecord } from '../records.js';
import { assertEnabled } from './accounts.js';
import { billingDetails, methodDetails } from './payment-method-input.js';
import { spendToken } from './tokens.js';

/** The operations on payment methods. Attach and detach are PUT. */
export const paymentMethodRoutes: Route[] = [
  { method: 'POST', path: '/v1/payment-methods', status: 201, area: 'payment_methods', isPublishable: true, handle: createPaymentMethod },
  { method: 'GET', path: '/v1/payment-methods', status: 200, area: 'payment_methods', handle: listPaymentMethods },
  { method: 'GET', path: '/v1/payment-methods/:id', status: 200, area: 'payment_methods', handle: getPaymentMethod },
  { method: 'PATCH', path: '/v1/payment-methods/:id', status: 200, area: 'payment_methods', handle: updatePaymentMethod },
  { method: 'PUT', path: '/v1/payment-methods/:id/attach', status: 200, area: 'payment_methods', begin: attach },
  { method: 'PUT', path: '/v1/payment-methods/:id/detach', status: 200, area: 'payment_methods', begin: detach },
];

/** The method as the wire shows it: chargeable only while it is not expired. */
export function renderPaymentMethod(engine: Engine, record: PaymentMethodRecord): TilledPaymentMethod {
  const { account_id: _account, declines_with: _decline, wishes: _wishes, was_detached: _detached, ...shown } = record;
  return { ...shown, chargeable: isChargeable(engine, record) };
}

/** Whether a payment may be tried with it. */
export function isChargeable(engine: Engine, record: PaymentMethodRecord): boolean {
  return record.chargeable && !hasExpired(engine, record);
}

/** Notes a use: a method that is not attached is good for one. Within a transaction. */
export function spendPaymentMethod(engine: Engine, record: PaymentMethodRecord): void {
  if (record.customer_id === null) engine.store.paymentMethods.put({ ...record, chargeable: false, updated_at: engine.clock.iso() });
}

/** Takes the method from its customer for good. Within a transaction. */
export function detachPaymentMethod(engine: Engine, record: PaymentMethodRecord): PaymentMethodRecord {
  const detached = { ...record, customer_id: null, chargeable: false, was_detached: true, updated_at: engine.clock.iso() };
  engine.store.paymentMethods.put(detached);
  engine.emit('payment_method.detached', record.account_id, renderPaymentMethod(engine, detached));
  return detached;
}

/** 400 when it expired, was used up or belongs to a customer. */
function assertAttachable(engine: Engine, record: PaymentMethodRecord): void {
  if (record.customer_id !== null) throw badRequest(`Payment method ${record.id} is already attached to a customer`);
  if (hasExpired(engine, record)) throw badRequest(`Payment method ${record.id} has expired`);
  const mayReturn = record.was_detached === true && engine.behaviour.attachDetached === 'allow';
  if (!record.chargeable && !mayReturn) throw badRequest(`Payment method ${record.id} cannot be attached: it was used or detached before`);
}

/** Gives the method to a customer: from then on reusable. Within a transaction. */
export function attachPaymentMethod(engine: Engine, record: PaymentMethodRecord, customerId: string): PaymentMethodRecord {
  const attached = { ...record, customer_id: customerId, chargeable: true, expires_at: null, updated_at: engine.clock.iso() };
  engine.store.paymentMethods.put(attached);
  engine.emit('payment_method.attached', record.account_id, renderPaymentMethod(engine, attached));
  return attached;
}

/** Makes a method of a body with a token or with numbers. Within a transaction. */
export function addPaymentMethod(call: Pick<Call, 'engine' | 'account' | 'body'>): PaymentMethodRecord {
  const { engine, account } = call;
  const fields = new Fields(call.body);
  const type = fields.requiredOneOf('type', PAYMENT_METHOD_TYPES);
  const billing = billingDetails(fields, null);
  const token = fields.text('payment_token');
  const raw = token ? null : methodDetails({ fields, type, billing, nowMs: engine.clock.now() });
  const nickName = fields.text('nick_name') ?? null;
  const metadata = fields.metadata();
  fields.assertValid();
  assertEnabled(account, [type]);
  const details = token ? spendToken(engine, { token, type, account }) : raw;
  const nowMs = engine.clock.now();
  const record: PaymentMethodRecord = {
    ...BLANK_DETAILS,
    ...details,
    id: engine.ids.object('pm'),
    account_id: account.id,
    type,
    chargeable: true,
    created_at: isoTime(nowMs),
    updated_at: isoTime(nowMs),
    customer_id: null,
    expires_at: isoTime(nowMs + SINGLE_USE_LIFE_MS),
    nick_name: nickName,
    billing_details: billing ?? details?.billing_details ?? null,
    metadata: mergedMetadata(null, metadata),
    terminal_reader: null,
    declines_with: null,
  };
  engine.store.paymentMethods.put(record);
  return record;
}

const BLANK_DETAILS = { card: null, card_present: null, ach_debit: null, eft_debit: null };

function createPaymentMethod(call: Call): TilledPaymentMethod {
  return renderPaymentMethod(call.engine, addPaymentMethod(call));
}

function listPaymentMethods(call: Call): unknown {
  call.query.requiredText('type');
  const type = call.query.oneOf('type', PAYMENT_METHOD_TYPES);
  const customerId = call.query.requiredText('customer_id');
  return listPage(call, {
    collection: call.engine.store.paymentMethods,
    keys: [`customer_id=${customerId}`],
    where: (method) => method.type === type,
    render: (method) => renderPaymentMethod(call.engine, method),
  });
}

function getPaymentMethod(call: Call): TilledPaymentMethod {
  return renderPaymentMethod(call.engine, methodOf(call));
}

function updatePaymentMethod(call: Call): TilledPaymentMethod {
  const { engine } = call;
  const current = methodOf(call);
  const fields = new Fields(call.body);
  const billing = billingDetails(fields, current.billing_details);
  const nickName = fields.text('nick_name');
  const metadata = fields.metadata();
  fields.assertValid();
  const updated: PaymentMethodRecord = {
    ...current,
    billing_details: billing,
    nick_name: nickName === undefined ? current.nick_name : nickName,
    metadata: mergedMetadata(current.metadata, metadata),
    updated_at: engine.clock.iso(),
  };
  engine.store.paymentMethods.put(updated);
  const shown = renderPaymentMethod(engine, updated);
  engine.emit('payment_method.updated', call.account.id, shown);
  return shown;
}

function attach(call: Call): Effect {
  const { engine } = call;
  const record = methodOf(call);
  const fields = new Fields(call.body);
  const customerId = fields.requiredText('customer_id');
  fields.assertValid();
  const customer = ownRecord({ collection: engine.store.customers, accountId: call.account.id, id: customerId, noun: 'Customer' });
  assertAttachable(engine, record);
  return () => renderPaymentMethod(engine, attachPaymentMethod(engine, latest(engine.store.paymentMethods, record), customer.id));
}

function detach(call: Call): Effect {
  const { engine } = call;
  const record = methodOf(call);
  if (record.customer_id === null) throw badRequest(`Payment method ${record.id} is not attached to a customer`);
  if (engine.behaviour.detachInUse === 'refuse' && isInUse(engine, record))
    throw badRequest(`A subscription uses payment method ${record.id}`);
  return () => renderPaymentMethod(engine, detachPaymentMethod(engine, latest(engine.store.paymentMethods, record)));
}

function isInUse(engine: Engine, { id, customer_id: customerId }: PaymentMethodRecord): boolean {
  const theirs = engine.store.subscriptions.records([`customer_id=${customerId}`]);
  return theirs.some((subscription) => subscription.payment_method_id === id && subscription.status !== 'canceled');
}

function methodOf(call: Call): PaymentMethodRecord {
  return recordOf(call, call.engine.store.paymentMethods, 'Payment method');
}

function hasExpired(engine: Engine, record: PaymentMethodRecord): boolean {
  return record.expires_at !== null && Date.parse(record.expires_at) <= engine.clock.now();
}
