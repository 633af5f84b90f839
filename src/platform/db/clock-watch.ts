import type { Clock, Ticks } from '../clock.js';
import type { Degradation } from '../degradation.js';
import { errorFields, type Log } from '../log.js';
import type { Database } from './database.js';
import { NodeClocks, type NodeReading } from './node-clocks.js';

const EVERY_MS = 5_000;
/** A reading that took longer says too little about when it was made, ms. */
const READING_MS_MAX = 1_000;
/** From this difference on the process says that it is not well, ms. Signatures are refused beyond five minutes. */
const DEGRADED_MS = 5_000;
/** From this difference on it takes no work, ms: what it would write down as the time is wrong. */
const NO_WORK_MS = 30_000;

/** The database's time, and ours around it. */
interface Reading extends NodeReading {
  /** Our clock less the database's, ms. */
  readonly skewMs: number;
}

interface ClockWatchParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly ticks: Ticks;
  readonly log: Log;
  /** The database's time went back. */
  readonly onSetBack: () => Promise<void>;
}

/**
 * Holds the clock of this process against the database's, and the database's against time that only passes: a server's
 * clock can be set, and each node of a cluster has its own. What was measured in the database's time counts only as
 * far as it was seen to run steadily (`steadyForMs`), and may be wrong by what its nodes are apart (`apartMs`).
 */
export class ClockWatch {
  private last: Reading | null = null;
  private readonly nodes = new NodeClocks();
  private steadySinceMs = 0;
  private skewedSince: Date | null = null;
  private apartSince: Date | null = null;
  private isIdle = false;
  /** The database's time went back, and what waits was not pulled forward yet. */
  private isSetBack = false;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly parts: ClockWatchParts) {}

  /** Reads the clocks now, and again all the time until `stop`. */
  async start(): Promise<void> {
    await this.look();
    this.timer ??= setInterval(() => void this.look(), EVERY_MS).unref();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  /** Our clock less the database's, ms, when it was read last; null if it never was. */
  get skewMs(): number | null {
    return this.last?.skewMs ?? null;
  }

  /**
   * How far the clocks of the database's nodes are from each other, of those that were asked lately, ms: by so much a
   * moment that one wrote may be wrong for another.
   */
  get apartMs(): number {
    return this.nodes.apartMs;
  }

  /** What is wrong with the clocks, for those who ask how the process is. */
  degradation(): readonly Degradation[] {
    const { skewedSince, apartSince, skewMs } = this;
    const found: Degradation[] = [];
    if (skewedSince !== null && skewMs !== null) {
      const [by, where] = [seconds(Math.abs(skewMs)), skewMs > 0 ? 'ahead of' : 'behind'];
      const reason = `The clock of this process is ${by} s ${where} that of the database; from ${NO_WORK_MS / 1000} s on it takes no work.`;
      found.push({ what: 'clock', since: skewedSince.toISOString(), reason });
    }
    if (apartSince !== null) {
      const reason = `The clocks of the nodes of the database are ${seconds(this.apartMs)} s apart; what is in doubt waits so much longer.`;
      found.push({ what: 'clock', since: apartSince.toISOString(), reason });
    }
    return found;
  }

  /** Whether this process may take work. That it may not any more is logged once. */
  async mayWork(): Promise<boolean> {
    if (this.last === null || this.parts.ticks.ms() - this.last.ticksMs >= EVERY_MS) await this.look();
    const { skewMs } = this;
    const isTooFar = skewMs !== null && Math.abs(skewMs) >= NO_WORK_MS;
    if (isTooFar && !this.isIdle) this.parts.log.error('no work is taken while the clocks differ so much', { skewMs: Math.trunc(skewMs) });
    this.isIdle = isTooFar;
    return skewMs !== null && !isTooFar;
  }

  /** For how long the database's time has run steadily, as this process saw it, ms; 0 if it cannot be read. */
  async steadyForMs(): Promise<number> {
    const reading = await this.read();
    if (reading === null) return 0;
    await this.compare(reading);
    return reading.ticksMs - this.steadySinceMs;
  }

  private async look(): Promise<void> {
    const reading = await this.read().catch((error: unknown) => {
      this.parts.log.warn('clocks not read', errorFields(error));
      return null;
    });
    if (reading !== null) await this.compare(reading);
  }

  private async read(): Promise<Reading | null> {
    const { database, clock, ticks } = this.parts;
    const beganMs = ticks.ms();
    const [row] = await database.query(`select ${database.time.node} as node, ${database.time.now} as now_at`, []);
    const [ours, ticksMs] = [clock.now().getTime(), ticks.ms()];
    const tookMs = ticksMs - beganMs;
    if (tookMs > READING_MS_MAX) return null;
    const theirsMs = database.time.read(row?.now_at).getTime();
    // It was read somewhere between: a server that is near answers for the half of it.
    const halfMs = tookMs / 2;
    return { node: String(row?.node), theirsMs: theirsMs + halfMs, ticksMs, skewMs: ours - halfMs - theirsMs };
  }

  private async compare(reading: Reading): Promise<void> {
    const before = this.last;
    this.last = reading;
    for (const { name, clock } of this.parts.database.hosts?.reports() ?? [])
      if (clock !== null && clock.tookMs <= READING_MS_MAX) this.nodes.see({ node: name, theirsMs: clock.theirsMs, ticksMs: clock.atMs });
    if (before === null) this.steadySinceMs = reading.ticksMs;
    this.noteStep(reading);
    this.noteSkew(reading.skewMs);
    if (this.isSetBack) await this.pullForward();
  }

  private noteStep(reading: Reading): void {
    const { byMs, isBack } = this.nodes.note(reading);
    if (byMs === 0) return;
    this.steadySinceMs = reading.ticksMs;
    this.parts.log.error('the clock of the database was set', { steppedMs: Math.trunc(byMs), divergence_risk: true });
    if (isBack) this.isSetBack = true;
  }

  /** Tried with each reading until it is done: work that was left would wait for as long as the clock was set back. */
  private async pullForward(): Promise<void> {
    await this.parts.onSetBack().then(
      () => {
        this.isSetBack = false;
      },
      (error: unknown) => this.parts.log.error('work not pulled forward', errorFields(error)),
    );
  }

  private noteSkew(skewMs: number): void {
    const isSkewed = Math.abs(skewMs) >= DEGRADED_MS;
    if (isSkewed && this.skewedSince === null)
      this.parts.log.error('the clock of this process differs from that of the database', { skewMs: Math.trunc(skewMs) });
    this.skewedSince = isSkewed ? (this.skewedSince ?? this.parts.clock.now()) : null;
    const areApart = this.apartMs >= DEGRADED_MS;
    if (areApart && this.apartSince === null)
      this.parts.log.error('the clocks of the nodes of the database differ', { apartMs: Math.trunc(this.apartMs) });
    this.apartSince = areApart ? (this.apartSince ?? this.parts.clock.now()) : null;
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
