/** Where time comes from; tests hand in one they move by hand. */
export interface Clock {
  /** Now, with millisecond precision. */
  now(): Date;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => new Date() };

/** The moment `ms` milliseconds after `date`. */
export function plusMs(date: Date, ms: number): Date {
  return new Date(date.getTime() + ms);
}
