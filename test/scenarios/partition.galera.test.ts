import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RowDataPacket } from 'mysql2';
import { Fleet } from '../support/fleet.js';
import { GaleraCluster, type GaleraNode } from '../support/galera-cluster.mjs';
import { Onlooker, type Seen } from '../support/onlooker.js';
import { PayingClients } from '../support/paying-clients.js';
import { billing, freePort } from '../support/processes.js';
import { tableNames } from '../support/tables.js';
import { type TestApp, World } from '../support/world.js';

/** Until a node knows that the others are gone, or they know it of the node: the cluster's own rule (evs.inactive_timeout), and one more try, ms. */
const KNOWN_MS = 8_000;
/** How long something is gone for, ms: long enough to look at it once it is known. */
const GONE_MS = 12_000;
/** The promise: so long after there is a node that takes writes mutations succeed again, ms. */
const RECOVERED_MS_MAX = 15_000;
/** Nobody waits longer for an answer, ms: a statement's time and that of the one tried after it. */
const ANSWERED_MS_MAX = 20_000;
const READY_MS_MAX = 3_000;
const CLIENTS = 2;
/** Waited for by who has something in hand that was sent without an answer, s. */
const QUIET_SECONDS = 5;

/** One gateway with a node of its own, who pays there and who looks on. */
interface Place {
  readonly clients: PayingClients;
  readonly onlooker: Onlooker;
}

let cluster: GaleraCluster;
let world: World;
let fleet: Fleet;
let app: TestApp;
let customerId: string;
let places: readonly Place[];

beforeAll(async () => {
  cluster = await GaleraCluster.create();
  const scratch = { url: cluster.nodes[0].url, drop: async () => undefined };
  world = await World.create({ scratch, clock: 'running', tilledQuietMs: QUIET_SECONDS * 1_000 });
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
  const generous = { BILLING_REQUESTS_PER_WINDOW: '1000000', BILLING_WEBHOOKS_PER_HOUR: '1000000' };
  fleet = new Fleet({ ...world.environment, ...generous, HOST: '127.0.0.1', TILLED_QUIET_SECONDS: String(QUIET_SECONDS) });
  places = await Promise.all(cluster.nodes.map(({ url }, index) => open(url, `gateway-${index}`)));
});
afterAll(async () => {
  await fleet.close();
  await world.close();
  await cluster.close();
});

async function open(databaseUrl: string, name: string): Promise<Place> {
  const port = await freePort();
  await fleet.startGateway(port, { DATABASE_URL_BILLING: databaseUrl, BILLING_WORKER: 'on' }, name);
  const url = `http://127.0.0.1:${port}`;
  return {
    clients: new PayingClients(world, app, customerId, name, { clients: CLIENTS, url }),
    onlooker: new Onlooker(world, app, customerId, url),
  };
}

/** What was told at one place between two moments, those who paid there and those who looked on. */
function told({ clients, onlooker }: Place, from: number, until: number) {
  const paid = clients.asked.filter(({ sentAt }) => sentAt >= from && sentAt < until);
  return [...onlooker.between(from, until), ...paid.map((asked) => ({ what: 'mutation', ...asked }))];
}

const slowest = (answers: readonly Pick<Seen, 'tookMs'>[]): number => Math.max(0, ...answers.map(({ tookMs }) => tookMs));
const readiness = (answers: readonly { readonly what: string; readonly status: number; readonly tookMs: number }[]) =>
  answers.filter(({ what }) => what === 'ready');

/** Waits until something was paid at each of these that was asked for after `at`; how long that took at the slowest, ms. */
async function paidAgain(at: number, ...which: readonly Place[]): Promise<number> {
  await Promise.all(which.map(({ clients }) => clients.untilTold(at)));
  return Math.max(...which.map(({ clients }) => clients.recoveredAfterMs(at)));
}

function report(what: string, figures: object): void {
  process.stdout.write(`${JSON.stringify({ what, ...figures })}\n`);
}

/** What is true of a gateway whose node cannot serve. */
function refusesInOrder(place: () => Place, from: () => number, until: () => number): void {
  it('says at its gateway within 3 s that it is not ready, once it knows', () => {
    const asked = readiness(told(place(), from() + KNOWN_MS, until()));
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.filter(({ status, tookMs }) => status !== 503 || tookMs > READY_MS_MAX)).toEqual([]);
  });

  it('has its gateway refuse mutations, reads and webhooks with a code that says to repeat, and when', () => {
    const refused = told(place(), from() + KNOWN_MS, until()).filter(({ what }) => what !== 'ready');
    // Those who pay one by one may all still wait for the COMMIT that the cut met.
    for (const what of ['read', 'webhook']) expect(refused.filter((answer) => answer.what === what)).not.toEqual([]);
    expect(refused.filter(({ status, code, retryAfter }) => status !== 503 || code !== 'UNAVAILABLE' || !(Number(retryAfter) > 0))).toEqual(
      [],
    );
  });
}

