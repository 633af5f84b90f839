import { randomInt } from 'node:crypto';
import type { Stopwatch } from '../clock.js';
import type { Database } from '../db/database.js';
import { LOCK_COLUMN } from '../db/lock.fence.js';
import { onConflict } from '../db/sql.js';
import type { RawRow } from '../db/table.js';
import { Job } from './job.entity.js';
import { LEASE_MS, Lease } from './lease.js';

/** How much is kept of why work failed. */
export const ERROR_CHARS_MAX = 1_000;

/** So finely differences of clocks are told apart, ms. */
const APART_STEP_MS = 100;

/** Fences that are drawn, above that of who inserts work and holds it. */
const FENCES = [2, 2 ** 30] as const;

/**
 * The fence of a new taker. It is drawn and not counted: whose COMMIT was lost gives back what may be theirs, and must
 * not meet the lease of who took the same work from the same row meanwhile.
 */
export function drawnFence(): number {
  return randomInt(...FENCES);
}

/** When work is to be taken again; with why it failed, if it did. */
export interface Later {
  readonly dueInMs: number;
  readonly error?: string;
}

type Statement = readonly [sql: string, values: readonly unknown[]];

const INSERT =
  'insert into billing_jobs (app_id, id, kind, subject, payload, priority, state, due_at, fence, wanted, attempts, sends, created_at) values';
// A running job is only requested once more. One that waits or is dead is due again, at the earlier moment.
const AGAIN = `wanted = wanted + 1, attempts = case when state = 'running' then attempts else 0 end,
  due_at = case when state = 'running' or due_at < excluded.due_at then due_at else excluded.due_at end,
  state = case when state = 'running' then state else 'due' end`;

const HELD = 'where app_id = ? and id = ? and fence = ?';

/** The statements of the queue, in the database's own time. */
export class JobSql {
  /** `apartMs`: how far the clocks of the database's nodes are apart, ms. */
  constructor(
    private readonly database: Database,
    private readonly apartMs: () => number,
  ) {}

  /** A job that is held from the start. Values: app, id, kind, subject, payload and priority. */
  get insertingHeld(): string {
    return `${INSERT} ${this.row('running', LEASE_MS, 1)}`;
  }

  /** Inserts `count` waiting jobs, or requests them again. Values as above, and in how many ms each is due. */
  insertingDue(count: number): string {
    const rows = Array(count)
      .fill(this.row('due', '?', 0))
      .join(', ');
    return `${INSERT} ${rows} ${onConflict(this.database.isEmbedded, 'app_id, kind, subject', AGAIN)}`;
  }

  /** Rows of jobs with the time they were read at. */
  get selecting(): string {
    return `select ${this.database.table(Job).selectList}, ${this.database.time.now} as now_at from billing_jobs`;
  }

  /**
   * Due jobs to take, the oldest first. Values: app, priority, and where there are several parts, how many and which.
   */
  choosing(count: number, parts: number): string {
    const part = parts === 1 ? '' : ' and crc32(id) % ? = ?';
    return `${this.selecting} where app_id = ? and priority = ? and ${this.due}${part} order by due_at, id limit ${count}`;
  }

  /**
   * Takes one of them, unless somebody else did since. By its primary key: any other index would lock what it finds on
   * the way. Values: the fence that was drawn, app, id and the fence that was read.
   */
  get takingDue(): string {
    return `${this.taking} ${HELD} and ${this.due}`;
  }

  /** Takes a job, due or not, unless somebody holds it. Values as above. */
  get takingFree(): string {
    return `${this.taking} ${HELD} and (state = 'due' or ${this.over})`;
  }

  /** A lease on a job that was read before it was taken. Who held it last may have sent something until now. */
  leaseOf(raw: RawRow, fence: number, taken: Stopwatch): Lease {
    const { time } = this.database;
    const job = this.database.table(Job).fromRaw(raw);
    const now = time.read(raw.now_at);
    const isTakenOver = job.state === 'running';
    const doubt = isTakenOver ? { sends: job.sends + 1, sentAt: now } : { sends: job.sends, sentAt: job.sentAt };
    return new Lease({ ...job, ...doubt, fence }, taken, now);
  }

