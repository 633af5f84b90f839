import { Entity, Unique } from '@mikro-orm/decorators/legacy';
import { FlagColumn, IdColumn, IntColumn, Text, TimeColumn } from '../../platform/db/columns.js';
import { TenantRow } from '../../platform/tenancy/tenant-row.js';
import type { ImportNoun } from './import.nouns.js';

/** `made` here, `created` at Tilled too, `existing` before, `failed` and tried again later, `rolled_back`. */
export type ImportAction = 'made' | 'created' | 'existing' | 'failed' | 'rolled_back';

/** What became of one line of a source, or of one object of the Tilled account. */
@Entity({ tableName: 'billing_import_items' })
@Unique({ name: 'billing_import_items_key', properties: ['appId', 'runId', 'noun', 'itemKey'] })
export class ImportItem extends TenantRow {
  @IdColumn()
  runId!: string;

  @Text(16)
  noun!: ImportNoun;

  /** The line of the file, or the object's id at Tilled. */
  @Text(64)
  itemKey!: string;

  @Text(16)
  action!: ImportAction;

  @IdColumn({ nullable: true })
  objectId!: string | null;

  @IdColumn({ nullable: true })
  tilledId!: string | null;

  /** The version of the row as it was imported: a later one was changed since. */
  @IntColumn({ nullable: true })
  version!: number | null;

  /** Whether Tilled's object carries our mark; what was made here and is not marked is marked by the next run. */
  @FlagColumn()
  isMarked!: boolean;

  @Text(500, { nullable: true })
  reason!: string | null;

  @TimeColumn()
  createdAt!: Date;
}
