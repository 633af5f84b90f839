import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GaleraCluster } from '../support/galera-cluster.mjs';
import * as ops from '../support/operations.generated.js';
import { Scrape } from '../support/scrape.js';
import { type TestApp, World } from '../support/world.js';

/** A second for the replica, and then the primary's node, which itself waits until the group has given a silent node up, ms. */
const ANSWERED_MS_MAX = 8_000;
/** Longer than a cluster takes to go on without one of its nodes, ms. */
const A_WHILE_MS = 10_000;

/** A request of a READ_ONLY key. */
interface Read {
  readonly emails: readonly (string | null)[];
  readonly errors: readonly unknown[];
  readonly isFromReplica: boolean;
  readonly tookMs: number;
}

describe('a node of a cluster that is only read from', () => {
  let cluster: GaleraCluster;
  let world: World;
  let app: TestApp;
  let reader: string;

  beforeAll(async () => {
    cluster = await GaleraCluster.create();
    const scratch = { url: cluster.nodes[0].url, drop: async () => undefined };
    world = await World.create({ scratch, clock: 'running', replicas: { url: cluster.nodes[2].url } });
    app = await world.app();
    reader = await world.key(app, 'read_only');
    await world.customer(app, { email: 'ann@example.com' });
    await isUsable();
  });
  afterAll(async () => {
    await world.close();
    await cluster.close();
  });

  it('answers READ_ONLY keys', async () => {
    expect(await read()).toMatchObject({ emails: ['ann@example.com'], errors: [], isFromReplica: true });
  });

  it('is not read from while it is outside of the primary component, and no request fails', async () => {
    await cluster.nodes[2].cutOff('group');
    const reads: Read[] = [];
    for (const until = performance.now() + A_WHILE_MS; performance.now() < until; ) reads.push(await read());
    expect(reads.flatMap(({ errors }) => errors)).toEqual([]);
    expect(reads.filter(({ emails }) => emails.join() !== 'ann@example.com')).toEqual([]);
    expect(Math.max(...reads.map(({ tookMs }) => tookMs))).toBeLessThan(ANSWERED_MS_MAX);
    expect(reads.at(-1)?.isFromReplica).toBe(false);
    await cluster.nodes[2].joinAgain('group');
    await isUsable();
    expect(await read()).toMatchObject({ isFromReplica: true });
  });

  async function read(): Promise<Read> {
    const sentAt = performance.now();
    const { data, errors, headers } = await world.send(app, ops.CustomersDocument, { first: 10 }, { credential: reader });
    const emails = (data?.customers.nodes ?? []).map(({ email }) => email ?? null);
    return { emails, errors, isFromReplica: headers.get('data-age-ms') !== null, tookMs: performance.now() - sentAt };
  }

  async function isUsable(): Promise<void> {
    await world.until(async () => (await Scrape.from(world.url)).value('billing_replica_usable') === 1);
  }
});
