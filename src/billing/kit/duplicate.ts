import type { Scope } from '../../platform/tenancy/scope.js';
import { DivergenceClass, type DivergenceKind, DivergenceStatus, type Facts } from './divergence.entity.js';
import { DivergenceRepository } from './divergence.repository.js';

/** A second object at Tilled with the mark of one of our rows. */
export interface Duplicate {
  readonly kind: DivergenceKind;
  /** Our row whose mark it bears; that row has another object. */
  readonly originalId: string;
  readonly tilledId: string;
  readonly theirs: Facts;
  /** Whether it took nothing, or gave back all, and never will take anything. */
  readonly isOver: boolean;
}

const DUPLICATE = DivergenceClass.DUPLICATE_AT_TILLED;

/**
 * Opens a divergence about a second object with our mark, in the transaction of the mirror that found it, so that a
 * person is told at once. Closes it when the object is over. Our row stays as it is.
 */
export async function recordDuplicate(tx: Scope, { kind, originalId, tilledId, theirs, isOver }: Duplicate): Promise<void> {
  const divergences = DivergenceRepository.of(tx);
  const facts = { kind, class: DUPLICATE, objectId: originalId, tilledId };
  if (isOver) {
    const open = await divergences.openOf([{ kind, objectId: null, tilledId }]);
    for (const { id } of open.filter((divergence) => divergence.class === DUPLICATE)) {
      if (!(await divergences.close(id, DivergenceStatus.HEALED, null))) continue;
      tx.request.log.info('divergence healed', { divergenceId: id, ...facts });
      tx.db.afterCommit(() => tx.request.metrics.divergencesHealed.inc({ class: DUPLICATE }));
    }
    return;
  }
  if (!(await divergences.recordSighting({ ...facts, fields: [], ours: null, theirs, occurredAt: null }))) return;
  tx.request.log.error('divergence found', { ...facts, divergence_risk: true });
  tx.db.afterCommit(() => tx.request.metrics.divergencesFound.inc({ class: DUPLICATE }));
}
