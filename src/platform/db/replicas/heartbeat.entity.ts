import { Entity } from '@mikro-orm/decorators/legacy';
import { TenantRow } from '../../tenancy/tenant-row.js';
import { Text } from '../columns.js';

/**
 * The primary's newest beat, a name that is never used again. It is no app's. The table has app_id and id as every
 * table has, or a gateway of the release before would not start beside it.
 */
@Entity({ tableName: 'billing_heartbeats' })
export class HeartbeatRow extends TenantRow {
  @Text(64)
  beat!: string;
}
