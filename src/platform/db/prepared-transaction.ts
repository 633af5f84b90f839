import type { PoolConnection, ResultSetHeader } from 'mysql2';
import type { Answered, Connections } from './connections.js';
import type { RawRow } from './table.js';
import { TransactionLine } from './transaction-line.js';

/** What one statement gave: the rows of a SELECT, or how many it matched (UPDATE, DELETE) or made (INSERT). */
export interface StatementResult {
  readonly rows: RawRow[];
  readonly affected: number;
}

/** A transaction on a connection of its own. Its statements are prepared once a connection. */
export class PreparedTransaction {
  private opened: { readonly connection: PoolConnection; readonly line: TransactionLine } | null = null;

  constructor(private readonly connections: Connections) {}

  async begin(): Promise<void> {
    const connection = await this.connections.take();
    this.opened = { connection, line: new TransactionLine(this.connections, connection) };
    await this.send('begin').catch((error: unknown) => {
      this.open().line.destroy();
      throw error;
    });
  }

  /** Fails without being sent once the transaction is lost or over. */
  execute(sql: string, values: unknown[]): Promise<StatementResult> {
    const { connection, line } = this.open();
    return executed((send, done) => line.send(sql, send, done), connection, sql, values);
  }

  async commit(): Promise<void> {
    await this.send('commit');
    this.open().line.release();
  }

  /** Never fails: a connection that cannot roll back is given up, and its server does it. */
  async rollback(): Promise<void> {
    await this.send('rollback').then(
      () => this.open().line.release(),
      () => this.open().line.destroy(),
    );
  }

  private send(sql: string): Promise<void> {
    const { connection, line } = this.open();
    return new Promise((resolve, reject) => {
      const send = (done: (error: Error | null) => void) => void connection.query(sql, done);
      line.send(sql, send, (error) => (error ? reject(error) : resolve()));
    });
  }

  private open() {
    if (this.opened === null) throw new Error('The transaction has not begun.');
    return this.opened;
  }
}

/** What a value may be when it gets to the driver. */
type Value = string | number | boolean | Date | null;

/** Sends one statement on a connection of its own, prepared once a connection. */
export async function executedAlone(connections: Connections, sql: string, values: unknown[]): Promise<StatementResult> {
  const connection = await connections.take();
  const ask: Ask = (send, done) => connections.ask(connection, send, done);
  return executed(ask, connection, sql, values).finally(() => connection.release());
}

/** Has a statement sent when it may be. */
type Ask = (send: (done: Answered<Answer>) => void, done: Answered<Answer>) => void;
type Answer = RawRow[] | ResultSetHeader;

function executed(ask: Ask, connection: PoolConnection, sql: string, values: unknown[]): Promise<StatementResult> {
  return new Promise((resolve, reject) => {
    ask(
      (done) => void connection.execute(sql, values as Value[], (error, result) => done(error, result as Answer)),
      (error, result) => (error !== null || result === undefined ? reject(error) : resolve(resultOf(result))),
    );
  });
}

function resultOf(result: Answer): StatementResult {
  return 'affectedRows' in result ? { rows: [], affected: result.affectedRows } : { rows: result, affected: 0 };
}
