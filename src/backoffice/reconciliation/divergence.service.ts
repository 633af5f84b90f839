import { type Divergence, DivergenceStatus } from '../../billing/kit/divergence.entity.js';
import { DivergenceRepository } from '../../billing/kit/divergence.repository.js';
import { IllegalTransition } from '../../platform/errors.js';
import type { Outcome } from '../../platform/idempotency/mutation.js';
import type { Scope } from '../../platform/tenancy/scope.js';

/** What people do with divergences. */
export class DivergenceService {
  /** Marks a divergence as resolved by a person. If the objects still differ, the next run opens a new one. */
  async resolve(scope: Scope, { id, note }: { readonly id: string; readonly note: string }): Promise<Outcome<Divergence>> {
    await scope.transaction(async (tx) => {
      const divergences = DivergenceRepository.of(tx);
      const { status } = await divergences.get(id);
      if (!(await divergences.close(id, DivergenceStatus.RESOLVED, note))) throw new IllegalTransition('divergence', status, 'resolved');
    });
    return { row: await DivergenceRepository.of(scope).find(id), errors: [], replayed: false };
  }
}
