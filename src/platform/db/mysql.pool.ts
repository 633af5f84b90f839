import { MysqlDialect } from 'kysely';
import { createPool, type Pool, type PoolConnection, type ResultSetHeader } from 'mysql2';
import type { DatabaseConfig } from '../../config.js';
import type { RawRow } from './table.js';

/** How many connections are open, lie idle, and are waited for. */
export interface PoolUse {
  readonly max: number;
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
}

/** What one statement gave: the rows of a SELECT, or how many rows another one matched (UPDATE, DELETE) or made (INSERT). */
export interface Outcome {
  readonly rows: RawRow[];
  readonly affected: number;
}

/** Statements a connection keeps prepared; servers allow some 16,000 over all connections. */
const STATEMENTS_KEPT = 200;

/** How long a server may take to greet a new connection, ms: one that hangs is told from one that is slow. */
const CONNECT_MS_MAX = 5_000;

/** Session settings that both MySQL and MariaDB know: strict values, UTC, and no gap locks on queue scans. */
const SESSION = [
  "set session sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'",
  'set session transaction isolation level read committed',
  "set session time_zone = '+00:00'",
];

/** A transaction on a connection of its own, of statements that are prepared once a connection: after that only their values are sent. */
export class PreparedTransaction {
  private connection: PoolConnection | null = null;

  constructor(private readonly pool: Pool) {}

  async begin(): Promise<void> {
    this.connection = await new Promise((resolve, reject) => {
      this.pool.getConnection((error, connection) => (error ? reject(error) : resolve(connection)));
    });
    await this.send('begin').catch((error) => this.abandon(error));
  }

  execute(sql: string, values: unknown[]): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.open().execute(sql, values as Value[], (error, result) =>
        error ? reject(error) : resolve(outcomeOf(result as RawRow[] | ResultSetHeader)),
      );
    });
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

  private abandon(error: unknown): never {
    this.open().destroy();
    throw error;
  }

  private open(): PoolConnection {
    if (this.connection === null) throw new Error('The transaction has not begun.');
    return this.connection;
  }
}

/** What a value may be when it gets to the driver. */
type Value = string | number | boolean | Date | null;

function outcomeOf(result: RawRow[] | ResultSetHeader): Outcome {
  return 'affectedRows' in result ? { rows: [], affected: result.affectedRows } : { rows: result, affected: 0 };
}

/** The connections to a server: the ORM uses them for what it writes, and single reads go straight to them. */
export class MySqlPool {
  private readonly pool: Pool;

  constructor(private readonly config: DatabaseConfig) {
    this.pool = createPool({
      uri: config.location,
      connectionLimit: config.poolSize,
      connectTimeout: CONNECT_MS_MAX,
      maxPreparedStatements: STATEMENTS_KEPT,
      supportBigNumbers: true,
      timezone: 'Z',
      charset: 'utf8mb4_bin',
    });
    // Commands of a connection run in order, so what it is opened for comes after these.
    this.pool.on('connection', (connection) => {
      for (const sql of SESSION) connection.query(sql, (error) => (error ? connection.destroy() : undefined));
    });
  }

  /** How the ORM reaches the same connections. It would close them only if it had used one itself, so closing is left to `close`. */
  dialect(): MysqlDialect {
    const { pool } = this;
    return new MysqlDialect({ pool: { getConnection: pool.getConnection.bind(pool) as never, end: (done) => done(undefined) } });
  }

  /** Rows of one SELECT, prepared once a connection: after that only its values are sent. */
  read(sql: string, values: unknown[]): Promise<RawRow[]> {
    return new Promise((resolve, reject) => {
      this.pool.execute(sql, values as Value[], (error, rows) => (error ? reject(error) : resolve(rows as RawRow[])));
    });
  }

  /** A transaction that has yet to begin. */
  transaction(): PreparedTransaction {
    return new PreparedTransaction(this.pool);
  }

  /** Ends every connection. One that the server has cut already cannot be ended, which is all that can go wrong here. */
  close(): Promise<void> {
    return new Promise((resolve) => this.pool.end(() => resolve()));
  }

  use(): PoolUse {
    // Not part of the driver's types, but of every version of it; the ORM reads them too.
    const { _allConnections, _freeConnections, _connectionQueue } = this.pool as unknown as Record<string, { readonly length: number }>;
    return {
      max: this.config.poolSize,
      open: _allConnections?.length ?? 0,
      idle: _freeConnections?.length ?? 0,
      waiting: _connectionQueue?.length ?? 0,
    };
  }
}
