import type { Ticks } from '../clock.js';
import type { Database } from '../db/database.js';
import type { DueWork } from './turns.js';

/** Above so many due jobs the last count is used again for a while: counting would cost more than the work. */
const BACKLOG = 200;
/** For how many times as long as the counting took. */
const KEPT_FOR = 20;

/** Says what is due of some priorities, by priority and app. */
export class DueWorkReport {
  private last: { readonly due: readonly DueWork[]; readonly untilMs: number } | null = null;

  constructor(
    private readonly database: Database,
    private readonly ticks: Ticks,
    private readonly priorities: readonly number[],
  ) {}

  /** What is due now; with a backlog, what was due a moment ago. */
  async read(): Promise<readonly DueWork[]> {
    const beganMs = this.ticks.ms();
    if (this.last !== null && beganMs < this.last.untilMs) return this.last.due;
    const rows = await this.database.query(
      `select priority, app_id, count(*) as counted, min(due_at) as oldest from billing_jobs where due_at <= ${this.database.time.now}
       and priority in (${this.priorities.join(', ')})
       group by priority, app_id order by priority, oldest`,
      [],
    );
    const due = rows.map((row) => ({ priority: Number(row.priority), appId: String(row.app_id), count: Number(row.counted) }));
    const endedMs = this.ticks.ms();
    const isBacklog = due.reduce((sum, { count }) => sum + count, 0) > BACKLOG;
    this.last = isBacklog ? { due, untilMs: endedMs + KEPT_FOR * (endedMs - beganMs) } : null;
    return due;
  }

  /** Less was there than was said: it is counted anew. */
  forget(): void {
    this.last = null;
  }
}
