import { setTimeout as sleep } from 'node:timers/promises';
import { isPassing } from '../db/outage.js';
import { errorFields, type Log } from '../log.js';
import type { Metrics } from '../metrics.js';
import { inSpan } from '../spans.js';
import type { Scope } from '../tenancy/scope.js';
import type { Claimer } from './claimer.js';
import { giveBack } from './give-back.js';
import type { Jobs } from './jobs.js';
import { type Lease, LeaseLost } from './lease.js';
import type { InProgress, Slots } from './turns.js';

/**
 * Does one piece of work and completes its lease, best in the transaction of its own last write. What is long asks in
 * between whether the process `isEnding`, and leaves the rest to others.
 */
export type JobHandler = (scope: Scope, lease: Lease, isEnding: () => boolean) => Promise<void>;

/** Trying again cannot help: the work is buried at once, with the message as its reason. */
export class GiveUp extends Error {}

interface WorkerParts {
  readonly jobs: Jobs;
  readonly claimer: Claimer;
  readonly handlers: ReadonlyMap<string, JobHandler>;
  readonly slots: Slots;
  /** Whether this process may take work now. */
  readonly mayWork: () => Promise<boolean>;
  /** What goes first. Work in progress is counted by it. */
  readonly priorityOf: (kind: string) => number;
  /** Queues jobs for events that arrived. */
  readonly intake: () => Promise<void>;
  /** A scope for work of an app; null when the app is gone. */
  readonly scopeFor: (lease: Lease) => Promise<Scope | null>;
  /** Called when a try failed (`isDead`: for the last time), so that what people see keeps in step. */
  readonly onFailure: (scope: Scope, lease: Lease, reason: string, isDead: boolean) => Promise<void>;
  /** Work that is tried for ever, since nobody would find out what became of it otherwise. */
  readonly isNeverGivenUp: (kind: string) => boolean;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How long to wait when there is nothing to do, ms. */
  readonly idleMs: number;
}

/** The wait after the 1st, 2nd … failed try, ms. The try after the last is the last, unless work is never given up. */
const BACKOFF_MS = [60_000, 300_000, 1_800_000, 7_200_000];
const BACKOFF_MS_MAX = 7_200_000;
const JITTER = 0.1;
/** When work is tried again that the database could not do, ms. */
const OUTAGE_PAUSE_MS = 1_000;
const BATCH = 10;

/** Takes due work and does it: money first, each app in its turn. Any number may run, in one process or many. */
export class Worker {
  private stopping: AbortController | undefined;
  private running: Promise<void> | undefined;
  private wake: AbortController = new AbortController();
  private isHeldUp = false;
  private readonly inProgress = new Map<Promise<void>, InProgress[number]>();

  constructor(private readonly parts: WorkerParts) {
    parts.jobs.onDue(() => (this.wake.signal.aborted ? undefined : this.wake.abort()));
  }

  /** Works until stopped. */
  start(): void {
    this.stopping = new AbortController();
    this.running = this.loop(this.stopping.signal);
  }

  /** Finishes what is in progress and takes no more. */
  async stop(): Promise<void> {
    this.stopping?.abort();
    this.wake.abort();
    await this.running;
    this.stopping = undefined;
  }

  /** Does everything that is due now, and what comes due while at it; returns how many pieces. */
  async drain(): Promise<number> {
    let done = 0;
    for (;;) {
      const taken = await this.round();
      if (taken === 0) return done;
      done += taken;
    }
  }

