import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { IdColumn, JsonColumn, Text, TimeColumn } from '../db/columns.js';
import type { UserErrorFacts } from '../errors.js';
import { TenantRow } from '../tenancy/tenant-row.js';

/** `open`: the outcome is not known yet. `done`: it is, and will be answered again. */
export type KeyState = 'open' | 'done';

/** What became of a request that carried an idempotency key. Its id is the hash of (operation, key). */
@Entity({ tableName: 'billing_idempotency_keys' })
@Index({ name: 'billing_idempotency_keys_expiry', properties: ['appId', 'expiresAt'] })
export class IdempotencyKey extends TenantRow {
  @Text(64)
  operation!: string;

  /** SHA-256 of what the input means: the same key with other input is refused. */
  @Text(64)
  fingerprint!: string;

  @Text(16)
  state!: KeyState;

  /** What the request made or changed. */
  @IdColumn({ nullable: true })
  resourceId!: string | null;

  /** The expected failures that were answered. */
  @JsonColumn()
  errors!: readonly UserErrorFacts[];

  @TimeColumn()
  createdAt!: Date;

  @TimeColumn()
  expiresAt!: Date;
}
