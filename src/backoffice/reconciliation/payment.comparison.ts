import { CustomerRepository } from '../../billing/customers/customer.repository.js';
import { DivergenceKind } from '../../billing/kit/divergence.entity.js';
import type { ObjectRef } from '../../billing/kit/divergence.repository.js';
import { markedId, type Processor } from '../../billing/kit/processor.js';
import { refundedAtTilledMinor } from '../../billing/kit/refunded-at-tilled.js';
import { isLegalMove } from '../../billing/kit/transition.js';
import type { Payment } from '../../billing/payments/payment.entity.js';
import { duplicateOf, statesOf, statusOf } from '../../billing/payments/payment.mirror.js';
import { PaymentRepository } from '../../billing/payments/payment.repository.js';
import { OVER_STATUSES, PaymentStatus } from '../../billing/payments/payment.states.js';
import { RefundRepository } from '../../billing/refunds/refund.repository.js';
import { SubscriptionRepository } from '../../billing/subscriptions/subscription.repository.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledPaymentIntent } from '../../tilled/tilled.shapes.js';
import { jobKindOf } from '../../webhooks/event-catalogue.js';
import { type ComparedObject, type Comparison, comparedDuplicate, dateOf, findMatch, listedPage, withoutMissing } from './comparison.js';

const { PENDING, FAILED, UNKNOWN, CANCELED } = PaymentStatus;

/** Payments: those we asked for, those of our subscriptions, and others that our customers were made to pay. */
export class PaymentComparison implements Comparison<TilledPaymentIntent> {
  readonly kind = DivergenceKind.PAYMENT;
  readonly table = 'billing_payments';
  readonly tilledColumn = 'tilled_payment_intent_id';

  constructor(private readonly processor: Processor) {}

  idOf(snapshot: TilledPaymentIntent): string {
    return snapshot.id;
  }

  list(scope: Scope, position: string) {
    return listedPage(position, (query) => this.processor.ask(scope, (tilled) => tilled.listPaymentIntents(query)));
  }

  fetch(scope: Scope, tilledId: string): Promise<TilledPaymentIntent | null> {
    return this.processor.find(scope, (tilled) => tilled.getPaymentIntent(tilledId));
  }

  async read(tx: Scope, ref: ObjectRef, snapshot: TilledPaymentIntent | null): Promise<ComparedObject | null> {
    const marked = snapshot === null ? null : markedId(tx, snapshot.metadata);
    const match = await findMatch(tx, PaymentRepository.of(tx), { ref, snapshot });
    const row = match?.row ?? null;
    if (row !== null && snapshot !== null && match?.isDuplicate) return comparedDuplicate(duplicateOf(row.id, snapshot));
    if (row === null && !(await isOurs(tx, snapshot, marked))) return null;
    const tilledId = row?.tilledPaymentIntentId ?? snapshot?.id ?? ref.tilledId;
    const status = snapshot === null ? null : statusOf(snapshot);
    return {
      objectId: row?.id ?? null,
      tilledId,
      ours: row === null ? null : oursOf(row, status),
      theirs: snapshot === null ? null : theirsOf(snapshot, status, row),
      isLegal: row === null || snapshot === null || status === null || isLegalMove(statesOf(snapshot), row.status, status),
      // An intent that took nothing and holds nothing, such as a lost answer leaves behind, need not be known here.
      mayBeMissing: row === null && (status === null || status === CANCELED || status === FAILED),
      isSecond: row !== null && snapshot !== null && isBesideHolder(row, snapshot),
      oursChangedAt: row?.updatedAt ?? null,
      theirsChangedAt: dateOf(snapshot),
      subjects: withoutMissing(row?.id, tilledId, marked, ...(await refundsUnderWay(tx, row))),
      healing: tilledId === null ? [] : [{ kind: jobKindOf('payment_intent'), subject: tilledId }],
    };
  }
}

/** Whether it took money for an order that another payment took money for, or may take it, and still has it. */
function isBesideHolder(row: Payment, snapshot: TilledPaymentIntent): boolean {
  const isBeside = row.referenceId !== null && row.referenceHeld === null && !OVER_STATUSES.includes(row.status);
  return isBeside && !duplicateOf(row.id, snapshot).isOver;
}

/** Refunds that may be given at this moment: until their jobs are done the sums may differ. */
async function refundsUnderWay(tx: Scope, row: Payment | null): Promise<string[]> {
  if (row === null || row.refundReservedMinor === row.refundedMinor) return [];
  return (await RefundRepository.of(tx).ofPayment(row.id)).map(({ id }) => id);
}

async function isOurs(tx: Scope, snapshot: TilledPaymentIntent | null, marked: string | null): Promise<boolean> {
  if (snapshot === null) return false;
  if (marked !== null) return true;
  if (snapshot.subscription_id !== null && (await SubscriptionRepository.of(tx).findByTilledId(snapshot.subscription_id)) !== null)
    return true;
  return snapshot.customer !== null && (await CustomerRepository.of(tx).findByTilledId(snapshot.customer.id)) !== null;
}

/** What Tilled has not tried yet has no state there to compare: ours is not decided either, or it refused to try. */
function isUntried(row: Payment, theirs: PaymentStatus | null): boolean {
  return theirs === null && [PENDING, UNKNOWN, FAILED].includes(row.status);
}

function oursOf(row: Payment, theirs: PaymentStatus | null) {
  return {
    tilledId: row.tilledPaymentIntentId,
    status: isUntried(row, theirs) ? PENDING : row.status,
    amountMinor: row.amountMinor,
    currency: row.currency,
    capturedMinor: row.capturedMinor,
    platformFeeMinor: row.platformFeeMinor,
    refundedMinor: row.refundedMinor,
    captureMethod: row.captureMethod.toLowerCase(),
    failureCode: isUntried(row, theirs) ? null : row.failureCode,
  };
}

function theirsOf(snapshot: TilledPaymentIntent, status: PaymentStatus | null, row: Payment | null) {
  const { last_payment_error: error } = snapshot;
  return {
    tilledId: snapshot.id,
    status: status ?? PENDING,
    amountMinor: snapshot.amount,
    currency: snapshot.currency,
    // A returned bank debit takes the money back; what was refunded of it was captured all the same.
    capturedMinor: Math.max(snapshot.amount_received, row?.refundedMinor ?? 0),
    platformFeeMinor: snapshot.platform_fee_amount || null,
    refundedMinor: refundedAtTilledMinor(snapshot),
    captureMethod: snapshot.capture_method,
    failureCode: status === FAILED ? (error?.code ?? row?.failureCode ?? null) : null,
  };
}