  private async loop(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      this.wake = new AbortController();
      const taken = await this.takeMore().catch((error: unknown) => this.notTaken(error));
      if (taken > 0 || stop.aborted) continue;
      if (this.inProgress.size >= this.parts.slots.all) await Promise.race(this.inProgress.keys());
      else await sleep(this.parts.idleMs, undefined, { signal: this.wake.signal }).catch(() => undefined);
    }
    await Promise.all(this.inProgress.keys());
  }

  /** A database that is away is said once, and looked for as often as there is nothing to do. */
  private notTaken(error: unknown): 0 {
    if (!this.isHeldUp) this.parts.log.error('work could not be claimed', errorFields(error));
    this.isHeldUp = isPassing(error);
    return 0;
  }

  /** Fills the slots that are free; a slow piece of work keeps only its own slot from others. */
  private async takeMore(): Promise<number> {
    await this.parts.intake().catch((error: unknown) => {
      if (isPassing(error)) throw error;
      this.parts.log.error('what arrived could not be queued', errorFields(error));
    });
    const free = this.parts.slots.all - this.inProgress.size;
    if (free === 0 || !(await this.parts.mayWork())) return 0;
    const leases = await this.parts.claimer.claim(Math.min(free, BATCH), [...this.inProgress.values()]);
    if (this.isHeldUp) this.parts.log.info('work is claimed again');
    this.isHeldUp = false;
    for (const lease of leases) {
      const done: Promise<void> = this.work(lease)
        // The lease runs out by itself, and somebody takes the work anew.
        .catch((error: unknown) =>
          this.parts.log.error('work was left', { kind: lease.kind, subject: lease.subject, ...errorFields(error) }),
        )
        .finally(() => this.inProgress.delete(done));
      this.inProgress.set(done, { priority: this.parts.priorityOf(lease.kind), appId: lease.appId });
    }
    return leases.length;
  }

  private async round(): Promise<number> {
    await this.parts.intake();
    if (!(await this.parts.mayWork())) return 0;
    const leases = await this.parts.claimer.claim(BATCH, []);
    await Promise.all(leases.map((lease) => this.work(lease)));
    return leases.length;
  }

  private async work(lease: Lease): Promise<void> {
    try {
      const scope = await this.parts.scopeFor(lease);
      if (scope !== null) await this.handle(scope, lease);
    } finally {
      this.parts.jobs.letGo(lease);
    }
  }

  private async handle(scope: Scope, lease: Lease): Promise<void> {
    const handler = this.parts.handlers.get(lease.kind);
    const startedAt = performance.now();
    const count = (outcome: string) => {
      const kind = handler === undefined ? 'unknown' : lease.kind;
      this.parts.metrics.jobs.inc({ kind, outcome });
      this.parts.metrics.jobSeconds.observe({ kind }, (performance.now() - startedAt) / 1000);
    };
    try {
      if (handler === undefined) throw new GiveUp(`Nobody handles ${lease.kind}.`);
      await inSpan({ kind: 'job', name: `job ${lease.kind}`, attributes: { 'billing.attempt': lease.attempts + 1 } }, () =>
        handler(scope, lease, () => this.stopping?.signal.aborted === true),
      );
      count('done');
    } catch (error) {
      if (error instanceof LeaseLost) scope.request.log.warn('lease lost', { kind: lease.kind, subject: lease.subject });
      if (isPassing(error)) return this.postponed(scope, lease, error).finally(() => count('postponed'));
      count(error instanceof LeaseLost ? 'lease_lost' : await this.failed(scope, lease, error));
    }
  }

  /** The database could not do it, which is no fault of the work: it is no failed try, and goes on after. */
  private async postponed(scope: Scope, lease: Lease, error: unknown): Promise<void> {
    scope.request.log.warn('work postponed', { kind: lease.kind, subject: lease.subject, ...errorFields(error) });
    await giveBack(this.parts.jobs, scope, lease, OUTAGE_PAUSE_MS);
  }

  private async failed(scope: Scope, lease: Lease, error: unknown): Promise<'failed' | 'dead'> {
    const reason = error instanceof Error ? error.message : String(error);
    const delayMs = BACKOFF_MS[lease.attempts] ?? (this.parts.isNeverGivenUp(lease.kind) ? BACKOFF_MS_MAX : undefined);
    const isDead = error instanceof GiveUp || delayMs === undefined;
    scope.request.log.warn(isDead ? 'work given up' : 'work failed', {
      kind: lease.kind,
      subject: lease.subject,
      attempts: lease.attempts + 1,
      // What was to be carried to the processor, or looked at there, is not.
      ...(isDead ? { divergence_risk: true } : {}),
      ...errorFields(error),
    });
    // In one transaction: dying in between must not leave work that waits for a person, and nobody who sees that.
    return scope.transaction(async (tx) => {
      const isBuried = isDead && (await this.parts.jobs.bury(tx, lease, reason));
      if (!isDead)
        await this.parts.jobs.release(tx, lease, {
          dueInMs: Math.floor(delayMs * (1 - JITTER + 2 * JITTER * Math.random())),
          error: reason,
        });
      await this.parts.onFailure(tx, lease, reason, isBuried);
      return isBuried ? 'dead' : 'failed';
    });
  }
}
