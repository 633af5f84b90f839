import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { Clock } from '../clock.js';
import { plusMs } from '../clock.js';
import type { Database } from '../db/database.js';
import type { RawRow } from '../db/table.js';
import type { Ids } from '../ids.js';
import type { Scope } from '../tenancy/scope.js';
import { Job } from './job.entity.js';

/** Names a piece of work. */
export interface JobKey {
  readonly kind: string;
  /** What it is about: our id or the processor's. */
  readonly subject: string;
}

/** Work to ask for, with what its handler needs to know. */
export interface NewJob extends JobKey {
  readonly payload?: unknown;
}

/** The right to do a piece of work until the lease ends. Whoever holds it checks it again where they write. */
export interface Lease extends JobKey {
  readonly appId: string;
  readonly jobId: string;
  readonly fence: number;
  /** How often the work had been asked for when it was taken. */
  readonly wanted: number;
  /** How many tries failed before this one. */
  readonly attempts: number;
  readonly payload: unknown;
  /** When the work was first asked for. */
  readonly createdAt: Date;
  /** When a request for it was last sent. */
  readonly sentAt: Date;
}

/** Somebody else took the work over while we were slow; what we have must not be written. */
export class LeaseLost extends Error {
  constructor(lease: Lease) {
    super(`The lease on ${lease.kind} ${lease.subject} was lost to another worker.`);
  }
}

/** How long work may take before another worker may take it over, ms: well above the longest call to the processor. */
export const LEASE_MS = 120_000;

/** The queue in the database. Enqueueing is part of the caller's transaction, so there is no gap in which work is lost. */
export class Jobs {
  private nudge: () => void = () => undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Calls `nudge` whenever work was committed that is due at once, or is about to be queued. */
  onDue(nudge: () => void): void {
    this.nudge = nudge;
  }

  /** Something was committed that a worker makes work of. */
  wake(): void {
    this.nudge();
  }

  /** Asks for work. If the same work waits already it is moved up; if it runs, it will run once more. */
  async enqueue(scope: Scope, job: NewJob & { readonly dueInMs?: number }): Promise<void> {
    await this.insert(scope, [job], job.dueInMs ?? 0);
  }

  /** Asks for many pieces of work, due now, in one statement. Each key may be there once. */
  async enqueueAll(scope: Scope, jobs: readonly NewJob[]): Promise<void> {
    if (jobs.length > 0) await this.insert(scope, jobs, 0);
  }

