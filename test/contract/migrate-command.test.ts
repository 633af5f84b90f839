import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { MIGRATIONS } from '../../migrations/index.js';
import type { Foundation } from '../../src/compose.js';
import { prepareDatabase } from '../../src/platform/db/prepare.js';
import type { PreflightParts } from '../../src/preflight/parts.js';
import { DATABASE_CHECKS } from '../../src/preflight/phase-1-database.js';
import { readCatalog } from '../support/catalog.js';
import { billing, type Ending, type Environment, runningBilling } from '../support/processes.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';
import { openFoundation } from '../support/scratch-foundation.js';

const NAMES = MIGRATIONS.map(({ name }) => name);
const NEWEST = NAMES.at(-1) ?? '';
const EARLIER = NAMES.slice(0, -1);

let scratch: ScratchDatabase;
let foundation: Foundation & { close(): Promise<void> };

beforeAll(async () => {
  scratch = await createScratchDatabase();
  foundation = await openFoundation(scratch.url);
});
afterAll(async () => {
  await foundation.close();
  await scratch.drop();
});

const migrate = (args: readonly string[] = [], environment: Environment = {}): Promise<Ending> =>
  billing(['migrate', ...args], { DATABASE_URL_BILLING: scratch.url, ...environment });

describe('billing migrate', () => {
  it('prints with --plan every statement that it would run, and runs none', async () => {
    const { status, stdout } = await migrate(['--plan']);
    expect([status, stdout]).toEqual([0, expect.stringContaining('create table billing_payments (')]);
    expect(stdout.match(/^-- \d{4}-.*$/gm)).toEqual(NAMES.map((name) => `-- ${name}`));
    expect(await readCatalog(foundation.database)).toEqual({});
  });

  it('goes to the migration that is named and no further, and says every step with its time', async () => {
    const { status, stdout, stderr } = await migrate(['--to', EARLIER.at(-1) ?? '']);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^0014-references\n {2}1\/10 alter table billing_payments add column reference_held varchar\(255\) null {2}\d+ ms$/m,
    );
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`Applied ${EARLIER.join(', ')}.`);
    expect(await foundation.migrator.inspect()).toEqual({ kind: 'behind', pending: [NEWEST], begun: [] });
  });

  it('takes a number for a name, and names the newest where there is no such migration', async () => {
    const last = EARLIER.at(-1)?.slice(0, 4) ?? '';
    expect(await migrate(['--to', last])).toMatchObject({
      status: 0,
      stdout: `Nothing is left to apply up to ${last}; --down goes back.\n`,
    });
    expect(await migrate(['--to', '9999'])).toEqual({
      status: 1,
      stdout: '',
      stderr: `There is no migration 9999. The newest is ${NEWEST}.\n`,
    });
  });

  it('finishes what is missing', async () => {
    expect((await migrate()).stdout).toContain(`Applied ${NEWEST}.`);
    expect(await foundation.migrator.inspect()).toEqual({ kind: 'ready', newer: [] });
  });
});

/** What `billing preflight` says of the schema. */
async function preflight(): Promise<string> {
  const check = DATABASE_CHECKS.find(({ id }) => id === 'database.migrated');
  return JSON.stringify(await check?.look?.(foundation as unknown as PreflightParts));
}

