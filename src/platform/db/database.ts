import { type EntityClass, type EntityManager, type EventSubscriber, type LogContext, MikroORM, type Options } from '@mikro-orm/core';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { type AbstractSqlConnection, SqliteDriver } from '@mikro-orm/sql';
import { CompiledQuery, type Kysely } from 'kysely';
import type { DatabaseConfig } from '../../config.js';
import { SharedReads } from '../shared-reads.js';
import { inSpan, isTracing } from '../spans.js';
import { DatabaseTime } from './database-time.js';
import { embeddedDialect } from './embedded.dialect.js';
import type { DatabaseHosts } from './hosts.js';
import { LockFence } from './lock.fence.js';
import { retryLostRaces } from './lost-race.js';
import type { MySqlPool, PoolUse } from './mysql.pool.js';
import { type DatabaseObserver, tracedStatement, UNOBSERVED } from './observer.js';
import { CommitUnanswered, mayBeKept, onAnother } from './outage.js';
import { PreparedTransaction, type StatementResult } from './prepared-transaction.js';
import { storable } from './sql.js';
import { type RawRow, Table } from './table.js';
import { TenantGuard } from './tenant.guard.js';

/** One statement as it goes to the database. */
export type StatementListener = (sql: string, parameters: readonly unknown[]) => void;

/** What statements of one transaction go through: the ORM's unit of work, or a transaction without one. */
export type Unit = EntityManager | PreparedTransaction;

/** Who hears of what is flushed, and the time that stands for the database's own. */
interface DatabaseExtras {
  readonly subscribers?: readonly EventSubscriber[];
  readonly time?: (() => Date) | null;
  /** How long a server is waited for, ms, at each statement; for ever if absent. */
  readonly statementMsMax?: number | null;
}

/** The billing database. Only `platform/` sees it; the rest of the code holds a Scope. */
export class Database {
  private readonly listeners = new Set<StatementListener>();
  /** Where reads of the same kind meet. */
  readonly reads = new SharedReads();
  private readonly tables = new Map<EntityClass<object>, Table<object>>();
  private observer: DatabaseObserver = UNOBSERVED;

  private constructor(
    readonly orm: MikroORM,
    readonly config: DatabaseConfig,
    /** Null for the embedded database, which has one connection and no pool. */
    private readonly pool: MySqlPool | null,
    /** What time it is there. */
    readonly time: DatabaseTime,
  ) {}

  /** Connects lazily: the first statement fails if there is no server. `time` replaces the database's own. */
  static async open(
    config: DatabaseConfig,
    entities: readonly EntityClass<object>[],
    { subscribers = [], time = null, statementMsMax = null }: DatabaseExtras = {},
  ): Promise<Database> {
    let database: Database | undefined;
    const pool = config.kind === 'embedded' ? null : await poolOf(config, statementMsMax);
    const options = {
      ...driverOptions(config, pool),
      entities: [...entities],
      metadataProvider: ReflectMetadataProvider,
      forceUtcTimezone: true,
      subscribers: [...subscribers, new TenantGuard(), new LockFence()],
      onQuery: (sql: string, parameters: readonly unknown[]) => {
        database?.announce(sql, parameters);
        return sql;
      },
      // Foreign keys are composite and written in migrations only: entities hold plain ids (docs/decisions/0003).
      schemaGenerator: { createForeignKeyConstraints: false },
      ensureDatabase: false,
      // Not to log: the ORM says here how long its own statements took.
      loggerFactory: () => ({
        ...SILENT,
        logQuery: ({ query, took }: LogContext) => {
          if (query === undefined || took === undefined) return;
          database?.observer.statement(query, took);
          void inSpan({ ...tracedStatement(query), tookMs: took }, async () => undefined);
        },
      }),
    };
    const orm = await MikroORM.init(options as unknown as Options);
    await (orm.em.getConnection() as unknown as AbstractSqlConnection).initClient();
    database = new Database(orm, config, pool, new DatabaseTime(config.kind === 'embedded', time));
    return database;
  }

  /** Tells `observer`, from now on, how long statements take and what fails. */
  observe(observer: DatabaseObserver): void {
    this.observer = observer;
    this.pool?.hosts?.observe(observer);
  }

  /** The servers, where the database has several; null elsewhere. */
  get hosts(): DatabaseHosts | null {
    return this.pool?.hosts ?? null;
  }

  /** Names of the tables. */
  get tableNames(): readonly string[] {
    return [...this.orm.getMetadata().getAll().values()].map(({ tableName }) => tableName);
  }

