import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { IntColumn, JsonColumn, Text, TimeColumn } from '../../platform/db/columns.js';
import { TenantRow } from '../../platform/tenancy/tenant-row.js';
import type { ImportTotals } from './import.rows.js';

/** `rolling_back` until a rollback came to its end: nobody imports meanwhile. */
export type ImportState = 'running' | 'done' | 'rolling_back' | 'rolled_back';

/** One import, whatever number of processes it took. It holds counts and ids, and no value of its sources. */
@Entity({ tableName: 'billing_imports' })
@Index({ name: 'billing_imports_fingerprint', properties: ['appId', 'fingerprint', 'id'] })
export class ImportRun extends TenantRow {
  /** SHA-256 of the sources, the mapping and the options: the same command finds its run again. */
  @Text(64)
  fingerprint!: string;

  @Text(16)
  source!: 'files' | 'tilled';

  @Text(16)
  state!: ImportState;

  /** Grows with each process that takes the run over; one whose fence is no longer this one must not write. */
  @IntColumn()
  fence!: number;

  @JsonColumn()
  totals!: ImportTotals;

  @TimeColumn()
  createdAt!: Date;

  @TimeColumn()
  updatedAt!: Date;
}
