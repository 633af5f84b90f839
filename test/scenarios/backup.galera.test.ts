import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import { makeCheap } from '../support/cheap-repository.js';
import { Fleet } from '../support/fleet.js';
import { GaleraCluster } from '../support/galera-cluster.mjs';
import { KillableDatabase } from '../support/killable-database.js';
import * as ops from '../support/operations.generated.js';
import { billing, type Ending, type Environment, freePort } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

const COMMAND_MS_MAX = 120_000;
const STORY_MS_MAX = 300_000;
const PASSWORD = 'of-a-test-repository';
const [A, B, C] = [0, 1, 2] as const;
/** No node but all, of which B is named last. */
const ALL = null;
const AT = ['A', 'B', 'C'];

let directory: string;
let cluster: GaleraCluster;
let plain: KillableDatabase;
let world: World;
let fleet: Fleet;
let app: TestApp;
/** A gateway on each node. */
let gateways: readonly string[];
/** Who pays through which gateway. */
let customerIds: readonly string[];
/** Ids of all payments that were answered, in the order of their answers. */
const told: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bg_test_galera_backup_'));
  await writeFile(path.join(directory, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
  const server = await KillableDatabase.create();
  if (server === null) throw new Error('There is no server.');
  plain = server;
  cluster = await GaleraCluster.create({ keepsLogs: true });
  world = await World.create({ scratch: { url: cluster.nodes[A].url, drop: async () => undefined }, clock: 'running' });
  app = await world.app();
  fleet = new Fleet({ ...world.environment, HOST: '127.0.0.1', BILLING_REQUESTS_PER_WINDOW: '1000000', BILLING_DATA_DIR: directory });
  const ports = [await freePort(), await freePort()];
  await Promise.all(ports.map((port, index) => fleet.startGateway(port, { DATABASE_URL_BILLING: nodeUrl(index + 1) }, AT[index + 1])));
  const payers = [await world.payer(app), await world.payer(app), await world.payer(app)];
  customerIds = payers.map(({ customer }) => customer.id);
  gateways = [world.url, ...ports.map((port) => `http://127.0.0.1:${port}`)];
}, STORY_MS_MAX);
afterAll(async () => {
  await fleet.close();
  await world.close();
  await plain.close();
  await cluster.close();
  await rm(directory, { recursive: true, force: true });
});

it(
  'the last of several nodes is backed up while all take payments, and every copy of its logs has what the others wrote before',
  async () => {
    const stop = await paying([A, B, C]);
    const full = await onNode(ALL, 'backup', '--init', '--json');
    await makeCheap(path.join(directory, 'repository'), PASSWORD);
    expect([full.status, full.stderr, JSON.parse(full.stdout)]).toEqual([0, '', expect.objectContaining({ notes: [], host: hostOf(B) })]);
    const before = [...told];
    const logs = await onNode(ALL, 'backup', '--logs');
    expect([logs.status, logs.stderr]).toEqual([0, '']);
    await stop();
    await restored('under_load');
    expect(await missing(plain.urlOf('under_load'), before)).toEqual([]);
  },
  STORY_MS_MAX,
);

let between = '';

it(
  'what was written while the node was away is in its logs after it came back',
  async () => {
    await world.ask(app, ops.CustomerCreateDocument, { input: { email: 'first@example.com' } }, { url: gateways[C] });
    between = await nextSecond();
    await world.ask(app, ops.CustomerCreateDocument, { input: { email: 'second@example.com' } }, { url: gateways[A] });
    await fleet.kill('B');
    const stop = await paying([A, C]);
    await cluster.nodes[B].kill();
    await sleep(2_500);
    await cluster.nodes[B].start();
    await stop();
    await world.settle();
    const logs = await onNode(B, 'backup', '--logs');
    expect([logs.status, logs.stderr]).toEqual([0, '']);
    await restored('away');
    expect(await missing(plain.urlOf('away'), told)).toEqual([]);
    expect(await sums(plain.urlOf('away'))).toEqual(await sums(nodeUrl(A)));
    const verified = await billing(['verify'], { ...environment(B), DATABASE_URL_BILLING: plain.urlOf('away') }, COMMAND_MS_MAX);
    expect([verified.status, verified.stderr]).toEqual([0, '']);
  },
  STORY_MS_MAX,
);

