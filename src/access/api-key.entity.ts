import { Entity, Unique } from '@mikro-orm/decorators/legacy';
import { IdColumn, JsonColumn, Text, TimeColumn } from '../platform/db/columns.js';
import { TenantRow } from '../platform/tenancy/tenant-row.js';

/** What a key may do: all of its app, read it, or look after its operation. */
export type KeyRole = 'service' | 'read_only' | 'operator';

/** A credential of an app. The key itself is shown once and never stored. */
@Entity({ tableName: 'billing_api_keys' })
// The directory that answers which app a caller belongs to, so it is the one key that cannot begin with app_id.
@Unique({ name: 'billing_api_keys_hash', properties: ['hash'] })
export class ApiKey extends TenantRow {
  @Text(16)
  role!: KeyRole;

  /** HMAC-SHA-256 of the key, which has 256 random bits of its own. */
  @Text(64)
  hash!: string;

  /** Which encryption key's pepper made the hash; null for hashes of before there were any, which open nothing. */
  @Text(16, { nullable: true })
  pepperId!: string | null;

  /** What it is confined to; null means all of its role. */
  @JsonColumn({ nullable: true })
  scopes!: readonly string[] | null;

  /** The first characters, by which people tell keys apart. */
  @Text(16)
  hint!: string;

  @TimeColumn()
  createdAt!: Date;

  @TimeColumn({ nullable: true })
  expiresAt!: Date | null;

  /** To the minute, and written after the answer. */
  @TimeColumn({ nullable: true })
  lastUsedAt!: Date | null;

  /** The key that was made to take over. */
  @IdColumn({ nullable: true })
  replacedBy!: string | null;

  @TimeColumn({ nullable: true })
  revokedAt!: Date | null;
}