  /** For how long what was read is still held, ms, by whatever clock of the database. */
  heldMsOf(row: RawRow): number {
    const { time } = this.database;
    const leftMs = time.read(row.due_at).getTime() - time.read(row.now_at).getTime();
    return row.state === 'running' ? Math.max(0, leftMs + this.apartMs()) : 0;
  }

  private get due(): string {
    const { now } = this.database.time;
    return this.apartMs() === 0 ? `due_at <= ${now}` : `due_at <= ${now} and (state = 'due' or ${this.over})`;
  }

  /** A lease was written by one node and ends when the last of the others says so: its holder goes by none of them. */
  private get over(): string {
    // In steps, so that a server does not have to prepare the statement anew each time.
    const apartMs = Math.ceil(this.apartMs() / APART_STEP_MS) * APART_STEP_MS;
    return `due_at <= ${apartMs === 0 ? this.database.time.now : this.database.time.in(-apartMs)}`;
  }

  /** The state is read before it is set: MySQL assigns from left to right. */
  private get taking(): string {
    const { time } = this.database;
    return `update billing_jobs set fence = ?, due_at = ${time.in(LEASE_MS)},
      sends = case when state = 'running' then sends + 1 else sends end,
      sent_at = case when state = 'running' then ${time.now} else sent_at end, state = 'running'`;
  }

  /** The lease still holds: a write, since only that is a lock of a whole cluster. Values: app, id and fence. */
  get confirming(): string {
    return `update billing_jobs set ${LOCK_COLUMN} = ${LOCK_COLUMN} + 1 ${HELD}`;
  }

  /** The work is done; its values are those of who holds it: app, id and fence. */
  get removing(): string {
    return 'delete from billing_jobs where app_id = ? and id = ? and fence = ?';
  }

  /** Makes a held job due again with no failed tries. Values: the reason, if there is one, then who holds it. */
  askingAnew({ withReason = false } = {}): string {
    const reason = withReason ? ', last_error = ?' : '';
    return `update billing_jobs set state = 'due', due_at = ${this.database.time.now}, attempts = 0${reason} ${HELD}`;
  }

  /**
   * Makes a held job due with no failed tries; at once, if it was requested since it was taken. Values: how often it
   * was requested, in how many ms, the holder.
   */
  get goingOnLater(): string {
    const { time } = this.database;
    return `update billing_jobs set state = 'due', attempts = 0, last_error = null,
      due_at = case when wanted = ? then ${time.in('?')} else ${time.now} end ${HELD}`;
  }

  /** What was leased waits, with what was sent under the lease and not answered; `error` counts as a failed try. */
  releasing(lease: Lease, { dueInMs, error }: Later): Statement {
    const { isInDoubt, sends, sentAt, appId, jobId, fence } = lease;
    const { time } = this.database;
    const sql = `update billing_jobs set state = 'due', due_at = ${time.in('?')}, attempts = attempts + ?, last_error = ?,
      sends = ?, sent_at = ${isInDoubt ? time.now : '?'} ${HELD}`;
    const [failed, said] = error === undefined ? [0, null] : [1, error.slice(0, ERROR_CHARS_MAX)];
    return [sql, [dueInMs, failed, said, ...(isInDoubt ? [sends + 1] : [sends, sentAt]), appId, jobId, fence]];
  }

  /** It waits for a person. Values: the reason, who holds it, and how often it was requested. */
  get burying(): string {
    return `update billing_jobs set state = 'dead', due_at = null, attempts = attempts + 1, last_error = ? ${HELD} and wanted = ?`;
  }

  /** Makes waiting jobs due at once, shortens leases to the usual length, and moves sends out of the future. */
  get pullingForward(): readonly string[] {
    const { now } = this.database.time;
    const longest = this.database.time.in(LEASE_MS);
    return [
      `update billing_jobs set due_at = ${now} where state = 'due' and due_at > ${now}`,
      `update billing_jobs set due_at = ${longest} where state = 'running' and due_at > ${longest}`,
      `update billing_jobs set sent_at = ${now} where sent_at > ${now}`,
    ];
  }

  private row(state: 'due' | 'running', dueInMs: '?' | number, fence: number): string {
    const { time } = this.database;
    return `(?, ?, ?, ?, ?, ?, '${state}', ${time.in(dueInMs)}, ${fence}, 1, 0, 0, ${time.now})`;
  }
}
