import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { SqliteDialect } from 'kysely';
import { ownerOnly } from '../owner-only.js';

const WAIT_FOR_OTHER_PROCESS_MS = 10_000;
const STATEMENTS_KEPT = 500;
const NOTHING_CHANGED = { changes: 0, lastInsertRowid: 0 };

/**
 * The embedded database: Node's own SQLite behind kysely. A commit survives the loss of the process and of power
 * (write-ahead log, synchronous = full), and two processes, the gateway and the command line, may share the file.
 */
export function embeddedDialect(file: string): SqliteDialect {
  return new SqliteDialect({
    database: async () => {
      ownerOnly(file);
      const database = new DatabaseSync(file);
      database.exec(
        `pragma busy_timeout = ${WAIT_FOR_OTHER_PROCESS_MS}; pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on`,
      );
      const statements = new Map<string, ReturnType<typeof prepared>>();
      return {
        prepare: (sql: string) => {
          const statement = statements.get(sql) ?? prepared(database, sql);
          // The one used last goes last; what was not used for longest goes first.
          statements.delete(sql);
          statements.set(sql, statement);
          if (statements.size > STATEMENTS_KEPT) statements.delete(statements.keys().next().value ?? '');
          return statement;
        },
        close: () => database.close(),
      };
    },
  });
}

/** Writers queue up at the start of a transaction: one that read first would be refused after a lost race. */
const begunAsWriter = (sql: string): string => (sql === 'begin' ? 'begin immediate' : sql);

function prepared(database: DatabaseSync, sql: string) {
  const statement: StatementSync = database.prepare(begunAsWriter(sql));
  const values = (parameters: ReadonlyArray<unknown>) => parameters.map(storable);
  // On a full disk SQLite rolls back by itself. Kysely would then keep its one connection, waiting for a rollback.
  const isDone = () => sql === 'rollback' && !database.isTransaction;
  return {
    reader: statement.columns().length > 0,
    all: (parameters: ReadonlyArray<unknown>) => statement.all(...values(parameters)),
    get: (parameters: ReadonlyArray<unknown>) => statement.get(...values(parameters)),
    run: (parameters: ReadonlyArray<unknown>) => (isDone() ? NOTHING_CHANGED : statement.run(...values(parameters))),
    iterate: (parameters: ReadonlyArray<unknown>) => statement.iterate(...values(parameters)) as IterableIterator<unknown>,
  };
}

function storable(value: unknown): SQLInputValue {
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'boolean') return value ? 1 : 0;
  return (value ?? null) as SQLInputValue;
}
