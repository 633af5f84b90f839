import { Entity } from '@mikro-orm/decorators/legacy';
import { IdColumn, Text, TimeColumn } from '../platform/db/columns.js';
import { TenantRow } from '../platform/tenancy/tenant-row.js';

/** A secret with which deliveries for an app may be signed. Several are active while one takes over from another. */
@Entity({ tableName: 'billing_webhook_secrets' })
export class WebhookSecret extends TenantRow {
  /** Sealed. */
  @Text(255)
  secret!: string;

  /** The endpoint at Tilled that signs with it. */
  @IdColumn({ nullable: true })
  tilledEndpointId!: string | null;

  @TimeColumn()
  createdAt!: Date;

  /** Until when it is accepted; null while it is the current one. */
  @TimeColumn({ nullable: true })
  expiresAt!: Date | null;
}
