import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { Database } from '../db/database.js';
import { inParts } from '../db/sql.js';
import type { RawRow } from '../db/table.js';
import type { Ids } from '../ids.js';
import type { Scope } from '../tenancy/scope.js';
import type { JobPriority } from './job.entity.js';
import { drawnFence, ERROR_CHARS_MAX, JobSql, type Later } from './job.sql.js';
import { type JobKey, Lease, LeaseLost, type StartStopwatch } from './lease.js';
import type { LeaseKeeper } from './lease-keeper.js';

/** Work to enqueue, with what its handler needs to know. */
export interface NewJob extends JobKey {
  readonly payload?: unknown;
}

interface JobsParts {
  readonly database: Database;
  readonly sql: JobSql;
  readonly ids: Ids;
  readonly keeper: LeaseKeeper;
  readonly startStopwatch: StartStopwatch;
  /** What goes first when there is more than can be done. */
  readonly priorityOf: (kind: string) => JobPriority;
}

/**
 * The queue in the database. Enqueueing is part of the caller's transaction, so no work is lost. All its moments are in
 * the database's time, which all processes share. Who takes a lease calls `letGo` when the work has ended.
 */
export class Jobs {
  private readonly sql: JobSql;
  private readonly nudged: (() => void)[] = [];

  constructor(private readonly parts: JobsParts) {
    this.sql = parts.sql;
  }

  /** Calls `nudge` whenever work was committed that is due at once, or is about to be queued. */
  onDue(nudge: () => void): void {
    this.nudged.push(nudge);
  }

  /** Wakes the worker: something was committed that it makes work of. */
  readonly wake = (): void => {
    for (const nudge of this.nudged) nudge();
  };

  /** Enqueues work. If the same work waits already it is moved up; if it runs, it will run once more. */
  async enqueue(scope: Scope, job: NewJob & { readonly dueInMs?: number }): Promise<void> {
    await this.insert(scope, [job], job.dueInMs ?? 0);
  }

  /** Enqueues many pieces of work, due now, many in one statement. Each key may be there once. */
  async enqueueAll(scope: Scope, jobs: readonly NewJob[]): Promise<void> {
    if (jobs.length > 0) await this.insert(scope, jobs, 0);
  }

  /** Enqueues work and holds it from the commit on. Null when the same work is waiting or running already. */
  async enqueueAndTake(scope: Scope, job: NewJob): Promise<Lease | null> {
    const taken = this.parts.startStopwatch();
    const id = this.parts.ids.make('job');
    try {
      await scope.db.run(this.sql.insertingHeld, this.valuesOf(scope, job, id));
    } catch (error) {
      if (error instanceof UniqueConstraintViolationException) return null;
      throw error;
    }
    const [{ appId }, { kind, subject, payload = null }] = [scope, job];
    const now = scope.now();
    const fresh = { fence: 1, timesRequested: 1, attempts: 0, sends: 0, sentAt: null, createdAt: now };
    return this.kept(new Lease({ appId, id, kind, subject, payload, ...fresh }, taken, now), scope);
  }

  /** Takes work of this key that nobody holds now; null when there is none or somebody else does. */
  async take(scope: Scope, key: JobKey): Promise<Lease | null> {
    return scope.transaction(async (tx) => {
      const taken = this.parts.startStopwatch();
      const [row] = await this.select(tx, key);
      if (row === undefined || row.state === 'dead' || this.sql.heldMsOf(row) > 0) return null;
      const fence = drawnFence();
      const replaced = await tx.db.run(this.sql.takingFree, [fence, row.app_id, row.id, row.fence]);
      return replaced === 0 ? null : this.kept(this.sql.leaseOf(row, fence, taken), tx);
    });
  }

  /** How long work of this key is still held, ms, unless renewed: 0 if it only waits, null if there is none. */
  async heldForMs(scope: Scope, key: JobKey): Promise<number | null> {
    const [row] = await this.select(scope, key);
    return row === undefined ? null : this.sql.heldMsOf(row);
  }

  /** Whether work of this key is waiting or running. */
  async isWaiting(scope: Scope, key: JobKey): Promise<boolean> {
    return (await this.heldForMs(scope, key)) !== null;
  }

  /**
   * Throws LeaseLost unless the lease still holds; locks it until the transaction ends, on all servers of a cluster.
   */
  async confirm(scope: Scope, lease: Lease): Promise<void> {
    const held = await scope.db.run(this.sql.confirming, [lease.appId, lease.jobId, lease.fence]);
    if (held === 0) throw new LeaseLost(lease);
  }

