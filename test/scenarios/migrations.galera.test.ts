import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RowDataPacket } from 'mysql2/promise';
import { MIGRATIONS } from '../../migrations/index.js';
import { readCatalog } from '../support/catalog.js';
import { Fleet } from '../support/fleet.js';
import { GaleraCluster, type GaleraNode } from '../support/galera-cluster.mjs';
import * as ops from '../support/operations.generated.js';
import { PayingClients } from '../support/paying-clients.js';
import { billing, type Ending, type Environment, freePort } from '../support/processes.js';
import { openFoundation } from '../support/scratch-foundation.js';
import { type TestApp, World } from '../support/world.js';

const CUSTOMERS = 60;
/** In the middle of a migration of many. */
const STEP = MIGRATIONS[0] === undefined ? 0 : Math.trunc(new MIGRATIONS[0].class().migration().steps.length / 2);
const NAMES = MIGRATIONS.map(({ name }) => name);
/** Each aborts transactions that have used the table, on every node. */
const CHANGES = [0, 1, 2].flatMap((round) => [
  `add column seen_${round} int null, algorithm=instant`,
  `add index seen_${round} (app_id, seen_${round}), algorithm=inplace, lock=none`,
  `drop index seen_${round}`,
  `drop column seen_${round}`,
]);
const [UP_TO_DATE, ALL] = ['The schema is up to date.', `Applied ${NAMES.join(', ')}.`];

let cluster: GaleraCluster;
let world: World;
let app: TestApp;
/** Its gateways are on the second and the third node, that of the world on the first. */
let fleet: Fleet;
let urls: string[];
let directory: string;

beforeAll(async () => {
  cluster = await GaleraCluster.create();
  const [first, ...others] = cluster.nodes;
  world = await World.create({ scratch: { url: first.url, drop: async () => undefined }, clock: 'running' });
  app = await world.app();
  fleet = new Fleet({ ...world.environment, BILLING_DATA_DIR: '/nonexistent' });
  const ports = [await freePort(), await freePort()];
  await Promise.all(
    others.map((node, at) =>
      fleet.startGateway(ports[at] ?? 0, { DATABASE_URL_BILLING: node.urlOf({ user: 'billing' }) }, `gateway-${at}`),
    ),
  );
  directory = await mkdtemp(path.join(tmpdir(), 'bg_test_migrations_'));
  urls = [world.url, ...ports.map((port) => `http://127.0.0.1:${port}`)];
});
afterAll(async () => {
  await fleet.close();
  await world.close();
  await cluster.close();
  await rm(directory, { recursive: true });
});

/** Runs `billing migrate` through one node, on a database of that name. */
function migrate(node: GaleraNode, name: string, environment: Environment = {}): Promise<Ending> {
  return billing(['migrate'], { DATABASE_URL_BILLING: node.urlOf({ name }), ...environment });
}

/** Has a migration be killed in the middle of one of many steps, or get another signal. */
function endsAtStep(signal: 'SIGKILL' | 'SIGSTOP', when: 'sent' | 'answered'): Environment {
  const preload = path.join(import.meta.dirname, '../support/killed-at-step.mjs');
  const killedAt = path.join(directory, `${signal}-${when}`);
  return { NODE_OPTIONS: `--import ${preload}`, KILL_AT_STEP: String(STEP), KILL_WHEN: when, KILL_WITH: signal, KILLED_AT: killedAt };
}

async function asAdministrator(node: GaleraNode, ...statements: string[]): Promise<RowDataPacket[]> {
  const connection = await node.administer();
  try {
    for (const sql of statements.slice(0, -1)) await connection.query(sql);
    return (await connection.query<RowDataPacket[]>(statements.at(-1) ?? 'do 0'))[0];
  } finally {
    connection.destroy();
  }
}

/** Every running node has the tables that the migrations make, and the list of them. */
async function expectMigratedOnAll(name: string): Promise<void> {
  await cluster.whole();
  const expected = await readCatalog(world.gateway.database);
  for (const node of cluster.nodes.filter(({ isRunning }) => isRunning)) {
    const { database, migrator, close } = await openFoundation(node.urlOf({ name }));
    expect(await readCatalog(database)).toEqual(expected);
    expect(await migrator.inspect()).toEqual({ kind: 'ready', newer: [] });
    const applied = await database.query('select name from billing_migrations order by id', []);
    expect(applied.map((row) => String(row.name))).toEqual(NAMES);
    await close();
  }
}

