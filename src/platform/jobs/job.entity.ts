import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { IdColumn, IntColumn, JsonColumn, Text, TimeColumn } from '../db/columns.js';
import { TenantRow } from '../tenancy/tenant-row.js';

/** `running` is held by someone until `dueAt`; `dead` waits for a person. Finished work leaves no row. */
export type JobState = 'due' | 'running' | 'dead';

/** What goes first when there is too much: mutations, then news, then recurring work. Deliveries go beside. */
export enum JobPriority {
  /** Finishing a mutation. */
  INTENT = 0,
  /** Fetching an object of the processor again, or sending it a change. */
  NEWS = 1,
  /** Work over all of an app that repeats by itself. */
  SWEEP = 2,
  /** Telling an app what happened: done by a worker with slots of its own, since receivers may be slow. */
  DELIVERY = 3,
}

/**
 * Work that must happen: the rest of a mutation after its intent, or an object at the processor to look at again.
 * At most one row for each (app, kind, subject), so requests for the same work fall together.
 */
@Entity({ tableName: 'billing_jobs' })
@Unique({ name: 'billing_jobs_subject', properties: ['appId', 'kind', 'subject'] })
// The one index that does not begin with app_id: a worker looks which apps have work that is due.
@Index({ name: 'billing_jobs_due', properties: ['dueAt', 'priority', 'appId'] })
@Index({ name: 'billing_jobs_turn', properties: ['appId', 'priority', 'dueAt', 'id'] })
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

  /** What goes first: 0 mutations, 1 news of the processor, 2 recurring work; 3 goes beside (`JobPriority`). */
  @IntColumn({ before: JobPriority.NEWS })
  priority!: number;

  /** When it may be taken, or when its lease ends; null for dead work. In the database's time, as all moments here. */
  @TimeColumn({ nullable: true })
  dueAt!: Date | null;

  /** Drawn by each taker; a taker whose fence is no longer this one must not write. */
  @IntColumn()
  fence!: number;

  /** How often the work was requested; what was requested while it ran is done again. */
  @IntColumn({ name: 'wanted' })
  timesRequested!: number;

  @IntColumn()
  attempts!: number;

  @Text(1000, { nullable: true })
  lastError!: string | null;

  @TimeColumn()
  createdAt!: Date;

  /** How many calls that change something may have been sent for it and were not answered. */
  @IntColumn({ before: 0 })
  sends!: number;

  /** When the last of them may have been sent at the latest; null if none is in doubt. */
  @TimeColumn({ nullable: true })
  sentAt!: Date | null;
}
