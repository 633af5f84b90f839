import {
  DeadlockException,
  type EntityClass,
  type EntityManager,
  type EventSubscriber,
  LockWaitTimeoutException,
  MikroORM,
  type Options,
} from '@mikro-orm/core';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { MySqlDriver } from '@mikro-orm/mysql';
import { type AbstractSqlConnection, SqliteDriver } from '@mikro-orm/sql';
import { CompiledQuery, type Kysely } from 'kysely';
import type { DatabaseConfig } from '../../config.js';
import { embeddedDialect } from './embedded.dialect.js';
import { type RawRow, Table } from './table.js';
import { TenantGuard } from './tenant.guard.js';

/** One statement as it goes to the database. */
export type StatementListener = (sql: string, parameters: readonly unknown[]) => void;

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
  private readonly tables = new Map<EntityClass<object>, Table<object>>();

  private constructor(
    readonly orm: MikroORM,
    readonly config: DatabaseConfig,
  ) {}

  /** Connects lazily: the first statement opens the first connection, and fails if there is no server. */
  static async open(
    config: DatabaseConfig,
    entities: readonly EntityClass<object>[],
    subscribers: readonly EventSubscriber[] = [],
  ): Promise<Database> {
    let database: Database | undefined;
    const options = {
      ...driverOptions(config),
      entities: [...entities],
      metadataProvider: ReflectMetadataProvider,
      forceUtcTimezone: true,
      subscribers: [...subscribers, new TenantGuard()],
      onQuery: (sql: string, parameters: readonly unknown[]) => {
        database?.announce(sql, parameters);
        return sql;
      },
      // Foreign keys are composite and written in migrations only: entities hold plain ids (ARCHITECTURE.md, decision 3).
      schemaGenerator: { createForeignKeyConstraints: false },
      ensureDatabase: false,
    };
    const orm = await MikroORM.init(options as unknown as Options);
    await (orm.em.getConnection() as unknown as AbstractSqlConnection).initClient();
    database = new Database(orm, config);
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
    return (await this.execute(sql, parameters, em)).rows as RawRow[];
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
      throw this.orm.em
        .getPlatform()
        .getExceptionConverter()
        .convertException(error as Error);
    }
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
    onCreateConnection: async (connection: unknown) => {
      const { executeQuery } = connection as { executeQuery(query: CompiledQuery): Promise<unknown> };
      for (const sql of MYSQL_SESSION) await executeQuery.call(connection, CompiledQuery.raw(sql));
    },
  };
}

/** Deadlock, lock wait timeout, or (embedded) another process holding the file for too long. */
function isLostRace(error: unknown): boolean {
  return error instanceof DeadlockException || error instanceof LockWaitTimeoutException;
}
