import type { EntityManager } from '@mikro-orm/core';
import DataLoader from 'dataloader';
import type { Clock } from '../clock.js';
import type { Database, Unit } from '../db/database.js';
import type { DatabaseTime } from '../db/database-time.js';
import { PreparedTransaction } from '../db/mysql.pool.js';
import type { RawRow, Table } from '../db/table.js';
import { confineWrites } from '../db/tenant.guard.js';
import type { IdPrefix, Ids } from '../ids.js';
import type { LimitDecision } from '../limits/leased-limit.js';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics.js';
import { traceWrites } from '../outbox/audit-trail.js';
import { type PendingEvent, recordEvent, writeEvents } from '../outbox/outbox.js';
import type { CallNote } from '../outbox/outbox-event.entity.js';
import { KEYS_MAX } from '../shared-reads.js';
import type { Actor } from './actor.js';
import type { AppIdentity } from './app-identity.js';

interface ScopeParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly app: AppIdentity;
  readonly actor: Actor;
  readonly requestId: string;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The default key of mutations in this request: the Idempotency-Key header. */
  readonly idempotencyKey?: string | undefined;
}

const OUTSIDE = 'Writing needs a transaction: use scope.transaction(async (scope) => …).';

/**
 * One app, one caller, one request: the first parameter of everything that reads or writes tenant data, and the GraphQL
 * context. There is no way to make one without an app, so no query can run without one.
 */
export class Scope {
  readonly app: AppIdentity;
  readonly actor: Actor;
  readonly requestId: string;
  readonly idempotencyKey: string | undefined;
  /** Carries the app and request id on every line. */
  readonly log: Log;
  /** What this process counts; of what is done in a transaction only after its commit. */
  readonly metrics: Metrics;
  /** How long this request has waited for the processor so far, ms. */
  processorMs = 0;
  private readonly loaders = new Map<string, DataLoader<unknown, unknown>>();
  private readonly afterCommits: (() => void)[] = [];
  private readonly events: PendingEvent[] = [];
  private lastUnit: EntityManager | null = null;
  private replayed = false;
  /** How the window of the app's requests stands. Apollo copies its context: copies share this. */
  readonly window: { decision: LimitDecision | null } = { decision: null };
  /** What the mutations of this request answered, for when their answer is lost on its way out. */
  readonly answers: { readonly operation: string; readonly payload: unknown }[] = [];
  private overtaken = false;
  private readonly calls: CallNote[] = [];
  private about: { readonly objectId: string; readonly cause: string | null } | null = null;

  constructor(
    private readonly parts: ScopeParts,
    private readonly unit?: Unit,
    private readonly outer?: Scope,
  ) {
    if (!parts.app.id) throw new Error('A scope needs an app.');
    this.app = parts.app;
    this.actor = parts.actor;
    this.requestId = parts.requestId;
    this.idempotencyKey = parts.idempotencyKey;
    this.log = parts.log;
    this.metrics = parts.metrics;
  }

  get appId(): string {
    return this.app.id;
  }

  /** Whether an answer in this request is that of an earlier one. */
  get hasReplayed(): boolean {
    return this.replayed;
  }

  noteReplay(): void {
    this.replayed = true;
  }

  /** What is written down from now on is about this object; `cause` is what made a job take it up. */
  workOn(objectId: string, cause: string | null = null): void {
    this.about = { objectId, cause };
  }

  /** What made a job do what it does; null for callers, who cause what they do. */
  get cause(): string | null {
    return this.outer?.cause ?? this.about?.cause ?? null;
  }

  /** Whether what is being recorded was read at the processor a while ago, and our own work may have overtaken it since. */
  get mayBeOvertaken(): boolean {
    return this.outer?.mayBeOvertaken ?? this.overtaken;
  }

  /** Says how old a reading is that is about to be recorded. */
  assumeOvertaken(may: boolean): void {
    this.overtaken = may;
  }

  /** Notes a call to the processor; it is written down with whatever is committed next. */
  noteCall(call: CallNote): void {
    this.calls.push(call);
  }

  now(): Date {
    return this.parts.clock.now();
  }

  newId(prefix: IdPrefix): string {
    return this.parts.ids.make(prefix);
  }

  /** The one customer this scope may see, or null when it may see all of the app. */
  get onlyCustomerId(): string | null {
    return this.actor.kind === 'customer' ? this.actor.customerId : null;
  }

