import type { Counter } from 'prom-client';
import type { ReplicasConfig } from '../../../config.js';
import type { Clock, Stopwatch } from '../../clock.js';
import type { Degradation } from '../../degradation.js';
import { errorFields, type Log } from '../../log.js';
import type { Database } from '../database.js';
import { onTheWay } from '../prepare.js';
import { Heartbeat } from './heartbeat.js';
import { Replica, type ReplicaParts, type Term } from './replica.js';
import { StaleReads } from './stale-reads.js';

/** How long after a look at a server the next begins, ms. */
const EVERY_MS = 1_000;
/** So long after the start nobody is told that a replica is not used yet, ms. */
const START_MS = 5_000;

interface ReplicasParts extends Pick<ReplicaParts, 'whyUnfit'> {
  readonly config: ReplicasConfig;
  readonly database: Database;
  readonly clock: Clock;
  readonly startStopwatch: () => Stopwatch;
  readonly log: Log;
  /** Counts reads that may be a little old, by the server that answered. */
  readonly reads: Counter<'server'>;
}

/**
 * The servers that follow the primary, for reads that may be a little old. Until `start`, and wherever it is not known
 * that one of them is near enough, the primary is read.
 */
export class Replicas {
  readonly all: readonly Replica[];
  private readonly heartbeat: Heartbeat;
  /** Since when a replica cannot be used, why, and whether the log was told. */
  private readonly unusable = new Map<Replica, { readonly since: Date; readonly reason: string; readonly isTold: boolean }>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private running: Stopwatch | null = null;
  private turn = 0;
  private isBeating = true;

  constructor(private readonly parts: ReplicasParts) {
    const { config, database, startStopwatch, whyUnfit } = parts;
    this.heartbeat = new Heartbeat(database, startStopwatch);
    const onChange = (replica: Replica, reason: string | null) => this.note(replica, reason);
    const common = { heartbeat: this.heartbeat, startStopwatch, lagMsMax: config.lagMsMax, whyUnfit, onChange };
    this.all = config.servers.map((server) => new Replica({ ...common, config: server }));
  }

  /** Whether it was started and not stopped: only then is anything known of the servers. */
  get isRunning(): boolean {
    return this.running !== null;
  }

  /** Looks at the primary and the replicas from now on, each in its own time: one that hangs holds up no other. */
  start(): void {
    const { startStopwatch, config, log } = this.parts;
    this.running = startStopwatch();
    for (const reason of config.servers.flatMap(onTheWay)) log.warn('the database server is set up badly', { reason });
    for (const replica of this.all) this.note(replica, 'It was not looked at yet.');
    this.repeat(() => this.beat());
    for (const replica of this.all) this.repeat(() => replica.look());
  }

  /** Ends looks and connections; the primary is read from now on. */
  async stop(): Promise<void> {
    this.running = null;
    for (const timer of this.timers) clearTimeout(timer);
    await Promise.all(this.all.map((replica) => replica.close()));
  }

  /** Where a request reads what may be a little old. */
  reads(): StaleReads {
    const { database, reads } = this.parts;
    return new StaleReads({ database, choose: () => this.choose(), count: (server) => reads.inc({ server }) });
  }

  /** A replica that can be used now, each in its turn; null if none can. */
  private choose(): Term | null {
    if (!this.isRunning) return null;
    this.turn += 1;
    for (const at of this.all.keys()) {
      const term = this.all[(this.turn + at) % this.all.length]?.current();
      if (term) return term;
    }
    return null;
  }

  /** The replicas that are not used, for those who ask how the process is. */
  degradation(): readonly Degradation[] {
    return [...this.unusable].map(([{ name }, { since, reason }]) => ({
      what: 'replica',
      since: since.toISOString(),
      reason: `${name} is not read from: ${reason}`,
    }));
  }

  private async beat(): Promise<void> {
    const error = await this.heartbeat.beat().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    // Once: it fails each second while the primary is away.
    if (error !== null && this.isBeating) this.parts.log.warn('heartbeat for replicas not made', errorFields(error));
    this.isBeating = error === null;
  }

  private note(replica: Replica, reason: string | null): void {
    if (!this.isRunning) return;
    const known = this.unusable.get(replica);
    const { log, clock } = this.parts;
    if (reason === null) {
      this.unusable.delete(replica);
      log.info('replica read from', { replica: replica.name });
      return;
    }
    const isTold = known?.isTold ?? false;
    const isTelling = !isTold && (this.running?.atLeast() ?? 0) > START_MS;
    this.unusable.set(replica, { since: known?.since ?? clock.now(), reason, isTold: isTold || isTelling });
    if (isTelling) log.warn('replica not read from', { replica: replica.name, reason });
  }

  private repeat(work: () => Promise<void>): void {
    void work().finally(() => {
      if (!this.isRunning) return;
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.repeat(work);
      }, EVERY_MS).unref();
      this.timers.add(timer);
    });
  }
}