describe('a node that is cut off from the other two', () => {
  let [cutAt, healedAt, majorityMs, minorityMs] = [0, 0, 0, 0];

  beforeAll(async () => {
    await sleep(2_000);
    await cluster.nodes[2].cutOff();
    cutAt = performance.now();
    majorityMs = await paidAgain(cutAt, ...places.slice(0, 2));
    await sleep(GONE_MS - (performance.now() - cutAt));
    await cluster.nodes[2].joinAgain();
    healedAt = performance.now();
    minorityMs = await paidAgain(healedAt, ...places.slice(2));
    const unknown = places.map((place) => told(place, cutAt, cutAt + KNOWN_MS));
    report('cut', { majorityMs, minorityMs, slowestMs: unknown.map(slowest) });
  });

  refusesInOrder(
    () => places[2] as Place,
    () => cutAt,
    () => healedAt,
  );

  it('lets the other two go on, and serves again by itself', () => {
    expect(majorityMs).toBeLessThan(RECOVERED_MS_MAX);
    expect(minorityMs).toBeLessThan(RECOVERED_MS_MAX);
  });
});

describe('a node that is killed', () => {
  let [killedAt, startedAt, othersMs, againMs] = [0, 0, 0, 0];

  beforeAll(async () => {
    await cluster.nodes[1].kill();
    killedAt = performance.now();
    othersMs = await paidAgain(killedAt, places[0] as Place, places[2] as Place);
    await sleep(KNOWN_MS + 2_000 - (performance.now() - killedAt));
    startedAt = performance.now();
    await cluster.nodes[1].start();
    againMs = await paidAgain(performance.now(), places[1] as Place);
    report('killed', { othersMs, againMs, slowestMs: places.map((place) => slowest(told(place, killedAt, startedAt))) });
  });

  refusesInOrder(
    () => places[1] as Place,
    () => killedAt,
    () => startedAt,
  );

  it('lets the other two go on, and serves again once it is started', () => {
    expect(othersMs).toBeLessThan(RECOVERED_MS_MAX);
    expect(againMs).toBeLessThan(RECOVERED_MS_MAX);
  });
});

describe('a node that is frozen', () => {
  let [frozenAt, thawedAt, othersMs, againMs] = [0, 0, 0, 0];

  beforeAll(async () => {
    cluster.nodes[2].pause();
    frozenAt = performance.now();
    othersMs = await paidAgain(frozenAt, ...places.slice(0, 2));
    await sleep(GONE_MS - (performance.now() - frozenAt));
    cluster.nodes[2].resume();
    thawedAt = performance.now();
    againMs = await paidAgain(thawedAt, ...places.slice(2));
    report('frozen', { othersMs, againMs, slowestMs: places.map((place) => slowest(told(place, frozenAt, thawedAt))) });
  });
  afterAll(() => cluster.nodes[2].resume());

  it('lets the other two go on, and serves again once it is thawed', () => {
    expect(othersMs).toBeLessThan(RECOVERED_MS_MAX);
    expect(againMs).toBeLessThan(RECOVERED_MS_MAX);
  });

  it('has its gateway say within 3 s that it is not ready', () => {
    const asked = readiness(told(places[2] as Place, frozenAt + READY_MS_MAX, thawedAt - READY_MS_MAX));
    expect(asked.filter(({ status, tookMs }) => status !== 503 || tookMs > READY_MS_MAX)).toEqual([]);
  });
});

describe('a cluster that loses all three nodes', () => {
  let [lostAt, begunAt, againMs] = [0, 0, 0];

  beforeAll(async () => {
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    lostAt = performance.now();
    await sleep(2_000);
    await cluster.beginAnew();
    begunAt = performance.now();
    againMs = await paidAgain(begunAt, ...places);
    report('all lost', { againMs, slowestMs: places.map((place) => slowest(told(place, lostAt, begunAt))) });
  });

  it('takes writes again at every gateway once it was begun anew', () => {
    expect(againMs).toBeLessThan(RECOVERED_MS_MAX);
  });
});

describe('after all of it', () => {
  beforeAll(async () => {
    await Promise.all(places.flatMap(({ clients, onlooker }) => [clients.stop(), onlooker.stop()]));
    await cluster.whole();
    for (const { clients } of places) report('clients', { told: clients.told.length, codes: Object.fromEntries(clients.codes) });
  });

  it('nobody was told anything but the answer, or to repeat, and nobody waited without end', () => {
    expect(places.flatMap(({ clients }) => clients.otherCodes())).toEqual([]);
    const answers = places.flatMap((place) => told(place, 0, Number.POSITIVE_INFINITY));
    expect(answers.filter(({ what, status, code }) => what !== 'ready' && status !== 200 && code !== 'UNAVAILABLE')).toEqual([]);
    expect(slowest(answers)).toBeLessThan(ANSWERED_MS_MAX);
  });

  it('nothing that was answered is lost, nothing is done twice, and jobs go on', async () => {
    for (const { clients } of places) await clients.allIsThereOnce();
  });

  it('billing verify and billing reconcile find nothing', async () => {
    for (const command of [['verify'], ['reconcile']])
      expect(await billing(command, world.environment)).toMatchObject({ status: 0, stderr: '' });
  });

  it('every node has the same books', async () => {
    await fleet.close();
    await cluster.whole();
    const tables = (await tableNames(world.gateway.database)).map((table) => `billing_db.${table}`);
    const sums = await Promise.all(cluster.nodes.map((node) => checksums(node, tables)));
    expect(sums[0]).toHaveLength(tables.length);
    expect(sums[1]).toEqual(sums[0]);
    expect(sums[2]).toEqual(sums[0]);
  });
});

async function checksums(node: GaleraNode, tables: readonly string[]) {
  const connection = await node.administer();
  const [rows] = await connection.query<RowDataPacket[]>(`checksum table ${tables.join(', ')}`);
  connection.destroy();
  return rows.map(({ Table, Checksum }) => [Table, Checksum]);
}