describe('a schema of a newer release', () => {
  const apply = (name: string) => foundation.database.run('insert into billing_migrations (name) values (?)', [name]);
  const start = () => prepareDatabase(foundation.database, foundation.migrator);

  it('is started on where it only adds, or says that this build suits it', async () => {
    await apply('9998-more');
    await apply(`9999-less.needs-${NEWEST.slice(0, 4)}`);
    expect(await foundation.migrator.inspect()).toEqual({
      kind: 'ready',
      newer: ['9998-more', `9999-less.needs-${NEWEST.slice(0, 4)}`],
    });
    await start();
    expect(await preflight()).toMatch(/failed.*A newer release migrated it \(9998-more, .*finish the upgrade/);
    expect((await migrate()).stdout).toBe('The schema is up to date.\n');
  });

  it('is not taken back by this build, which does not know how', async () => {
    expect((await migrate(['--down'])).stderr).toMatch(
      /^9998-more, 9999-less\S+: of a newer release, which has to take it back itself\.\n$/,
    );
  });

  it('is refused where it says that it does not suit this build', async () => {
    await apply('9999-less.needs-9998');
    expect(await foundation.migrator.inspect()).toEqual({ kind: 'ahead', by: ['9999-less.needs-9998'] });
    expect(await preflight()).toMatch(/failed.*Applied by a newer release that this one cannot run beside: 9999-less/);
    if (!foundation.database.isEmbedded)
      await expect(start()).rejects.toThrow(/was migrated by a newer release that this one cannot run beside \(9999-less\.needs-9998\)/);
    await foundation.database.run("delete from billing_migrations where name like '999%'", []);
  });
});

if (globalThis.TEST_DATABASE === 'mysql') {
  describe('billing migrate on a server', () => {
    let beside: Connection;

    beforeAll(async () => {
      beside = await mysql.createConnection(scratch.url);
    });
    afterAll(() => beside.end());

    const takeBack = async () => expect(await migrate(['--down', '--to', '0013', '--discard-data'])).toMatchObject({ status: 0 });
    const lock = (holder: string, seconds: number) =>
      beside.query(
        "update billing_migration_lock set holder = ?, doing = '0022, step 1/1', held_since = now(3), held_until = now(3) + interval ? second",
        [holder, seconds],
      );
    const waiting = () => runningBilling(['migrate'], { DATABASE_URL_BILLING: scratch.url }, 'Waiting: elsewhere');
    /** Keeps whoever wants to change the table waiting, as a long report does, until `free`. */
    const inUse = async (table: string) => {
      await beside.query('begin');
      await beside.query(`select 1 from ${table} limit 1`);
      return { free: () => beside.query('commit') };
    };
    const connections = async (): Promise<number[]> => {
      const [rows] = await beside.query<RowDataPacket[]>('select id from information_schema.processlist where db = database()');
      return rows.map(({ id }) => Number(id));
    };
    const waitingFor = async (words: string): Promise<number[]> => {
      for (const until = Date.now() + 20_000; Date.now() < until; await sleep(20)) {
        const [rows] = await beside.query<RowDataPacket[]>(
          'select id from information_schema.processlist where db = database() and info like ? and id <> connection_id()',
          [`${words}%`],
        );
        if (rows.length > 0) return rows.map(({ id }) => Number(id));
      }
      throw new Error(`Nobody waits at: ${words}`);
    };

    it('that was killed at a statement goes on there, and says so; meanwhile no gateway starts', async () => {
      await takeBack();
      const preload = path.join(import.meta.dirname, '../support/killed-at-step.mjs');
      const killed = await migrate([], { NODE_OPTIONS: `--import ${preload}`, KILL_AT_STEP: '4', KILL_WHEN: 'answered' });
      expect(killed.status).toBe(null);
      expect(await foundation.migrator.inspect()).toMatchObject({ kind: 'behind', begun: ['0014-references'] });
      expect(await preflight()).toMatch(/failed.*Begun and not finished: 0014-references\./);
      await expect(prepareDatabase(foundation.database, foundation.migrator)).rejects.toThrow(
        '; 0014-references is begun and not finished.',
      );
      // It waits for the lease of who was killed.
      const { status, stdout } = await migrate();
      expect([status, stdout]).toEqual([
        0,
        expect.stringMatching(/^Waiting: .*, process \d+ .* and is at: 0014-references, step 5\/10\.$/m),
      ]);
      expect(stdout).toMatch(/^ {2}1 to [45] of 10 are done already$/m);
    });

    it('waits for who is at it already, says for whom, and then does what is left', async () => {
      await takeBack();
      await lock('elsewhere, process 1', 3_600);
      const running = await waiting();
      await lock('', 0);
      expect(await running.finish()).toMatchObject({ status: 0, stdout: expect.stringContaining(`Applied 0014-references`), stderr: '' });
      expect(running.words).toMatch(/^Waiting: elsewhere, process 1 has been migrating for \d+ s, and is at: 0022, step 1\/1\.$/m);
    });

    it('gives up after the time it was given, and names who has the lock', async () => {
      await takeBack();
      await lock('elsewhere, process 1', 3_600);
      const { status, stderr } = await migrate(['--wait', '1']);
      expect([status, stderr]).toEqual([1, expect.stringMatching(/^Waited 1 s: elsewhere, process 1 has been migrating .*--wait SECONDS/)]);
    });

    it('keeps its place in the queue although its connections are cut', async () => {
      const known = await connections();
      const running = await waiting();
      for (let cuts = 0; cuts < 5; cuts += 1) {
        for (const id of (await connections()).filter((one) => !known.includes(one)))
          await beside.query('kill ?', [id]).catch(() => undefined);
        await sleep(100);
      }
      await lock('', 0);
      expect(await running.finish()).toMatchObject({ status: 0, stderr: '' });
    });

    it('does not keep traffic waiting behind it for long, and goes on when its connection is killed at a statement', async () => {
      await takeBack();
      const report = await inUse('billing_payments');
      const running = migrate();
      const [id] = await waitingFor('alter table billing_payments add column reference_held');
      await beside.query('kill ?', [id]);
      await waitingFor('alter table billing_payments add column reference_held');
      const reader = await mysql.createConnection(scratch.url);
      const since = performance.now();
      await reader.query('select 1 from billing_payments limit 1');
      expect(performance.now() - since).toBeLessThan(5_000);
      await reader.end();
      await report.free();
      expect(await running).toMatchObject({ status: 0, stderr: '' });
    });

    it('finishes beside the statement of one that was killed and still runs on the server', async () => {
      await takeBack();
      const report = await inUse('billing_payments');
      const preload = path.join(import.meta.dirname, '../support/killed-at-step.mjs');
      const killed = migrate([], { NODE_OPTIONS: `--import ${preload}`, KILL_AT_STEP: '1', KILL_WHEN: 'sent' });
      expect((await killed).status).toBe(null);
      await lock('', 0);
      const running = migrate();
      await sleep(500);
      await report.free();
      expect(await running).toMatchObject({ status: 0, stderr: '' });
      expect(await foundation.migrator.inspect()).toEqual({ kind: 'ready', newer: [] });
    });

    it('that stood still stops when another took the work over', async () => {
      await takeBack();
      const report = await inUse('billing_payments');
      const running = migrate();
      await waitingFor('alter table billing_payments add column reference_held');
      await lock('elsewhere, process 1', 3_600);
      await report.free();
      expect(await running).toMatchObject({ status: 1, stderr: expect.stringMatching(/^Another process took the migration over/) });
      await lock('', 0);
      expect(await migrate()).toMatchObject({ status: 0, stderr: '' });
    });
  });
}
