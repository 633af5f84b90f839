import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledRefund } from '../../tilled/tilled.shapes.js';
import { DivergenceKind } from '../kit/divergence.entity.js';
import type { ObjectRef } from '../kit/divergence.repository.js';
import { markedId, type Processor } from '../kit/processor.js';
import { isLegal } from '../kit/transition.js';
import { PaymentRepository } from '../payments/payment.repository.js';
import type { Refund } from '../refunds/refund.entity.js';
import { RELEASES } from '../refunds/refund.mirror.js';
import { RefundRepository } from '../refunds/refund.repository.js';
import { REFUND_STATES, RefundStatus } from '../refunds/refund.states.js';
import { jobKindOf } from '../webhooks/event-catalogue.js';
import { type Comparison, dateOf, listedPage, present, type Sides } from './comparison.js';

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

  async sides(tx: Scope, ref: ObjectRef, snapshot: TilledRefund | null): Promise<Sides | null> {
    if (RELEASES.includes(snapshot?.reason ?? '')) return null;
    const marked = snapshot === null ? null : markedId(tx, snapshot.metadata);
    const row = await rowOf(tx, ref, marked);
    const payments = PaymentRepository.of(tx);
    const payment =
      row === null
        ? snapshot === null
          ? null
          : await payments.findByTilledId(snapshot.payment_intent_id)
        : await payments.get(row.paymentId);
    if (row === null && payment === null && marked === null) return null;
    const tilledId = row?.tilledRefundId ?? snapshot?.id ?? ref.tilledId;
    const intentId = payment?.tilledPaymentIntentId ?? snapshot?.payment_intent_id ?? null;
    const status = snapshot === null ? null : RefundStatus[snapshot.status.toUpperCase() as keyof typeof RefundStatus];
    return {
      objectId: row?.id ?? null,
      tilledId,
      ours: row === null ? null : oursOf(row, intentId),
      theirs: snapshot === null ? null : theirsOf(snapshot),
      isLegal: row === null || status === null || isLegal(REFUND_STATES, row.status, status),
      mayBeMissing: false,
      oursChangedAt: row?.updatedAt ?? null,
      theirsChangedAt: dateOf(snapshot),
      subjects: present(row?.id, tilledId, marked, payment?.id, intentId),
      healing: intentId === null ? [] : [{ kind: jobKindOf('payment_intent'), subject: intentId }],
    };
  }
}

async function rowOf(tx: Scope, ref: ObjectRef, marked: string | null): Promise<Refund | null> {
  const refunds = RefundRepository.of(tx);
  if (ref.objectId !== null) return refunds.find(ref.objectId);
  const known = ref.tilledId === null ? null : await refunds.findByTilledId(ref.tilledId);
  if (known !== null || marked === null) return known;
  const wanted = await refunds.find(marked);
  // Another one with the same mark gave money back a second time: it is not this row.
  return wanted !== null && wanted.tilledRefundId === null ? wanted : null;
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
