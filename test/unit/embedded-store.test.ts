import { chmodSync, mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from '@jest/globals';
import { EmbeddedStore } from '../../src/backup/embedded.store.js';
import { DUMP } from '../../src/backup/store.js';
import { embeddedDialect } from '../../src/platform/db/embedded.dialect.js';

const directory = mkdtempSync(join(tmpdir(), 'embedded-store-'));
const modeOf = (name: string) => (statSync(join(directory, name)).mode & 0o777).toString(8);

it('an embedded database, its copy and what is restored from one that an earlier version left open are for their owner alone', async () => {
  const driver = embeddedDialect(join(directory, 'live.db')).createDriver();
  await driver.init();
  const connection = await driver.acquireConnection();
  await connection.executeQuery({
    sql: 'create table billing_migrations (name text)',
    parameters: [],
    query: { kind: 'RawNode' } as never,
    queryId: { queryId: '1' },
  });
  expect(['live.db', 'live.db-wal', 'live.db-shm'].map(modeOf)).toEqual(['600', '600', '600']);
  await new EmbeddedStore(join(directory, 'live.db')).dumpInto(directory);
  expect(modeOf(DUMP.embedded)).toBe('600');
  await driver.destroy();
  chmodSync(join(directory, DUMP.embedded), 0o644);
  await new EmbeddedStore(join(directory, 'drill.db')).load(directory);
  expect(modeOf('drill.db')).toBe('600');
  new DatabaseSync(join(directory, 'old.db')).close();
  expect(modeOf('old.db')).toBe('644');
  const old = embeddedDialect(join(directory, 'old.db')).createDriver();
  await old.init();
  expect(modeOf('old.db')).toBe('600');
  await old.destroy();
});
