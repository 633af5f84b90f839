import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import { MIGRATIONS } from '../../migrations/index.js';
import type { Database } from '../../src/platform/db/database.js';
import { readCatalog } from '../support/catalog.js';
import { billing, type Ending } from '../support/processes.js';
import { dumpSchema } from '../support/schema-dump.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';
import { openFoundation } from '../support/scratch-foundation.js';

const STEPS = MIGRATIONS.flatMap(({ class: Migration }) => new Migration().migration().steps);
/** On an empty database those that write the rows of apps have nothing to send. */
const CHANGES = STEPS.filter(({ effect }) => effect.on !== 'rows').length;

let scratch: ScratchDatabase;
let directory: string;
let killedAt = '';
beforeAll(async () => {
  scratch = await createScratchDatabase();
  directory = await mkdtemp(path.join(tmpdir(), 'bg_test_killed_'));
});
afterAll(async () => {
  await scratch.drop();
  await rm(directory, { recursive: true });
});

describe('billing migrate that is killed at every one of its statements', () => {
  it('goes on at the next run, each time, and ends with the very same schema', async () => {
    const { killed, last } = await (globalThis.TEST_DATABASE === 'mysql' ? killedOnServer() : killedOnFile());
    expect(last).toMatchObject({ status: 0, stderr: '' });
    expect(killed).toBeGreaterThanOrEqual(CHANGES);
    const { database, close } = await openFoundation(scratch.url);
    expect(await readCatalog(database)).toEqual(await freshCatalog());
    if (!database.isEmbedded) expect(await dumpSchema(database)).toBe(await readFile('migrations/schema.sql', 'utf8'));
    expect(await appliedNames(database)).toEqual(MIGRATIONS.map(({ name }) => name));
    await close();
    expect(await migrateKilledAt(0)).toEqual({ status: 0, stdout: 'The schema is up to date.\n', stderr: '' });
  }, 1_200_000);
});

/** Each run is killed at the first statement at which none was: when it is answered, and every other time when it was just sent. */
async function killedOnServer(): Promise<{ killed: number; last: Ending }> {
  const connection = await mysql.createConnection(scratch.url);
  // Statements without a key in their condition are refused to who does not say otherwise.
  await connection.query('set global sql_safe_updates = 1');
  killedAt = path.join(directory, 'killed-at');
  try {
    for (let killed = 0; ; killed += 1) {
      const last = await migrateKilledAt(1, killed % 2 === 0 ? 'answered' : 'sent');
      if (last.status !== null || killed > 2 * STEPS.length) return { killed, last };
      // The lease of who was killed would be waited for.
      await connection.query('update billing_migration_lock set held_until = held_since').catch(() => undefined);
    }
  } finally {
    await connection.query('set global sql_safe_updates = 0');
    await connection.end();
  }
}

/** All is one transaction: each run begins anew, so they are killed at some of the statements only, and at the last. */
async function killedOnFile(): Promise<{ killed: number; last: Ending }> {
  for (const step of [1, 2, 5, 17, 23, 60, CHANGES]) {
    const last = await migrateKilledAt(step);
    if (last.status !== null) return { killed: step, last };
  }
  return { killed: CHANGES, last: await migrateKilledAt(0) };
}

function migrateKilledAt(step: number, when: 'answered' | 'sent' = 'answered'): Promise<Ending> {
  const preload = path.join(import.meta.dirname, '../support/killed-at-step.mjs');
  const how = { NODE_OPTIONS: `--import ${preload}`, KILL_AT_STEP: String(step), KILL_WHEN: when, KILLED_AT: killedAt };
  return billing(['migrate'], { DATABASE_URL_BILLING: scratch.url, ...how });
}

async function freshCatalog() {
  const fresh = await createScratchDatabase();
  const { database, migrator, close } = await openFoundation(fresh.url);
  await migrator.migrate();
  const catalog = await readCatalog(database);
  await close();
  await fresh.drop();
  return catalog;
}

async function appliedNames(database: Database): Promise<string[]> {
  return (await database.query('select name from billing_migrations order by id', [])).map((row) => String(row.name));
}
