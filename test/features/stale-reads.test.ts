import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigError, readConfig } from '../../src/config.js';
import { type Furniture, furnish } from '../support/furnish.js';
import * as ops from '../support/operations.generated.js';
import { billing } from '../support/processes.js';
import { Scrape } from '../support/scrape.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';
import { type TestApp, World } from '../support/world.js';

const AGE = 'data-age-ms';
const LAG_SECONDS = 10;
/** Long enough for three looks at a server, ms. */
const LOOKED_AT_MS = 3_000;

if (globalThis.TEST_DATABASE === 'mysql') {
  describe('a server that has what the primary has', () => {
    let world: World;
    let app: TestApp;
    let other: TestApp;
    let ofApp: Furniture;
    let ofOther: Furniture;
    let reader: string;
    let otherReader: string;

    beforeAll(async () => {
      const scratch = await createScratchDatabase();
      world = await World.create({ scratch, replicas: { url: scratch.url, lagSeconds: LAG_SECONDS } });
      [app, other] = [await world.app(), await world.app()];
      [ofApp, ofOther] = [await furnish(world, app), await furnish(world, other)];
      [reader, otherReader] = [await world.key(app, 'read_only'), await world.key(other, 'read_only')];
      await world.until(async () => (await usable(world)) === 1);
    });
    afterAll(() => world.close({ divergences: 2 }));

    it('answers every read of a READ_ONLY key, and the answer says how old it may be', async () => {
      const before = await Scrape.from(world.url);
      const answer = await world.send(app, ops.CustomersDocument, { first: 10 }, { credential: reader });
      expect(answer.data?.customers.nodes.map(({ id }) => id)).toEqual([ofApp.ids['Customer']]);
      expect(answer.headers.get(AGE)).toMatch(/^\d+$/);
      expect(Number(answer.headers.get(AGE))).toBeLessThanOrEqual(LAG_SECONDS * 1_000);
      const after = await Scrape.from(world.url);
      expect(after.since(before, 'billing_stale_reads_total', { server: 'primary' })).toBe(0);
      expect(after.since(before, 'billing_stale_reads_total', { server: 'replica' })).toBeGreaterThan(0);
    });

    it('is not asked for a SERVICE or OPERATOR key, nor for a session', async () => {
      const input = { customerId: ofApp.ids['Customer'] ?? '' };
      const { customerSessionCreate } = await world.ask(app, ops.CustomerSessionCreateDocument, { input });
      const session = customerSessionCreate.token ?? '';
      for (const credential of [app.key, await world.key(app, 'operator'), session]) {
        const answer = await world.send(app, ops.NodeDocument, { id: ofApp.ids['Payment'] ?? '' }, { credential });
        expect([answer.data?.node?.id, answer.headers.get(AGE)]).toEqual([ofApp.ids['Payment'], null]);
      }
    });

    it('shows a READ_ONLY key nothing of another app, whatever both ask at the same time', async () => {
      const ids = [ofApp, ofOther].flatMap(forReaders);
      const seenBy = async (who: TestApp, credential: string) => {
        const found = await Promise.all(ids.map((id) => world.send(who, ops.NodeDocument, { id }, { credential })));
        const list = await world.send(who, ops.CustomersDeepDocument, { first: 10 }, { credential });
        expect([...found, list].map(({ status, headers }) => [status, headers.get(AGE) !== null])).toEqual(
          [...found, list].map(() => [200, true]),
        );
        return { nodes: found.flatMap(({ data }) => data?.node?.id ?? []), list: JSON.stringify(list.data) };
      };
      const [mine, theirs] = await Promise.all([seenBy(app, reader), seenBy(other, otherReader)]);
      expect([mine.nodes, theirs.nodes]).toEqual([forReaders(ofApp), forReaders(ofOther)]);
      for (const id of Object.values(ofOther.ids)) expect(mine.list).not.toContain(id);
      for (const id of Object.values(ofApp.ids)) expect(theirs.list).not.toContain(id);
      expect(mine.list).toContain(ofApp.ids['Customer']);
    });
  });

  describe('a server that is not a replica of the primary', () => {
    let strangers: ScratchDatabase[];
    beforeAll(async () => {
      strangers = [await createScratchDatabase(), await createScratchDatabase()];
    });
    afterAll(() => Promise.all(strangers.map((stranger) => stranger.drop())));

    it('is never read from, though it has the same tables and a beat of its own', async () => {
      const world = await World.create({ replicas: { url: await migrated(0) } });
      const stranger = await World.create({ scratch: kept(0), replicas: { url: kept(0).url } });
      await stranger.until(async () => (await usable(stranger)) === 1);
      await isNotReadFrom(world, 'It has shown no beat that the primary had: it follows another server, or none.');
      await stranger.end();
    });

    it('is never read from as long as it lacks a migration that this build wants', async () => {
      const world = await World.create({ replicas: { url: await migrated(1, '--to', '0031-locks') } });
      await isNotReadFrom(world, 'It is not migrated as far: 0032-heartbeat(, [-\\w]+)* did not arrive there yet.');
    });

    /** One of the databases, which its world does not drop. */
    const kept = (at: number) => ({ url: strangers[at]?.url ?? '', drop: async () => undefined });

    async function migrated(at: number, ...options: string[]): Promise<string> {
      const { url } = kept(at);
      expect(await billing(['migrate', ...options], { DATABASE_URL_BILLING: url })).toMatchObject({ status: 0 });
      return url;
    }

    async function isNotReadFrom(world: World, why: string): Promise<void> {
      const app = await world.app();
      const credential = await world.key(app, 'read_only');
      for (const until = performance.now() + LOOKED_AT_MS; performance.now() < until; ) {
        const answer = await world.send(app, ops.CustomersDocument, { first: 1 }, { credential });
        expect([answer.errors, answer.headers.get(AGE), await usable(world)]).toEqual([[], null, 0]);
      }
      const ready = await (await fetch(`${world.url}/readyz`)).json();
      const replica = expect.objectContaining({ what: 'replica', reason: expect.stringMatching(new RegExp(`is not read from: ${why}$`)) });
      expect(ready).toEqual({ status: 'ready', degraded: [replica] });
      await world.close();
    }
  });
} else {
  it('the embedded database has no replicas: the configuration is refused', () => {
    const named = () => readConfig({ DATABASE_URL_BILLING_REPLICAS: 'mysql://a:b@127.0.0.1/billing_db' }, process.cwd());
    expect(named).toThrow(ConfigError);
    expect(named).toThrow(/^DATABASE_URL_BILLING_REPLICAS is for a database server, and the embedded database has no replicas/);
  });
}

/** The ids of what a READ_ONLY key may see. */
function forReaders({ ids: { WebhookEvent, Divergence, ...seen } }: Furniture): string[] {
  return Object.values(seen);
}

async function usable(world: World): Promise<number | null> {
  return (await Scrape.from(world.url)).value('billing_replica_usable');
}
