import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Fleet } from '../support/fleet.js';
import { listen } from '../support/listening.js';
import * as ops from '../support/operations.generated.js';
import { freePort } from '../support/processes.js';
import { type Received, Receiver } from '../support/receiver.js';
import { type TestApp, World } from '../support/world.js';

/** DELIVERY_CHANGES=5000 makes 5,000 changes of 500 objects. */
const CHANGES = Number(process.env['DELIVERY_CHANGES'] ?? 400);
const OBJECTS = CHANGES / 10;
const AT_ONCE = 8;
const KILL_EVERY_MS = 1_500;
/** From the attempt after that on a delivery arrives: else some would be given up. */
const FAILS_MAX = 4;
const TAKES_MS_MAX = Math.max(6, CHANGES / 200) * 60_000;

let world: World;
let fleet: Fleet;
let app: TestApp;
let receiver: Receiver;
let killed = 0;
const acknowledged: Received[] = [];
const follows = new Map<string, string>();
const contradictions: string[] = [];
let told: { readonly id: string; readonly objectId: string; readonly sequence: number }[] = [];

beforeAll(async () => {
  world = await World.create({ clock: 'running' });
  app = await world.app();
  const seen = new Map<string, number>();
  receiver = await Receiver.start((received) => {
    const times = (seen.get(received.id) ?? 0) + 1;
    seen.set(received.id, times);
    if (times <= FAILS_MAX && Math.random() < 0.5) return 500;
    acknowledged.push(received);
    return 204;
  });
  await listen(world, app, receiver);
  await listen(world, app, 'http://127.0.0.1:9/dead');
  fleet = new Fleet({
    ...world.environment,
    BILLING_WEBHOOK_NETWORKS: '127.0.0.1',
    LOG_LEVEL: 'silent',
    BILLING_REQUESTS_PER_WINDOW: '1000000',
  });
  const urls = await startAll();
  const isOver = { changes: false };
  const trouble = keepKilling(urls, isOver);
  const readers = [0, 1, 2].map(() => keepReading(urls, isOver));
  await change(urls);
  isOver.changes = true;
  await Promise.all([trouble, ...readers]);
  await settle();
}, TAKES_MS_MAX);
afterAll(async () => {
  await fleet.close();
  await receiver.close();
  await world.close();
});

describe(`${CHANGES} changes of ${OBJECTS} objects through two gateways, told by two workers, all of which are killed again and again`, () => {
  it('were that many, with trouble enough', () => {
    // A change of a customer whom Tilled has not confirmed yet is told with the event that they were made.
    expect(told.length).toBeGreaterThan(0.95 * CHANGES);
    expect(killed).toBeGreaterThanOrEqual(3);
    expect(receiver.received.length).toBeGreaterThan(1.3 * told.length);
  });

  it('have numbers without gaps in each object', () => {
    for (const events of Map.groupBy(told, ({ objectId }) => objectId).values())
      expect(events.map(({ sequence }) => sequence).toSorted((one, other) => one - other)).toEqual(events.map((_, index) => index + 1));
  });

  it('arrive each at least once at an endpoint that fails half of the time, and none that did not happen', () => {
    expect([...new Set(acknowledged.map(({ id }) => id))].toSorted()).toEqual(told.map(({ id }) => id).toSorted());
  });

  it('arrive in the order of each object: what came before was taken before', () => {
    for (const of of Map.groupBy(acknowledged, ({ objectId }) => objectId).values()) {
      const first = [...new Set(of.map(({ sequence }) => sequence))];
      expect(first).toEqual(first.toSorted((one, other) => one - other));
    }
  });

  it('are in the feed as often as it is read from whatever place, and none comes in between later', async () => {
    expect(contradictions).toEqual([]);
    const read: string[] = [];
    await follow(world.url, null, (ids) => read.push(...ids));
    expect(read.toSorted()).toEqual(told.map(({ id }) => id).toSorted());
  });
});

/** Two gateways and two workers; resolves to the addresses of the gateways. */
async function startAll(): Promise<readonly string[]> {
  const ports = [await freePort(), await freePort()];
  for (const port of ports) await fleet.startGateway(port, {}, `gateway ${port}`);
  for (const name of ['worker 1', 'worker 2']) fleet.startWorker(name);
  return ports.map((port) => `http://127.0.0.1:${port}`);
}

