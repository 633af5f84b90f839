import { byId, groupBy, markOf } from './records.mjs';

/** What a payment may have become since a client was told its state; a bank debit may also come back, or be on its way. */
const PAYMENT_SINCE = {
  SUCCEEDED: ['SUCCEEDED'],
  REQUIRES_CAPTURE: ['REQUIRES_CAPTURE', 'SUCCEEDED', 'CANCELED'],
  CANCELED: ['CANCELED'],
};
/** FAILED too: who asks again for the outcome of a debit that came back meanwhile sees the payment as it is now. */
const DEBIT_SINCE = { PROCESSING: ['PROCESSING', 'SUCCEEDED', 'FAILED'], SUCCEEDED: ['SUCCEEDED', 'FAILED'], FAILED: ['FAILED'] };
/** Took or gave nothing. */
const OVER = ['FAILED', 'CANCELED'];
const DONE = { paymentCapture: ['SUCCEEDED'], paymentCancel: ['CANCELED'] };
/** Requests whose reference or external id must not be in the books once they were refused without a row. */
const NAMED_BY = { paymentCreate: 'reference_id', refundCreate: 'reference_id', customerCreate: 'external_id' };
/** Answers after which the same request may still succeed: a good client repeats it with the same key. */
export const NOT_YET = ['OUTCOME_UNKNOWN', 'IDEMPOTENCY_IN_PROGRESS', 'PROCESSOR_UNAVAILABLE', 'CONFLICT'];
/** Refusals that no key remembers: what was in the way may be gone when the request comes again. */
const NOT_REMEMBERED = [...NOT_YET, 'INVALID', 'PAYMENT_METHOD_IN_USE', 'PAYMENT_DISPUTED'];

/** What a client was told is so: done is done, and refused did not happen. */
export function compareTold({ books, told, off }) {
  const rows = byId(Object.values(books).flat());
  const debits = new Set(books.paymentMethods.filter(({ type }) => type !== 'CARD').map(({ id }) => id));
  const named = (column) => new Set([...books.payments, ...books.refunds, ...books.customers].map((row) => row[column]));
  for (const { operation, input, row, errors } of told) {
    const what = `${operation} ${input.idempotencyKey} (${row?.id ?? input.id ?? 'nothing'})`;
    const isDone = errors.length === 0;
    const here = rows.get(row?.id);
    if (row !== null && isDone && here === undefined) off.lost.push(`${what} was told done, and is gone`);
    const name = input.referenceId ?? input.externalId;
    // Of several requests about one order another may have made what is there.
    const isOnly = told.filter(({ input: other }) => name === (other.referenceId ?? other.externalId)).length === 1;
    if (row === null && !isDone && name && isOnly && NAMED_BY[operation] && named(NAMED_BY[operation]).has(name))
      off.wrong.push(`${what} was refused (${errors[0].code}), and is in the books`);
    if (here === undefined) continue;
    if (operation.startsWith('payment') && isDone)
      toldPayment({ operation, row, here, what, off, isDebit: debits.has(here.payment_method_id) });
    if (operation === 'paymentCreate' && !isDone && !OVER.includes(here.status))
      off.wrong.push(`${what} was told failed, and is ${here.status}`);
    if (operation === 'refundCreate' && isDone && here.status !== 'SUCCEEDED' && row.status === 'SUCCEEDED')
      off.wrong.push(`${what} was told given back, and is ${here.status}`);
    if (operation === 'refundCreate' && !isDone && here.status === 'SUCCEEDED')
      off.wrong.push(`${what} was told failed, and was given back`);
    if (operation === 'subscriptionCancel' && isDone && here.status !== 'CANCELED')
      off.wrong.push(`${what} was told canceled, and is ${here.status}`);
  }
  // However often an order was tried, and whatever happened to the answers: its money was taken, or given back, once.
  for (const rows of [books.payments, books.refunds]) {
    const moving = rows.filter((row) => row.reference_id !== null && !OVER.includes(row.status));
    for (const [reference, same] of groupBy(moving, (row) => row.reference_id))
      if (same.length > 1) off.doubled.push(`reference ${reference} moved money as ${same.map(({ id }) => id).join(' and ')}`);
  }
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

/**
 * What a client was ever told is so: nobody is told that nothing came of what moved money then or later, and once a request has a final
 * answer it never gets another. What a key answers and its row never contradict each other.
 */
export function compareEverTold({ books, tilled, told, off }) {
  const debits = new Set(books.paymentMethods.filter(({ type }) => type !== 'CARD').map(({ id }) => id));
  const payments = byId(books.payments);
  const moved = movedFor(tilled);
  for (const { operation, input, answers } of told) {
    const what = `${operation} ${input.idempotencyKey}`;
    const final = answers.filter(({ errors }) => !errors.some(({ code }) => NOT_REMEMBERED.includes(code)));
    const different = new Set(final.map(({ row, errors }) => `${row?.id ?? 'no row'} ${errors.map(({ code }) => code).join() || 'done'}`));
    const payment = payments.get(final[0]?.row?.id);
    const isDebit = debits.has(payment?.payment_method_id);
    // Of a debit that came back after it was paid, and of a hold that was released, both are so in their time.
    if (different.size > 1 && !(isDebit && payment.status === 'FAILED') && payment?.status !== 'CANCELED')
      off.wrong.push(`${what} was told ${[...different].join(', then ')}`);
    const ids = new Set(answers.flatMap(({ row }) => (row === null ? [] : [row.id])));
    const isRefused = final.some(({ errors }) => errors.length > 0);
    if (isRefused && operation.endsWith('Create'))
      for (const id of ids) if (moved.has(id)) off.wrong.push(`${what} (${id}) was told that nothing came of it, and it moved money`);
    if (operation !== 'paymentCreate') continue;
    for (const { row, errors } of final) {
      if (row !== null && !isDebit && errors.length > 0 !== OVER.includes(row.status))
        off.wrong.push(`${what} was told ${row.status} and ${errors.map(({ code }) => code).join() || 'no error'} at once`);
    }
  }
}

/** Our ids of what money moved for at Tilled: payments that took some, refunds that gave some back, subscriptions that live or lived. */
function movedFor({ payment_intents, charges, refunds, subscriptions }) {
  const taken = new Set(charges.filter(({ status }) => status === 'succeeded').map((charge) => charge.payment_intent_id));
  // The charge of a hold that was released stays as it was, and took nothing.
  const paid = payment_intents.filter(
    ({ id, status, subscription_id }) => (subscription_id ?? null) === null && taken.has(id) && status !== 'canceled',
  );
  const given = refunds.filter(({ status }) => status === 'succeeded');
  return new Set([...paid, ...given, ...subscriptions].map(markOf));
}
