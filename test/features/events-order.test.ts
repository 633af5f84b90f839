import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { print } from 'graphql';
import { CustomerRepository } from '../../src/billing/customers/customer.repository.js';
import * as ops from '../support/operations.generated.js';
import { type GatewayBeside, type TestApp, World } from '../support/world.js';

/** Two gateways in one process cannot write to the embedded database at the same time: one would wait, and stop both. */
const isServer = globalThis.TEST_DATABASE === 'mysql';
const CUSTOMERS = 8;
const TURNS = 6;

let world: World;
/** Its clock is 20 s ahead, so its ids are newer than those that are made after them. */
let ahead: GatewayBeside;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
  ahead = await world.anotherGateway({ wallMs: 20_000 });
});
beforeEach(async () => {
  app = await world.app();
});
afterAll(async () => {
  await ahead.close();
  await world.close();
});

const page = async (variables: ops.EventsQueryVariables) => (await world.ask(app, ops.EventsDocument, variables)).events;

/** Reads on from a cursor until there is nothing more. */
async function readOn(from: string | null, first: number): Promise<{ ids: string[]; after: string | null }> {
  const ids: string[] = [];
  for (let after = from; ; ) {
    const { nodes, pageInfo } = await page({ after, first });
    ids.push(...nodes.map(({ id }) => id));
    after = pageInfo.endCursor ?? null;
    if (nodes.length === 0) return { ids, after };
  }
}

describe('the order of the feed', () => {
  it('is that of the numbers of an object, also where the clock of who wrote first is ahead', async () => {
    const { id } = await world.customer(app);
    const query = print(ops.CustomerUpdateDocument);
    await ahead.post({ query, variables: { input: { id, name: 'Ann First' } } }, app.key);
    await world.ask(app, ops.CustomerUpdateDocument, { input: { id, name: 'Ann Second' } });
    await world.settle();
    const { nodes } = await page({ objectId: id });
    expect(nodes.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(nodes.map(({ payload }) => (JSON.parse(payload) as { name: string | null }).name)).toEqual([null, 'Ann First', 'Ann Second']);
    expect((nodes[1]?.id ?? '') > (nodes[2]?.id ?? '')).toBe(true);
  });

  // The embedded database has one transaction at a time.
  if (isServer)
    it('is that of commits: what began first and commits last comes after what was read before it', async () => {
      const [slow, quick] = [await world.customer(app), await world.customer(app, { email: 'bob@example.com' })];
      // Nothing is left that would want the row of the slow one.
      await world.settle();
      const { promise: maySlowCommit, resolve: commitSlow } = Promise.withResolvers<void>();
      const { promise: slowHasWritten, resolve: wrote } = Promise.withResolvers<void>();
      const scope = await world.scope(app);
      const slowly = scope.transaction(async (tx) => {
        (await CustomerRepository.of(tx).lock(slow.id)).name = 'Slow';
        await tx.db.flush();
        wrote();
        await maySlowCommit;
      });
      await slowHasWritten;
      await world.advance({ ms: 1_000 });
      await world.ask(app, ops.CustomerUpdateDocument, { input: { id: quick.id, name: 'Quick' } });
      await world.settle();
      const before = await readOn(null, 100);
      commitSlow();
      await slowly;
      await world.settle();
      const { nodes } = await page({ after: before.after });
      expect(nodes).toMatchObject([{ type: 'customer.updated', objectId: slow.id, sequence: 2 }]);
      expect((nodes[0]?.id ?? '') < (before.ids.at(-1) ?? '')).toBe(true);
    });

  it('is one order, whoever publishes: a reader beside the publishers, and readers from any cursor, see every event once', async () => {
    const cards = await Promise.all(
      Array.from({ length: CUSTOMERS }, async (_, index) => {
        const { id } = await world.customer(app, { email: `ann${index}@example.com` });
        return [await world.card(app, id), await world.card(app, id)].map((card) => card.id);
      }),
    );
    const publishers = [world.gateway.publisher, ...(isServer ? [ahead.gateway.publisher] : [])];
    for (const publisher of publishers) publisher.start();
    const query = print(ops.PaymentMethodSetDefaultDocument);
    const turns = cards.map(async (pair, index) => {
      for (let turn = 1; turn <= TURNS; turn += 1) {
        const body = { query, variables: { input: { id: pair[turn % 2] } } };
        await (!isServer || (index + turn) % 2 === 0 ? world.post(body, { credential: app.key }) : ahead.post(body, app.key));
      }
    });
    let hasEnded = false;
    const writing = Promise.all(turns).finally(() => {
      hasEnded = true;
    });
    const seen: string[] = [];
    for (let after: string | null = null; !hasEnded; ) {
      const read = await readOn(after, 3);
      seen.push(...read.ids);
      after = read.after;
    }
    await writing;
    for (const publisher of publishers) await publisher.stop();
    await world.settle();
    const all = await readOn(null, 100);
    const rows = await world.rows('billing_app_events', app);
    expect(all.ids.toSorted()).toEqual(rows.map((row) => String(row['id'])).toSorted());
    expect(rows).toHaveLength(CUSTOMERS * (3 + 2 * TURNS));
    expect(seen).toEqual(all.ids.slice(0, seen.length));
    expect(seen.length).toBeGreaterThan(0);
    const { edges } = await page({ first: 100 });
    for (const place of [0, 17, 40, 63]) expect((await readOn(edges[place]?.cursor ?? null, 7)).ids).toEqual(all.ids.slice(place + 1));
  });
});
