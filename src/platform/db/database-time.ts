/**
 * By what servers differ. The name of a Galera node is looked for where its absence is no error: not every build of
 * MariaDB has the variable.
 */
const NODE = `concat_ws(':', @@hostname, @@port, @@server_id
  /*M! , (select global_value from information_schema.system_variables where variable_name = 'WSREP_NODE_NAME') */
  /*!80000 , @@server_uuid */)`;

/**
 * The database's time in SQL: the clock that processes share, and so that of leases and of all that is compared
 * between processes. The nodes of a cluster have one each: ClockWatch says how far they are apart. Tests may hand in
 * the time of their world instead.
 */
export class DatabaseTime {
  constructor(
    private readonly isEmbedded: boolean,
    private readonly fixed: (() => Date) | null = null,
  ) {}

  /** Which server says so: each node of a cluster has a clock of its own. Text. */
  get node(): string {
    return this.isEmbedded ? "''" : NODE;
  }

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
