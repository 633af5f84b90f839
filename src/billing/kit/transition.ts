import { recordTransition } from '../../platform/outbox/outbox.js';
import type { Scope } from '../../platform/tenancy/scope.js';

/** The states of a noun as data: which may follow which. Staying is always allowed. */
export interface States<Status extends string> {
  readonly noun: string;
  readonly edges: Readonly<Record<Status, readonly Status[]>>;
}

/**
 * Moves a row along a legal edge and writes the transition down in the same transaction; true if it moved. A move that
 * Tilled reports and the states do not allow is not made but said aloud: one of the two books is wrong, and a person has
 * to see which.
 */
export function moveTo<Status extends string>(
  tx: Scope,
  row: { readonly id: string; status: Status },
  status: Status,
  states: States<Status>,
): boolean {
  const from = row.status;
  if (from === status) return false;
  if (!states.edges[from].includes(status)) {
    tx.log.error('illegal transition reported', { objectId: row.id, from, to: status, divergence_risk: true });
    return false;
  }
  row.status = status;
  recordTransition(tx, { noun: states.noun, objectId: row.id, from, to: status });
  return true;
}
