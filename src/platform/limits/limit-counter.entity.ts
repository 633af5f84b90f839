import { Entity } from '@mikro-orm/decorators/legacy';
import { IntColumn, TimeColumn } from '../db/columns.js';
import { TenantRow } from '../tenancy/tenant-row.js';

/** How much of a limit is used in its window. Counts of addresses that belong to no app have an empty app_id. */
@Entity({ tableName: 'billing_limit_counters' })
export class LimitCounter extends TenantRow {
  @IntColumn()
  used!: number;

  @TimeColumn()
  resetsAt!: Date;
}
