import { Entity } from '@mikro-orm/decorators/legacy';
import { IntColumn, Text, TimeColumn } from '../../platform/db/columns.js';
import { TenantRow } from '../../platform/tenancy/tenant-row.js';

/** One comparison of all that an app has with Tilled, and how far it has come: what survives a stop. */
@Entity({ tableName: 'billing_reconciliations' })
export class Reconciliation extends TenantRow {
  /** Which objects are being compared, and from which side. */
  @Text(32)
  step!: string;

  /** Where in them; empty at their beginning. */
  @Text(64)
  position!: string;

  /** Objects looked at. */
  @IntColumn()
  looked!: number;

  /** Of them, those that were just being changed and will be looked at again. */
  @IntColumn()
  busy!: number;

  @TimeColumn()
  startedAt!: Date;

  @TimeColumn({ nullable: true })
  finishedAt!: Date | null;
}

/** When a row of ours was last compared with Tilled's list; its id is that of the row. */
@Entity({ tableName: 'billing_reconciled' })
export class Reconciled extends TenantRow {
  @TimeColumn()
  lookedAt!: Date;
}
