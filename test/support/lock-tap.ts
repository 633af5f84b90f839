import { AsyncLocalStorage } from 'node:async_hooks';
import { type EntityManager, wrap } from '@mikro-orm/core';
import type { Database } from '../../src/platform/db/database.js';

interface Heard {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** A row that a transaction locked and did not write, though it wrote others. */
interface Unfenced {
  readonly row: string;
  readonly wrote: readonly string[];
}

const WRITE = /^\s*(insert|update|delete)\b/i;
const LOCKING = /\bfor update\b/i;
const TABLE = /\bbilling_[a-z_]+/;

/** Locks that are certain without a write of what they lock, each with its reason. */
const CERTAIN: readonly (readonly [RegExp, string])[] = [
  [/^select `?\w+`?\.\*|^select `\w+`\.`\w+`/i, 'of the ORM: the rows that it found are managed, and looked at one by one'],
];

/** What adds a row that refers to both rows which were locked in share mode, or writes one of them. */
const SHARES = /^\s*(insert into `?billing_(payments|subscriptions)\b|update `?billing_(customers|payment_methods)\b)/i;

/**
 * Looks at every transaction of a gateway: one that locks rows and writes others has to write the locked ones too. On a cluster
 * of several servers a lock is one server's own, and only a write has the cluster refuse what was decided elsewhere.
 */
export class LockTap {
  readonly unfenced: Unfenced[] = [];
  private readonly open = new AsyncLocalStorage<Heard[]>();

  static on(database: Database): LockTap {
    const tap = new LockTap();
    database.listen((sql, parameters) => tap.open.getStore()?.push({ sql, parameters }));
    const transaction = database.transaction.bind(database);
    database.transaction = (work) =>
      transaction((em) =>
        tap.open.run([], async () => {
          const result = await work(em);
          tap.judge(em, tap.open.getStore() ?? []);
          return result;
        }),
      );
    return tap;
  }

  /** Throws if a lock was heard that another server of a cluster would not know of. */
  assertFenced(): void {
    const [first] = this.unfenced;
    if (first === undefined) return;
    throw new Error(
      `${this.unfenced.length} rows were locked by transactions that wrote others, and not written, the first ${first.row} beside:\n${first.wrote.join('\n')}`,
    );
  }

  private judge(em: EntityManager, heard: readonly Heard[]): void {
    const writes = heard.filter(({ sql }) => WRITE.test(sql));
    if (writes.length === 0) return;
    const wrote = writes.map(({ sql }) => sql.slice(0, 120));
    const miss = (row: string) => void this.unfenced.push({ row, wrote });
    for (const row of em.getUnitOfWork().getIdentityMap().values()) {
      const { tableName } = wrap(row as object, true).__meta;
      const { id } = row as { readonly id: string };
      if (!writes.some(({ sql, parameters }) => tableOf(sql) === tableName && parameters.includes(id))) miss(`${tableName} ${id}`);
    }
    for (const { sql } of heard) {
      if (/\block in share mode\b/i.test(sql) && !writes.some((write) => SHARES.test(write.sql))) miss(sql);
      if (!LOCKING.test(sql) || CERTAIN.some(([pattern]) => pattern.test(sql))) continue;
      if (!writes.some((write) => tableOf(write.sql) === tableOf(sql))) miss(sql);
    }
  }
}

function tableOf(sql: string): string | undefined {
  return TABLE.exec(sql)?.[0];
}
