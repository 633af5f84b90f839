import type { Clock } from '../../platform/clock.js';
import { assignChanged } from '../../platform/db/changes.js';
import type { Ids } from '../../platform/ids.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledPaymentIntent, TilledRefund } from '../../tilled/tilled.shapes.js';
import { DivergenceKind } from '../kit/divergence.entity.js';
import { type Duplicate, recordDuplicate } from '../kit/duplicate.js';
import { RELEASE_REASONS } from '../kit/refunded-at-tilled.js';
import { matchAndLockRow } from '../kit/row-match.js';
import { moveTo } from '../kit/transition.js';
import { sumMinor } from '../money.js';
import type { Payment } from '../payments/payment.entity.js';
import { PaymentRepository } from '../payments/payment.repository.js';
import { type Refund, RefundReason } from './refund.entity.js';
import { RefundRepository } from './refund.repository.js';
import { OVER_STATUSES, REFUND_STATES, RESERVING_STATUSES, RefundStatus } from './refund.states.js';

/** The only place that writes what Tilled says of refunds, and that counts a payment's refunded sums. */
export class RefundMirror {
  constructor(
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Records every refund of a payment's intent, also those made at Tilled by hand. */
  async recordAll(tx: Scope, payment: Payment, intent: TilledPaymentIntent): Promise<void> {
    for (const charge of intent.charges) {
      for (const snapshot of charge.refunds) await this.record(tx, payment.id, snapshot);
    }
  }

  /** Records one refund of a payment. */
  async record(tx: Scope, paymentId: string, snapshot: TilledRefund): Promise<void> {
    if (RELEASE_REASONS.includes(snapshot.reason ?? '')) return;
    const payment = await PaymentRepository.of(tx).lock(paymentId);
    const refund = await this.refundOf(tx, payment, snapshot);
    const move = await moveTo(tx, refund, RefundStatus[snapshot.status.toUpperCase() as keyof typeof RefundStatus], REFUND_STATES);
    if (move === 'illegal') return;
    const hasChanged = assignChanged(refund, {
      tilledRefundId: refund.tilledRefundId ?? snapshot.id,
      failureCode: snapshot.failure_code,
      failureMessage: snapshot.failure_message?.slice(0, 500) ?? null,
    });
    if (move === 'moved' || hasChanged) refund.updatedAt = this.clock.now();
    letGoIfOver(refund);
    await this.recount(tx, payment);
    tx.request.log.info('refund mirrored', {
      customerId: payment.customerId,
      paymentId: payment.id,
      refundId: refund.id,
      tilledRefundId: snapshot.id,
      status: refund.status,
      amountMinor: refund.amountMinor,
    });
  }

  /** Moves a refund of ours, for news that are not Tilled's word on it: refused, or unknown. */
  async set(tx: Scope, refundId: string, status: RefundStatus, facts: Partial<Refund> = {}): Promise<void> {
    const { paymentId } = await RefundRepository.of(tx).get(refundId);
    const payment = await PaymentRepository.of(tx).lock(paymentId);
    const refund = await RefundRepository.of(tx).lock(refundId);
    if (!REFUND_STATES.edges[refund.status].includes(status)) return;
    await moveTo(tx, refund, status, REFUND_STATES);
    Object.assign(refund, facts, { updatedAt: this.clock.now() });
    letGoIfOver(refund);
    await this.recount(tx, payment);
    tx.request.log.info('refund set', {
      customerId: refund.customerId,
      paymentId,
      refundId,
      tilledRefundId: refund.tilledRefundId,
      status,
    });
  }

  /** The sums of a payment, counted from its refunds under the payment's lock. */
  async recount(tx: Scope, payment: Payment): Promise<void> {
    await tx.db.flush();
    const refunds = await RefundRepository.of(tx).countedOf(payment.id);
    const amountsIn = (statuses: readonly RefundStatus[]) =>
      refunds.filter((refund) => statuses.includes(refund.status)).map((refund) => refund.amountMinor);
    const refundedBefore = payment.refundedMinor;
    // If Tilled gave back more than there was, the refunds show all of it, and the payment at most itself.
    const refundedMinor = Math.min(sumMinor(amountsIn([RefundStatus.SUCCEEDED])), payment.amountMinor);
    const hasChanged = assignChanged(payment, {
      // A debit may come back while a refund of it is under way: what is given back then was captured all the same.
      capturedMinor: Math.max(payment.capturedMinor, refundedMinor),
      refundedMinor,
      refundReservedMinor: sumMinor(amountsIn(RESERVING_STATUSES)),
    });
    if (hasChanged) payment.updatedAt = this.clock.now();
    const { currency } = payment;
    if (refundedMinor > refundedBefore)
      tx.db.afterCommit(() => tx.request.metrics.refunded.inc({ currency }, refundedMinor - refundedBefore));
  }

  private async refundOf(tx: Scope, payment: Payment, snapshot: TilledRefund): Promise<Refund> {
    const match = await matchAndLockRow(tx, RefundRepository.of(tx), snapshot);
    if (match === null) return this.newRefund(tx, payment, snapshot);
    if (!match.isDuplicate) return match.row;
    // Given a second time: a refund of its own, which counts like one that was made at Tilled by hand.
    await recordDuplicate(tx, duplicateOf(match.row.id, snapshot));
    return this.newRefund(tx, payment, snapshot);
  }

  private newRefund(tx: Scope, payment: Payment, snapshot: TilledRefund): Refund {
    const now = this.clock.now();
    return RefundRepository.of(tx).add({
      id: this.ids.make('re'),
      paymentId: payment.id,
      customerId: payment.customerId,
      tilledRefundId: snapshot.id,
      status: RefundStatus.PENDING,
      amountMinor: snapshot.amount,
      currency: payment.currency,
      reason: RefundReason[(snapshot.reason ?? '').toUpperCase() as keyof typeof RefundReason] ?? null,
      referenceId: null,
      referenceHeld: null,
      failureCode: null,
      failureMessage: null,
      metadata: {},
      createdAt: now,
      updatedAt: now,
    });
  }
}

/** A refund that is over lets go of its reference, in the commit that says so: it never comes back. */
function letGoIfOver(refund: Refund): void {
  if (OVER_STATUSES.includes(refund.status)) refund.referenceHeld = null;
}

/** A second refund with the mark of ours. It is over when it gave nothing back. */
export function duplicateOf(refundId: string, { id, status, amount }: TilledRefund): Duplicate {
  const theirs = { status: status.toUpperCase(), amountMinor: amount };
  return { kind: DivergenceKind.REFUND, originalId: refundId, tilledId: id, theirs, isOver: status === 'failed' || status === 'canceled' };
}
