import type { TilledDispute, TilledDisputeFileType, TilledDisputeStatus, TilledFile } from '../../tilled/tilled.shapes.js';
import { DISPUTE_FILE_TYPES, DISPUTE_STATUSES } from '../../tilled/tilled.shapes.js';
import { DISPUTE_CLOSES_AFTER_MS, DISPUTE_LOSES_AFTER_MS, DISPUTE_REVIEW_MS } from '../assumptions.js';
import type { Call, Route } from '../call.js';
import { createdWithin, listPage, ownRecord, recordOf } from '../call.js';
import { isoTime } from '../clock.js';
import type { Engine } from '../engine.js';
import { Fields } from '../fields.js';
import { badRequest } from '../http-error.js';
import type { ChargeRecord, DisputeRecord } from '../records.js';
import { balanceTransaction } from './balance-transaction.js';
import { renderFile } from './files.js';

/** The operations on disputes. Evidence is posted to the dispute itself. */
export const disputeRoutes: Route[] = [
  { method: 'GET', path: '/v1/disputes', status: 200, area: 'disputes', handle: listDisputes },
  { method: 'GET', path: '/v1/disputes/:id', status: 200, area: 'disputes', handle: getDispute },
  { method: 'POST', path: '/v1/disputes/:id', status: 201, area: 'disputes', handle: submitEvidence },
];

const FINAL: readonly TilledDisputeStatus[] = ['warning_closed', 'closed', 'won', 'lost'];

/** 400 for a charge that a test wants not to be disputed again. */
export function assertDisputable(engine: Engine, charge: ChargeRecord): void {
  if (engine.behaviour.disputeAgain === 'allow') return;
  const isOpen = engine.store.disputes.records([`charge_id=${charge.id}`]).some(({ status }) => !FINAL.includes(status));
  if (isOpen || charge.refunded) throw badRequest(`Charge ${charge.id} is ${isOpen ? 'disputed' : 'refunded'} already`);
}

/** Whether the cardholder's bank has, or may keep, the money of a charge. */
export function isDisputed(engine: Engine, charge: ChargeRecord): boolean {
  return engine.store.disputes.records([`charge_id=${charge.id}`]).some(({ status }) => !status.startsWith('warning_') && status !== 'won');
}

/** Opens a dispute of a charge. Within a transaction. */
export function openDispute(
  engine: Engine,
  charge: ChargeRecord,
  input: { status?: TilledDisputeStatus; amount?: number; reason?: string } = {},
): DisputeRecord {
  const nowMs = engine.clock.now();
  const now = isoTime(nowMs);
  const status = input.status ?? 'needs_response';
  const dispute: DisputeRecord = {
    id: engine.ids.object('dp'),
    account_id: charge.account_id,
    charge_id: charge.id,
    amount: input.amount ?? charge.amount_captured,
    currency: charge.currency,
    status,
    status_history: [{ status, status_date: now }],
    created_at: now,
    updated_at: now,
    closing_at: isoTime(nowMs + DISPUTE_CLOSES_AFTER_MS),
    losing_at: isoTime(nowMs + DISPUTE_LOSES_AFTER_MS),
    reversed_at: null,
    reason_description: input.reason ?? 'Cardholder does not recognize the transaction',
    evidence: null,
    balance_transaction_id: engine.ids.object('txn'),
  };
  engine.store.disputes.put(dispute);
  engine.schedule('dispute.lose', dispute, nowMs + DISPUTE_LOSES_AFTER_MS);
  engine.emit('dispute.created', dispute.account_id, renderDispute(dispute));
  return dispute;
}

/** Moves a dispute to a status and tells of it. Within a transaction. */
export function moveDispute(engine: Engine, dispute: DisputeRecord, status: TilledDisputeStatus): DisputeRecord {
  const now = engine.clock.iso();
  const moved: DisputeRecord = {
    ...dispute,
    status,
    status_history: [...dispute.status_history, { status, status_date: now }],
    reversed_at: status === 'won' ? now : dispute.reversed_at,
    updated_at: now,
  };
  if (FINAL.includes(status)) {
    engine.unschedule('dispute.lose', dispute.id);
    engine.unschedule('dispute.decide', dispute.id);
  }
  engine.store.disputes.put(moved);
  engine.emit('dispute.updated', moved.account_id, renderDispute(moved));
  return moved;
}

