import type { Pool, PoolConnection, ResultSetHeader } from 'mysql2';
import type { RawRow } from './table.js';

/** What one statement gave: the rows of a SELECT, or how many it matched (UPDATE, DELETE) or made (INSERT). */
export interface StatementResult {
  readonly rows: RawRow[];
  readonly affected: number;
}

/** A transaction on a connection of its own. Its statements are prepared once a connection. */
export class PreparedTransaction {
  private connection: PoolConnection | null = null;

  constructor(private readonly pool: Pool) {}

  async begin(): Promise<void> {
    this.connection = await new Promise((resolve, reject) => {
      this.pool.getConnection((error, connection) => (error ? reject(error) : resolve(connection)));
    });
    await this.send('begin').catch((error: unknown) => {
      this.open().destroy();
      throw error;
    });
  }

  execute(sql: string, values: unknown[]): Promise<StatementResult> {
    return executed(this.open(), sql, values);
  }

  async commit(): Promise<void> {
    await this.send('commit');
    this.open().release();
  }

  /** Never fails: a connection that cannot roll back is given up, and its server does it. */
  async rollback(): Promise<void> {
    await this.send('rollback').then(
      () => this.open().release(),
      () => this.open().destroy(),
    );
  }

  private send(sql: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.open().query(sql, (error) => (error ? reject(error) : resolve()));
    });
  }

  private open(): PoolConnection {
    if (this.connection === null) throw new Error('The transaction has not begun.');
    return this.connection;
  }
}

/** What a value may be when it gets to the driver. */
type Value = string | number | boolean | Date | null;

/** Sends one statement, prepared once a connection. */
export function executed(on: Pool | PoolConnection, sql: string, values: unknown[]): Promise<StatementResult> {
  return new Promise((resolve, reject) => {
    on.execute(sql, values as Value[], (error, result) =>
      error ? reject(error) : resolve(resultOf(result as RawRow[] | ResultSetHeader)),
    );
  });
}

function resultOf(result: RawRow[] | ResultSetHeader): StatementResult {
  return 'affectedRows' in result ? { rows: [], affected: result.affectedRows } : { rows: result, affected: 0 };
}
