import type { UserErrorFacts } from '../errors.js';
import { TenantRepository } from '../tenancy/tenant.repository.js';
import { IdempotencyKey } from './idempotency-key.entity.js';

/** Keys of requests. Confined to the app only: a row is reached by the key's hash and tells of no customer. */
export class IdempotencyKeyRepository extends TenantRepository<IdempotencyKey> {
  protected readonly entity = IdempotencyKey;
  protected readonly noun = 'idempotency key';
  protected override readonly isPersonal = false;

  /** The key's row, locked and managed, or null. */
  lockKey(id: string): Promise<IdempotencyKey | null> {
    return this.lockBy({ id });
  }

  /** The outcome is known: from now on it is the answer. */
  async settle(id: string, errors: readonly UserErrorFacts[]): Promise<void> {
    await this.scope.db.run("update billing_idempotency_keys set state = 'done', errors = ? where app_id = ? and id = ?", [
      JSON.stringify(errors),
      this.scope.appId,
      id,
    ]);
  }

  /** As if the request had never come: the same key may try again. */
  async forget(id: string): Promise<void> {
    await this.scope.db.run('delete from billing_idempotency_keys where app_id = ? and id = ?', [this.scope.appId, id]);
  }
}