it(
  'a node that its cluster does not count on is refused, as what is backed up and as what is restored to',
  async () => {
    await cluster.nodes[B].cutOff('group');
    await world.until(async () => (await cluster.nodes[B].state()).status !== 'Primary');
    const words = `The node ${hostOf(B)} cannot be used: it is outside of the primary component of its cluster (non-Primary).`;
    for (const args of [['backup'], ['backup', '--logs'], ['restore', '--to', cluster.nodes[B].urlOf({ name: 'never' })]]) {
      const ending = await onNode(B, ...args);
      expect([args, ending.status, ending.stderr]).toEqual([args, 1, expect.stringContaining(words)]);
    }
  },
  STORY_MS_MAX,
);

it(
  'logs of another node are refused, and go on after a full backup of it',
  async () => {
    await cluster.nodes[B].kill();
    const refused = await onNode(A, 'backup', '--logs');
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringMatching(new RegExp(`binary logs of ${hostOf(A)} do not continue backup .* of ${hostOf(B)}: .*Take a full backup`)),
    ]);
    const gone = await onNode(ALL, 'backup', '--logs');
    expect([gone.status, gone.stderr]).toEqual([
      1,
      expect.stringMatching(new RegExp(`Only the binary logs of ${hostOf(B)} continue backup .*Can't connect.*Take a full backup`)),
    ]);
    const full = await onNode(ALL, 'backup', '--json');
    expect([full.status, full.stderr, JSON.parse(full.stdout)]).toEqual([
      0,
      '',
      expect.objectContaining({ host: hostOf(A), notes: [expect.stringContaining(`${hostOf(B)}: `)] }),
    ]);
    await world.customer(app, { email: 'third@example.com' });
    await world.settle();
    const logs = await onNode(ALL, 'backup', '--logs');
    expect([logs.status, logs.stderr]).toEqual([0, '']);
  },
  STORY_MS_MAX,
);

it(
  'a second between writes through two nodes is restored from the logs of the node that is gone, and the newest from the other',
  async () => {
    await restored('second', '--at', between);
    expect(await emails(plain.urlOf('second'))).toEqual(['ann@example.com', 'ann@example.com', 'ann@example.com', 'first@example.com']);
    await restored('newest');
    expect(await emails(plain.urlOf('newest'))).toEqual(expect.arrayContaining(['second@example.com', 'third@example.com']));
    expect(await sums(plain.urlOf('newest'))).toEqual(await sums(nodeUrl(A)));
  },
  STORY_MS_MAX,
);

it(
  'what is restored through one node is the same on the others',
  async () => {
    const through = () => onNode(A, 'restore', '--no-replay', '--to', cluster.nodes[C].urlOf({ name: 'again' }));
    const administrator = await cluster.nodes[C].administer();
    await administrator.query("set global wsrep_OSU_method = 'RSU'");
    const refused = await through();
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('wsrep_OSU_method=RSU')]);
    await administrator.query("set global wsrep_OSU_method = 'TOI'");
    await administrator.end();
    const ending = await through();
    expect([ending.status, ending.stderr]).toEqual([0, '']);
    await cluster.whole();
    const [there, here] = [await sums(cluster.nodes[C].urlOf({ name: 'again' })), await sums(cluster.nodes[A].urlOf({ name: 'again' }))];
    expect(here).toEqual(there);
    expect(here).toEqual(await sums(nodeUrl(A)));
    const drill = await onNode(C, 'drill', '--json');
    expect([drill.status, drill.stderr, JSON.parse(drill.stdout)]).toEqual([0, '', expect.objectContaining({ left: 0 })]);
  },
  STORY_MS_MAX,
);

it(
  'of two servers that take writes and are no cluster neither is backed up',
  async () => {
    const node = new URL(cluster.nodes[A].urlOf({ user: 'billing' }));
    const administrator = await plain.administer();
    await administrator.query(`alter user 'billing'@'127.0.0.1' identified by '${node.password}'`);
    await administrator.end();
    const both = node.href.replace('/billing_db', `,${new URL(plain.url).host}/billing_db`);
    const ending = await billing(['backup'], { ...environment(A), BILLING_BACKUP_DATABASE_URL: both }, COMMAND_MS_MAX);
    const words = `${hostOf(A)} and ${new URL(plain.url).host} take writes and are no cluster`;
    expect([ending.status, ending.stderr]).toEqual([1, expect.stringContaining(words)]);
  },
  STORY_MS_MAX,
);

