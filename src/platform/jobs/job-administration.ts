import type { Database } from '../db/database.js';
import { places } from '../db/sql.js';
import type { Scope } from '../tenancy/scope.js';
import type { Job } from './job.entity.js';
import { JobRepository } from './job.repository.js';

/** How many jobs of some kinds are open, over all apps. */
export interface OpenJobs {
  /** Not counting what a request is at in this moment for the first time. */
  readonly count: number;
  /** How much of it waits for a person. */
  readonly dead: number;
  /** How long the oldest has been open, ms; 0 if there is none. */
  readonly oldestAgeMs: number;
}

/** Lists queued work for operators, counts it, and has dead work tried again. */
export class JobAdministration {
  constructor(private readonly database: Database) {}

  /** Open work of these kinds, counted over all apps. */
  async countOpen(kinds: readonly string[]): Promise<OpenJobs> {
    const { time } = this.database;
    const [row] = await this.database.query(
      `select count(*) as counted, sum(case when state = 'dead' then 1 else 0 end) as dead, min(created_at) as oldest, ${time.now} as now_at
       from billing_jobs where kind in (${places(kinds)}) and not (state = 'running' and fence = 1 and due_at > ${time.now})`,
      kinds,
    );
    const count = Number(row?.counted ?? 0);
    const oldestAgeMs = count === 0 ? 0 : Math.max(0, time.read(row?.now_at).getTime() - time.read(row?.oldest).getTime());
    return { count, dead: Number(row?.dead ?? 0), oldestAgeMs };
  }

  /** Work of an app, oldest first, read a part at a time; only what waits for a person if `isDead`. */
  async *list(scope: Scope, which: { readonly isDead: boolean }): AsyncGenerator<Job> {
    const jobs = JobRepository.of(scope);
    for (let part = await jobs.after('', which); part.length > 0; part = await jobs.after(part.at(-1)?.id ?? '', which)) yield* part;
  }

  /** Has dead work tried again from now on, as if it had never failed; one piece, or all. Returns how many pieces. */
  retry(scope: Scope, id: string | null): Promise<number> {
    const one = id === null ? '' : ' and id = ?';
    const now = this.database.time.now;
    return scope.db.run(`update billing_jobs set state = 'due', due_at = ${now}, attempts = 0 where app_id = ? and state = 'dead'${one}`, [
      scope.appId,
      ...(id === null ? [] : [id]),
    ]);
  }
}
