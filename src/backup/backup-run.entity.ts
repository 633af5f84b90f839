import { Entity, Index, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { FlagColumn, IdColumn, MinorColumn, Text, TimeColumn } from '../platform/db/columns.js';

/** `full` and `logs` keep something; `drill` proves that what is kept can be restored. */
export type BackupKind = 'full' | 'logs' | 'drill';

/** One backup or drill of this deployment, however it ended. It concerns all apps, and none. */
@Entity({ tableName: 'billing_backups' })
@Index({ name: 'billing_backups_kind', properties: ['kind', 'succeeded', 'finishedAt'] })
export class BackupRun {
  @PrimaryKey({ columnType: 'varchar(64)', type: 'string' })
  id!: string;

  @Text(16)
  kind!: BackupKind;

  @TimeColumn()
  startedAt!: Date;

  @TimeColumn()
  finishedAt!: Date;

  @FlagColumn()
  succeeded!: boolean;

  /** The snapshot that was made, or restored. */
  @Text(64, { nullable: true })
  snapshotId!: string | null;

  /** SHA-256 of its manifest. */
  @IdColumn({ nullable: true })
  manifestDigest!: string | null;

  /** What a drill measured. */
  @MinorColumn({ nullable: true })
  rpoMs!: number | null;

  @MinorColumn({ nullable: true })
  rtoMs!: number | null;

  /** Why it failed. */
  @Text(1000, { nullable: true })
  reason!: string | null;
}