  /**
   * Runs `work` in one transaction, with a scope that reads and writes inside it; joins the transaction if there is one.
   * A lost race is begun anew, so `work` must have no effect outside the database: never call the processor in it.
   */
  async transaction<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    if (this.unit !== undefined) return work(this);
    const calls = [...this.calls];
    const { result, inner } = await this.parts.database.transaction(async (em) => {
      confineWrites(em, this.appId);
      const inner = new Scope(this.parts, em, this);
      traceWrites(em, inner);
      for (const call of calls)
        recordEvent(inner, { type: `call.${call.operation}`, objectId: this.about?.objectId ?? this.appId, details: { call } });
      const result = await work(inner);
      // What the flush changes becomes events too.
      await inner.flush();
      await writeEvents(inner);
      return { result, inner };
    });
    this.calls.splice(0, calls.length);
    this.loaders.clear();
    this.lastUnit = inner.writer();
    for (const react of inner.afterCommits) react();
    return result;
  }

  /**
   * The same for `query` and `run` alone, without a unit of work: for what comes by the thousand. Repositories' `add` and `lock` throw
   * inside it.
   */
  async statements<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    if (this.unit !== undefined) return work(this);
    const { result, inner } = await this.parts.database.statements(async (unit) => {
      const inner = new Scope(this.parts, unit, this);
      return { result: await work(inner), inner };
    });
    this.loaders.clear();
    for (const react of inner.afterCommits) react();
    return result;
  }

  /** Calls `react` once the open transaction is committed; never if it is rolled back. */
  afterCommit(react: () => void): void {
    if (this.unit === undefined) throw new Error(OUTSIDE);
    this.afterCommits.push(react);
  }

  /** Writes what the unit of work holds now, where a later statement of the same transaction depends on it. */
  async flush(): Promise<void> {
    await this.writer().flush();
  }

  /**
   * The loader named `key`, made once per scope; loads of one tick become one call of `batch`. Outside a transaction they share it with
   * other requests of the same app, and of the same customer where the caller is one.
   */
  loader<Key, Value>(key: string, batch: (keys: readonly Key[]) => Promise<readonly Value[]>): DataLoader<Key, Value> {
    const known = this.loaders.get(key) as DataLoader<Key, Value> | undefined;
    if (known !== undefined) return known;
    const lane = `${this.appId}\n${this.onlyCustomerId ?? ''}\n${key}`;
    const shared = (keys: readonly Key[]) => this.parts.database.reads.load(lane, keys, batch);
    const made = this.unit === undefined ? new DataLoader(shared, { maxBatchSize: KEYS_MAX }) : new DataLoader(batch);
    this.loaders.set(key, made as DataLoader<unknown, unknown>);
    return made;
  }

  /** For repositories: the unit of work of the open transaction. Throws outside one. */
  writer(): EntityManager {
    if (this.unit === undefined || this.unit instanceof PreparedTransaction) throw new Error(OUTSIDE);
    return this.unit;
  }

  /** For the outbox: the events of the open transaction that are not written yet. Throws outside one. */
  pendingEvents(): PendingEvent[] {
    this.writer();
    return this.events;
  }

  /** For repositories: a row that the open transaction made or locked. */
  held<Row extends object>(entity: new () => Row, id: string): Row | undefined {
    return rowOf(this.writer(), entity, [this.appId, id]);
  }

  /** For repositories: a row as the last transaction left it that made or locked it. */
  left<Row extends object>(entity: new () => Row, id: string): Row | undefined {
    return this.lastUnit === null ? undefined : rowOf(this.lastUnit, entity, [this.appId, id]);
  }

  /** For repositories: how rows of an entity are read. */
  table<Row extends object>(entity: new () => Row): Table<Row> {
    return this.parts.database.table(entity);
  }

  /** For repositories: one SELECT, inside the open transaction if there is one. */
  query(sql: string, parameters: readonly unknown[]): Promise<RawRow[]> {
    return this.parts.database.query(sql, parameters, this.unit);
  }

  /** For repositories: one statement that writes; returns how many rows it touched. */
  run(sql: string, parameters: readonly unknown[]): Promise<number> {
    return this.parts.database.run(sql, parameters, this.unit);
  }

  /** For repositories: the time that all processes share, for what is compared between them. */
  get databaseTime(): DatabaseTime {
    return this.parts.database.time;
  }

  /** Whether SQL of the embedded database is spoken here (no row locks: there is one writer at a time). */
  get isEmbedded(): boolean {
    return this.parts.database.isEmbedded;
  }
}

/** Whatever a unit of work manages was made or locked by it: all other reads go around it. */
function rowOf<Row extends object>(unit: EntityManager, entity: new () => Row, key: readonly [appId: string, id: string]): Row | undefined {
  return unit.getUnitOfWork().getById(entity, [...key] as never);
}
