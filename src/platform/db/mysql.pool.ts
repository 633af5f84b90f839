import { MysqlDialect } from 'kysely';
import { createPool, type Pool } from 'mysql2';
import type { DatabaseConfig } from '../../config.js';
import type { RawRow } from './table.js';

/** How many connections are open, lie idle, and are waited for. */
export interface PoolUse {
  readonly max: number;
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
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
      this.pool.execute(sql, values as (string | number | boolean | Date | null)[], (error, rows) =>
        error ? reject(error) : resolve(rows as RawRow[]),
      );
    });
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