/** The magic amount's dispute is due. */
export function openScheduledDispute(engine: Engine, chargeId: string): void {
  const charge = engine.store.charges.get(chargeId);
  if (charge !== undefined) openDispute(engine, charge);
}

/** The evidence's own word decides: REVERSAL wins, LOSS loses. */
export function decideDispute(engine: Engine, disputeId: string): void {
  const dispute = engine.store.disputes.get(disputeId);
  if (dispute === undefined || FINAL.includes(dispute.status)) return;
  moveDispute(engine, dispute, forcedOutcome(dispute.evidence?.description) ?? 'lost');
}

/** Nobody answered in time. An inquiry just closes. */
export function loseDispute(engine: Engine, disputeId: string): void {
  const dispute = engine.store.disputes.get(disputeId);
  if (dispute?.status === 'needs_response') moveDispute(engine, dispute, 'lost');
  if (dispute?.status === 'warning_needs_response') moveDispute(engine, dispute, 'warning_closed');
}

/** The dispute as the wire shows it. */
export function renderDispute(record: DisputeRecord): TilledDispute {
  const { balance_transaction_id: id, ...shown } = record;
  const transaction = balanceTransaction({
    id,
    accountId: record.account_id,
    amount: -record.amount,
    currency: record.currency,
    source: { type: 'dispute', id: record.id },
    createdAt: record.created_at,
  });
  return { ...shown, balance_transactions: [transaction] };
}

function forcedOutcome(description: string | undefined): 'won' | 'lost' | undefined {
  if (description?.startsWith('REVERSAL')) return 'won';
  return description?.startsWith('LOSS') ? 'lost' : undefined;
}

function listDisputes(call: Call): unknown {
  const { query, engine } = call;
  const chargeId = query.text('charge_id');
  const statuses = query.listOf('status', DISPUTE_STATUSES);
  const isCreatedWithin = createdWithin(call);
  return listPage(call, {
    collection: engine.store.disputes,
    keys: chargeId === undefined ? [] : [`charge_id=${chargeId}`],
    where: (dispute) => (statuses?.includes(dispute.status) ?? true) && (isCreatedWithin?.(dispute) ?? true),
    render: renderDispute,
  });
}

function getDispute(call: Call): TilledDispute {
  return renderDispute(recordOf(call, call.engine.store.disputes, 'Dispute'));
}

function submitEvidence(call: Call): TilledDispute {
  const { engine } = call;
  const dispute = recordOf(call, engine.store.disputes, 'Dispute');
  const fields = new Fields(call.body);
  const description = fields.text('description', { max: 5_000 }) ?? '';
  const sent = fields.requiredObjects('files', { min: 1 }).map((file) => ({
    id: file.requiredText('file_id'),
    type: file.requiredOneOf('type', DISPUTE_FILE_TYPES),
  }));
  fields.assertValid();
  if (FINAL.includes(dispute.status)) throw badRequest(`A dispute that is ${dispute.status} takes no evidence`);
  const isReviewed = dispute.status.endsWith('under_review');
  if (isReviewed && engine.behaviour.evidence === 'once') throw badRequest('Evidence was submitted already');
  if (dispute.closing_at !== null && Date.parse(dispute.closing_at) <= engine.clock.now())
    throw badRequest('The time for evidence is over');
  const files = sent.map(({ id, type }) => ({ file: evidenceFile(call, id), type }));
  return renderDispute(review(engine, dispute, { description, files }));
}

function evidenceFile(call: Call, fileId: string): TilledFile {
  const file = ownRecord({ collection: call.engine.store.files, accountId: call.account.id, id: fileId, noun: 'File' });
  if (file.purpose !== 'dispute_evidence') throw badRequest(`File ${file.id} was not uploaded as dispute_evidence`);
  return renderFile(file);
}

function review(
  engine: Engine,
  dispute: DisputeRecord,
  evidence: { description: string; files: { file: TilledFile; type: TilledDisputeFileType }[] },
): DisputeRecord {
  const isInquiry = dispute.status.startsWith('warning_');
  const reviewed = moveDispute(engine, { ...dispute, evidence }, isInquiry ? 'warning_under_review' : 'under_review');
  if (forcedOutcome(evidence.description) !== undefined) engine.schedule('dispute.decide', dispute, engine.clock.now() + DISPUTE_REVIEW_MS);
  return reviewed;
}
