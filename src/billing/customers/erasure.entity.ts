import { Entity } from '@mikro-orm/decorators/legacy';
import { LongText, TimeColumn } from '../../platform/db/columns.js';
import { TenantRow } from '../../platform/tenancy/tenant-row.js';

/** A customer whose traces are still to be removed; its id is theirs. It goes with the last trace. */
@Entity({ tableName: 'billing_erasures' })
export class Erasure extends TenantRow {
  /** What the row said of the person, sealed: by that their traces are found once it says it no more. */
  @LongText()
  personSealed!: string;

  @TimeColumn()
  createdAt!: Date;
}
