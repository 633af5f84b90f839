import { byId, groupBy, markOf } from './records.mjs';
import { compareEverTold, compareTold } from './told.mjs';

const PAYMENT_AT_TILLED = { SUCCEEDED: 'succeeded', REQUIRES_CAPTURE: 'requires_capture', CANCELED: 'canceled', PROCESSING: 'processing' };
/** At Tilled without having taken anything: what a lost answer left behind, or a decline. */
const TOOK_NOTHING = ['requires_confirmation', 'requires_payment_method', 'canceled'];

/**
 * Holds our books against Tilled's and against what clients were told; what is off, by kind.
 * @returns {{ lost: string[], doubled: string[], wrong: string[], unknown: string[] }}
 */
export function compare({ books, tilled, told }) {
  const off = { lost: [], doubled: [], wrong: [], unknown: [] };
  const sides = { books, tilled, off };
  comparePayments(sides);
  compareRefunds(sides);
  compareSubscriptions(sides);
  compareCustomers(sides);
  comparePaymentMethods(sides);
  compareTold({ ...sides, told });
  compareEverTold({ ...sides, told });
  return off;
}

function comparePayments({ books, tilled, off }) {
  const intents = byId(tilled.payment_intents);
  const marked = groupBy(tilled.payment_intents.filter(isOurs), markOf);
  const charges = groupBy(tilled.charges, (charge) => charge.payment_intent_id);
  const given = tilled.refunds.filter((refund) => refund.status === 'succeeded');
  const refunds = groupBy(given, (refund) => refund.payment_intent_id);
  for (const payment of books.payments) {
    const { id, status } = payment;
    if (status === 'UNKNOWN' || status === 'PENDING') off.unknown.push(`payment ${id} is ${status}`);
    const intent = intents.get(payment.tilled_payment_intent_id);
    const ownIntents = payment.subscription_id === null ? (marked.get(id) ?? []) : [intent].filter(Boolean);
    const goodCharges = ownIntents.flatMap((one) => charges.get(one.id) ?? []).filter((charge) => charge.status === 'succeeded');
    if (goodCharges.length > 1) off.doubled.push(`payment ${id} was charged ${goodCharges.length} times`);
    for (const other of ownIntents.filter((one) => one !== intent && !TOOK_NOTHING.includes(one.status)))
      off.doubled.push(`payment ${id} has another intent ${other.id}, ${other.status}`);
    if (intent === undefined) {
      if (status !== 'FAILED') off.lost.push(`payment ${id}, ${status}, is not at Tilled`);
      continue;
    }
    const isSame = status === 'FAILED' ? TOOK_NOTHING.includes(intent.status) : intent.status === PAYMENT_AT_TILLED[status];
    if (!isSame) off.wrong.push(`payment ${id} is ${status}, at Tilled ${intent.status}`);
    const captured = Number(payment.captured_minor);
    const refunded = (refunds.get(intent.id) ?? []).reduce((sum, refund) => sum + refund.amount, 0);
    // A returned debit takes everything back; what was refunded of it was captured all the same.
    if (captured !== Math.max(intent.amount_received, Number(payment.refunded_minor)) || Number(payment.amount_minor) !== intent.amount)
      off.wrong.push(
        `payment ${id} captured ${captured} of ${payment.amount_minor}, at Tilled ${intent.amount_received} of ${intent.amount}`,
      );
    if (Number(payment.refunded_minor) !== refunded)
      off.wrong.push(`payment ${id} gave back ${payment.refunded_minor}, at Tilled ${refunded}`);
  }
  for (const [id, all] of charges) {
    const good = all.filter((charge) => charge.status === 'succeeded');
    if (good.length > 1) off.doubled.push(`intent ${id} took money ${good.length} times`);
  }
  const known = new Set(books.payments.map((payment) => payment.tilled_payment_intent_id));
  const ids = new Set(books.payments.map((payment) => payment.id));
  for (const intent of tilled.payment_intents) {
    if (known.has(intent.id) || TOOK_NOTHING.includes(intent.status)) continue;
    if (intent.subscription_id !== null || !ids.has(markOf(intent)))
      off.lost.push(`intent ${intent.id}, ${intent.status}, is not in the books`);
  }
}

