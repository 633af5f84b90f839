/** Wall time. It may step and differ between machines. Tests hand in one that they move by hand. */
export interface Clock {
  /** Now, with millisecond precision. */
  now(): Date;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => new Date() };

/** Time that only passes, for how long something took or is allowed. It says nothing about when. */
export interface Ticks {
  /** Milliseconds since some moment of this process's own. */
  ms(): number;
}

/** The process's own. */
export const systemTicks: Ticks = { ms: () => performance.now() };

/** The moment `ms` milliseconds after `date`. */
export function plusMs(date: Date, ms: number): Date {
  return new Date(date.getTime() + ms);
}

/** Measures how long ago it was made. */
export class Stopwatch {
  private readonly startedAtMs: number;
  private readonly startedAt: number;

  constructor(
    private readonly clock: Clock,
    private readonly ticks: Ticks,
  ) {
    this.startedAtMs = ticks.ms();
    this.startedAt = clock.now().getTime();
  }

  /** Milliseconds by the clock that says more: ticks stand still in sleep, and wall time may be set back. */
  atMost(): number {
    return Math.max(this.ticks.ms() - this.startedAtMs, this.clock.now().getTime() - this.startedAt);
  }

  /** Milliseconds that certainly passed, whatever was done to the clock of the wall. */
  atLeast(): number {
    return this.ticks.ms() - this.startedAtMs;
  }
}