  /** How much of the pool is in use; the embedded database counts as one connection. */
  get poolUse(): PoolUse {
    return this.pool?.use() ?? { max: 1, open: 1, idle: 0, waiting: 0 };
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

  /** Rows of one SELECT, inside the transaction of `unit` if given. Without one it is asked again after a race. */
  async query(sql: string, parameters: readonly unknown[], unit?: Unit): Promise<RawRow[]> {
    const send = async () => (await this.execute(sql, parameters, unit)).rows;
    return unit === undefined ? retryLostRaces(() => onAnother(true, send)) : send();
  }

  /** Rows of one SELECT that `send` asks another server for: told, timed and traced like one of ours. */
  async queryElsewhere(sql: string, parameters: readonly unknown[], send: (values: unknown[]) => Promise<RawRow[]>): Promise<RawRow[]> {
    this.announce(sql, parameters);
    // That it failed is no failure of this database.
    return this.observed(sql, () => send(storable(parameters)), false);
  }

  /** How many rows a statement matched or made. Without `unit` it is a transaction of its own, retried after a race. */
  async run(sql: string, parameters: readonly unknown[], unit?: Unit): Promise<number> {
    const send = async () => (await this.execute(sql, parameters, unit)).affected;
    return unit === undefined ? retryLostRaces(() => onAnother(false, send)) : send();
  }

  /**
   * Runs `work` in one transaction. Work that lost a race to another transaction, or whose connection could not serve,
   * is rolled back and begun anew, so it must have no effect outside the database. Throws what `work` throws, after
   * rolling back; CommitUnanswered if only the database knows whether it was kept.
   */
  transaction<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    const once = () => this.once(this.orm.em.fork({ clear: true, useContext: false }), work);
    return retryLostRaces(() => onAnother(true, once));
  }

  /** The same without the ORM, for `query` and `run` alone, where there is a server: cheaper for bulk writes. */
  statements<T>(work: (unit: Unit) => Promise<T>): Promise<T> {
    const { pool } = this;
    if (pool === null) return this.transaction(work);
    return retryLostRaces(() => onAnother(true, () => this.once<Unit, T>(pool.transaction(), work)));
  }

  /** Tells `listener` every statement from now on; returns how to stop. */
  listen(listener: StatementListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.orm.close(true);
    // The ORM closes only what it opened itself, and a process that did no more than read would not end.
    await this.pool?.close();
  }

  private async once<Opened extends Unit, T>(unit: Opened, work: (unit: Opened) => Promise<T>): Promise<T> {
    await this.observed('begin', () => this.convertingErrors(this.begin(unit)));
    const ended = unit instanceof PreparedTransaction ? undefined : unit.getTransactionContext();
    let isCommitting = false;
    try {
      const result = await work(unit);
      this.announce('commit', []);
      isCommitting = true;
      await this.observed('commit', () => this.convertingErrors(unit.commit()), false);
      return result;
    } catch (error) {
      this.observer.failed(error);
      await unit.rollback();
      throw isCommitting && mayBeKept(error) ? new CommitUnanswered(error as Error) : error;
    } finally {
      // What `work` left running and asks later is refused: without a transaction it would be done by itself.
      if (!(unit instanceof PreparedTransaction)) unit.setTransactionContext(ended);
    }
  }

  private async begin(unit: Unit): Promise<void> {
    if (this.pool === null || unit instanceof PreparedTransaction) return unit.begin();
    unit.setTransactionContext(await this.pool.ormTransaction());
  }

  private async observed<T>(sql: string, work: () => Promise<T>, isCounted = true): Promise<T> {
    const startedAt = performance.now();
    try {
      return await (isTracing() ? inSpan(tracedStatement(sql), work) : work());
    } catch (error) {
      if (isCounted) this.observer.failed(error);
      throw error;
    } finally {
      this.observer.statement(sql, performance.now() - startedAt);
    }
  }

  private async execute(sql: string, parameters: readonly unknown[], unit?: Unit): Promise<StatementResult> {
    this.announce(sql, parameters);
    const values = storable(parameters);
    const send = () => {
      if (unit instanceof PreparedTransaction) return unit.execute(sql, values);
      return unit === undefined && this.pool !== null ? this.pool.execute(sql, values) : this.executeByOrm(sql, values, unit);
    };
    // What fails in a transaction fails the transaction, and is counted there.
    return this.observed(sql, () => this.convertingErrors(send()), unit === undefined);
  }

  private async executeByOrm(sql: string, values: unknown[], em?: EntityManager): Promise<StatementResult> {
    const connection = this.orm.em.getConnection() as unknown as AbstractSqlConnection;
    const client = (em?.getTransactionContext() as Kysely<unknown> | undefined) ?? connection.getClient();
    const { rows, numAffectedRows } = await client.executeQuery(CompiledQuery.raw(sql, values));
    return { rows: rows as RawRow[], affected: Number(numAffectedRows ?? 0n) };
  }

  /** Turns the driver's errors into the ORM's classes. */
  private convertingErrors<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((error) => {
      throw this.orm.em.getPlatform().getExceptionConverter().convertException(error);
    });
  }

  private announce(sql: string, parameters: readonly unknown[]): void {
    for (const listener of this.listeners) listener(sql, parameters);
  }
}

const nothing = () => undefined;
const SILENT = { log: nothing, error: nothing, warn: nothing, setDebugMode: nothing, isEnabled: () => false };

function driverOptions(config: DatabaseConfig, pool: MySqlPool | null) {
  if (pool === null) return { driver: SqliteDriver, dbName: config.location, driverOptions: embeddedDialect(config.location) };
  return { driver: pool.driver, clientUrl: config.location, driverOptions: pool.dialect() };
}

/** The embedded database needs no driver of a server, which is a tenth of all that is loaded. */
async function poolOf(config: DatabaseConfig, statementMsMax: number | null): Promise<MySqlPool> {
  const { MySqlPool } = await import('./mysql.pool.js');
  return new MySqlPool(config, statementMsMax);
}
