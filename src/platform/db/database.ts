import { DeadlockException, type EntityClass, type EntityManager, LockWaitTimeoutException, MikroORM, type Options } from '@mikro-orm/core';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { MySqlDriver } from '@mikro-orm/mysql';
import { type AbstractSqlConnection, SqliteDriver } from '@mikro-orm/sql';
import { CompiledQuery, type Kysely } from 'kysely';
import type { DatabaseConfig } from '../../config.js';
import { SharedReads } from '../shared-reads.js';
import { embeddedDialect } from './embedded.dialect.js';
import { type RawRow, Table } from './table.js';
import { TenantGuard } from './tenant.guard.js';

/** One statement as it goes to the database. */
export type StatementListener = (sql: string, parameters: readonly unknown[]) => void;

/** Statements a connection keeps prepared; servers allow some 16,000 over all connections. */
const STATEMENTS_KEPT = 200;

/** A write that kept losing races against others; nothing of it was kept. */
const TRIES_OF_A_TRANSACTION = 5;

/** Session settings that both MySQL and MariaDB know: strict values, UTC, and no gap locks on queue scans. */
const MYSQL_SESSION = [
  "set session sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'",
  'set session transaction isolation level read committed',
  "set session time_zone = '+00:00'",
];

/** The billing database. Only `platform/` sees it; the rest of the code holds a Scope. */
export class Database {
  private readonly listeners = new Set<StatementListener>();
  /** Where reads of the same kind meet. */
  readonly reads = new SharedReads();
  private readonly tables = new Map<EntityClass<object>, Table<object>>();

  private constructor(
    readonly orm: MikroORM,
    readonly config: DatabaseConfig,
    /** Runs single reads; null where the embedded database reads like it writes. */
    private readonly pool: PreparingPool | null,
  ) {}

  /** Connects lazily: the first statement opens the first connection, and fails if there is no server. */
  static async open(config: DatabaseConfig, entities: readonly EntityClass<object>[]): Promise<Database> {
    let database: Database | undefined;
    const options = {
      ...driverOptions(config),
      entities: [...entities],
      metadataProvider: ReflectMetadataProvider,
      forceUtcTimezone: true,
      subscribers: [new TenantGuard()],
      onQuery: (sql: string, parameters: readonly unknown[]) => {
        database?.announce(sql, parameters);
        return sql;
      },
      // Foreign keys are composite and written in migrations only: entities hold plain ids (ARCHITECTURE.md, decision 3).
      schemaGenerator: { createForeignKeyConstraints: false },
      ensureDatabase: false,
    };
    const orm = await MikroORM.init(options as unknown as Options);
    const connection = orm.em.getConnection() as unknown as AbstractSqlConnection;
    await connection.initClient();
    const pool = config.kind === 'embedded' ? null : ((await connection.getNativeClient()) as unknown as PreparingPool);
    pool?.on('connection', beginSession);
    database = new Database(orm, config, pool);
    return database;
  }

  get isEmbedded(): boolean {
    return this.config.kind === 'embedded';
  }

  /** How rows of `entity` are read. */
  table<Row extends object>(entity: EntityClass<Row>): Table<Row> {
    const known = this.tables.get(entity as EntityClass<object>) ?? (Table.of(this.orm, entity) as unknown as Table<object>);
    this.tables.set(entity as EntityClass<object>, known);
    return known as unknown as Table<Row>;
  }

  /** Rows of one SELECT, inside the transaction of `em` if given. */
  async query(sql: string, parameters: readonly unknown[], em?: EntityManager): Promise<RawRow[]> {
    if (em !== undefined || this.pool === null) return (await this.execute(sql, parameters, em)).rows as RawRow[];
    this.announce(sql, parameters);
    return prepared(this.pool, sql, parameters).catch((error: unknown) => {
      throw this.converted(error);
    });
  }

  /** How many rows one statement matched (UPDATE, DELETE) or made (INSERT). */
  async run(sql: string, parameters: readonly unknown[], em?: EntityManager): Promise<number> {
    return Number((await this.execute(sql, parameters, em)).numAffectedRows ?? 0n);
  }

  /**
   * Runs `work` in one transaction. Work that lost a race to another transaction is rolled back and begun anew, so it
   * must have no effect outside the database. Throws what `work` throws, after rolling back.
   */
  async transaction<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.transactionOnce(work);
      } catch (error) {
        if (tries >= TRIES_OF_A_TRANSACTION || !isLostRace(error)) throw error;
      }
    }
  }

  /** Tells `listener` every statement from now on; returns how to stop. */
  listen(listener: StatementListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.orm.close(true);
  }

  private async transactionOnce<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    const em = this.orm.em.fork({ clear: true, useContext: false });
    await em.begin();
    try {
      const result = await work(em);
      await em.commit();
      return result;
    } catch (error) {
      await em.rollback();
      throw error;
    }
  }

  private async execute(sql: string, parameters: readonly unknown[], em?: EntityManager) {
    this.announce(sql, parameters);
    const connection = this.orm.em.getConnection() as unknown as AbstractSqlConnection;
    const client = (em?.getTransactionContext() as Kysely<unknown> | undefined) ?? connection.getClient();
    try {
      return await client.executeQuery(
        CompiledQuery.raw(
          sql,
          parameters.map((value) => (value === undefined ? null : value)),
        ),
      );
    } catch (error) {
      throw this.converted(error);
    }
  }

  private converted(error: unknown): Error {
    return this.orm.em
      .getPlatform()
      .getExceptionConverter()
      .convertException(error as Error);
  }

  private announce(sql: string, parameters: readonly unknown[]): void {
    for (const listener of this.listeners) listener(sql, parameters);
  }
}

function driverOptions(config: DatabaseConfig) {
  if (config.kind === 'embedded') return { driver: SqliteDriver, dbName: config.location, driverOptions: embeddedDialect(config.location) };
  return {
    driver: MySqlDriver,
    clientUrl: config.location,
    pool: { min: 0, max: config.poolSize },
    // Dates are read as dates, straight from the wire, and not as text that is parsed afterwards.
    driverOptions: { maxPreparedStatements: STATEMENTS_KEPT, dateStrings: false },
  };
}

/** What we use of the driver's pool beside the ORM: it prepares a statement once a connection, and sends only values after that. */
interface PreparingPool {
  on(event: 'connection', listener: (connection: SessionConnection) => void): void;
  execute(sql: string, parameters: readonly unknown[], done: (error: unknown, rows: unknown) => void): void;
}

interface SessionConnection {
  query(sql: string, done: (error: unknown) => void): void;
  destroy(): void;
}

/** Commands of a connection run in order, so what it is used for comes after these. */
function beginSession(connection: SessionConnection): void {
  for (const sql of MYSQL_SESSION) connection.query(sql, (error) => (error ? connection.destroy() : undefined));
}

function prepared(pool: PreparingPool, sql: string, parameters: readonly unknown[]): Promise<RawRow[]> {
  const values = parameters.map((value) => (value === undefined ? null : value));
  return new Promise((resolve, reject) => {
    pool.execute(sql, values, (error, rows) => (error ? reject(error) : resolve(rows as RawRow[])));
  });
}

/** Deadlock, lock wait timeout, or (embedded) another process holding the file for too long. */
function isLostRace(error: unknown): boolean {
  return error instanceof DeadlockException || error instanceof LockWaitTimeoutException;
}
