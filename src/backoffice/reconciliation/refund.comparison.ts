import { DivergenceKind } from '../../billing/kit/divergence.entity.js';
import type { ObjectRef } from '../../billing/kit/divergence.repository.js';
import { markedId, type Processor } from '../../billing/kit/processor.js';
import { RELEASE_REASONS } from '../../billing/kit/refunded-at-tilled.js';
import { isLegalMove } from '../../billing/kit/transition.js';
import { PaymentRepository } from '../../billing/payments/payment.repository.js';
import type { Refund } from '../../billing/refunds/refund.entity.js';
import { duplicateOf } from '../../billing/refunds/refund.mirror.js';
import { RefundRepository } from '../../billing/refunds/refund.repository.js';
import { REFUND_STATES, RefundStatus } from '../../billing/refunds/refund.states.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledRefund } from '../../tilled/tilled.shapes.js';
import { jobKindOf } from '../../webhooks/event-catalogue.js';
import { type ComparedObject, type Comparison, comparedDuplicate, dateOf, findMatch, listedPage, withoutMissing } from './comparison.js';

/** Refunds: all of our payments, whoever gave them. They are recorded with their payment. */
export class RefundComparison implements Comparison<TilledRefund> {
  readonly kind = DivergenceKind.REFUND;
  readonly table = 'billing_refunds';
  readonly tilledColumn = 'tilled_refund_id';

  constructor(private readonly processor: Processor) {}

  idOf(snapshot: TilledRefund): string {
    return snapshot.id;
  }

  list(scope: Scope, position: string) {
    return listedPage(position, (query) => this.processor.ask(scope, (tilled) => tilled.listRefunds(query)));
  }

  fetch(scope: Scope, tilledId: string): Promise<TilledRefund | null> {
    return this.processor.find(scope, (tilled) => tilled.getRefund(tilledId));
  }

  async read(tx: Scope, ref: ObjectRef, snapshot: TilledRefund | null): Promise<ComparedObject | null> {
    if (RELEASE_REASONS.includes(snapshot?.reason ?? '')) return null;
    const marked = snapshot === null ? null : markedId(tx, snapshot.metadata);
    const match = await findMatch(tx, RefundRepository.of(tx), { ref, snapshot });
    const row = match?.row ?? null;
    if (row !== null && snapshot !== null && match?.isDuplicate) {
      // Recording the payment makes it a refund of its own, so that it is counted.
      return comparedDuplicate(duplicateOf(row.id, snapshot), [{ kind: jobKindOf('payment_intent'), subject: snapshot.payment_intent_id }]);
    }
    const payments = PaymentRepository.of(tx);
    const payment =
      row === null
        ? snapshot === null
          ? null
          : await payments.findByTilledId(snapshot.payment_intent_id)
        : await payments.find(row.paymentId);
    if (row === null && payment === null && marked === null) return null;
    const tilledId = row?.tilledRefundId ?? snapshot?.id ?? ref.tilledId;
    // One whose payment is gone has none here, whatever Tilled says, and no work on a payment puts that right.
    const isOrphan = row !== null && payment === null;
    const intentId = isOrphan ? null : (payment?.tilledPaymentIntentId ?? snapshot?.payment_intent_id ?? null);
    const status = snapshot === null ? null : RefundStatus[snapshot.status.toUpperCase() as keyof typeof RefundStatus];
    return {
      objectId: row?.id ?? null,
      tilledId,
      ours: row === null ? null : oursOf(row, intentId),
      theirs: snapshot === null ? null : theirsOf(snapshot),
      isLegal: row === null || status === null || isLegalMove(REFUND_STATES, row.status, status),
      mayBeMissing: false,
      isSecond: isSecond(row, snapshot, marked),
      oursChangedAt: row?.updatedAt ?? null,
      theirsChangedAt: dateOf(snapshot),
      subjects: withoutMissing(row?.id, tilledId, marked, payment?.id, intentId),
      healing: intentId === null ? [] : [{ kind: jobKindOf('payment_intent'), subject: intentId }],
    };
  }
}

/** Whether the refund was given beside that of ours whose mark it bears, and stands. */
function isSecond(row: Refund | null, snapshot: TilledRefund | null, marked: string | null): boolean {
  if (row === null || snapshot === null || marked === null || marked === row.id) return false;
  return !duplicateOf(marked, snapshot).isOver;
}

function oursOf(row: Refund, intentId: string | null) {
  const { tilledRefundId: tilledId, status, amountMinor, failureCode } = row;
  return { tilledId, payment: intentId, status, amountMinor, failureCode };
}

function theirsOf(snapshot: TilledRefund) {
  return {
    tilledId: snapshot.id,
    payment: snapshot.payment_intent_id,
    status: snapshot.status.toUpperCase(),
    amountMinor: snapshot.amount,
    failureCode: snapshot.failure_code,
  };
}