function nodeUrl(node: number): string {
  return cluster.nodes[node]?.url ?? '';
}

function hostOf(node: number): string {
  return `${cluster.nodes[node]?.address}:3306`;
}

function environment(node: number | null): Environment {
  return {
    ...world.environment,
    RESTIC_REPOSITORY: path.join(directory, 'repository'),
    RESTIC_PASSWORD_FILE: path.join(directory, 'password'),
    RESTIC_CACHE_DIR: path.join(directory, 'cache'),
    BILLING_DATA_DIR: directory,
    BILLING_BACKUP_DATABASE_URL: node === null ? cluster.urlOf({ from: C }) : nodeUrl(node),
  };
}

/** A command whose database for backups is one node, or all; that of the gateway is the first. */
function onNode(node: number | null, ...args: readonly string[]): Promise<Ending> {
  return billing(args, environment(node), COMMAND_MS_MAX);
}

async function restored(name: string, ...options: readonly string[]): Promise<void> {
  const ending = await onNode(A, 'restore', '--no-replay', '--to', plain.urlOf(name), ...options);
  expect([ending.status, ending.stderr]).toEqual([0, '']);
}

/** Payments through gateways on these nodes, each of a customer of its own, until it is stopped. */
async function paying(nodes: readonly number[]): Promise<() => Promise<void>> {
  let isRunning = true;
  const running = nodes.map(async (node) => {
    const customerId = customerIds[node] ?? '';
    for (let turn = 0; isRunning; turn += 1) {
      const input = {
        customerId,
        amount: { amountMinor: 1_000, currency: 'usd' },
        idempotencyKey: `${node}-${told.length}-${turn}`,
      };
      while (!(await pay(gateways[node] ?? '', input))) await sleep(200);
    }
  });
  await world.until(async () => told.length > 10);
  return async () => {
    isRunning = false;
    await Promise.all(running);
  };
}

/** Whether it was answered that it was paid; otherwise the same is to be asked again. */
async function pay(url: string, input: ops.PaymentCreateInput): Promise<boolean> {
  const { data } = await world.send(app, ops.PaymentCreateDocument, { input }, { url });
  const payment = data?.paymentCreate.payment;
  if (payment?.status !== 'SUCCEEDED') return false;
  told.push(payment.id);
  return true;
}

async function rowsAt(url: string, sql: string): Promise<RowDataPacket[]> {
  const connection = await mysql.createConnection(url);
  try {
    return (await connection.query<RowDataPacket[]>(sql))[0];
  } finally {
    await connection.end();
  }
}

async function missing(url: string, ids: readonly string[]): Promise<string[]> {
  expect(ids.length).toBeGreaterThan(10);
  const found = new Set((await rowsAt(url, "select id from billing_payments where status = 'SUCCEEDED'")).map(({ id }) => String(id)));
  return ids.filter((id) => !found.has(id));
}

async function emails(url: string): Promise<string[]> {
  return (await rowsAt(url, 'select email from billing_customers order by email')).map(({ email }) => String(email));
}

/** A checksum of each table that the commands themselves, and the workers, leave alone. */
async function sums(url: string): Promise<unknown> {
  const names = ['apps', 'customers', 'payment_methods', 'payments', 'refunds', 'events', 'webhooks', 'idempotency_keys'];
  const rows = await rowsAt(url, `checksum table ${names.map((name) => `billing_${name}`).join(', ')}`);
  return rows.map(({ Table, Checksum }) => [String(Table).replace(/^.*\./, ''), Checksum]);
}

/** A second that begins after all that was, and before all that comes. */
async function nextSecond(): Promise<string> {
  await sleep(1_100);
  const second = `${new Date(Math.ceil(Date.now() / 1000) * 1000).toISOString().slice(0, 19)}Z`;
  await sleep(2_100);
  return second;
}
