import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { Erasure } from './erasure.entity.js';

/** Customers of an app whose traces are still to be removed. */
export class ErasureRepository extends TenantRepository<Erasure> {
  protected readonly entity = Erasure;
  protected readonly noun = 'erasure';
  protected override readonly customerProperty = 'id';

  /** All of them; they are few, since the daily sweep ends each. */
  all(): Promise<Erasure[]> {
    return this.rows({});
  }

  /** Ends one that there may be. Inside a transaction. */
  async end(customerId: string): Promise<void> {
    const erasure = await this.lockBy({ id: customerId });
    if (erasure !== null) this.remove(erasure);
  }
}
