import { hostName } from '../../../config.hosts.js';
import type { DatabaseConfig } from '../../../config.js';
import type { Stopwatch } from '../../clock.js';
import { withDeadline } from '../../deadline.js';
import { addressOf } from '../address.js';
import { Connections } from '../connections.js';
import { poolOf } from '../mysql.pool.js';
import { executedAlone } from '../prepared-transaction.js';
import type { RawRow } from '../table.js';
import { BEAT, type Heartbeat } from './heartbeat.js';

/** How long a replica is waited for, ms, with the connection: then the primary is asked. */
const ANSWER_MS_MAX = 1_000;
/** After a read that failed a replica is not read from for so long, ms, however well it looks. */
const REST_MS = 5_000;

/** Rows of one SELECT. */
export type Query = (sql: string, parameters: readonly unknown[]) => Promise<RawRow[]>;

export interface ReplicaParts {
  readonly config: DatabaseConfig;
  readonly heartbeat: Heartbeat;
  readonly startStopwatch: () => Stopwatch;
  /** From what lag on it is not used, ms. */
  readonly lagMsMax: number;
  /** Why a server must not be read from, in a sentence; null if it may be. */
  readonly whyUnfit: (query: Query) => Promise<string | null>;
  /** It can be used from now on (null), or cannot, and why. */
  readonly onChange: (replica: Replica, reason: string | null) => void;
}

/** A time in which a replica can be used without a break: who reads in it sees no older state later. */
export class Term {
  private static made = 0;
  /** Tells it from all other terms of the process. */
  readonly id = ++Term.made;
  isOver = false;

  constructor(readonly replica: Replica) {}

  /** Whether it still lasts, and the replica is not too far behind by now. */
  get isUsable(): boolean {
    return !this.isOver && this.replica.current() === this;
  }
}

/** One server that follows the primary, and how far it is known to be. It is only ever asked for rows. */
export class Replica {
  /** Its host and port. */
  readonly name: string;
  private readonly reads: Connections;
  /** A connection of its own, so that a look never waits for reads. */
  private readonly looks: Connections;
  private term: Term | null = null;
  /** The beat that it had when it was looked at last. */
  private beat: string | null = null;
  private sinceBeat: Stopwatch | null = null;
  private rest: Stopwatch | null = null;

  constructor(private readonly parts: ReplicaParts) {
    const { config } = parts;
    this.name = hostName(addressOf(config.location));
    const connections = (limit: number) =>
      new Connections(poolOf(config, limit), {
        statementMsMax: ANSWER_MS_MAX,
        onOutage: (at) => this.dropOpenedBefore(at),
        hosts: null,
      });
    this.reads = connections(config.poolSize);
    this.looks = connections(1);
  }

  /** It lacks at most what was committed in the last so many ms; null where that is not known. */
  get lagMs(): number | null {
    const known = this.beat === null ? undefined : this.parts.heartbeat.since(this.beat);
    // A beat that is not known yet was made after the one before: that one's age is never too little.
    this.sinceBeat = known ?? this.sinceBeat;
    return this.sinceBeat?.atMost() ?? null;
  }

  /** Tells how old what it has now will be at most, ms; null where that is not known. */
  ageFromNow(): (() => number) | null {
    const { lagMs, sinceBeat } = this;
    return lagMs === null || sinceBeat === null ? null : () => sinceBeat.atMost();
  }

  /** The term in which it can be used now; null if it cannot. */
  current(): Term | null {
    const { term, lagMs } = this;
    if (term === null) return null;
    if (lagMs !== null && lagMs <= this.parts.lagMsMax) return term;
    this.end(tooFar(lagMs));
    return null;
  }

  /** Rows of one SELECT. Ends the term, and throws, if there is no answer in time, or none but an error. */
  async read(sql: string, parameters: unknown[]): Promise<RawRow[]> {
    try {
      return (await withDeadline(ANSWER_MS_MAX, executedAlone(this.reads, sql, parameters))).rows;
    } catch (error) {
      this.rest = this.parts.startStopwatch();
      this.fail(error);
      throw error;
    }
  }

  /** Looks how far it is, and whether it can be used. Never throws. */
  async look(): Promise<void> {
    try {
      const { unfit, beat } = await withDeadline(ANSWER_MS_MAX, this.ask());
      this.beat = beat;
      this.decide(unfit);
    } catch (error) {
      this.fail(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.reads, this.looks].map(({ pool }) => new Promise<void>((resolve) => pool.end(() => resolve()))));
  }

  private async ask(): Promise<{ readonly unfit: string | null; readonly beat: string | null }> {
    const query: Query = async (sql, parameters) => (await executedAlone(this.looks, sql, [...parameters])).rows;
    const unfit = this.term === null ? await this.parts.whyUnfit(query) : null;
    if (unfit !== null) return { unfit, beat: null };
    const [row] = await query(BEAT.sql, BEAT.parameters);
    return { unfit, beat: row === undefined ? null : String(row.beat) };
  }

  private decide(unfit: string | null): void {
    if (this.current() !== null) return;
    const reason = unfit ?? this.distance();
    if (reason !== null) {
      this.end(reason);
    } else if (this.rest === null || this.rest.atLeast() >= REST_MS) {
      this.term = new Term(this);
      this.parts.onChange(this, null);
    }
  }

  /** Why it is too far behind to begin with; null if it is not. One at the edge would come and go. */
  private distance(): string | null {
    const { lagMs } = this;
    return lagMs !== null && lagMs <= this.parts.lagMsMax / 2 ? null : tooFar(lagMs);
  }

  private fail(error: unknown): void {
    // What comes back may be another server, or the same with older data.
    [this.beat, this.sinceBeat] = [null, null];
    this.end(error instanceof Error ? error.message : String(error));
  }

  private end(reason: string): void {
    if (this.term !== null) this.term.isOver = true;
    this.term = null;
    this.parts.onChange(this, reason);
  }

  private dropOpenedBefore(at: number): void {
    this.reads.dropOpenedBefore(at);
    this.looks.dropOpenedBefore(at);
  }
}

function tooFar(lagMs: number | null): string {
  return lagMs === null
    ? 'It has shown no beat that the primary had: it follows another server, or none.'
    : `It is up to ${(lagMs / 1000).toFixed(1)} s behind the primary.`;
}
