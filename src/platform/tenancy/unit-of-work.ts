import type { EntityManager } from '@mikro-orm/core';
import DataLoader from 'dataloader';
import type { Database, Unit } from '../db/database.js';
import type { DatabaseTime } from '../db/database-time.js';
import { hasWrittenRows, LOCK_COLUMN, unwrittenRows } from '../db/lock.fence.js';
import { PreparedTransaction } from '../db/prepared-transaction.js';
import type { StaleReads } from '../db/replicas/stale-reads.js';
import type { RawRow, Table } from '../db/table.js';
import type { PendingAppEvent, PendingEvent } from '../outbox/outbox.js';
import { KEYS_MAX } from '../shared-reads.js';
import type { Caller } from './caller.js';

const OUTSIDE = 'Writing needs a transaction: use scope.transaction(async (scope) => …).';

/** How a scope reads and writes: inside its open transaction, or by single statements. For repositories. */
export class UnitOfWork {
  private readonly database: Database;
  private readonly caller: Caller;
  /** How single reads may see what is a little old; undefined where they may not. */
  private readonly staleReads: StaleReads | undefined;
  private readonly loaders = new Map<string, DataLoader<unknown, unknown>>();
  private readonly reactions: (() => void)[] = [];
  private readonly events: PendingEvent[] = [];
  private readonly appEvents: PendingAppEvent[] = [];
  private committed: EntityManager | null = null;
  private hasRun = false;

  constructor(
    {
      database,
      caller,
      staleReads,
    }: { readonly database: Database; readonly caller: Caller; readonly staleReads?: StaleReads | undefined },
    private readonly unit?: Unit,
  ) {
    this.database = database;
    this.caller = caller;
    this.staleReads = unit === undefined ? staleReads : undefined;
  }

  /** Whether a transaction is open. */
  get isOpen(): boolean {
    return this.unit !== undefined;
  }

  /** One SELECT. */
  query(sql: string, parameters: readonly unknown[]): Promise<RawRow[]> {
    return this.staleReads?.query(sql, parameters) ?? this.database.query(sql, parameters, this.unit);
  }

  /** From now on what is read is not old: what was found out already says that it has to be newer. */
  readPrimary(): void {
    this.staleReads?.readPrimary();
  }

  /** How old what was read is by now at most, ms; null if nothing of it may be old. */
  get ageMs(): number | null {
    return this.staleReads?.ageMs ?? null;
  }

  /** One statement that writes; returns how many rows it touched. */
  run(sql: string, parameters: readonly unknown[]): Promise<number> {
    this.hasRun = true;
    return this.database.run(sql, parameters, this.unit);
  }

  /** How rows of an entity are read. */
  table<Row extends object>(entity: new () => Row): Table<Row> {
    return this.database.table(entity);
  }

  /** What manages the rows of the open transaction. Throws outside one. */
  entityManager(): EntityManager {
    if (this.unit === undefined || this.unit instanceof PreparedTransaction) throw new Error(OUTSIDE);
    return this.unit;
  }

  /** Writes the managed rows now, where a later statement of the same transaction depends on them. */
  async flush(): Promise<void> {
    await this.entityManager().flush();
  }

  /**
   * Writes every row that is locked and was not written, if anything else was: so that on a cluster of several servers,
   * too, a lock keeps others from deciding at the same time. To be awaited before the commit.
   */
  async fenceLocks(): Promise<void> {
    const em = this.entityManager();
    if (!this.hasRun && !hasWrittenRows(em)) return;
    for (const { table, id } of unwrittenRows(em))
      await this.run(`update ${table} set ${LOCK_COLUMN} = ${LOCK_COLUMN} + 1 where app_id = ? and id = ?`, [this.caller.app.id, id]);
  }

  /** Calls `react` once the open transaction is committed; never if it is rolled back. */
  afterCommit(react: () => void): void {
    if (this.unit === undefined) throw new Error(OUTSIDE);
    this.reactions.push(react);
  }

  /** For the scope: `inner` is committed. Forgets what was loaded before it, and calls what waited for it. */
  ended(inner: UnitOfWork, managed: EntityManager | null = this.committed): void {
    this.loaders.clear();
    // Who wrote sees it.
    this.staleReads?.readPrimary();
    this.committed = managed;
    for (const react of inner.reactions) react();
  }

  /** What managed the rows of the last transaction that was opened from here; null before the first. */
  get lastCommitted(): EntityManager | null {
    return this.committed;
  }

  /**
   * The loader named `key`, made once. Loads of one tick become one call of `batch`. Outside a transaction they share
   * it with other requests of the same app that read the same server, and of the same customer where the caller is one.
   */
  loader<Key, Value>(key: string, batch: (keys: readonly Key[]) => Promise<readonly Value[]>): DataLoader<Key, Value> {
    const known = this.loaders.get(key) as DataLoader<Key, Value> | undefined;
    if (known !== undefined) return known;
    const sharedKey = `${this.caller.app.id}\n${this.caller.onlyCustomerId ?? ''}\n${this.staleReads?.source ?? ''}\n${key}`;
    const shared = (keys: readonly Key[]) => this.database.reads.load(sharedKey, keys, batch);
    const made = this.isOpen ? new DataLoader(batch) : new DataLoader(shared, { maxBatchSize: KEYS_MAX });
    this.loaders.set(key, made as DataLoader<unknown, unknown>);
    return made;
  }

  /** For the outbox: the events of the open transaction that are not written yet. Throws outside one. */
  pendingEvents(): PendingEvent[] {
    this.entityManager();
    return this.events;
  }

  /** The same of events for the app. */
  pendingAppEvents(): PendingAppEvent[] {
    this.entityManager();
    return this.appEvents;
  }

  /** The time that all processes share, for what is compared between them. */
  get time(): DatabaseTime {
    return this.database.time;
  }

  /** Whether SQL of the embedded database is spoken here (no row locks: there is one writer at a time). */
  get isEmbedded(): boolean {
    return this.database.isEmbedded;
  }
}