describe('what was confirmed through one node', () => {
  it('is read, changed and referred to at once through every other', async () => {
    for (let at = 0; at < CUSTOMERS; at += 1) {
      const [here, there, elsewhere] = [0, 1, 2].map((step) => ({ url: urls[(at + step) % urls.length] ?? '' }));
      const input = { email: `payer-${at}@example.com`, externalId: randomUUID() };
      const { customerCreate } = await world.ask(app, ops.CustomerCreateDocument, { input }, here);
      const id = customerCreate.customer?.id ?? '';
      const renamed = await world.ask(app, ops.CustomerUpdateDocument, { input: { id, name: `Payer ${at}` } }, there);
      expect(renamed.customerUpdate.userErrors).toEqual([]);
      const { customer } = await world.ask(app, ops.CustomerDocument, { id }, elsewhere);
      expect(customer).toMatchObject({ name: `Payer ${at}` });
      const again = await world.ask(app, ops.CustomerCreateDocument, { input: { ...input, email: 'other@example.com' } }, there);
      expect(again.customerCreate.userErrors).toMatchObject([{ code: 'DUPLICATE_EXTERNAL_ID' }]);
    }
  });
});

describe('a node that cannot be relied on', () => {
  /** What is told at the start of a migration through the third node, and by preflight there. */
  const toldBy = async () => {
    const [, , third] = cluster.nodes;
    const environment = { ...world.environment, DATABASE_URL_BILLING: third.url };
    const [migrating, preflight] = await Promise.all([
      billing(['migrate'], environment),
      billing(['preflight', '--phase', '1', '--json'], environment),
    ]);
    const { checks } = JSON.parse(preflight.stdout) as { checks: { id: string; status: string; evidence: string }[] };
    const check = (id: string) => checks.find((one) => one.id === id);
    return { migrating, settings: check('database.settings'), durable: check('database.durable') };
  };

  it('is none of those of a cluster that is set up as it should be', async () => {
    const { migrating, settings, durable } = await toldBy();
    expect(migrating).toMatchObject({ status: 0, stdout: `${UP_TO_DATE}\n`, stderr: '' });
    expect([settings?.status, durable?.status]).toEqual(['ok', 'ok']);
  });

  it('is refused with a sentence for each setting, or preflight warns of it', async () => {
    const [, , third] = cluster.nodes;
    await fleet.end('gateway-1');
    await third.stop();
    await third.start({ settings: ['--innodb-autoinc-lock-mode=1'] });
    const wrong = {
      wsrep_forced_binlog_format: ["'STATEMENT'", "'NONE'"],
      wsrep_max_ws_rows: ['1000', '0'],
      wsrep_max_ws_size: ['1048576', '2147483647'],
      wsrep_ignore_apply_errors: ['7', '0'],
      wsrep_provider_options: ["'pc.ignore_sb=yes;pc.ignore_quorum=true'", "'pc.ignore_sb=no;pc.ignore_quorum=false'"],
      wsrep_on: ['OFF', 'ON'],
    };
    await asAdministrator(third, ...Object.entries(wrong).map(([name, [value]]) => `set global ${name} = ${value}`));
    const { migrating, settings, durable } = await toldBy();
    expect(migrating).toMatchObject({ status: 78, stdout: '' });
    const refusals = [
      /wsrep_on is OFF: .* reaches no other/,
      /pc\.ignore_quorum is on .* books of their own/,
      /pc\.ignore_sb is on .* books of their own/,
      /wsrep_max_ws_rows is 1000: /,
      /wsrep_max_ws_size is 1048576: /,
      /wsrep_forced_binlog_format is STATEMENT: /,
      /innodb_autoinc_lock_mode is 1: /,
    ];
    for (const sentence of refusals) {
      expect(migrating.stderr).toMatch(sentence);
      expect(settings).toMatchObject({ status: 'failed', evidence: expect.stringMatching(sentence) });
    }
    expect(durable).toMatchObject({ status: 'failed', evidence: expect.stringMatching(/^wsrep_ignore_apply_errors is 7: /) });
    const right = Object.entries(wrong).map(([name, [, value]]) => `set global ${name} = ${value}`);
    await asAdministrator(third, ...right.toReversed());
    await third.stop();
    await third.start();
  });

  it('may be one of two: preflight says that the next loss stops all', async () => {
    const [, second] = cluster.nodes;
    await fleet.end('gateway-0');
    await second.stop();
    expect((await toldBy()).durable).toMatchObject({ status: 'failed', evidence: expect.stringMatching(/^wsrep_cluster_size is 2: /) });
    await second.start();
  });
});

