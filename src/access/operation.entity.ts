import { Entity } from '@mikro-orm/decorators/legacy';
import { LongText, Text, TimeColumn } from '../platform/db/columns.js';
import { TenantRow } from '../platform/tenancy/tenant-row.js';

/** A GraphQL document that an app registered. Its id is the document's SHA-256, so it never changes. */
@Entity({ tableName: 'billing_operations' })
export class Operation extends TenantRow {
  /** What its operations are called. */
  @Text(255)
  name!: string;

  @LongText()
  document!: string;

  @TimeColumn()
  createdAt!: Date;
}