  /** The work is done: its row goes, or is due again if it was requested meanwhile. Throws LeaseLost. */
  async complete(scope: Scope, lease: Lease): Promise<void> {
    if (await this.removed(scope, lease)) return;
    const again = await scope.db.run(this.sql.askingAnew(), [lease.appId, lease.jobId, lease.fence]);
    if (again === 0) throw new LeaseLost(lease);
    scope.db.afterCommit(this.wake);
  }

  /** The work is done, however often it was requested meanwhile. Throws LeaseLost. */
  async end(scope: Scope, lease: Lease): Promise<void> {
    const gone = await scope.db.run(this.sql.removing, [lease.appId, lease.jobId, lease.fence]);
    if (gone === 0) throw new LeaseLost(lease);
  }

  /** The work was not done and shall not be; false if it was requested again meanwhile. Throws LeaseLost. */
  async takeBack(scope: Scope, lease: Lease): Promise<boolean> {
    await this.confirm(scope, lease);
    return this.removed(scope, lease);
  }

  /** Requests existing work once more, of whoever does it. */
  async askAgain(scope: Scope, { kind, subject }: JobKey): Promise<void> {
    const key = [scope.appId, kind, subject];
    await scope.db.run('update billing_jobs set wanted = wanted + 1 where app_id = ? and kind = ? and subject = ?', key);
  }

  /**
   * Gives the work back, to be taken again in `dueInMs`; `error` counts as a failed try. Records what was sent under
   * the lease and not answered. Does nothing if the lease was lost.
   */
  async release(scope: Scope, lease: Lease, later: Later): Promise<void> {
    await scope.db.run(...this.sql.releasing(lease, later));
  }

  /**
   * The work is done for now, and goes on in `dueInMs`, or at once if it was requested meanwhile. Throws LeaseLost.
   */
  async goOnLater(scope: Scope, lease: Lease, dueInMs: number): Promise<void> {
    const held = [lease.appId, lease.jobId, lease.fence];
    if ((await scope.db.run(this.sql.goingOnLater, [lease.timesRequested, dueInMs, ...held])) === 0) throw new LeaseLost(lease);
    scope.db.afterCommit(this.wake);
  }

  /**
   * Trying again cannot help: the work waits for a person, unless it was requested meanwhile. Then it is due again, and
   * the answer is false.
   */
  async bury(scope: Scope, lease: Lease, reason: string): Promise<boolean> {
    const held = [lease.appId, lease.jobId, lease.fence];
    const said = reason.slice(0, ERROR_CHARS_MAX);
    if ((await scope.db.run(this.sql.burying, [said, ...held, lease.timesRequested])) > 0) return true;
    await scope.db.run(this.sql.askingAnew({ withReason: true }), [said, ...held]);
    return false;
  }

  /** Nobody in this process does the work any more: its lease is not renewed. */
  letGo(lease: Lease): void {
    this.parts.keeper.drop(lease);
  }

  /** The database's time went back: makes what waits due now, so that it does not wait that much longer. */
  async pullForward(): Promise<void> {
    for (const sql of this.sql.pullingForward) await this.parts.database.run(sql, []);
    this.wake();
  }

  /** Removes the job unless it was requested since it was taken; whether it did. */
  private async removed(scope: Scope, { appId, jobId, fence, timesRequested }: Lease): Promise<boolean> {
    return (await scope.db.run(`${this.sql.removing} and wanted = ?`, [appId, jobId, fence, timesRequested])) > 0;
  }

  private async insert(scope: Scope, jobs: readonly NewJob[], dueInMs: number): Promise<void> {
    // In the order of their unique key: overlapping statements in other orders would deadlock.
    const sorted = [...jobs].sort((one, other) => (`${one.kind} ${one.subject}` < `${other.kind} ${other.subject}` ? -1 : 1));
    const valuesOf = (job: NewJob) => [...this.valuesOf(scope, job, this.parts.ids.make('job')), dueInMs];
    for (const part of inParts(sorted)) await scope.db.run(this.sql.insertingDue(part.length), part.flatMap(valuesOf));
    scope.db.afterCommit(this.wake);
  }

  /** Without a lock, which could deadlock with who ends the work: who takes it replaces the fence that was read. */
  private select(scope: Scope, { kind, subject }: JobKey): Promise<RawRow[]> {
    return scope.db.query(`${this.sql.selecting} where app_id = ? and kind = ? and subject = ?`, [scope.appId, kind, subject]);
  }

  private kept(lease: Lease, tx: Scope): Lease {
    tx.db.afterCommit(() => this.parts.keeper.keep(lease));
    return lease;
  }

  private valuesOf(scope: Scope, { kind, subject, payload }: NewJob, id: string): unknown[] {
    return [scope.appId, id, kind, subject, payload === undefined ? null : JSON.stringify(payload), this.parts.priorityOf(kind)];
  }
}
