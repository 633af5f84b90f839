const PAYMENT_AT_TILLED = { SUCCEEDED: 'succeeded', REQUIRES_CAPTURE: 'requires_capture', CANCELED: 'canceled', PROCESSING: 'processing' };
/** At Tilled without having taken anything: what a lost answer left behind, or a decline. */
const TOOK_NOTHING = ['requires_confirmation', 'requires_payment_method', 'canceled'];
/** What a payment may have become since a client was told its state; a bank debit may also come back, or be on its way. */
const PAYMENT_SINCE = {
  SUCCEEDED: ['SUCCEEDED'],
  REQUIRES_CAPTURE: ['REQUIRES_CAPTURE', 'SUCCEEDED', 'CANCELED'],
  CANCELED: ['CANCELED'],
};
/** FAILED too: who asks again for the outcome of a debit that came back meanwhile sees the payment as it is now. */
const DEBIT_SINCE = { PROCESSING: ['PROCESSING', 'SUCCEEDED', 'FAILED'], SUCCEEDED: ['SUCCEEDED', 'FAILED'], FAILED: ['FAILED'] };
const DONE = { paymentCapture: ['SUCCEEDED'], paymentCancel: ['CANCELED'] };
/** Requests whose reference or external id must not be in the books once they were refused without a row. */
const NAMED_BY = { paymentCreate: 'reference_id', refundCreate: 'reference_id', customerCreate: 'external_id' };

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
  for (const { id, customer_id, tilled_payment_method_id } of books.paymentMethods) {
    const owner = atTilled.get(tilled_payment_method_id)?.customer_id;
    if (owner !== customers.get(customer_id)?.tilled_customer_id) off.wrong.push(`payment method ${id} is attached to ${owner} at Tilled`);
  }
  for (const { id, customer_id } of tilled.payment_methods)
    if (customer_id !== null && !known.has(id)) off.lost.push(`payment method ${id} is attached at Tilled only`);
}

/** What a client was told is so: done is done, and refused did not happen. */
function compareTold({ books, told, off }) {
  const rows = byId(Object.values(books).flat());
  const debits = new Set(books.paymentMethods.filter(({ type }) => type !== 'CARD').map(({ id }) => id));
  const named = (column) => new Set([...books.payments, ...books.refunds, ...books.customers].map((row) => row[column]));
  for (const { operation, input, row, errors } of told) {
    const what = `${operation} ${input.idempotencyKey} (${row?.id ?? input.id ?? 'nothing'})`;
    const isDone = errors.length === 0;
    const here = rows.get(row?.id);
    if (row !== null && isDone && here === undefined) off.lost.push(`${what} was told done, and is gone`);
    const name = input.referenceId ?? input.externalId;
    if (row === null && !isDone && name && NAMED_BY[operation] && named(NAMED_BY[operation]).has(name))
      off.wrong.push(`${what} was refused (${errors[0].code}), and is in the books`);
    if (here === undefined) continue;
    if (operation.startsWith('payment') && isDone)
      toldPayment({ operation, row, here, what, off, isDebit: debits.has(here.payment_method_id) });
    if (operation === 'paymentCreate' && !isDone && !['FAILED', 'CANCELED'].includes(here.status))
      off.wrong.push(`${what} was told failed, and is ${here.status}`);
    if (operation === 'refundCreate' && isDone && here.status !== 'SUCCEEDED' && row.status === 'SUCCEEDED')
      off.wrong.push(`${what} was told given back, and is ${here.status}`);
    if (operation === 'refundCreate' && !isDone && here.status === 'SUCCEEDED')
      off.wrong.push(`${what} was told failed, and was given back`);
    if (operation === 'subscriptionCancel' && isDone && here.status !== 'CANCELED')
      off.wrong.push(`${what} was told canceled, and is ${here.status}`);
  }
  // A request is one row: whatever happened to its answers, its reference was used once.
  for (const [reference, payments] of groupBy(
    books.payments.filter((row) => row.reference_id !== null),
    (row) => row.reference_id,
  ))
    if (payments.length > 1) off.doubled.push(`reference ${reference} has ${payments.length} payments`);
}

function toldPayment({ operation, row, here, what, off, isDebit }) {
  // UNKNOWN claims nothing: a later request to the same payment may be on its way.
  if (row.status === undefined || row.status === 'UNKNOWN') return;
  const since = { ...PAYMENT_SINCE, ...(isDebit ? DEBIT_SINCE : {}) }[row.status];
  if (!since?.includes(here.status) || DONE[operation]?.includes(row.status) === false)
    off.wrong.push(`${what} was told ${row.status}, and is ${here.status}`);
  const told = row.captured?.amountMinor;
  if (row.status === 'SUCCEEDED' && told !== undefined && here.status === 'SUCCEEDED' && told !== Number(here.captured_minor))
    off.wrong.push(`${what} was told that ${told} was captured, and it is ${here.captured_minor}`);
}

function isOurs({ metadata, subscription_id }) {
  return metadata?.billing_id !== undefined && (subscription_id ?? null) === null;
}

function markOf({ metadata }) {
  return metadata?.billing_id;
}

function byId(rows) {
  return new Map(rows.map((row) => [row.id, row]));
}

function groupBy(rows, keyOf) {
  return Map.groupBy(rows, keyOf);
}
