import type { EntityManager } from '@mikro-orm/core';
import DataLoader from 'dataloader';
import type { Clock } from '../clock.js';
import type { Database, Unit } from '../db/database.js';
import { confineWrites } from '../db/tenant.guard.js';
import type { IdPrefix, Ids } from '../ids.js';
import { attributeWrites } from '../outbox/audit-trail.js';
import { recordEvent, writeEvents } from '../outbox/outbox.js';
import { KEYS_MAX } from '../shared-reads.js';
import type { Caller } from './caller.js';
import type { RequestRecord } from './request-record.js';
import { UnitOfWork } from './unit-of-work.js';

interface ScopeParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly caller: Caller;
  readonly request: RequestRecord;
}

/**
 * One app, one caller, one request: the first parameter of everything that reads or writes tenant data, and the GraphQL
 * context. It needs a caller, and a caller needs an app, so no query can run without one.
 */
export class Scope {
  /** Who asks, and for which app. */
  readonly caller: Caller;
  /** How rows are read and written. */
  readonly db: UnitOfWork;
  /** What is logged, counted and noted about the request. */
  readonly request: RequestRecord;
  private readonly loaders = new Map<string, DataLoader<unknown, unknown>>();
  private committed: EntityManager | null = null;

  constructor(
    private readonly parts: ScopeParts,
    unit?: Unit,
  ) {
    this.caller = parts.caller;
    this.request = parts.request;
    this.db = new UnitOfWork(parts.database, unit);
  }

  /** The app that every row read or written belongs to. */
  get appId(): string {
    return this.caller.app.id;
  }

  now(): Date {
    return this.parts.clock.now();
  }

  newId(prefix: IdPrefix): string {
    return this.parts.ids.make(prefix);
  }

  /**
   * Runs `work` in one transaction, with a scope that reads and writes inside it; joins the transaction if there is
   * one. A lost race is begun anew, so `work` must have no effect outside the database: never call the processor in it.
   */
  async transaction<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    if (this.db.isOpen) return work(this);
    const { request } = this;
    const calls = request.unwrittenCalls;
    const { result, inner } = await this.parts.database.transaction(async (em) => {
      confineWrites(em, this.appId);
      const inner = new Scope(this.parts, em);
      attributeWrites(em, inner);
      for (const call of calls)
        recordEvent(inner, { type: `call.${call.operation}`, objectId: request.objectId ?? this.appId, details: { call } });
      const result = await work(inner);
      // What the flush changes becomes events too.
      await inner.db.flush();
      await writeEvents(inner);
      return { result, inner };
    });
    request.dropCalls(calls.length);
    this.loaders.clear();
    this.committed = inner.db.entityManager();
    inner.db.committed();
    return result;
  }

  /**
   * The same for `query` and `run` alone, without managed rows: for what comes by the thousand. Repositories' `add` and
   * `lock` throw inside it.
   */
  async statements<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    if (this.db.isOpen) return work(this);
    const { result, inner } = await this.parts.database.statements(async (unit) => {
      const inner = new Scope(this.parts, unit);
      return { result: await work(inner), inner };
    });
    this.loaders.clear();
    inner.db.committed();
    return result;
  }

  /** For repositories: what managed the rows of this scope's last transaction; null before the first. */
  get lastCommitted(): EntityManager | null {
    return this.committed;
  }

  /**
   * The loader named `key`, made once per scope; loads of one tick become one call of `batch`. Outside a transaction
   * they share it with other requests of the same app, and of the same customer where the caller is one.
   */
  loader<Key, Value>(key: string, batch: (keys: readonly Key[]) => Promise<readonly Value[]>): DataLoader<Key, Value> {
    const known = this.loaders.get(key) as DataLoader<Key, Value> | undefined;
    if (known !== undefined) return known;
    const sharedKey = `${this.appId}\n${this.caller.onlyCustomerId ?? ''}\n${key}`;
    const shared = (keys: readonly Key[]) => this.parts.database.reads.load(sharedKey, keys, batch);
    const made = this.db.isOpen ? new DataLoader(batch) : new DataLoader(shared, { maxBatchSize: KEYS_MAX });
    this.loaders.set(key, made as DataLoader<unknown, unknown>);
    return made;
  }
}
