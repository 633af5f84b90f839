import type { TilledRefund, TilledRefundFailureCode } from '../../tilled/tilled.shapes.js';
import { REFUND_REASONS } from '../../tilled/tilled.shapes.js';
import { BANK_SETTLEMENT_MS, REFUND_WINDOW_MS } from '../assumptions.js';
import type { Call, Effect, Route } from '../call.js';
import { latest, listPage, ownRecord, recordOf } from '../call.js';
import type { Engine } from '../engine.js';
import { Fields, mergedMetadata } from '../fields.js';
import { badRequest } from '../http-error.js';
import type { ChargeRecord, RefundRecord } from '../records.js';
import { chargesOf, putCharge } from './charges.js';
import { isDisputed } from './disputes.js';
import { decideRefund } from './payment-decision.js';
import { emitCharge } from './payment-flow.js';
import { AMOUNT_BOUNDS } from './payment-intent-input.js';
import { renderRefund } from './refund-rendering.js';

/** The operations on refunds: made once, never changed by us. */
export const refundRoutes: Route[] = [
  { method: 'POST', path: '/v1/refunds', status: 201, area: 'refunds', begin: createRefund },
  { method: 'GET', path: '/v1/refunds', status: 200, area: 'refunds', handle: listRefunds },
  { method: 'GET', path: '/v1/refunds/:id', status: 200, area: 'refunds', handle: getRefund },
];

/** Ends a pending refund; a failed one gives its amount back to the charge. Within a transaction. */
export function settleRefund(engine: Engine, refundId: string, failureCode: TilledRefundFailureCode | null): void {
  const refund = engine.store.refunds.get(refundId);
  const charge = refund === undefined ? undefined : engine.store.charges.get(refund.charge_id);
  if (refund?.status !== 'pending' || charge === undefined) return;
  engine.unschedule('refund.settle', refundId);
  const settled: RefundRecord = {
    ...refund,
    status: failureCode === null ? 'succeeded' : 'failed',
    failure_code: failureCode,
    failure_message: failureCode === null ? null : `The refund failed: ${failureCode.replaceAll('_', ' ')}.`,
    updated_at: engine.clock.iso(),
  };
  engine.store.refunds.put(settled);
  putCharge(engine, withRefunds(engine, charge));
  engine.emit('charge.refund.updated', refund.account_id, renderRefund(settled));
}

function createRefund(call: Call): Effect {
  const { engine, account } = call;
  const fields = new Fields(call.body);
  const intentId = fields.requiredText('payment_intent_id');
  const asked = fields.integer('amount', AMOUNT_BOUNDS);
  const reason = fields.oneOf('reason', REFUND_REASONS) ?? null;
  fields.boolean('refund_platform_fee');
  const metadata = mergedMetadata(null, fields.metadata());
  fields.assertValid();
  const intent = ownRecord({ collection: engine.store.paymentIntents, accountId: account.id, id: intentId, noun: 'Payment intent' });
  const charge = refundableChargeOf(engine, intent.id);
  if (intent.status !== 'succeeded' || charge === undefined)
    throw badRequest(`A payment intent that is ${intent.status} cannot be refunded`);
  const amount = asked ?? charge.amount_captured - charge.amount_refunded;
  assertRefundable(engine, charge, amount);
  if (engine.behaviour.refundDisputed === 'refuse' && isDisputed(engine, charge)) throw badRequest('The charge is disputed');
  const outcome = decideRefund(engine, engine.store.paymentMethods.get(charge.payment_method_id));
  // Our assumption: what is given back before the batch is a reversal, unless a reason was given.
  const decided = { amount, reason: reason ?? (charge.is_batched ? null : ('reversal' as const)), metadata };
  return () => renderRefund(addRefund(engine, latest(engine.store.charges, charge), { ...decided, outcome }));
}

interface DecidedRefund extends Pick<RefundRecord, 'amount' | 'reason' | 'metadata'> {
  outcome: ReturnType<typeof decideRefund>;
}

/**
 * What is left of an authorization after a capture in part, as a refund of its own: not of money that was taken, so the
 * charge's sums do not count it. Within a transaction.
 */
export function addRelease(engine: Engine, charge: ChargeRecord): void {
  const now = engine.clock.iso();
  engine.store.refunds.put({
    ...blankRefund(engine, charge),
    amount: charge.amount - charge.amount_captured,
    reason: 'partial_capture',
    metadata: null,
    status: 'succeeded',
    created_at: now,
    updated_at: now,
  });
}

function blankRefund(engine: Engine, charge: ChargeRecord) {
  return {
    id: engine.ids.object('re'),
    account_id: charge.account_id,
    currency: charge.currency,
    charge_id: charge.id,
    payment_intent_id: charge.payment_intent_id,
    payment_method_id: charge.payment_method_id,
    failure_code: null,
    failure_message: null,
    balance_transaction_id: engine.ids.object('txn'),
  };
}

/** Gives back what was decided, however much was given back meanwhile. */
function addRefund(engine: Engine, charge: ChargeRecord, { outcome, ...decided }: DecidedRefund): RefundRecord {
  const now = engine.clock.iso();
  const refund: RefundRecord = {
    ...decided,
    ...blankRefund(engine, charge),
    status: outcome === 'succeeded' ? 'succeeded' : 'pending',
    created_at: now,
    updated_at: now,
  };
  engine.store.refunds.put(refund);
  if (outcome === 'pending') engine.schedule('refund.settle', refund, engine.clock.now() + BANK_SETTLEMENT_MS);
  emitCharge(engine, 'charge.refunded', putCharge(engine, withRefunds(engine, charge)));
  if (outcome === 'failed') settleRefund(engine, refund.id, 'declined');
  return latest(engine.store.refunds, refund);
}

/** The charge to give back of: of several good ones the first with something left. */
function refundableChargeOf(engine: Engine, intentId: string): ChargeRecord | undefined {
  const good = chargesOf(engine, intentId).filter((charge) => charge.status !== 'failed');
  return good.find((charge) => charge.amount_captured > charge.amount_refunded) ?? good[0];
}

/** Known: never more than was captured, within a year, and only all of it before the nightly batch. */
function assertRefundable(engine: Engine, charge: ChargeRecord, amount: number): void {
  const left = charge.amount_captured - charge.amount_refunded;
  if (left <= 0) throw badRequest('The charge has already been refunded');
  if (amount > left) throw badRequest(`The refund amount ${amount} exceeds the refundable amount ${left}`);
  if (!charge.is_batched && amount < charge.amount_captured) {
    throw badRequest('A partial refund is not possible: the charge has not been batched yet');
  }
  if (engine.clock.now() - Date.parse(charge.created_at) > REFUND_WINDOW_MS) throw badRequest('The charge is too old to be refunded');
}

function withRefunds(engine: Engine, charge: ChargeRecord): ChargeRecord {
  const given = engine.store.refunds.records([`charge_id=${charge.id}`]).filter(isOfCaptured);
  const amount = given.reduce((sum, refund) => sum + refund.amount, 0);
  return { ...charge, amount_refunded: amount, refunded: amount >= charge.amount_captured };
}

function isOfCaptured({ status, reason }: RefundRecord): boolean {
  return status !== 'failed' && reason !== 'partial_capture';
}

function listRefunds(call: Call): unknown {
  return listPage(call, { collection: call.engine.store.refunds, render: renderRefund });
}

function getRefund(call: Call): TilledRefund {
  return renderRefund(recordOf(call, call.engine.store.refunds, 'Refund'));
}
