import type { Database } from '../db/database.js';
import { errorFields, type Log } from '../log.js';
import { insist } from './insist.js';
import type { JobSql } from './job.sql.js';
import { LEASE_MS, type Lease, type StartStopwatch } from './lease.js';

/** How often leases are checked, and how old one is before it is renewed, ms. */
const EVERY_MS = LEASE_MS / 5;
/** Work that is held for longer counts as hanging: its lease runs out, and another worker takes it. */
const HELD_MS_MAX = 1_800_000;

interface LeaseKeeperParts {
  readonly database: Database;
  readonly sql: JobSql;
  readonly startStopwatch: StartStopwatch;
  readonly log: Log;
}

/** Renews the leases that this process holds, for as long as it lives and does the work. */
export class LeaseKeeper {
  private readonly held = new Set<Lease>();
  private timer: NodeJS.Timeout | null = null;
  private readonly renewing = new Set<Lease>();
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly parts: LeaseKeeperParts) {}

  /** From now on the lease is renewed. */
  keep(lease: Lease): void {
    this.held.add(lease);
    this.timer ??= setInterval(() => this.renewDue(), EVERY_MS).unref();
  }

  /** The work has ended, in whatever way: the lease runs out by itself. */
  drop(lease: Lease): void {
    this.held.delete(lease);
    if (this.held.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
    for (const tell of this.waiting.splice(0)) tell();
  }

  /** Resolves once no lease is held. */
  whenFree(): Promise<void> {
    return this.held.size === 0 ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }

  /**
   * Gives back every lease that is held, since the process ends: from now on nothing is sent under them, and others may
   * go on at once. What was sent and not answered stays as it is: for who takes the work it may be under way.
   */
  async giveBack(): Promise<void> {
    const { database, log } = this.parts;
    // All end before the first statement waits for the database, and each with the doubt of this moment.
    const releases = [...this.held].map((lease) => {
      lease.end();
      this.drop(lease);
      return { lease, release: this.parts.sql.releasing(lease, { dueInMs: 0 }) };
    });
    for (const { lease, release } of releases) {
      const { kind, subject, isInDoubt } = lease;
      log.warn('work given back', { kind, subject, divergence_risk: isInDoubt });
      // One that cannot be given back runs out by itself.
      await database.run(`${release[0]} and state = 'running'`, release[1]).catch((error: unknown) => this.missed(lease, error));
    }
  }

  /**
   * Gives back leases that may have been taken, by a COMMIT that was not answered, and under which nothing was sent;
   * again while the database is away.
   */
  giveBackNotBegun(leases: readonly Lease[]): void {
    for (const lease of leases) {
      const [sql, values] = this.parts.sql.releasing(lease, { dueInMs: 0 });
      const release = () => this.parts.database.run(`${sql} and state = 'running'`, values);
      insist(release).catch((error: unknown) => this.missed(lease, error));
    }
  }

  /** Each by itself: one whose row is locked, or whose connection hangs, keeps no other from being renewed. */
  private renewDue(): void {
    for (const lease of this.held) {
      if (lease.heldForMs() > HELD_MS_MAX) this.giveUp(lease);
      else if (lease.renewedAgoMs() >= EVERY_MS && !this.renewing.has(lease)) void this.renewOnce(lease);
    }
  }

  private async renewOnce(lease: Lease): Promise<void> {
    this.renewing.add(lease);
    await this.renew(lease).catch((error: unknown) => this.missed(lease, error));
    this.renewing.delete(lease);
  }

  private async renew(lease: Lease): Promise<void> {
    const { database, startStopwatch } = this.parts;
    const begun = startStopwatch();
    const renewed = await database.run(
      `update billing_jobs set due_at = ${database.time.in(LEASE_MS)} where app_id = ? and id = ? and fence = ? and state = 'running'`,
      [lease.appId, lease.jobId, lease.fence],
    );
    if (renewed > 0) return lease.renew(begun);
    // Somebody else has the work, early perhaps, by the clock of another node: nothing more is sent for it here.
    lease.end();
    this.drop(lease);
  }

  private missed({ kind, subject }: Lease, error: unknown): void {
    this.parts.log.warn('lease not renewed', { kind, subject, ...errorFields(error) });
  }

  private giveUp(lease: Lease): void {
    this.drop(lease);
    this.parts.log.error('work hangs', { kind: lease.kind, subject: lease.subject, heldForMs: lease.heldForMs() });
  }
}
