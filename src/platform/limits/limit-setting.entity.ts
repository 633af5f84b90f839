import { Entity } from '@mikro-orm/decorators/legacy';
import { IntColumn, TimeColumn } from '../db/columns.js';
import { TenantRow } from '../tenancy/tenant-row.js';

/** A limit that was set for an app (its id says for which budget) or for one of its keys (its id is the key's). */
@Entity({ tableName: 'billing_limits' })
export class LimitSetting extends TenantRow {
  @IntColumn()
  requestsPerWindow!: number;

  @TimeColumn()
  updatedAt!: Date;
}
