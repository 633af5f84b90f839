import type { Scope } from '../../platform/tenancy/scope.js';

/** Which states may follow which; staying is always allowed. */
export type Edges<Status extends string> = Readonly<Record<Status, readonly Status[]>>;

/**
 * Moves a row along a legal edge; true if it moved. A move that Tilled reports and the table does not allow is not made
 * but said aloud: one of the two books is wrong, and a person has to see which.
 */
export function moveTo<Status extends string>(
  tx: Scope,
  row: { readonly id: string; status: Status },
  status: Status,
  edges: Edges<Status>,
): boolean {
  if (row.status === status) return false;
  if (!edges[row.status].includes(status)) {
    tx.log.error('illegal transition reported', { objectId: row.id, from: row.status, to: status, divergence_risk: true });
    return false;
  }
  row.status = status;
  return true;
}
