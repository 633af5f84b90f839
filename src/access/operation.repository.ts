import { TenantRepository } from '../platform/tenancy/tenant.repository.js';
import { Operation } from './operation.entity.js';

/** The documents an app registered. */
export class OperationRepository extends TenantRepository<Operation> {
  protected readonly entity = Operation;
  protected readonly noun = 'operation';
  protected override readonly isPersonal = false;

  /** All of them, by hash. */
  all(): Promise<Operation[]> {
    return this.rows({});
  }

  /** Those of these hashes that are there. */
  among(hashes: readonly string[]): Promise<Operation[]> {
    return this.rows({ id: hashes });
  }
}
