import type { TilledBalanceTransaction, TilledCharge, TilledDeclineCode } from '../../tilled/tilled.shapes.js';
import { BATCH_MINUTE_OF_DAY } from '../assumptions.js';
import type { Call, Route } from '../call.js';
import { recordOf } from '../call.js';
import { nextBatchAt } from '../clock.js';
import type { Engine } from '../engine.js';
import type { ChargeRecord, PaymentIntentRecord, PaymentMethodRecord } from '../records.js';
import { balanceTransaction } from './balance-transaction.js';
import { renderRefund } from './refund-rendering.js';

/** The one operation on charges: they are listed inside their payment intent. */
export const chargeRoutes: Route[] = [{ method: 'GET', path: '/v1/charges/:id', status: 200, area: 'charges', handle: getCharge }];

/** The charge as the wire shows it, its refunds inside. */
export function renderCharge(engine: Engine, record: ChargeRecord): TilledCharge {
  const {
    account_id: _account,
    amount: _amount,
    currency: _currency,
    is_batched: _batched,
    balance_transaction_id: _id,
    ...shown
  } = record;
  const refunds = engine.store.refunds.records([`charge_id=${record.id}`]);
  return { ...shown, refunds: refunds.map(renderRefund), balance_transaction: chargeTransaction(record) };
}

/** The charges of a payment intent, oldest first. */
export function chargesOf(engine: Engine, intentId: string): ChargeRecord[] {
  return engine.store.charges.records([`payment_intent_id=${intentId}`]);
}

/** The one charge of a payment intent that did not fail, if there is one. */
export function goodChargeOf(engine: Engine, intentId: string): ChargeRecord | undefined {
  return chargesOf(engine, intentId).find((charge) => charge.status !== 'failed');
}

/** A new attempt at a payment intent, pending. Within a transaction. */
export function newCharge(engine: Engine, intent: PaymentIntentRecord, method: PaymentMethodRecord): ChargeRecord {
  const now = engine.clock.iso();
  const checks = method.card?.checks ?? null;
  return {
    id: engine.ids.object('ch'),
    account_id: intent.account_id,
    payment_intent_id: intent.id,
    payment_method_id: method.id,
    amount: intent.amount,
    currency: intent.currency,
    status: 'pending',
    captured: false,
    amount_captured: 0,
    amount_refunded: 0,
    refunded: false,
    is_batched: false,
    balance_transaction_id: engine.ids.object('txn'),
    created_at: now,
    updated_at: now,
    captured_at: null,
    failed_at: null,
    failure_code: null,
    failure_message: null,
    next_steps: null,
    details: checks === null ? null : { ...checks },
    platform_fee: null,
  };
}

/** Keeps a charge, changed now. Within a transaction. */
export function putCharge(engine: Engine, charge: ChargeRecord): ChargeRecord {
  const updated = { ...charge, updated_at: engine.clock.iso() };
  engine.store.charges.put(updated);
  return updated;
}

/** A charge whose money was taken; the next nightly batch will have it. Within a transaction. */
export function capturedCharge(engine: Engine, charge: ChargeRecord, amount: number): ChargeRecord {
  scheduleBatch(engine);
  return { ...charge, status: 'succeeded', captured: true, amount_captured: amount, captured_at: engine.clock.iso() };
}

/** A charge that was refused. */
export function failedCharge(engine: Engine, charge: ChargeRecord, code: TilledDeclineCode): ChargeRecord {
  const message = messageOf(code);
  return { ...charge, status: 'failed', failed_at: engine.clock.iso(), failure_code: code, failure_message: message };
}

/** The nightly batch: every captured charge is in it. Gives how many there were. Within a transaction. */
export function runBatch(engine: Engine): number {
  const charges = engine.store.charges.records(['is_unbatched']);
  for (const charge of [...charges]) engine.store.charges.put({ ...charge, is_batched: true });
  engine.unschedule('batch', NIGHTLY.id);
  return charges.length;
}

/** Our wording of a decline. */
export function messageOf(code: TilledDeclineCode): string {
  if (/^R\d\d$/.test(code)) return `The bank returned the debit with code ${code}.`;
  return `The payment was declined: ${code.replaceAll('_', ' ')}.`;
}

const NIGHTLY = { id: 'nightly', account_id: '' };

function scheduleBatch(engine: Engine): void {
  if (engine.store.timers.get(`batch:${NIGHTLY.id}`) !== undefined) return;
  engine.schedule('batch', NIGHTLY, nextBatchAt(engine.clock.now(), BATCH_MINUTE_OF_DAY));
}

function chargeTransaction(record: ChargeRecord): TilledBalanceTransaction | null {
  if (!record.captured || record.captured_at === null || record.status !== 'succeeded') return null;
  return balanceTransaction({
    id: record.balance_transaction_id,
    accountId: record.account_id,
    amount: record.amount_captured,
    currency: record.currency,
    source: { type: 'charge', id: record.id },
    createdAt: record.captured_at,
  });
}

function getCharge(call: Call): TilledCharge {
  return renderCharge(call.engine, recordOf(call, call.engine.store.charges, 'Charge'));
}
