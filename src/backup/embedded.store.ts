import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ownerOnly } from '../platform/owner-only.js';
import { ALL_ERASED, type ErasedCustomer, LATELY_ERASED } from './erasures.js';
import type { Tables } from './manifest.js';
import { DUMP, type DumpFacts, type Store } from './store.js';

const WAIT_FOR_OTHERS_MS = 10_000;

/** The embedded database: a file, copied by SQLite itself while the gateway goes on. */
export class EmbeddedStore implements Store {
  readonly engine = 'embedded';

  constructor(private readonly file: string) {}

  /** The file has no clock: it is that of the one machine that has the file. */
  async now(): Promise<Date> {
    return new Date();
  }

  caughtUpAt(): Promise<Date> {
    return this.now();
  }

  async tables(): Promise<readonly string[]> {
    return existsSync(this.file) ? reading(this.file, namesIn) : [];
  }

  async dumpInto(directory: string): Promise<DumpFacts> {
    const takenAt = new Date().toISOString();
    const copy = path.join(directory, DUMP.embedded);
    ownerOnly(copy);
    reading(this.file, (database) => database.prepare('vacuum into ?').run(copy));
    const snapshotAt = new Date().toISOString();
    return reading(copy, (database) => ({
      engine: this.engine,
      server: `SQLite ${textOf(database, 'select sqlite_version() as text')}`,
      database: path.basename(this.file),
      takenAt,
      snapshotAt,
      schemaVersion: textOf(database, "select coalesce(max(name), '') as text from billing_migrations"),
      tables: tablesIn(database),
      position: null,
    }));
  }

  async erased(which: 'all' | 'lately'): Promise<readonly ErasedCustomer[]> {
    const rows = reading(this.file, (database) => database.prepare(which === 'all' ? ALL_ERASED : LATELY_ERASED).all());
    const textOf = (value: unknown) => String(value ?? '');
    return rows.map((row) => ({
      appId: textOf(row['app_id']),
      customerId: textOf(row['id']),
      tilledCustomerId: row['tilled_id'] === '' ? null : textOf(row['tilled_id']),
    }));
  }

  async contentsOfDump(directory: string): Promise<Tables> {
    return reading(path.join(directory, DUMP.embedded), tablesIn);
  }

  async clear(): Promise<void> {
    await this.drop();
  }

  async load(directory: string): Promise<void> {
    await mkdir(path.dirname(this.file), { recursive: true, mode: 0o700 });
    // A copy has the rights of what it is of.
    ownerOnly(path.join(directory, DUMP.embedded));
    await copyFile(path.join(directory, DUMP.embedded), this.file);
  }

  async contents(): Promise<Tables> {
    return reading(this.file, tablesIn);
  }

  async drop(): Promise<void> {
    for (const suffix of ['', '-wal', '-shm']) await rm(this.file + suffix, { force: true });
  }
}

function reading<T>(file: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file, { timeout: WAIT_FOR_OTHERS_MS });
  try {
    return work(database);
  } finally {
    database.close();
  }
}

function textOf(database: DatabaseSync, sql: string): string {
  return String(database.prepare(sql).get()?.['text'] ?? '');
}

function namesIn(database: DatabaseSync): string[] {
  const rows = database.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name").all();
  return rows.map((row) => String(row['name']));
}

function tablesIn(database: DatabaseSync): Tables {
  return Object.fromEntries(namesIn(database).map((name) => [name, tableIn(database, name)]));
}

function tableIn(database: DatabaseSync, name: string): Tables[string] {
  const columns = database.prepare(`select name from pragma_table_info(?) where pk > 0 order by pk`).all(name);
  const key = columns.map((column) => `"${String(column['name'])}"`).join(', ');
  const hash = createHash('sha256');
  let rows = 0;
  const statement = database.prepare(`select * from "${name}" order by ${key === '' ? 'rowid' : key}`);
  statement.setReadBigInts(true);
  for (const row of statement.iterate()) {
    hash.update(`${JSON.stringify(Object.values(row), (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`);
    rows += 1;
  }
  return { rows, sha256: hash.digest('hex') };
}
