import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type mysql from 'mysql2/promise';
import * as ops from '../support/operations.generated.js';
import { PrimaryAndReplica } from '../support/primary-and-replica.js';
import { Scrape } from '../support/scrape.js';
import { type TestApp, World } from '../support/world.js';

const AGE = 'data-age-ms';
/** How far behind the replica may be. */
const LAG_SECONDS = 4;
/** The promise: while the replica does not answer no request takes longer, ms. */
const ANSWERED_MS_MAX = 2_000;
/** For so long it is read on after a replica was killed or frozen, ms. */
const A_WHILE_MS = 6_000;
const CUSTOMERS = 20;
const READS = 30;

/** What a request of a READ_ONLY key was answered, and how long that took. */
interface Read {
  readonly emails: readonly string[];
  readonly errors: readonly unknown[];
  readonly isFromReplica: boolean;
  readonly tookMs: number;
}

if (globalThis.TEST_DATABASE === 'mysql') {
  let pair: PrimaryAndReplica;
  let world: World;
  let app: TestApp;
  let reader: string;

  beforeAll(async () => {
    const made = await PrimaryAndReplica.create();
    if (made === null) throw new Error('No database server is installed here: run `npm test`, which installs one, or --embedded-only.');
    pair = made;
    const scratch = { url: pair.urlOf(pair.primary), drop: async () => undefined };
    const replicas = { url: await pair.readingUrlOf(pair.replica), lagSeconds: LAG_SECONDS };
    world = await World.create({ scratch, clock: 'running', replicas });
    app = await world.app();
    reader = await world.key(app, 'read_only');
    for (let made = 0; made < CUSTOMERS; made += 1) await world.customer(app, { email: `${made}@example.com` });
    await isUsable();
  });
  afterAll(async () => {
    await world.close();
    await pair.close();
  });

  describe('while the replica follows', () => {
    it('reads of a READ_ONLY key are statements of the replica, and cost the primary nothing', async () => {
      // Who the key is, is remembered.
      await read();
      const before = await Promise.all([pair.onPrimary, pair.onReplica].map(selects));
      for (let done = 0; done < READS; done += 1) expect(await read()).toMatchObject({ errors: [], isFromReplica: true });
      const after = await Promise.all([pair.onPrimary, pair.onReplica].map(selects));
      const [ofPrimary = 0, ofReplica = 0] = after.map((count, at) => count - (before[at] ?? 0));
      expect(ofReplica).toBeGreaterThanOrEqual(READS);
      // Its beat, which is looked at each second, and the credential.
      expect(ofPrimary).toBeLessThan(READS / 2);
    });

    it('a page goes on after the last row of the one before, wherever either was read', async () => {
      const page = (first: number, after: string | null, credential: string) =>
        world.ask(app, ops.CustomersDocument, { first, after }, { credential });
      const { customers: begun } = await page(CUSTOMERS / 2, null, reader);
      const { customers: rest } = await page(CUSTOMERS, begun.pageInfo.endCursor, app.key);
      const ids = [...begun.nodes, ...rest.nodes].map(({ id }) => id);
      const { customers: all } = await page(100, null, app.key);
      expect(ids).toEqual(all.nodes.map(({ id }) => id));
    });
  });

  describe('while the replica fetches and does not apply what it gets', () => {
    let seenOld: Read[];
    let seenNew: Read;
    let olderForMs: number;
    let ofService: readonly string[];

    beforeAll(async () => {
      await isUsable();
      await pair.stopApplying();
      await world.customer(app, { email: 'new@example.com' });
      const writtenAt = performance.now();
      ofService = await emailsSeenBy(app.key);
      seenOld = [];
      for (;;) {
        const seen = await read();
        if (seen.emails.includes('new@example.com') || performance.now() - writtenAt > 10_000 * LAG_SECONDS) {
          [seenNew, olderForMs] = [seen, performance.now() - writtenAt];
          break;
        }
        seenOld.push(seen);
      }
    });
    afterAll(() => pair.startApplying());

    it('a SERVICE key sees at once what it wrote', () => {
      expect(ofService).toContain('new@example.com');
    });

    it('a READ_ONLY key sees the older state, for no longer than the bound', () => {
      expect(seenOld.length).toBeGreaterThan(0);
      expect(seenOld.filter(({ isFromReplica, errors }) => !isFromReplica || errors.length > 0)).toEqual([]);
      expect(olderForMs).toBeLessThan(LAG_SECONDS * 1_000);
    });

    it('then it sees what the primary has, /readyz and the metrics say why, and that the gateway serves', async () => {
      expect(seenNew).toMatchObject({ isFromReplica: false, errors: [] });
      const replica = {
        what: 'replica',
        since: expect.any(String),
        reason: expect.stringMatching(/is not read from: It is up to .* s behind/),
      };
      expect(await (await fetch(`${world.url}/readyz`)).json()).toEqual({ status: 'ready', degraded: [replica] });
      const scrape = await Scrape.from(world.url);
      expect(scrape.value('billing_replica_usable')).toBe(0);
      expect(scrape.value('billing_replica_lag_seconds')).toBeGreaterThan(LAG_SECONDS);
    });

    it('and it is read from again once it has caught up', async () => {
      await pair.startApplying();
      await isUsable();
      expect(await read()).toMatchObject({ emails: expect.arrayContaining(['new@example.com']), isFromReplica: true });
    });
  });

  describe.each([
    ['frozen', async () => pair.replica.pause(), async () => pair.replica.resume()],
    ['killed', () => pair.replica.kill(), () => pair.restartReplica()],
  ] as const)('when the replica is %s', (_, fail, mend) => {
    let reads: Read[];

    beforeAll(async () => {
      await isUsable();
      await fail();
      reads = await readFor(A_WHILE_MS);
    });
    afterAll(mend);

    it('reads go on without an error, each within two seconds', () => {
      expect(reads.flatMap(({ errors }) => errors)).toEqual([]);
      expect(reads.filter(({ emails }) => emails.length < CUSTOMERS)).toEqual([]);
      expect(Math.max(...reads.map(({ tookMs }) => tookMs))).toBeLessThan(ANSWERED_MS_MAX);
      expect(reads.at(-1)?.isFromReplica).toBe(false);
    });

    it('and it is read from again once it is back', async () => {
      await mend();
      await isUsable();
      expect(await read()).toMatchObject({ errors: [], isFromReplica: true });
    });
  });

  async function isUsable(): Promise<void> {
    await world.until(async () => (await Scrape.from(world.url)).value('billing_replica_usable') === 1);
  }

  async function read(): Promise<Read> {
    const sentAt = performance.now();
    const { data, errors, headers } = await world.send(app, ops.CustomersDocument, { first: 100 }, { credential: reader });
    const emails = (data?.customers.nodes ?? []).map(({ email }) => email ?? '');
    return { emails, errors, isFromReplica: headers.get(AGE) !== null, tookMs: performance.now() - sentAt };
  }

  /** Four at a time, so that some are under way whenever something happens. */
  async function readFor(ms: number): Promise<Read[]> {
    const until = performance.now() + ms;
    const reads: Read[] = [];
    const reading = async () => {
      while (performance.now() < until) reads.push(await read());
    };
    await Promise.all(Array.from({ length: 4 }, reading));
    return reads;
  }

  async function emailsSeenBy(credential: string): Promise<readonly string[]> {
    const { customers } = await world.ask(app, ops.CustomersDocument, { first: 100 }, { credential });
    return customers.nodes.map(({ email }) => email ?? '');
  }

  /** How many SELECTs a server has got so far, of everybody. */
  async function selects(server: mysql.Connection): Promise<number> {
    const [[row]] = await server.query<mysql.RowDataPacket[]>("show global status like 'Com_select'");
    return Number(row?.['Value']);
  }
} else {
  it('on the embedded database every key reads what was written before', async () => {
    const alone = await World.create();
    const app = await alone.app();
    const credential = await alone.key(app, 'read_only');
    const { id } = await alone.customer(app);
    const answer = await alone.send(app, ops.NodeDocument, { id }, { credential });
    expect([answer.data?.node?.id, answer.headers.get(AGE)]).toEqual([id, null]);
    await alone.close();
  });
}
