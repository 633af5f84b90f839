import type { TilledCheckoutLineItem, TilledCurrency } from '../../tilled/tilled.shapes.js';
import { CURRENCIES, PAYMENT_METHOD_TYPES } from '../../tilled/tilled.shapes.js';
import { CHECKOUT_LIFE_MS } from '../assumptions.js';
import type { Call, Route } from '../call.js';
import { listPage, ownRecord, recordOf } from '../call.js';
import { isoTime } from '../clock.js';
import type { Engine } from '../engine.js';
import { Fields, mergedMetadata } from '../fields.js';
import { badRequest } from '../http-error.js';
import type { AccountRecord, CheckoutSessionRecord, PaymentIntentRecord } from '../records.js';
import { assertEnabled } from './accounts.js';
import { attemptPayment, cancelIntent } from './payment-flow.js';
import { AMOUNT_BOUNDS } from './payment-intent-input.js';
import { addIntent } from './payment-intents.js';
import { addPaymentMethod, attachPaymentMethod } from './payment-methods.js';

const AREA = { area: 'checkout_sessions' };

/** The operations on checkout sessions. They have no events: watch the payment intent. */
export const checkoutSessionRoutes: Route[] = [
  { method: 'POST', path: '/v1/checkout-sessions', status: 201, ...AREA, handle: createSession },
  { method: 'GET', path: '/v1/checkout-sessions', status: 200, ...AREA, handle: listSessions },
  { method: 'GET', path: '/v1/checkout-sessions/:id', status: 200, ...AREA, handle: (call) => sessionOf(call) },
  { method: 'POST', path: '/v1/checkout-sessions/:id/expire', status: 201, ...AREA, handle: expire },
];

/** Pays with a new method, as a payer does. A decline leaves the session open. Within a transaction. */
export function payOnPage(engine: Engine, session: CheckoutSessionRecord, methodBody: unknown): PaymentIntentRecord {
  const account = accountOf(engine, session);
  const intent = intentOf(engine, session);
  if (session.status !== 'open' || !intent.status.startsWith('requires_')) throw badRequest('This checkout is over');
  let method = addPaymentMethod({ engine, account, body: methodBody });
  if (!session.payment_method_types.includes(method.type)) throw badRequest('This checkout does not take that kind of payment');
  if (session.customer_id !== null && engine.store.customers.get(session.customer_id) !== undefined) {
    method = attachPaymentMethod(engine, method, session.customer_id);
  }
  const tried = attemptPayment(engine, intent, method);
  const isPaid = tried.status === 'succeeded' || tried.status === 'processing';
  if (isPaid) {
    engine.unschedule('checkout.expire', session.id);
    engine.store.checkoutSessions.put({ ...session, status: 'complete', updated_at: engine.clock.iso() });
  }
  return tried;
}

/** The session's time is over. Our assumption: its payment intent is canceled with it. Within a transaction. */
function expireSession(engine: Engine, session: CheckoutSessionRecord): CheckoutSessionRecord {
  engine.unschedule('checkout.expire', session.id);
  const expired = { ...session, status: 'expired' as const, updated_at: engine.clock.iso() };
  engine.store.checkoutSessions.put(expired);
  const intent = intentOf(engine, session);
  if (intent.status.startsWith('requires_')) cancelIntent(engine, intent, 'automatic');
  return expired;
}

/** A timer found the session's time over. */
export function expireScheduledSession(engine: Engine, sessionId: string): void {
  const session = engine.store.checkoutSessions.get(sessionId);
  if (session?.status === 'open') expireSession(engine, session);
}