describe('billing migrate on a cluster', () => {
  beforeAll(async () => {
    const databases = ['twice', 'killed', 'cut'].map((name) => `create database ${name} character set utf8mb4 collate utf8mb4_bin`);
    await asAdministrator(cluster.nodes[0], ...databases);
  });

  it('that is started through every node at once is done by one, and the others wait for it', async () => {
    const ends = await Promise.all(cluster.nodes.map((node) => migrate(node, 'twice')));
    expect(ends.map(({ status, stderr }) => [status, stderr])).toEqual(ends.map(() => [0, '']));
    const last = ends.map(({ stdout }) => stdout.trimEnd().split('\n').at(-1) ?? '');
    expect(last.filter((line) => line === ALL)).toHaveLength(1);
    expect(last.filter((line) => line === UP_TO_DATE)).toHaveLength(2);
    await expectMigratedOnAll('twice');
  });

  it('goes back through one node and forth through the next', async () => {
    const [, second, third] = cluster.nodes;
    const back = await billing(['migrate', '--down', '--to', '0013', '--discard-data'], {
      DATABASE_URL_BILLING: second.urlOf({ name: 'twice' }),
    });
    expect(back).toMatchObject({ status: 0, stderr: '' });
    expect(await migrate(third, 'twice')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Applied 0014-references'),
      stderr: '',
    });
    await expectMigratedOnAll('twice');
  });

  it('that is lost with its node while a statement is under way goes on through another', async () => {
    const [first, second] = cluster.nodes;
    expect(await migrate(second, 'killed', endsAtStep('SIGKILL', 'sent'))).toMatchObject({ status: null });
    await second.kill();
    const { status, stdout } = await migrate(first, 'killed');
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^ {2}1 to (${STEP - 1}|${STEP}) of \\d+ are done already$`, 'm')),
    ]);
    expect(stdout).toMatch(/^Waiting: .*, process \d+ .* and is at: 0001-core, step /m);
    await second.start();
    await expectMigratedOnAll('killed');
  });

  it('whose node is cut off from the others does nothing there and stops, and another one does the rest', async () => {
    const [first, second] = cluster.nodes;
    const frozen = endsAtStep('SIGSTOP', 'answered');
    fleet.startCommand('cut', ['migrate'], { DATABASE_URL_BILLING: second.urlOf({ name: 'cut' }), ...frozen });
    await world.until(async () => existsSync(frozen['KILLED_AT'] ?? ''));
    await second.cutOff('group');
    await world.until(async () => (await second.state()).status !== 'Primary');
    fleet.thaw('cut');
    expect(await migrate(first, 'cut')).toMatchObject({ status: 0, stderr: '' });
    await second.joinAgain('group');
    // Between two steps it gives up; in the middle of one it tries on, until it sees who has the lock.
    const status = await fleet.statusOf('cut');
    const words = { 69: /^The database cannot do this now \(/, 1: /^Another process took the migration over/ }[String(status)];
    expect([status, fleet.lines]).toEqual([
      expect.any(Number),
      expect.arrayContaining([expect.stringMatching(words ?? /^it did not stop$/)]),
    ]);
    await expectMigratedOnAll('cut');
  });

  it('aborts payments under way when it changes their tables, and callers hear no more than that they repeat', async () => {
    const { customer } = await world.payer(app);
    fleet.startWorker('worker', { DATABASE_URL_BILLING: cluster.nodes[2].url });
    const clients = new PayingClients(world, app, customer.id, 'while-migrating');
    for (const change of CHANGES) {
      await clients.untilTold(performance.now());
      for (const table of ['billing_payments', 'billing_jobs', 'billing_refunds'])
        await asAdministrator(cluster.nodes[1], `alter table billing_db.${table} ${change}`);
    }
    await clients.stop();
    expect(clients.otherCodes()).toEqual([]);
    await clients.allIsThereOnce();
  });
});
