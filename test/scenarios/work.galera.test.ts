import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { atTilled, cut, takenAtTilled } from '../support/at-tilled.js';
import { Fleet } from '../support/fleet.js';
import { clockOff, GaleraCluster } from '../support/galera-cluster.mjs';
import { callsOf, isOver, type Said } from '../support/keyed-calls.js';
import { type Environment, freePort } from '../support/processes.js';
import { Scrape } from '../support/scrape.js';
import { type TestApp, World } from '../support/world.js';

const LOOK = 'GET /v1/customers/:id';
const REFUND = 'POST /v1/refunds';
const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
const QUIET_SECONDS = 25;

let cluster: GaleraCluster;
let world: World;
let apps: TestApp[];
let fleet: Fleet;

beforeAll(async () => {
  cluster = await GaleraCluster.create();
  // Nobody kills the last node, through which the test itself looks.
  world = await World.create({ scratch: { url: cluster.nodes[2].url, drop: async () => undefined }, clock: 'running' });
  apps = [];
  for (let made = 0; made < 4; made += 1) apps.push(await world.app());
  const patience = { TILLED_TIMEOUT_MS: '20000', TILLED_QUIET_SECONDS: String(QUIET_SECONDS) };
  fleet = new Fleet({ ...world.environment, ...patience, NODE_ENV: 'development', HOST: '127.0.0.1' });
});
afterAll(async () => {
  await fleet.close();
  await world.close();
  await cluster.close();
});

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50)) if (await check()) return;
  throw new Error(`It never was that ${what}: ${fleet.lines.slice(-20).join('\n')}`);
}

/** Starts a worker; resolves to where it answers, once it does. */
async function worker(name: string, DATABASE_URL_BILLING: string): Promise<string> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  fleet.startWorker(name, { DATABASE_URL_BILLING, BILLING_WORKER_PORT: String(port) });
  await until('the worker is ready', () => fetch(`${url}/readyz`).then(isWell, () => false));
  return url;
}

const isWell = ({ ok }: Response) => ok;

async function gateway(name: string, DATABASE_URL_BILLING: string, more: Environment = {}): Promise<string> {
  const port = await freePort();
  await fleet.startGateway(port, { DATABASE_URL_BILLING, ...more }, name);
  return `http://127.0.0.1:${port}`;
}

/** Asks with the same key until the answer is the last word. */
async function repeated(ask: () => Promise<Said>): Promise<Said> {
  let answer: Said = { status: null, codes: ['none'] };
  await until('the answer is the last word', async () => {
    answer = await ask();
    await sleep(450);
    return isOver(answer);
  });
  return answer;
}

/** What a process says on /readyz of clocks. */
async function clocksOn(url: string): Promise<string[]> {
  const { degraded = [] } = (await (await fetch(`${url}/readyz`)).json()) as { degraded?: readonly { what: string; reason: string }[] };
  return degraded.filter(({ what }) => what === 'clock').map(({ reason }) => reason);
}

/** Looks at customers whom Tilled does not know, due now, as many for every app. */
async function queueLooks(name: string, count: number): Promise<void> {
  const { database } = world.gateway;
  const { now } = database.time;
  const row = `(?, ?, 'sync.customer', ?, 1, 'due', ${now}, 0, 1, 0, 0, ${now})`;
  const columns = '(app_id, id, kind, subject, priority, state, due_at, fence, wanted, attempts, sends, created_at)';
  for (const { id } of apps) {
    const values = Array.from({ length: count / apps.length }, (_, index) => [id, `job_${name}_${index}`, `cus_${name}_${index}`]);
    await database.run(`insert into billing_jobs ${columns} values ${values.map(() => row).join(', ')}`, values.flat());
  }
}

/** Has workers, one on each of these nodes, do so many looks. */
async function worked(name: string, nodes: readonly number[], count: number) {
  const urls = await Promise.all(nodes.map((node) => worker(`${name} ${node}`, cluster.nodes[node]?.url ?? '')));
  const scraped = () => Promise.all(urls.map((url) => Scrape.from(url)));
  const [earlier, before] = [await scraped(), world.sandbox.requests(LOOK).length];
  await queueLooks(name, count);
  const fromMs = performance.now();
  await until('all is done', async () => {
    const [row] = await world.gateway.database.query("select count(*) as n from billing_jobs where kind = 'sync.customer'", []);
    return Number(row?.['n']) === 0;
  });
  const tookMs = performance.now() - fromMs;
  const later = await scraped();
  const since = (metric: string, labels = {}) =>
    later.reduce((sum, scrape, index) => sum + scrape.since(earlier[index] ?? scrape, metric, labels), 0);
  const looks = world.sandbox.requests(LOOK).slice(before);
  for (const node of nodes) await fleet.end(`${name} ${node}`);
  return {
    tookMs,
    looks: looks.length,
    different: new Set(looks.map(({ account, path }) => `${account} ${path}`)).size,
    lost: since('billing_database_errors_total', { kind: 'lost_race' }),
    each: later.map((scrape, index) => scrape.since(earlier[index] ?? scrape, 'billing_jobs_total')),
  };
}

