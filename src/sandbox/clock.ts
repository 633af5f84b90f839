/** The time of the sandbox: frozen until moved, or real time plus an offset. It never runs backwards. */
export class VirtualClock {
  private frozenMs: number | null;
  private offsetMs = 0;

  constructor(frozenAt: Date | undefined) {
    this.frozenMs = frozenAt === undefined ? null : frozenAt.getTime();
  }

  /** Whether time passes only by moveTo(). */
  get isFrozen(): boolean {
    return this.frozenMs !== null;
  }

  /** Now, in epoch milliseconds of sandbox time. */
  now(): number {
    return this.frozenMs ?? Date.now() + this.offsetMs;
  }

  /** Now, as Tilled writes times. */
  iso(): string {
    return isoTime(this.now());
  }

  /** Moves to a time; an earlier one than now changes nothing. */
  moveTo(timeMs: number): void {
    const aheadMs = timeMs - this.now();
    if (aheadMs <= 0) return;
    if (this.frozenMs === null) this.offsetMs += aheadMs;
    else this.frozenMs = timeMs;
  }

  /** What must be kept over a restart. */
  position(): { frozenMs: number | null; offsetMs: number } {
    return { frozenMs: this.frozenMs, offsetMs: this.offsetMs };
  }

  /** Continues where position() was: a restart does not turn time back. */
  resume(position: { frozenMs: number | null; offsetMs: number }): void {
    if (this.frozenMs !== null && position.frozenMs !== null) this.frozenMs = Math.max(this.frozenMs, position.frozenMs);
    this.offsetMs = position.offsetMs;
  }
}

/** A time as Tilled writes it: ISO 8601 with milliseconds and Z. */
export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** The next time of the nightly batch, strictly after a time: minuteOfDay past midnight in New York. */
export function nextBatchAt(afterMs: number, minuteOfDay: number): number {
  const local = newYorkParts(afterMs);
  for (const daysAhead of [0, 1]) {
    const wallMs = Date.UTC(local.year, local.month - 1, local.day + daysAhead, 0, minuteOfDay);
    // The offset is that of the night itself: 4 hours in summer, 5 in winter.
    const batchMs = wallMs + newYorkBehindMs(wallMs + 5 * 3_600_000);
    if (batchMs > afterMs) return batchMs;
  }
  return afterMs + 86_400_000;
}

const NEW_YORK = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/New_York',
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
});

function newYorkParts(timeMs: number): { year: number; month: number; day: number; hour: number; minute: number } {
  const parts = { year: 0, month: 0, day: 0, hour: 0, minute: 0 };
  for (const part of NEW_YORK.formatToParts(timeMs)) {
    if (part.type === 'year' || part.type === 'month' || part.type === 'day' || part.type === 'hour' || part.type === 'minute') {
      parts[part.type] = Number(part.value);
    }
  }
  return parts;
}

function newYorkBehindMs(timeMs: number): number {
  const local = newYorkParts(timeMs);
  const minuteMs = Math.floor(timeMs / 60_000) * 60_000;
  return minuteMs - Date.UTC(local.year, local.month - 1, local.day, local.hour, local.minute);
}