  /** Asks for work and takes it at once. Null when the same work is waiting or running already. */
  async hold(scope: Scope, job: NewJob): Promise<Lease | null> {
    const now = this.clock.now();
    const jobId = this.ids.make('job');
    const start = { state: 'running', dueAt: plusMs(now, LEASE_MS), fence: 1, now } as const;
    try {
      await scope.run(`${INSERT} ${ROW}`, valuesOf(scope, { ...job, jobId }, start));
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) return null;
      throw error;
    }
    const { kind, subject, payload = null } = job;
    return { appId: scope.appId, jobId, kind, subject, payload, fence: 1, wanted: 1, attempts: 0, createdAt: now, sentAt: now };
  }

  /** Takes work of this key that nobody holds now; null when there is none or somebody else does. */
  async take(scope: Scope, key: JobKey): Promise<Lease | null> {
    return scope.transaction(async (tx) => {
      const [row] = await this.select(tx, key);
      if (row === undefined || row.state === 'dead') return null;
      const lease = leaseOf(row, this.database);
      if (row.state === 'running' && this.dueAtOf(row) > this.clock.now()) return null;
      return (await this.raiseFence(tx, lease)) ? { ...lease, fence: lease.fence + 1 } : null;
    });
  }

  /** Whether work of this key is waiting or running. */
  async isWaiting(scope: Scope, key: JobKey): Promise<boolean> {
    return (await this.select(scope, key)).length > 0;
  }

  /** Takes up to `limit` due pieces of work of all apps. */
  async claim(limit: number): Promise<Lease[]> {
    const now = this.clock.now();
    return this.database.transaction(async (em) => {
      const locking = this.database.isEmbedded ? '' : ' for update skip locked';
      const rows = await this.database.query(`${SELECT} where due_at <= ? order by due_at, id limit ${limit}${locking}`, [now], em);
      for (const row of rows) {
        const parameters = [plusMs(now, LEASE_MS), row.app_id, row.id];
        await this.database.run(
          "update billing_jobs set state = 'running', fence = fence + 1, due_at = ? where app_id = ? and id = ?",
          parameters,
          em,
        );
      }
      return rows.map((row) => leaseOf({ ...row, fence: Number(row.fence) + 1 }, this.database));
    });
  }

  /** Throws LeaseLost unless the lease still holds; locks it until the transaction ends. */
  async confirm(scope: Scope, lease: Lease): Promise<void> {
    const [row] = await this.select(scope, lease);
    if (row === undefined || Number(row.fence) !== lease.fence || row.id !== lease.jobId) throw new LeaseLost(lease);
  }

  /** The work is done: its row goes, or waits again when it was asked for anew meanwhile. Throws LeaseLost. */
  async complete(scope: Scope, lease: Lease): Promise<void> {
    const held = [lease.appId, lease.jobId, lease.fence];
    const gone = await scope.run('delete from billing_jobs where app_id = ? and id = ? and fence = ? and wanted = ?', [
      ...held,
      lease.wanted,
    ]);
    if (gone > 0) return;
    const parameters = [this.clock.now(), ...held];
    const again = await scope.run(
      "update billing_jobs set state = 'due', due_at = ?, attempts = 0 where app_id = ? and id = ? and fence = ?",
      parameters,
    );
    if (again === 0) throw new LeaseLost(lease);
    scope.afterCommit(this.nudge);
  }

  /** Notes, before a request is sent again, that it is. Throws LeaseLost. */
  async noteSending(scope: Scope, lease: Lease): Promise<void> {
    const parameters = [this.clock.now(), lease.appId, lease.jobId, lease.fence];
    const noted = await scope.run('update billing_jobs set sent_at = ? where app_id = ? and id = ? and fence = ?', parameters);
    if (noted === 0) throw new LeaseLost(lease);
  }

  /** Gives the work back, to be taken again in `dueInMs`; `error` counts as a failed try. Does nothing if the lease was lost. */
  async release(scope: Scope, lease: Lease, later: { readonly dueInMs: number; readonly error?: string }): Promise<void> {
    const failed = later.error === undefined ? 0 : 1;
    const parameters = [
      plusMs(this.clock.now(), later.dueInMs),
      failed,
      later.error?.slice(0, 1000) ?? null,
      lease.appId,
      lease.jobId,
      lease.fence,
    ];
    await scope.run(
      "update billing_jobs set state = 'due', due_at = ?, attempts = attempts + ?, last_error = ? where app_id = ? and id = ? and fence = ?",
      parameters,
    );
  }

  /**
   * Trying again cannot help: the work waits for a person. Unless it was asked for anew meanwhile: then what failed is not
   * the last word, it is due again, and the answer is false.
   */
  async bury(scope: Scope, lease: Lease, reason: string): Promise<boolean> {
    const held = [lease.appId, lease.jobId, lease.fence];
    const buried = await scope.run(
      "update billing_jobs set state = 'dead', due_at = null, attempts = attempts + 1, last_error = ? where app_id = ? and id = ? and fence = ? and wanted = ?",
      [reason.slice(0, 1000), ...held, lease.wanted],
    );
    if (buried > 0) return true;
    await scope.run(
      "update billing_jobs set state = 'due', due_at = ?, attempts = 0, last_error = ? where app_id = ? and id = ? and fence = ?",
      [this.clock.now(), reason.slice(0, 1000), ...held],
    );
    return false;
  }

  private async insert(scope: Scope, jobs: readonly NewJob[], dueInMs: number): Promise<void> {
    const now = this.clock.now();
    const start: Start = { state: 'due', dueAt: plusMs(now, dueInMs), fence: 0, now };
    // In the order of their unique key: overlapping statements in other orders would deadlock.
    const sorted = [...jobs].sort((one, other) => (`${one.kind} ${one.subject}` < `${other.kind} ${other.subject}` ? -1 : 1));
    const values = sorted.flatMap((job) => valuesOf(scope, { ...job, jobId: this.ids.make('job') }, start));
    const rows = sorted.map(() => ROW).join(', ');
    await scope.run(`${INSERT} ${rows} ${this.database.isEmbedded ? AGAIN_EMBEDDED : AGAIN_MYSQL}`, values);
    scope.afterCommit(this.nudge);
  }

  private async raiseFence(scope: Scope, lease: Lease): Promise<boolean> {
    const parameters = [plusMs(this.clock.now(), LEASE_MS), lease.appId, lease.jobId, lease.fence];
    const raised = await scope.run(
      "update billing_jobs set state = 'running', fence = fence + 1, due_at = ? where app_id = ? and id = ? and fence = ?",
      parameters,
    );
    return raised === 1;
  }

  private select(scope: Scope, key: JobKey): Promise<RawRow[]> {
    const locking = this.database.isEmbedded ? '' : ' for update';
    return scope.query(`${SELECT} where app_id = ? and kind = ? and subject = ?${locking}`, [scope.appId, key.kind, key.subject]);
  }

  private dueAtOf(row: RawRow): Date {
    return this.database.table(Job).fromRaw(row).dueAt ?? new Date(0);
  }
}

interface Start {
  readonly state: 'due' | 'running';
  readonly dueAt: Date;
  readonly fence: number;
  readonly now: Date;
}

const SELECT =
  'select app_id, id, kind, subject, payload, state, due_at, fence, wanted, attempts, last_error, created_at, sent_at from billing_jobs';
const INSERT =
  'insert into billing_jobs (app_id, id, kind, subject, payload, state, due_at, fence, wanted, attempts, last_error, created_at) values';
const ROW = '(?, ?, ?, ?, ?, ?, ?, ?, 1, 0, null, ?)';
// Work that runs is only asked for once more; its lease stays. Work that waits or is dead is due again, at the earlier moment.
const AGAIN_MYSQL = `on duplicate key update wanted = wanted + 1, attempts = if(state = 'running', attempts, 0),
  due_at = if(state = 'running', due_at, least(coalesce(due_at, values(due_at)), values(due_at))), state = if(state = 'running', state, 'due')`;
const AGAIN_EMBEDDED = `on conflict (app_id, kind, subject) do update set wanted = wanted + 1, attempts = iif(state = 'running', attempts, 0),
  due_at = iif(state = 'running', due_at, min(coalesce(due_at, excluded.due_at), excluded.due_at)), state = iif(state = 'running', state, 'due')`;

function valuesOf(scope: Scope, job: NewJob & { readonly jobId: string }, start: Start): unknown[] {
  const payload = job.payload === undefined ? null : JSON.stringify(job.payload);
  return [scope.appId, job.jobId, job.kind, job.subject, payload, start.state, start.dueAt, start.fence, start.now];
}

function leaseOf(raw: RawRow, database: Database): Lease {
  const { appId, id: jobId, kind, subject, fence, wanted, attempts, payload, createdAt, sentAt } = database.table(Job).fromRaw(raw);
  return { appId, jobId, kind, subject, fence, wanted, attempts, payload, createdAt, sentAt: sentAt ?? createdAt };
}