function createSession(call: Call): CheckoutSessionRecord {
  const { engine, account } = call;
  const fields = new Fields(call.body);
  const lines = fields.requiredObjects('line_items', { min: 1, max: 100 }).map(lineItem);
  const payment = fields.requiredObject('payment_intent_data');
  const types = payment.requiredListOf('payment_method_types', PAYMENT_METHOD_TYPES);
  const fee = payment.integer('platform_fee_amount', { min: 0 }) ?? null;
  const paymentMetadata = payment.metadata();
  const customerId = fields.text('customer_id') ?? null;
  const email = fields.text('customer_email') ?? null;
  const urls = { success_url: fields.text('success_url') ?? null, cancel_url: fields.text('cancel_url') ?? null };
  const expiresAt = fields.time('expires_at') ?? isoTime(engine.clock.now() + CHECKOUT_LIFE_MS);
  const metadata = fields.metadata();
  fields.assertValid();
  assertEnabled(account, types);
  if (customerId !== null) ownRecord({ collection: engine.store.customers, accountId: account.id, id: customerId, noun: 'Customer' });
  if (Date.parse(expiresAt) <= engine.clock.now()) throw badRequest('expires_at must be in the future');
  const { amount, currency } = totalOf(lines);
  const intent = addIntent(call, {
    amount,
    currency,
    payment_method_types: types,
    platform_fee_amount: fee === null ? null : Math.min(fee, amount),
    metadata: mergedMetadata(null, paymentMetadata),
  });
  const id = engine.ids.object('cs');
  const session: CheckoutSessionRecord = {
    ...urls,
    id,
    account_id: account.id,
    amount_total: amount,
    currency,
    line_items: lines,
    payment_intent_id: intent.id,
    payment_method_types: types,
    status: 'open',
    url: `${engine.baseUrl}/checkout/${id}`,
    customer_id: customerId,
    customer_details: email === null ? null : { email },
    expires_at: expiresAt,
    metadata: mergedMetadata(null, metadata),
    created_at: engine.clock.iso(),
    updated_at: engine.clock.iso(),
  };
  engine.store.checkoutSessions.put(session);
  engine.schedule('checkout.expire', session, Date.parse(expiresAt));
  return session;
}

function lineItem(fields: Fields): TilledCheckoutLineItem {
  const price = fields.requiredObject('price_data');
  const product = price.requiredObject('product_data');
  const quantity = fields.requiredDecimal('quantity', { min: 0.0001 });
  if (!/^\d+(\.\d{1,4})?$/.test(String(quantity))) fields.refuse('quantity must have at most 4 decimal places');
  return {
    quantity,
    price_data: {
      currency: price.requiredOneOf('currency', CURRENCIES),
      unit_amount: price.requiredInteger('unit_amount', { min: 1 }),
      product_data: {
        name: product.requiredText('name', { min: 1 }),
        description: product.text('description', { max: 500 }) ?? null,
        images: null,
      },
    },
  };
}

/** Known: the sum of the rounded lines. One currency and the bounds of any payment. */
function totalOf(lines: readonly TilledCheckoutLineItem[]): { amount: number; currency: TilledCurrency } {
  const amount = lines.reduce((sum, line) => sum + Math.round(line.price_data.unit_amount * line.quantity), 0);
  const currency = lines[0]?.price_data.currency ?? 'usd';
  if (lines.some((line) => line.price_data.currency !== currency)) throw badRequest('All line items must have the same currency');
  if (amount < AMOUNT_BOUNDS.min || amount > AMOUNT_BOUNDS.max) throw badRequest('The total amount is out of range');
  return { amount, currency };
}

function listSessions(call: Call): unknown {
  const keys: string[] = [];
  for (const name of ['payment_intent_id', 'customer_id']) {
    const value = call.query.text(name);
    if (value !== undefined) keys.push(`${name}=${value}`);
  }
  return listPage(call, { collection: call.engine.store.checkoutSessions, keys, render: (session) => session });
}

function expire(call: Call): CheckoutSessionRecord {
  const session = sessionOf(call);
  if (session.status !== 'open') throw badRequest(`A checkout session that is ${session.status} cannot be expired`);
  return expireSession(call.engine, session);
}

function sessionOf(call: Call): CheckoutSessionRecord {
  return recordOf(call, call.engine.store.checkoutSessions, 'Checkout session');
}

function intentOf(engine: Engine, session: CheckoutSessionRecord): PaymentIntentRecord {
  const intent = engine.store.paymentIntents.get(session.payment_intent_id);
  if (intent === undefined) throw new Error(`checkout session ${session.id} lost its payment intent`);
  return intent;
}

function accountOf(engine: Engine, session: CheckoutSessionRecord): AccountRecord {
  const account = engine.store.accounts.get(session.account_id);
  if (account === undefined) throw new Error(`checkout session ${session.id} lost its account`);
  return account;
}
