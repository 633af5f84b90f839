import { type EntityManager, type EventSubscriber, type FlushEventArgs, wrap } from '@mikro-orm/core';

/** Counts the transactions that held a row locked and wrote others. No entity has it: nobody reads it. */
export const LOCK_COLUMN = 'lock_count';

/** A row that a transaction locked and left as it was. */
export interface UnwrittenRow {
  readonly table: string;
  readonly id: string;
}

const writtenIn = new WeakMap<object, Set<object>>();

/**
 * Remembers which rows a unit of work wrote, so that those are known that it only locked. On a cluster of several
 * servers a lock is one server's own: two transactions on two of them may both lock a row, decide, and write other
 * rows. Only a write of the locked row has the cluster refuse the second.
 */
export class LockFence implements EventSubscriber {
  onFlush({ em, uow }: FlushEventArgs): void {
    const written = writtenIn.get(em) ?? new Set();
    for (const { entity } of uow.getChangeSets()) written.add(entity);
    writtenIn.set(em, written);
  }
}

/** Whether a unit of work wrote managed rows. */
export function hasWrittenRows(em: EntityManager): boolean {
  return (writtenIn.get(em)?.size ?? 0) > 0;
}

/** The rows that a unit of work manages, which is to say that it locked them, and did not write. */
export function unwrittenRows(em: EntityManager): UnwrittenRow[] {
  const written = writtenIn.get(em);
  const managed = [...em.getUnitOfWork().getIdentityMap().values()] as { readonly id: string }[];
  return managed.filter((row) => written?.has(row) !== true).map((row) => ({ table: wrap(row, true).__meta.tableName, id: row.id }));
}