describe('workers, one on each node', () => {
  const COUNT = 600;

  it('do each piece of work once, all of them, and seldom lose what they chose to another', async () => {
    const alone = await worked('alone', [0], COUNT);
    const together = await worked('together', [0, 1, 2], COUNT);
    if (process.env['BILLING_TEST_FIGURES']) process.stderr.write(`${JSON.stringify({ alone, together })}\n`);
    for (const { looks, different } of [alone, together]) expect([looks, different]).toEqual([COUNT, COUNT]);
    expect(Math.min(...together.each)).toBeGreaterThan(COUNT / 20);
    // They take up to ten at once. When all began with the oldest, more were lost than won.
    expect(together.lost).toBeLessThan(COUNT / 10 / 2);
  });
});

/** Starts a node again with a clock that is off. */
async function restart(index: 1 | 2, by: string): Promise<void> {
  await cluster.nodes[index].stop();
  await cluster.nodes[index].start({ environment: clockOff(by) });
  await cluster.whole();
}

describe('while the clocks of nodes are 20 s ahead and 8 s behind', () => {
  let app: TestApp;
  let calls: ReturnType<typeof callsOf>;
  let payments: string[];
  const slowly = (delayMs: number) => world.control('faults', { operation: REFUND, delayMs, when: 'during', repeat: 'allow' });
  const refunds = async () => (await atTilled(world, app, 'refunds')).map(({ amount }) => amount);

  beforeAll(async () => {
    await restart(1, '+20s');
    await restart(2, '-8s');
    app = await world.app();
    await world.holdDeliveries();
    const { customer } = await world.payer(app);
    calls = callsOf({ world, app }, customer.id);
    payments = [(await world.payment(app, customer.id)).id, (await world.payment(app, customer.id)).id];
  });

  it('a call under way on one node is left alone by a worker on the one that is ahead: one refund, told as done', async () => {
    const [url, ahead] = await Promise.all([gateway('gateway', cluster.urlOf({ from: 0 })), worker('ahead', cluster.urlOf({ from: 1 }))]);
    await until('the clocks were compared', async () => (await clocksOn(ahead)).some((reason) => / 2[78]\.\d s apart/.test(reason)));
    await slowly(8_000);
    expect(await calls.refund(payments[0] ?? '', url)).toEqual({ status: 'SUCCEEDED', codes: [] });
    expect([await refunds(), world.sandbox.requests(REFUND).length]).toEqual([[5_000], 1]);
    await fleet.end('ahead');
  });

  it('after a failover to a node that is ahead, what is in doubt is not sent again early, and work goes on', async () => {
    const url = await gateway('impatient', cluster.urlOf({ from: 0 }), { TILLED_TIMEOUT_MS: '1000' });
    await worker('moving', cluster.urlOf({ from: 0 }));
    // All have seen the clocks run for as long as something may be under way.
    await sleep(1_000 * QUIET_SECONDS);
    await slowly(15_000);
    const key = () => calls.refund(payments[1] ?? '', url, 'second');
    expect(await key()).toEqual({ status: 'UNKNOWN', codes: ['OUTCOME_UNKNOWN'] });
    await cluster.nodes[0].kill();
    expect(await repeated(() => calls.pay('ahead', url))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await repeated(key)).toEqual({ status: 'SUCCEEDED', codes: [] });
    expect([await refunds(), world.sandbox.requests(REFUND).length]).toEqual([[5_000, 5_000], 2]);
  });

  it('after a failover to a node that is behind, what waits waits longer by the difference at most', async () => {
    const url = await gateway('last', cluster.urlOf({ from: 0 }), { TILLED_TIMEOUT_MS: '1000' });
    await cut(world, CONFIRM, 'after');
    expect((await calls.pay('behind', url)).codes).toEqual(['OUTCOME_UNKNOWN']);
    await cluster.nodes[1].stop();
    const fromMs = performance.now();
    await until('it is known', async () => (await world.rows('billing_payments', app)).every((row) => row['status'] === 'SUCCEEDED'));
    expect(performance.now() - fromMs).toBeLessThan(40_000);
    expect(await takenAtTilled(world, app)).toEqual([0, 0, 4_200, 4_200]);
    expect(fleet.lines.filter((line) => line.includes('the clock of the database was set'))).toEqual([]);
  });
});
