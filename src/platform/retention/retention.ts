import type { Jobs, Lease } from '../jobs/jobs.js';
import type { Scope } from '../tenancy/scope.js';

/** Removes what need not be kept any more; reschedules itself. */
export const RETENTION = 'retention';

/** Something that is not kept for ever. */
interface RetentionRule {
  readonly what: string;
  readonly table: string;
  /** The column whose time, plus the days, ends the keeping; an index (app_id, column) leads to it. */
  readonly column: string;
  readonly keptDays: number;
  /** Which rows may go at all; all of them if absent. Plain SQL, without parameters. */
  readonly onlyWhere?: string;
}

/** Everything that is not kept for ever, and for how long it is. What money did is kept for ever and has no line here. */
const RETENTION_RULES: readonly RetentionRule[] = [
  // A key says itself when it expires, 30 days after its request. One whose outcome is not known yet stays.
  { what: 'idempotency keys', table: 'billing_idempotency_keys', column: 'expires_at', keptDays: 0, onlyWhere: "state = 'done'" },
];

const DAY_MS = 86_400_000;
const EVERY_MS = 6 * 3_600_000;
/** Rows removed by one statement, so that no lock is held for long. */
const BATCH = 500;
/** Batches of one run; what is left then is due again at once, behind other work. */
const BATCHES_MAX = 100;

/** Removes what is too old, an app at a time and in small statements of their own. */
export class Retention {
  constructor(private readonly jobs: Jobs) {}

  /** Makes sure that it is scheduled for an app. */
  async schedule(scope: Scope): Promise<void> {
    const key = { kind: RETENTION, subject: scope.appId };
    if (!(await this.jobs.isWaiting(scope, key))) await scope.transaction((tx) => this.jobs.enqueue(tx, { ...key, dueInMs: EVERY_MS }));
  }

  /** The handler of RETENTION. It is never given up: what could not be removed now is removed the next time. */
  async handle(scope: Scope, lease: Lease): Promise<void> {
    let error: string | undefined;
    let isDone = true;
    try {
      isDone = await this.run(scope);
    } catch (reason) {
      error = reason instanceof Error ? reason.message : String(reason);
      scope.log.error('old rows could not be removed', { reason: error });
    }
    await this.jobs.release(scope, lease, { dueInMs: isDone ? EVERY_MS : 0, ...(error === undefined ? {} : { error }) });
  }

  /** Removes what is too old now; whether nothing is left. */
  private async run(scope: Scope): Promise<boolean> {
    const left = await Promise.all(RETENTION_RULES.map((rule) => this.apply(scope, rule)));
    return left.every((isDone) => isDone);
  }

  private async apply(scope: Scope, rule: RetentionRule): Promise<boolean> {
    const before = new Date(scope.now().getTime() - rule.keptDays * DAY_MS);
    const only = rule.onlyWhere === undefined ? '' : ` and ${rule.onlyWhere}`;
    let removed = 0;
    for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
      const rows = await scope.query(
        `select id from ${rule.table} where app_id = ? and ${rule.column} <= ?${only} order by ${rule.column} limit ${BATCH}`,
        [scope.appId, before],
      );
      if (rows.length > 0) {
        const places = rows.map(() => '?').join(', ');
        // The condition again: a row may have been renewed between the two statements.
        await scope.run(`delete from ${rule.table} where app_id = ? and id in (${places}) and ${rule.column} <= ?${only}`, [
          scope.appId,
          ...rows.map((row) => row.id),
          before,
        ]);
        removed += rows.length;
      }
      if (rows.length < BATCH) {
        if (removed > 0) scope.log.info('old rows removed', { what: rule.what, removed });
        return true;
      }
    }
    return false;
  }
}
