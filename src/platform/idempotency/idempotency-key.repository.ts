import { TenantRepository } from '../tenancy/tenant.repository.js';
import { IdempotencyKey } from './idempotency-key.entity.js';

/** Keys of requests. Confined to the app only: the row is reached by the hash of the key, and holds nothing of a customer. */
export class IdempotencyKeyRepository extends TenantRepository<IdempotencyKey> {
  protected readonly entity = IdempotencyKey;
  protected readonly noun = 'idempotency key';
  protected override readonly isPersonal = false;

  /** The key's row, locked and managed, or null. */
  lockKey(id: string): Promise<IdempotencyKey | null> {
    return this.lockBy({ id });
  }
}
