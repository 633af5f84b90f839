import type { Clock } from '../clock.js';
import type { Database, Unit } from '../db/database.js';
import type { StaleReads } from '../db/replicas/stale-reads.js';
import { confineWrites } from '../db/tenant.guard.js';
import type { IdPrefix, Ids } from '../ids.js';
import { writeAppEvents } from '../outbox/app-events.js';
import { attributeWrites } from '../outbox/audit-trail.js';
import { recordEvent, writeEvents } from '../outbox/outbox.js';
import type { Caller } from './caller.js';
import type { RequestRecord } from './request-record.js';
import { UnitOfWork } from './unit-of-work.js';

interface ScopeParts {
  readonly database: Database;
  readonly clock: Clock;
  /** The app's own time, by which it does business. */
  readonly businessClock: Clock;
  readonly ids: Ids;
  readonly caller: Caller;
  readonly request: RequestRecord;
  /** Where it reads what may be a little old; absent for callers who write, or must see what was just written. */
  readonly staleReads?: StaleReads | undefined;
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

  constructor(
    private readonly parts: ScopeParts,
    unit?: Unit,
  ) {
    this.caller = parts.caller;
    this.request = parts.request;
    this.db = new UnitOfWork(parts, unit);
  }

  /** The app that every row read or written belongs to. */
  get appId(): string {
    return this.caller.app.id;
  }

  /** Wall time: for rows, keys, sessions and retention. */
  now(): Date {
    return this.parts.clock.now();
  }

  /**
   * The app's time, for what falls due: anchors, periods, pauses, ends. Wall time too, but for an app on the local
   * sandbox, which lives in the sandbox's time.
   */
  businessNow(): Date {
    return this.parts.businessClock.now();
  }

  /** A new id, unique in every app, that sorts by time. */
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
      await writeAppEvents(inner);
      await inner.db.fenceLocks();
      return { result, inner };
    });
    request.dropCalls(calls.length);
    this.db.ended(inner.db, inner.db.entityManager());
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
    this.db.ended(inner.db);
    return result;
  }
}
