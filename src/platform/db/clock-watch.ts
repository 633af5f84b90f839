import type { Clock, Ticks } from '../clock.js';
import type { Degradation } from '../degradation.js';
import { errorFields, type Log } from '../log.js';
import type { Database } from './database.js';

const EVERY_MS = 5_000;
/** A reading that took longer says too little about when it was made, ms. */
const READING_MS_MAX = 1_000;
/** The database's time moved by so much more or less than ours between two readings: it was set, ms. */
const STEP_MS = 1_000;
/** From this difference on the process says that it is not well, ms. Signatures are refused beyond five minutes. */
const DEGRADED_MS = 5_000;
/** From this difference on it takes no work, ms: what it would write down as the time is wrong. */
const NO_WORK_MS = 30_000;

/** The database's time, and ours around it. */
interface Reading {
  readonly theirsMs: number;
  readonly ticksMs: number;
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
 * clock can be set, and a failover leads to another server's. What was measured in the database's time counts only as
 * far as it was seen to run steadily (`steadyForMs`).
 */
export class ClockWatch {
  private last: Reading | null = null;
  private steadySinceMs = 0;
  private skewedSince: Date | null = null;
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

  /** What is wrong with the clocks, for those who ask how the process is. */
  degradation(): readonly Degradation[] {
    const { skewedSince, skewMs } = this;
    if (skewedSince === null || skewMs === null) return [];
    const [by, where] = [(Math.abs(skewMs) / 1000).toFixed(1), skewMs > 0 ? 'ahead of' : 'behind'];
    const reason = `The clock of this process is ${by} s ${where} that of the database; from ${NO_WORK_MS / 1000} s on it takes no work.`;
    return [{ what: 'clock', since: skewedSince.toISOString(), reason }];
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
    const [row] = await database.query(`select ${database.time.now} as now_at`, []);
    const [ours, ticksMs] = [clock.now().getTime(), ticks.ms()];
    const tookMs = ticksMs - beganMs;
    if (tookMs > READING_MS_MAX) return null;
    const theirsMs = database.time.read(row?.now_at).getTime();
    return { theirsMs, ticksMs, skewMs: ours - tookMs / 2 - theirsMs };
  }

  private async compare(reading: Reading): Promise<void> {
    const before = this.last;
    this.last = reading;
    this.noteSkew(reading.skewMs);
    if (before === null) this.steadySinceMs = reading.ticksMs;
    if (before === null) return;
    this.noteStep(reading, before);
    if (this.isSetBack) await this.pullForward();
  }

  private noteStep(reading: Reading, before: Reading): void {
    const steppedMs = reading.theirsMs - before.theirsMs - (reading.ticksMs - before.ticksMs);
    if (Math.abs(steppedMs) < STEP_MS) return;
    this.steadySinceMs = reading.ticksMs;
    this.parts.log.error('the clock of the database was set', { steppedMs: Math.trunc(steppedMs), divergence_risk: true });
    if (steppedMs < 0) this.isSetBack = true;
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
    if (isSkewed) this.skewedSince ??= this.parts.clock.now();
    else this.skewedSince = null;
  }
}
