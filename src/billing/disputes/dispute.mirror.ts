import type { Clock } from '../../platform/clock.js';
import { assignChanged } from '../../platform/db/changes.js';
import type { Ids } from '../../platform/ids.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledDispute } from '../../tilled/tilled.shapes.js';
import { moveTo, recordFirstStatus } from '../kit/transition.js';
import type { Payment } from '../payments/payment.entity.js';
import type { Dispute } from './dispute.entity.js';
import { DisputeRepository } from './dispute.repository.js';
import { DISPUTE_STATES, DisputeStatus } from './dispute.states.js';

/** What of a dispute follows Tilled's word. */
type Facts = Pick<
  Dispute,
  'paymentId' | 'customerId' | 'status' | 'amountMinor' | 'currency' | 'reason' | 'evidenceDueAt' | 'evidenceSubmittedAt'
>;

/** The payment that is disputed, as far as it is known. */
type Disputed = { readonly [Name in keyof Pick<Payment, 'id' | 'customerId'>]: Payment[Name] | null };

/** The only place that writes what Tilled says of disputes. */
export class DisputeMirror {
  constructor(
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Records a dispute of one of our payments. */
  async record(tx: Scope, snapshot: TilledDispute, payment: Disputed): Promise<void> {
    const disputes = DisputeRepository.of(tx);
    const known = await disputes.findByTilledId(snapshot.id);
    const facts = {
      paymentId: payment.id,
      customerId: payment.customerId,
      amountMinor: snapshot.amount,
      currency: snapshot.currency,
      reason: snapshot.reason_description?.slice(0, 500) ?? null,
      evidenceDueAt: snapshot.closing_at === null ? null : new Date(snapshot.closing_at),
      evidenceSubmittedAt: evidenceSubmittedAt(snapshot),
    };
    const status = DisputeStatus[snapshot.status.toUpperCase() as keyof typeof DisputeStatus];
    const dispute = known === null ? this.newDispute(tx, snapshot, { ...facts, status }) : await disputes.lock(known.id);
    if (known === null) tx.db.afterCommit(() => tx.request.metrics.disputesOpened.inc());
    const move = await moveTo(tx, dispute, status, DISPUTE_STATES);
    if (move === 'illegal') return;
    const hasChanged = assignChanged(dispute, facts);
    if (move === 'moved' || hasChanged) dispute.updatedAt = this.clock.now();
    tx.request.log.warn('dispute mirrored', {
      customerId: dispute.customerId,
      paymentId: dispute.paymentId,
      disputeId: dispute.id,
      tilledDisputeId: snapshot.id,
      status: dispute.status,
      amountMinor: dispute.amountMinor,
    });
  }

  private newDispute(tx: Scope, snapshot: TilledDispute, facts: Facts): Dispute {
    const now = this.clock.now();
    const atTilled = { tilledDisputeId: snapshot.id, tilledChargeId: snapshot.charge_id };
    const dispute = DisputeRepository.of(tx).add({
      id: this.ids.make('dp'),
      ...atTilled,
      ...facts,
      concededAt: null,
      createdAt: now,
      updatedAt: now,
    });
    recordFirstStatus(tx, 'dispute', dispute);
    return dispute;
  }
}

/** When evidence was last sent, as Tilled shows it; null where there is none. */
export function evidenceSubmittedAt({ evidence, status_history: history, updated_at: updatedAt }: TilledDispute): Date | null {
  if (!evidence) return null;
  const reviewedAt = history.filter(({ status }) => status.endsWith('under_review')).map(({ status_date: at }) => at);
  return new Date(reviewedAt.toSorted().at(-1) ?? updatedAt);
}
