import type { Dispute } from '../../billing/disputes/dispute.entity.js';
import { evidenceSubmittedAt } from '../../billing/disputes/dispute.mirror.js';
import { DisputeRepository } from '../../billing/disputes/dispute.repository.js';
import { DISPUTE_STATES, DisputeStatus } from '../../billing/disputes/dispute.states.js';
import { DivergenceKind } from '../../billing/kit/divergence.entity.js';
import type { ObjectRef } from '../../billing/kit/divergence.repository.js';
import type { Processor } from '../../billing/kit/processor.js';
import { isLegalMove } from '../../billing/kit/transition.js';
import { PaymentRepository } from '../../billing/payments/payment.repository.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledDispute } from '../../tilled/tilled.shapes.js';
import { jobKindOf } from '../../webhooks/event-catalogue.js';
import { type ComparedObject, type Comparison, dateOf, type ListedPart, listedPage, timeFact, withoutMissing } from './comparison.js';

/** A dispute, with the intent of its charge where we do not know the dispute: it names its charge only. */
interface DisputeSnapshot {
  readonly dispute: TilledDispute;
  readonly intentId: string | null;
}

/** Disputes of our payments. */
export class DisputeComparison implements Comparison<DisputeSnapshot> {
  readonly kind = DivergenceKind.DISPUTE;
  readonly table = 'billing_disputes';
  readonly tilledColumn = 'tilled_dispute_id';

  constructor(private readonly processor: Processor) {}

  idOf({ dispute }: DisputeSnapshot): string {
    return dispute.id;
  }

  async list(scope: Scope, position: string): Promise<ListedPart<DisputeSnapshot>> {
    const part = await listedPage(position, (query) => this.processor.ask(scope, (tilled) => tilled.listDisputes(query)));
    const snapshots: DisputeSnapshot[] = [];
    for (const dispute of part.snapshots) snapshots.push(await this.withIntent(scope, dispute));
    return { snapshots, next: part.next };
  }

  async fetch(scope: Scope, tilledId: string): Promise<DisputeSnapshot | null> {
    const dispute = await this.processor.find(scope, (tilled) => tilled.getDispute(tilledId));
    return dispute === null ? null : this.withIntent(scope, dispute);
  }

  async read(tx: Scope, ref: ObjectRef, snapshot: DisputeSnapshot | null): Promise<ComparedObject | null> {
    const disputes = DisputeRepository.of(tx);
    const row = ref.objectId !== null ? await disputes.find(ref.objectId) : await disputes.findByTilledId(ref.tilledId ?? '');
    const intentId = snapshot?.intentId ?? null;
    const payment = intentId === null ? null : await PaymentRepository.of(tx).findByTilledId(intentId);
    if (row === null && payment === null) return null;
    const tilledId = row?.tilledDisputeId ?? snapshot?.dispute.id ?? ref.tilledId;
    const dispute = snapshot?.dispute ?? null;
    const status = dispute === null ? null : DisputeStatus[dispute.status.toUpperCase() as keyof typeof DisputeStatus];
    return {
      objectId: row?.id ?? null,
      tilledId,
      ours: row === null ? null : oursOf(row),
      theirs: dispute === null ? null : theirsOf(dispute),
      isLegal: row === null || status === null || isLegalMove(DISPUTE_STATES, row.status, status),
      mayBeMissing: false,
      oursChangedAt: row?.updatedAt ?? null,
      theirsChangedAt: dateOf(dispute),
      subjects: withoutMissing(row?.id, tilledId, payment?.id, intentId),
      healing: tilledId === null ? [] : [{ kind: jobKindOf('dispute'), subject: tilledId }],
    };
  }

  private async withIntent(scope: Scope, dispute: TilledDispute): Promise<DisputeSnapshot> {
    const known = await scope.transaction((tx) => DisputeRepository.of(tx).findByTilledId(dispute.id));
    if (known !== null) return { dispute, intentId: null };
    const charge = await this.processor.find(scope, (tilled) => tilled.getCharge(dispute.charge_id));
    return { dispute, intentId: charge?.payment_intent_id ?? null };
  }
}

function oursOf(row: Dispute) {
  const { status, amountMinor, currency, reason } = row;
  return {
    charge: row.tilledChargeId,
    status,
    amountMinor,
    currency,
    reason,
    evidenceDueAt: timeFact(row.evidenceDueAt),
    evidenceSubmittedAt: timeFact(row.evidenceSubmittedAt),
  };
}

function theirsOf(dispute: TilledDispute) {
  return {
    charge: dispute.charge_id,
    status: dispute.status.toUpperCase(),
    amountMinor: dispute.amount,
    currency: dispute.currency,
    reason: dispute.reason_description?.slice(0, 500) ?? null,
    evidenceDueAt: timeFact(dispute.closing_at),
    evidenceSubmittedAt: timeFact(evidenceSubmittedAt(dispute)),
  };
}
