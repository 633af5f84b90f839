import { recordTransition } from '../../platform/outbox/outbox.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { DivergenceClass, DivergenceKind } from './divergence.entity.js';
import { DivergenceRepository } from './divergence.repository.js';

/** The states of a noun as data: which may follow which. Staying is always allowed. */
export interface States<Status extends string> {
  readonly noun: 'payment' | 'refund' | 'subscription' | 'dispute';
  readonly edges: Readonly<Record<Status, readonly Status[]>>;
}

/** What became of a move. If `illegal`, neither the state nor what came with it may be recorded. */
export type Move = 'stayed' | 'moved' | 'illegal';

/** What a new row's first transition leads from, where its first state is Tilled's word. */
const BEFORE_FIRST_STATUS = 'NEW';

/** Whether a state may follow another, or is the same. */
export function isLegalMove<Status extends string>(states: States<Status>, from: Status, to: Status): boolean {
  return from === to || states.edges[from].includes(to);
}

/** What Tilled said cannot follow our state, but may be older than it: it has to be read again. */
export class StaleReading extends Error {}

/**
 * Moves a row along a legal edge and records the transition in the same transaction. A move that Tilled reports and the
 * states do not allow is not made. It is recorded as a divergence, since one of the two books is wrong and a person has
 * to see which. Throws StaleReading instead where the reading may simply be old.
 */
export async function moveTo<Status extends string>(
  tx: Scope,
  row: { readonly id: string; status: Status },
  status: Status,
  states: States<Status>,
): Promise<Move> {
  const from = row.status;
  if (from === status) return 'stayed';
  if (!isLegalMove(states, from, status)) {
    await recordIllegalMove(tx, { id: row.id, from, to: status, noun: states.noun });
    return 'illegal';
  }
  row.status = status;
  recordTransition(tx, { noun: states.noun, objectId: row.id, from, to: status });
  tx.db.afterCommit(() => tx.request.metrics.countTransition(states.noun, status));
  return 'moved';
}

/** Writes down in which state a row was first seen. */
export function recordFirstStatus(tx: Scope, noun: States<string>['noun'], row: { readonly id: string; readonly status: string }): void {
  recordTransition(tx, { noun, objectId: row.id, from: BEFORE_FIRST_STATUS, to: row.status });
}

/** A move that Tilled reports. */
interface Reported {
  readonly id: string;
  readonly noun: States<string>['noun'];
  readonly from: string;
  readonly to: string;
}

/** For what cannot follow our state: throws StaleReading where the reading may simply be older than that. */
export function assertFresh(tx: Scope, { noun, id, from, to }: Reported): void {
  if (tx.request.mayBeStale) throw new StaleReading(`${noun} ${id} is ${from} and was ${to} when Tilled was asked.`);
}

async function recordIllegalMove(tx: Scope, move: Reported): Promise<void> {
  const { id, from, to, noun } = move;
  assertFresh(tx, move);
  tx.request.log.error('illegal transition reported', { objectId: id, from, to, divergence_risk: true });
  await DivergenceRepository.of(tx).recordSighting({
    kind: DivergenceKind[noun.toUpperCase() as keyof typeof DivergenceKind],
    class: DivergenceClass.ILLEGAL_STATE,
    ...{ objectId: id, tilledId: null, fields: ['status'], ours: { status: from }, theirs: { status: to } },
    occurredAt: null,
  });
}
