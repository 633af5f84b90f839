import type { StatementSync } from 'node:sqlite';
import { DatabaseSync } from 'node:sqlite';
import { ownerOnly } from '../platform/owner-only.js';

/** A record as it lies on disk; a body of null deletes it. */
export interface DiskRow {
  collection: string;
  id: string;
  seq: number;
  body: string | null;
}

/**
 * The state file: one SQLite database in WAL mode. A write that returned survives the death of the process;
 * like Tilled's own answers it is not promised to survive the loss of power within the last moments.
 */
export class Disk {
  private readonly database: DatabaseSync;
  private readonly upsert: StatementSync;
  private readonly remove: StatementSync;
  private readonly upsertFact: StatementSync;

  constructor(file: string) {
    ownerOnly(file);
    this.database = new DatabaseSync(file);
    this.database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA busy_timeout = 2000;
      CREATE TABLE IF NOT EXISTS objects (
        collection TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (collection, id)
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    `);
    this.upsert = this.database.prepare('INSERT OR REPLACE INTO objects (collection, id, seq, body) VALUES (?, ?, ?, ?)');
    this.remove = this.database.prepare('DELETE FROM objects WHERE collection = ? AND id = ?');
    this.upsertFact = this.database.prepare('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');
  }

  /** Every record, oldest first. */
  objects(): { collection: string; seq: number; body: string }[] {
    return this.database
      .prepare('SELECT collection, seq, body FROM objects ORDER BY seq')
      .all()
      .map((row) => ({ collection: String(row.collection), seq: Number(row.seq), body: String(row.body) }));
  }

  /** What is kept beside the records, by name, as JSON. */
  facts(): Map<string, string> {
    const rows = this.database.prepare('SELECT name, value FROM facts').all();
    return new Map(rows.map((row) => [String(row.name), String(row.value)]));
  }

  /** Writes all of it or, when it throws, nothing. */
  write(rows: readonly DiskRow[], facts: Record<string, unknown>): void {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      for (const row of rows) {
        if (row.body === null) this.remove.run(row.collection, row.id);
        else this.upsert.run(row.collection, row.id, row.seq, row.body);
      }
      for (const [name, value] of Object.entries(facts)) this.upsertFact.run(name, JSON.stringify(value));
      this.database.exec('COMMIT');
    } catch (error) {
      this.database.exec('ROLLBACK');
      throw error;
    }
  }

  clear(): void {
    this.database.exec('DELETE FROM objects; DELETE FROM facts;');
  }

  /** Writes the file anew, without what was deleted or replaced. */
  compact(): void {
    this.database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE);');
  }

  close(): void {
    this.database.close();
  }
}
