import type { Database } from '../database.js';
import type { RawRow } from '../table.js';
import type { Term } from './replica.js';

interface StaleReadsParts {
  readonly database: Database;
  /** A replica that can be used now; null if none can. */
  readonly choose: () => Term | null;
  /** A statement is answered by a replica, or by the primary. */
  readonly count: (server: 'replica' | 'primary') => void;
}

/**
 * Where one request reads that may see what is a little old: on one replica for as long as that can be used, and from
 * then on on the primary. So what it reads later is never older than what it read before.
 */
export class StaleReads {
  /** Undefined before the first read; null once the primary is read. */
  private term: Term | null | undefined;
  private age: (() => number) | null = null;

  constructor(private readonly parts: StaleReadsParts) {}

  /** Tells apart from where requests read: those with one source see the same, and never older things later. */
  get source(): string {
    return this.now()?.id.toString() ?? '';
  }

  /** How old what was read is by now at most, ms; null if all of it was the primary's. */
  get ageMs(): number | null {
    return this.age?.() ?? null;
  }

  /** Rows of one SELECT: the replica's, or where it does not give them the primary's. */
  async query(sql: string, parameters: readonly unknown[]): Promise<RawRow[]> {
    const { database, count } = this.parts;
    const term = this.now();
    if (term !== null) {
      try {
        const rows = await database.queryElsewhere(sql, parameters, (values) => term.replica.read(sql, values));
        count('replica');
        return rows;
      } catch {
        // The replica has said why, and the primary is asked.
        this.readPrimary();
      }
    }
    count('primary');
    return database.query(sql, parameters);
  }

  /** From now on the primary is read. */
  readPrimary(): void {
    this.term = null;
  }

  private now(): Term | null {
    if (this.term === undefined) this.begin(this.parts.choose());
    if (this.term?.isUsable !== true) this.term = null;
    return this.term ?? null;
  }

  private begin(term: Term | null): void {
    this.term = term;
    this.age = term?.replica.ageFromNow() ?? null;
  }
}
