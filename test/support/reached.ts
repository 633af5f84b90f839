import { appendFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import type { Database } from '../../src/platform/db/database.js';

const WRITES = /^\s*(?:insert(?: ignore)? into|replace into|update|delete from)\s+[`"]?(\w+)/i;
/** Where test/run.mjs wants to have it, and support/unreached.mjs reads it: a line of JSON a world. */
const FILE = process.env['BILLING_TEST_REACHED'];

/** Keeps which tables a world on a cluster wrote and which mutations it carried out. */
export class Reached {
  private readonly tables = new Set<string>();
  private readonly mutations = new Set<string>();

  private constructor(private readonly database: Database) {}

  /** Hears every statement of a gateway from now on. */
  static on(database: Database): Reached {
    const reached = new Reached(database);
    database.listen((sql) => {
      const table = WRITES.exec(sql)?.[1];
      if (table !== undefined) reached.tables.add(table);
    });
    return reached;
  }

  /** Takes what a request was answered; a mutation that was refused does not count. */
  answered(data: unknown): void {
    for (const [field, payload] of Object.entries(data ?? {})) {
      const userErrors = (payload as { readonly userErrors?: readonly unknown[] } | null)?.userErrors;
      if (userErrors?.length === 0) this.mutations.add(field);
    }
  }

  /** Writes it down; a table that has rows was written, by whatever process. */
  async keep(): Promise<void> {
    const isOnCluster = globalThis.TEST_ON_CLUSTER || expect.getState().testPath?.endsWith('.galera.test.ts');
    if (FILE === undefined || !isOnCluster) return;
    for (const table of this.database.tableNames) {
      const rows = await this.database.query(`select 1 as found from ${table} limit 1`, []);
      if (rows.length > 0) this.tables.add(table);
    }
    appendFileSync(FILE, `${JSON.stringify({ tables: [...this.tables], mutations: [...this.mutations] })}\n`);
  }
}
