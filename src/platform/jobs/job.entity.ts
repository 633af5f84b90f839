import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { IdColumn, IntColumn, JsonColumn, Text, TimeColumn } from '../db/columns.js';
import { TenantRow } from '../tenancy/tenant-row.js';

/** `running` is held by someone until `dueAt`; `dead` waits for a person. Finished work leaves no row. */
export type JobState = 'due' | 'running' | 'dead';

/**
 * Work that must happen: the rest of a mutation after its intent, or an object at the processor to look at again.
 * At most one row for each (app, kind, subject), so requests for the same work fall together.
 */
@Entity({ tableName: 'billing_jobs' })
@Unique({ name: 'billing_jobs_subject', properties: ['appId', 'kind', 'subject'] })
// The one index that does not begin with app_id: a worker looks for the oldest due work of all apps.
@Index({ name: 'billing_jobs_due', properties: ['dueAt', 'id'] })
export class Job extends TenantRow {
  @Text(64)
  kind!: string;

  /** What the work is about: our id or the processor's. */
  @IdColumn()
  subject!: string;

  @JsonColumn({ nullable: true })
  payload!: unknown;

  @Text(16)
  state!: JobState;

  /** When it may be taken; for running work, when its lease ends; null for dead work. */
  @TimeColumn({ nullable: true })
  dueAt!: Date | null;

  /** Grows with each taker; a taker whose fence is no longer this one must not write. */
  @IntColumn()
  fence!: number;

  /** How often the work was asked for; what was asked while it ran is done again. */
  @IntColumn()
  wanted!: number;

  @IntColumn()
  attempts!: number;

  @Text(1000, { nullable: true })
  lastError!: string | null;

  @TimeColumn()
  createdAt!: Date;

  /** When a request was last sent again for this work; null if only its first request ever was. */
  @TimeColumn({ nullable: true })
  sentAt!: Date | null;
}
