import { IllegalTransition, type InputProblem, InvalidInput } from '../../platform/errors.js';
import type { Intents } from '../../platform/idempotency/intents.js';
import type { Execution, IdempotentMutation, Intent, Outcome } from '../../platform/idempotency/mutation.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledDispute } from '../../tilled/tilled.shapes.js';
import { changeOnce } from '../kit/change-once.js';
import { assertNoneOpen } from '../kit/open-mutations.js';
import type { Processor } from '../kit/processor.js';
import { recordAnswer } from '../kit/record-answer.js';
import type { Dispute } from './dispute.entity.js';
import type { DisputeEvidenceSubmitInput } from './dispute.inputs.js';
import type { DisputeMirror } from './dispute.mirror.js';
import { DisputeRepository } from './dispute.repository.js';
import { ANSWERABLE_STATUSES } from './dispute.states.js';
import { evidenceFiles } from './evidence-files.js';

interface DisputeServiceParts {
  readonly processor: Processor;
  readonly intents: Intents;
  readonly mirror: DisputeMirror;
}

/** What the intent left for its execution; null where the app concedes and nothing is sent. */
type Evidence = { readonly description: string; readonly fileIds: readonly string[] } | null;

const FILES_MAX = 10;
const OPERATION = 'disputeEvidenceSubmit';

/** Answers to disputes: checked here first, since the processor takes evidence once. */
export class DisputeService {
  readonly answering: IdempotentMutation<Dispute> = {
    operation: OPERATION,
    sells: false,
    execute: (scope, execution) => this.send(scope, execution),
    // The intent left no mark on the dispute.
    withdraw: async () => undefined,
    load: (scope, id) => DisputeRepository.of(scope).findCommitted(id),
  };

  constructor(private readonly parts: DisputeServiceParts) {}

  /** Sends the evidence, at most once, or concedes. */
  submit(scope: Scope, input: DisputeEvidenceSubmitInput): Promise<Outcome<Dispute>> {
    return this.parts.intents.run(scope, this.answering, { input, intend: (tx) => this.intend(tx, input) });
  }

  private async intend(tx: Scope, input: DisputeEvidenceSubmitInput): Promise<Intent> {
    assertComplete(input);
    const dispute = await DisputeRepository.of(tx).lock(input.disputeId, ['disputeId']);
    await assertNoneOpen(tx, dispute.id, [OPERATION]);
    const obstacle = obstacleTo(dispute, tx.now());
    if (obstacle !== null) throw new IllegalTransition('dispute', obstacle, input.accept ? 'conceded' : 'answered');
    if (input.accept) {
      dispute.concededAt = tx.now();
      dispute.updatedAt = tx.now();
      tx.request.log.warn('dispute conceded', { disputeId: dispute.id, paymentId: dispute.paymentId, amountMinor: dispute.amountMinor });
    }
    const evidence: Evidence = input.accept ? null : { description: input.description.trim(), fileIds: input.fileIds ?? [] };
    return { subject: dispute.id, payload: evidence };
  }

  private async send(scope: Scope, execution: Execution): Promise<void> {
    const evidence = execution.payload as Evidence;
    if (evidence === null) return;
    const dispute = await DisputeRepository.of(scope).get(execution.subject);
    const { tilledDisputeId, paymentId, customerId } = dispute;
    const { processor, mirror } = this.parts;
    const read = () => processor.ask(scope, (tilled) => tilled.getDispute(tilledDisputeId));
    const record = (tx: Scope, snapshot: TilledDispute) => mirror.record(tx, snapshot, { id: paymentId, customerId });
    const snapshot = await changeOnce<TilledDispute>(execution, {
      send: async () => {
        const files = await evidenceFiles(scope, processor, evidence.fileIds);
        const params = { description: evidence.description, files };
        return processor.send(scope, execution.lease, (tilled) => tilled.createDisputeEvidence(tilledDisputeId, params));
      },
      read,
      isDone: (found) => found !== null && holds(found, evidence.fileIds),
      resend: 'whenQuiet',
      recordRefused: (found) => scope.transaction((tx) => record(tx, found)),
    });
    if (snapshot === null) throw new Error(`Tilled does not show dispute ${tilledDisputeId}.`);
    await recordAnswer(scope, {
      execution,
      snapshot,
      seenVersion: stateOf(dispute),
      currentVersion: async (tx) => stateOf(await DisputeRepository.of(tx).lock(dispute.id)),
      readAgain: read,
      record: async (tx, latest) => {
        await record(tx, latest);
        return null;
      },
    });
  }
}

/** Throws InvalidInput for what the processor would refuse, or would take although it is not meant. */
function assertComplete({ accept, description, fileIds }: DisputeEvidenceSubmitInput): void {
  const problems: InputProblem[] = [];
  const wrong = (field: string, message: string) => problems.push({ field: [field], message: `${field}: ${message}.` });
  const ids = fileIds ?? [];
  if (accept && ids.length > 0) wrong('fileIds', 'must be empty with accept, which sends no evidence');
  if (!accept && description.trim() === '') wrong('description', 'must say what happened');
  if (!accept && (ids.length === 0 || ids.length > FILES_MAX))
    wrong('fileIds', `must name 1 to ${FILES_MAX} files: the processor takes evidence once, and none without a file`);
  if (new Set(ids).size < ids.length) wrong('fileIds', 'must name each file once');
  if (problems.length > 0) throw new InvalidInput(problems);
}

/** Why a dispute cannot be answered now; null if it can. */
export function obstacleTo(dispute: Pick<Dispute, 'status' | 'concededAt' | 'evidenceDueAt'>, now: Date): string | null {
  if (!ANSWERABLE_STATUSES.includes(dispute.status)) return dispute.status;
  if (dispute.concededAt !== null) return 'conceded';
  return dispute.evidenceDueAt !== null && dispute.evidenceDueAt <= now ? 'past its deadline' : null;
}

/** Whether the files are with the dispute: then this very evidence was taken, and nobody else's. */
function holds({ evidence }: TilledDispute, fileIds: readonly string[]): boolean {
  const there = new Set(evidence?.files.map(({ file }) => file.id));
  return fileIds.every((id) => there.has(id));
}

function stateOf({ status, evidenceSubmittedAt, concededAt }: Dispute): string {
  return `${status} ${evidenceSubmittedAt?.getTime()} ${concededAt?.getTime()}`;
}