function compareRefunds({ books, tilled, off }) {
  const atTilled = byId(tilled.refunds);
  for (const [id, refunds] of groupBy(tilled.refunds.filter(isOurs), markOf))
    if (refunds.length > 1) off.doubled.push(`refund ${id} was given ${refunds.length} times`);
  for (const refund of books.refunds) {
    const { id, status } = refund;
    const other = atTilled.get(refund.tilled_refund_id);
    // The bank takes days to give a debit back.
    if (status === 'UNKNOWN' || (status === 'PENDING' && other === undefined)) off.unknown.push(`refund ${id} is ${status}`);
    if (other === undefined && status === 'SUCCEEDED') off.lost.push(`refund ${id} is not at Tilled`);
    if (other === undefined) continue;
    if (other.status.toUpperCase() !== status || other.amount !== Number(refund.amount_minor))
      off.wrong.push(`refund ${id} is ${status} ${refund.amount_minor}, at Tilled ${other.status} ${other.amount}`);
    if (markOf(other) !== id) off.wrong.push(`refund ${id} is recorded as ${other.id}, which is marked ${markOf(other)}`);
  }
  const known = new Set(books.refunds.map((refund) => refund.tilled_refund_id));
  for (const refund of tilled.refunds) if (!known.has(refund.id)) off.lost.push(`refund ${refund.id} is not in the books`);
}

function compareSubscriptions({ books, tilled, off }) {
  const atTilled = byId(tilled.subscriptions);
  for (const [id, subscriptions] of groupBy(tilled.subscriptions, markOf))
    if (subscriptions.length > 1) off.doubled.push(`subscription ${id} is at Tilled ${subscriptions.length} times`);
  for (const { id, status, price_minor, tilled_subscription_id } of books.subscriptions) {
    const other = atTilled.get(tilled_subscription_id);
    if (other === undefined && status !== 'CANCELED') off.lost.push(`subscription ${id}, ${status}, is not at Tilled`);
    if (other === undefined) continue;
    if (other.status.toUpperCase() !== status || other.price !== Number(price_minor))
      off.wrong.push(`subscription ${id} is ${status} ${price_minor}, at Tilled ${other.status} ${other.price}`);
  }
  const methods = byId(tilled.payment_methods);
  for (const { id, status, payment_method_id } of tilled.subscriptions)
    if (status !== 'canceled' && methods.get(payment_method_id)?.customer_id === null)
      off.wrong.push(`subscription ${id} is ${status} on ${payment_method_id}, which is detached`);
  const known = new Set(books.subscriptions.map((row) => row.tilled_subscription_id));
  const ids = new Set(books.subscriptions.map((row) => row.id));
  for (const { id, ...other } of tilled.subscriptions)
    if (!known.has(id) && !ids.has(markOf(other))) off.lost.push(`subscription ${id} is not in the books`);
}

function compareCustomers({ books, tilled, off }) {
  const atTilled = byId(tilled.customers);
  for (const [id, customers] of groupBy(tilled.customers, markOf))
    if (customers.length > 1) off.doubled.push(`customer ${id} is at Tilled ${customers.length} times`);
  for (const { id, email, tilled_customer_id } of books.customers) {
    const other = atTilled.get(tilled_customer_id);
    if (other === undefined) off.lost.push(`customer ${id} is not at Tilled`);
    else if (other.email !== email) off.wrong.push(`customer ${id} has another e-mail address at Tilled`);
  }
  const ids = new Set(books.customers.map((row) => row.id));
  for (const other of tilled.customers) if (!ids.has(markOf(other))) off.lost.push(`customer ${other.id} is not in the books`);
}

function comparePaymentMethods({ books, tilled, off }) {
  const atTilled = byId(tilled.payment_methods);
  const customers = byId(books.customers);
  const known = new Set(books.paymentMethods.map((row) => row.tilled_payment_method_id));
  for (const { id, customer_id, detached_at, tilled_payment_method_id } of books.paymentMethods) {
    const owner = atTilled.get(tilled_payment_method_id)?.customer_id;
    const expected = detached_at === null ? customers.get(customer_id)?.tilled_customer_id : null;
    if (owner !== expected) off.wrong.push(`payment method ${id} is attached to ${owner} at Tilled, not ${expected}`);
  }
  for (const { id, customer_id } of tilled.payment_methods)
    if (customer_id !== null && !known.has(id)) off.lost.push(`payment method ${id} is attached at Tilled only`);
}

function isOurs({ metadata, subscription_id }) {
  return metadata?.billing_id !== undefined && (subscription_id ?? null) === null;
}
