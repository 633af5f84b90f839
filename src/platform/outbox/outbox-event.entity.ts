import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { IdColumn, Text, TimeColumn } from '../db/columns.js';
import { TenantRow } from '../tenancy/tenant-row.js';

/** One transition of one object, written in the transaction that made it and never changed: what happened, and who caused it. */
@Entity({ tableName: 'billing_events' })
@Index({ name: 'billing_events_object', properties: ['appId', 'objectId', 'id'] })
export class OutboxEvent extends TenantRow {
  /** `payment.succeeded`, `subscription.past_due` … */
  @Text(64)
  type!: string;

  @IdColumn()
  objectId!: string;

  @Text(32)
  fromStatus!: string;

  @Text(32)
  toStatus!: string;

  /** Kind of caller: service, customer, webhook, job … */
  @Text(16)
  actor!: string;

  @Text(64)
  requestId!: string;

  @TimeColumn()
  createdAt!: Date;
}
