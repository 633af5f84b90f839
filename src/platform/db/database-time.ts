/**
 * The database's time in SQL: the one clock that every process shares, and so that of leases and of all that is
 * compared between processes. Tests may hand in the time of their world instead.
 */
export class DatabaseTime {
  constructor(
    private readonly isEmbedded: boolean,
    private readonly fixed: (() => Date) | null = null,
  ) {}

  /** Now, to be put into a statement; the same throughout it. */
  get now(): string {
    if (this.fixed !== null) return this.literal(this.fixed());
    return this.isEmbedded ? "cast(round(unixepoch('subsec') * 1000) as integer)" : 'utc_timestamp(3)';
  }

  /** The moment so many milliseconds after now; `ms` is a placeholder or a number. */
  in(ms: '?' | number): string {
    return this.isEmbedded ? `(${this.now} + ${ms})` : `timestampadd(microsecond, ${ms} * 1000, ${this.now})`;
  }

  /** A moment as a statement gave it back: milliseconds, text in UTC or a Date, by the driver. */
  read(value: unknown): Date {
    if (typeof value === 'string') return new Date(`${value.replace(' ', 'T')}Z`);
    return value instanceof Date ? value : new Date(Number(value));
  }

  private literal(date: Date): string {
    return this.isEmbedded ? String(date.getTime()) : `timestamp'${date.toISOString().replace('T', ' ').replace('Z', '')}'`;
  }
}