/** Makes customers and renames them, each by one request after the other, tried again at the other gateway where it got no answer. */
async function change(urls: readonly string[]): Promise<void> {
  const lives = Array.from({ length: OBJECTS }, (_, index) => async () => {
    const input = { email: `${index}@example.com`, idempotencyKey: `make ${index}` };
    const { customerCreate } = await insist(
      urls,
      (url) => world.ask(app, ops.CustomerCreateDocument, { input }, { url }),
      ({ customerCreate: { customer } }) => customer !== null,
    );
    const id = customerCreate.customer?.id ?? '';
    for (let name = 1; name < 10; name += 1)
      await insist(
        urls,
        (url) => world.ask(app, ops.CustomerUpdateDocument, { input: { id, name: `Name ${name}` } }, { url }),
        ({ customerUpdate }) => customerUpdate.userErrors.length === 0,
      );
  });
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let life = lives.shift(); life !== undefined; life = lives.shift()) await life();
    }),
  );
}

async function insist<Data>(urls: readonly string[], ask: (url: string) => Promise<Data>, isGood: (data: Data) => boolean): Promise<Data> {
  for (let tries = 0; tries < 300; tries += 1) {
    const data = await ask(urls[Math.trunc(Math.random() * urls.length)] ?? '').catch(() => null);
    if (data !== null && isGood(data)) return data;
    await sleep(100);
  }
  throw new Error('A change was not made, however often it was tried.');
}

async function keepKilling(urls: readonly string[], isOver: { readonly changes: boolean }): Promise<void> {
  for (let turn = 0; !isOver.changes; turn += 1) {
    await sleep(KILL_EVERY_MS);
    const port = Number(new URL(urls[turn % 2] ?? '').port);
    const name = turn % 3 === 0 ? `gateway ${port}` : `worker ${1 + (turn % 2)}`;
    await fleet.kill(name);
    killed += 1;
    if (name.startsWith('gateway')) await fleet.startGateway(port, {}, name);
    else fleet.startWorker(name);
  }
}

/** Reads the feed from places it was at before, at random, and notes what follows each. */
async function keepReading(urls: readonly string[], isOver: { readonly changes: boolean }): Promise<void> {
  const places: (string | null)[] = [null];
  while (!isOver.changes) {
    const from = places[Math.trunc(Math.random() * places.length)] ?? null;
    await follow(urls[Math.trunc(Math.random() * 2)] ?? '', from, (_, cursor) => places.push(cursor)).catch(() => undefined);
    await sleep(50);
  }
}

async function follow(url: string, from: string | null, read: (ids: readonly string[], cursor: string) => void): Promise<void> {
  for (let after = from; ; ) {
    const { events } = await world.ask(app, ops.EventsDocument, { first: 7, after }, { url });
    for (const [index, { id }] of events.nodes.entries()) {
      const before = index === 0 ? (after ?? '') : (events.edges[index - 1]?.cursor ?? '');
      const known = follows.get(before);
      if (known !== undefined && known !== id) contradictions.push(`${before}: ${known}, then ${id}`);
      follows.set(before, id);
    }
    const end = events.pageInfo.endCursor;
    if (events.nodes.length === 0 || end === null || end === undefined) return;
    read(
      events.nodes.map(({ id }) => id),
      end,
    );
    after = end;
  }
}

/** Lets time pass for what failed, until all is delivered that was told. */
async function settle(): Promise<void> {
  const { database } = world.gateway;
  const due = `update billing_webhook_deliveries set due_at = ${database.time.now} where app_id = ? and turn = 'due'`;
  const jobs = `update billing_jobs set due_at = ${database.time.now} where app_id = ? and kind = 'events.deliver' and state = 'due'`;
  await world.until(async () => {
    await database.run(due, [app.id]);
    await database.run(jobs, [app.id]);
    await sleep(300);
    const rows = await world.rows('billing_app_events', app);
    told = rows.map((row) => ({ id: String(row['id']), objectId: String(row['object_id']), sequence: Number(row['sequence']) }));
    const ids = new Set(acknowledged.map(({ id }) => id));
    return rows.every((row) => row['position'] !== null) && told.every(({ id }) => ids.has(id));
  });
}
