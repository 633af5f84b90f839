import { ConnectionException, ConstraintViolationException, DriverException } from '@mikro-orm/core';
import type { Log } from '../log.js';
import type { DatabaseFailure } from '../metric-values.js';
import type { Metrics } from '../metrics.js';
import type { TracedWork } from '../spans.js';
import { isLostRace } from './lost-race.js';
import { outageOf } from './outage.js';

/** Told what the database is asked and how it answers. */
export interface DatabaseObserver {
  /** A statement ended. Its text has placeholders where values go. */
  statement(sql: string, durationMs: number): void;
  /** A statement or transaction failed, for whatever reason. */
  failed(error: unknown): void;
  /** A host of several cannot be used any more, for a reason in words, or can again. */
  hostFound(host: string, fault: string | null): void;
  /** Another host of several is used now, and why. */
  hostChanged(from: string, to: string, why: string): void;
}

/** Until somebody watches. */
export const UNOBSERVED: DatabaseObserver = {
  statement: () => undefined,
  failed: () => undefined,
  hostFound: () => undefined,
  hostChanged: () => undefined,
};

const VERB = /^\s*(select|insert|update|delete|begin|commit)\b/i;
const TABLE = /\bbilling_[a-z_]+/g;
/** Enough of a statement to find it in the code. */
const SHOWN_CHARS = 500;

/** Times statements by verb and table, counts failures, and says which statement took `slowMs` or longer. */
export function watchedDatabase(metrics: Metrics, log: Log, tables: readonly string[], slowMs: number): DatabaseObserver {
  const known = new Set(tables);
  return {
    statement: (sql, durationMs) => {
      const verb = VERB.exec(sql)?.[1]?.toLowerCase() ?? 'other';
      const table = firstTable(sql, known);
      metrics.sqlSeconds.observe({ verb, table }, durationMs / 1000);
      if (durationMs < slowMs) return;
      log.warn('slow query', { verb, table, durationMs: Math.trunc(durationMs), statement: sql.slice(0, SHOWN_CHARS) });
    },
    failed: (error) => {
      const kind = failureOf(error);
      if (kind !== null) metrics.databaseErrors.inc({ kind });
    },
    hostFound: (host, fault) => {
      if (fault === null) log.info('database host usable', { host });
      else log.warn('database host not usable', { host, reason: fault });
    },
    hostChanged: (from, to, why) => {
      metrics.databaseHostSwitches.inc();
      log.warn('another database host is used', { from, to, reason: why });
    },
  };
}

/** What a trace says of a statement. The text has placeholders; what goes into them is in no trace. */
export function tracedStatement(sql: string): TracedWork {
  const name = sql.trimStart().split(/\s/, 1)[0] ?? 'sql';
  return { kind: 'sql', name, attributes: { 'db.query.text': sql.slice(0, SHOWN_CHARS) } };
}

/** The first table that a statement names; the rest of it, which may be long, is not read. */
function firstTable(sql: string, known: ReadonlySet<string>): string {
  for (const [name] of sql.matchAll(TABLE)) if (known.has(name)) return name;
  return 'none';
}

/** Null for what is no failure of the database, such as a refusal of ours inside a transaction. */
function failureOf(error: unknown): DatabaseFailure | null {
  if (error instanceof ConnectionException || outageOf(error) !== null) return 'connection';
  if (isLostRace(error)) return 'lost_race';
  if (error instanceof ConstraintViolationException) return 'constraint';
  return error instanceof DriverException ? 'other' : null;
}
