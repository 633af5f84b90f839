import { afterEach, describe, expect, it } from '@jest/globals';
import { readDatabaseUrl } from '../../src/config.backup.js';
import { Database } from '../../src/platform/db/database.js';
import { requireUsableServer } from '../../src/platform/db/prepare.js';
import { Attestation } from '../../src/preflight/attestation.entity.js';
import { serviceFaults } from '../../src/preflight/grants.js';

/** Nobody listens there. */
const [AWAY, AWAY_TOO] = ['127.0.0.1:1', '127.0.0.2:2'];

describe('a database that is away', () => {
  let database: Database;
  const open = async (hosts: string) => {
    database = await Database.open(readDatabaseUrl({}, `mysql://u:hunter2@${hosts}/d`, '--to'), [Attestation]);
    return database;
  };
  afterEach(() => database.close());

  it('is said to be away, not to allow what was asked of it', async () => {
    await expect(serviceFaults(await open(AWAY))).rejects.toThrow(/ECONNREFUSED/);
    await database.close();
    await expect(serviceFaults(await open(`${AWAY},${AWAY_TOO}`))).rejects.toThrow(/No host of the database can be used/);
  });

  it('is told by each of its hosts, where it has several', async () => {
    await expect(requireUsableServer(await open(`${AWAY},${AWAY_TOO}`))).rejects.toThrow(
      `No host of the database can be used. ${AWAY}: it does not answer (ECONNREFUSED); ${AWAY_TOO}: it does not answer (ECONNREFUSED).`,
    );
  });
});
