import type { Database } from '../db/database.js';
import { errorFields, type Log } from '../log.js';
import { LEASE_MS, type Lease, type StartStopwatch } from './lease.js';

/** How often leases are checked, and how old one is before it is renewed, ms. */
const EVERY_MS = LEASE_MS / 5;
/** Work that is held for longer counts as hanging: its lease runs out, and another worker takes it. */
const HELD_MS_MAX = 1_800_000;

/** Renews the leases that this process holds, for as long as it lives and does the work. */
export class LeaseKeeper {
  private readonly held = new Set<Lease>();
  private timer: NodeJS.Timeout | null = null;
  private isRenewing = false;

  constructor(private readonly parts: { readonly database: Database; readonly startStopwatch: StartStopwatch; readonly log: Log }) {}

  /** From now on the lease is renewed. */
  keep(lease: Lease): void {
    this.held.add(lease);
    this.timer ??= setInterval(() => this.renewOnTick(), EVERY_MS).unref();
  }

  /** The work has ended, in whatever way: the lease runs out by itself. */
  drop(lease: Lease): void {
    this.held.delete(lease);
    if (this.held.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }

  private renewOnTick(): void {
    if (this.isRenewing) return;
    this.isRenewing = true;
    void this.renewDue().finally(() => {
      this.isRenewing = false;
    });
  }

  private async renewDue(): Promise<void> {
    for (const lease of this.held) {
      if (lease.heldForMs() > HELD_MS_MAX) this.giveUp(lease);
      else if (lease.renewedAgoMs() >= EVERY_MS) await this.renew(lease).catch((error: unknown) => this.missed(lease, error));
    }
  }

  private async renew(lease: Lease): Promise<void> {
    const { database, startStopwatch } = this.parts;
    const begun = startStopwatch();
    const renewed = await database.run(
      `update billing_jobs set due_at = ${database.time.in(LEASE_MS)} where app_id = ? and id = ? and fence = ? and state = 'running'`,
      [lease.appId, lease.jobId, lease.fence],
    );
    if (renewed > 0) lease.renew(begun);
    else this.drop(lease);
  }

  private missed({ kind, subject }: Lease, error: unknown): void {
    this.parts.log.warn('lease not renewed', { kind, subject, ...errorFields(error) });
  }

  private giveUp(lease: Lease): void {
    this.drop(lease);
    this.parts.log.error('work hangs', { kind: lease.kind, subject: lease.subject, heldForMs: lease.heldForMs() });
  }
}
