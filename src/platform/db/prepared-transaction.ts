import type { PoolConnection, ResultSetHeader } from 'mysql2';
import type { Connections } from './connections.js';
import type { RawRow } from './table.js';

/** What one statement gave: the rows of a SELECT, or how many it matched (UPDATE, DELETE) or made (INSERT). */
export interface StatementResult {
  readonly rows: RawRow[];
  readonly affected: number;
}

/** A transaction on a connection of its own. Its statements are prepared once a connection. */
export class PreparedTransaction {
  private connection: PoolConnection | null = null;

  constructor(private readonly connections: Connections) {}

  async begin(): Promise<void> {
    this.connection = await this.connections.take();
    await this.send('begin').catch((error: unknown) => {
      this.open().destroy();
      throw error;
    });
  }

  execute(sql: string, values: unknown[]): Promise<StatementResult> {
    return executed(this.connections, this.open(), sql, values);
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
    const connection = this.open();
    return new Promise((resolve, reject) => {
      const send = (done: (error: Error | null) => void) => void connection.query(sql, done);
      this.connections.ask(connection, send, (error) => (error ? reject(error) : resolve()));
    });
  }

  private open(): PoolConnection {
    if (this.connection === null) throw new Error('The transaction has not begun.');
    return this.connection;
  }
}

/** What a value may be when it gets to the driver. */
type Value = string | number | boolean | Date | null;

/** Sends one statement on a connection of its own, prepared once a connection. */
export async function executedAlone(connections: Connections, sql: string, values: unknown[]): Promise<StatementResult> {
  const connection = await connections.take();
  return executed(connections, connection, sql, values).finally(() => connection.release());
}

function executed(connections: Connections, connection: PoolConnection, sql: string, values: unknown[]): Promise<StatementResult> {
  return new Promise((resolve, reject) => {
    connections.ask<RawRow[] | ResultSetHeader>(
      connection,
      (done) => void connection.execute(sql, values as Value[], (error, result) => done(error, result as RawRow[] | ResultSetHeader)),
      (error, result) => (error !== null || result === undefined ? reject(error) : resolve(resultOf(result))),
    );
  });
}

function resultOf(result: RawRow[] | ResultSetHeader): StatementResult {
  return 'affectedRows' in result ? { rows: [], affected: result.affectedRows } : { rows: result, affected: 0 };
}
