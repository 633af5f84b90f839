import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import { PayingClients } from '../support/paying-clients.js';
import { PrimaryAndReplica } from '../support/primary-and-replica.js';
import { billing, type Ending } from '../support/processes.js';
import { SeverableDatabase } from '../support/severable.js';
import { type TestApp, World } from '../support/world.js';

/** The promise: so long after there is a server that takes writes mutations succeed again, ms. */
const RECOVERED_MS_MAX = 15_000;
/** How long the database hangs, ms. */
const FROZEN_MS = 20_000;
/** Long enough for some payments of each client, ms. */
const A_WHILE_MS = 2_000;
const HEALTH_MS_MAX = 3_000;
/** The least that servers take for `max_connections`. */
const CONNECTIONS_MIN = 10;

/** What /readyz or /metrics said, and how long that took. */
interface Probe {
  readonly status: number;
  readonly tookMs: number;
}

if (globalThis.TEST_DATABASE === 'mysql') {
  let pair: PrimaryAndReplica;
  let proxy: SeverableDatabase;
  let world: World;
  let app: TestApp;
  let customerId: string;

  beforeAll(async () => {
    const made = await PrimaryAndReplica.create();
    if (made === null) throw new Error('No database server is installed here: run `npm test`, which installs one, or --embedded-only.');
    pair = made;
    proxy = await SeverableDatabase.before({ url: pair.urlOf(pair.primary), drop: async () => undefined });
    world = await World.create({ scratch: proxy, clock: 'running', tilledQuietMs: 3_000 });
    app = await world.app();
    customerId = (await world.payer(app)).customer.id;
    await world.gateway.startWork();
  });
  afterAll(async () => {
    await world.gateway.worker.stop();
    world.gateway.clocks.stop();
    await world.close();
    await pair.close();
  });

  describe('when the primary turns read-only, its replica is promoted, and it is killed', () => {
    let clients: PayingClients;
    let recoveredMs: number;
    let whileReadOnly: Probe;
    let command: Ending;

    beforeAll(async () => {
      clients = new PayingClients(world, app, customerId, 'failover');
      await sleep(A_WHILE_MS);
      await pair.demote();
      await sleep(A_WHILE_MS / 2);
      whileReadOnly = await probe('/readyz');
      command = await billing(['apps', 'create', 'late', '--name', 'Late', '--tilled-account', 'acct_late'], world.environment);
      await pair.promote();
      proxy.lead({ url: pair.urlOf(pair.replica), drop: async () => undefined });
      const promotedAt = performance.now();
      await clients.untilTold(promotedAt);
      recoveredMs = clients.recoveredAfterMs(promotedAt);
      await sleep(A_WHILE_MS);
      await pair.primary.kill();
      await sleep(A_WHILE_MS);
      await clients.stop();
      clients.report('failover', recoveredMs);
    });

    it('mutations succeed again within 15 s', () => {
      expect(recoveredMs).toBeLessThan(RECOVERED_MS_MAX);
    });

    it('callers are told to repeat, and nothing else', () => {
      expect(clients.otherCodes()).toEqual([]);
      expect(clients.codes.get('UNAVAILABLE')).toBeGreaterThan(0);
    });

    it('readiness is denied within 3 s while nothing can be written, and given after', async () => {
      expect(whileReadOnly).toEqual({ status: 503, tookMs: expect.any(Number) });
      expect(whileReadOnly.tookMs).toBeLessThan(HEALTH_MS_MAX);
      expect((await probe('/readyz')).status).toBe(200);
    });

    it('a command says in one sentence that it may be run again', () => {
      expect([command.status, command.stderr]).toEqual([
        69,
        expect.stringMatching(/^The database cannot do this now \(ER_OPTION_PREVENTS_STATEMENT: .*\)\. What was committed stays: .*\.\n$/),
      ]);
    });

    it('nothing that was answered is lost, nothing is done twice, and jobs go on', () => clients.allIsThereOnce());
  });

  describe('when the database hangs for 20 s', () => {
    let clients: PayingClients;
    let recoveredMs: number;
    let ready: Probe;
    let scrape: Probe;

    beforeAll(async () => {
      clients = new PayingClients(world, app, customerId, 'frozen');
      await sleep(A_WHILE_MS);
      pair.replica.pause();
      await sleep(A_WHILE_MS);
      [ready, scrape] = await Promise.all([probe('/readyz'), probe('/metrics')]);
      await sleep(FROZEN_MS - A_WHILE_MS);
      pair.replica.resume();
      const resumedAt = performance.now();
      await clients.untilTold(resumedAt);
      recoveredMs = clients.recoveredAfterMs(resumedAt);
      await sleep(A_WHILE_MS);
      await clients.stop();
      clients.report('frozen', recoveredMs);
    });
    afterAll(() => pair.replica.resume());

    it('mutations succeed again within 15 s, and callers are told to repeat meanwhile', () => {
      expect(recoveredMs).toBeLessThan(RECOVERED_MS_MAX);
      expect(clients.otherCodes()).toEqual([]);
      expect(clients.codes.get('UNAVAILABLE')).toBeGreaterThan(0);
    });

    it('readiness is denied, and what is known is scraped, within 3 s', () => {
      expect([ready.status, scrape.status]).toEqual([503, 200]);
      expect(Math.max(ready.tookMs, scrape.tookMs)).toBeLessThan(HEALTH_MS_MAX);
    });

    it('nothing that was answered is lost, nothing is done twice, and jobs go on', () => clients.allIsThereOnce());
  });

  describe('when a stranger has all connections of the server', () => {
    let clients: PayingClients;
    let recoveredMs: number;
    let whileFull: Probe;

    beforeAll(async () => {
      clients = new PayingClients(world, app, customerId, 'full');
      await sleep(A_WHILE_MS);
      const admin = pair.onReplica;
      const strangers = await Promise.all(
        Array.from({ length: CONNECTIONS_MIN + 2 }, () => mysql.createConnection(pair.urlOf(pair.replica))),
      );
      const [[before]] = await admin.query<mysql.RowDataPacket[]>('select @@global.max_connections as kept');
      await admin.query(`set global max_connections = ${CONNECTIONS_MIN}`);
      await sleep(A_WHILE_MS);
      await killAllBut(admin, strangers);
      await sleep(A_WHILE_MS);
      whileFull = await probe('/readyz');
      await Promise.all(strangers.map((stranger) => stranger.end()));
      await admin.query(`set global max_connections = ${Number(before?.['kept'])}`);
      const roomAt = performance.now();
      await clients.untilTold(roomAt);
      recoveredMs = clients.recoveredAfterMs(roomAt);
      await clients.stop();
      clients.report('full', recoveredMs);
    });

    it('mutations succeed again within 15 s, and callers are told to repeat meanwhile', () => {
      expect(recoveredMs).toBeLessThan(RECOVERED_MS_MAX);
      expect(clients.otherCodes()).toEqual([]);
      expect(clients.codes.get('UNAVAILABLE')).toBeGreaterThan(0);
      expect(whileFull).toEqual({ status: 503, tookMs: expect.any(Number) });
      expect(whileFull.tookMs).toBeLessThan(HEALTH_MS_MAX);
    });

    it('nothing that was answered is lost, nothing is done twice, and jobs go on', () => clients.allIsThereOnce());
  });

  async function probe(path: string): Promise<Probe> {
    const sentAt = performance.now();
    const { status } = await fetch(`${world.url}${path}`);
    return { status, tookMs: Math.round(performance.now() - sentAt) };
  }

  /** Ends every connection but an administrator's and those of strangers, who leave no room for others. */
  async function killAllBut(admin: mysql.Connection, strangers: readonly mysql.Connection[]): Promise<void> {
    const kept = [admin, ...strangers].map(({ threadId }) => threadId);
    const [rows] = await admin.query<mysql.RowDataPacket[]>("select id from information_schema.processlist where user like 'billing%'");
    for (const { id } of rows.filter((row) => !kept.includes(Number(row['id']))))
      await admin.query(`kill ${Number(id)}`).catch(() => undefined);
  }
} else {
  it('the embedded database has none to go over to: it is ready once it is migrated', async () => {
    const alone = await World.create();
    expect((await fetch(`${alone.url}/readyz`)).status).toBe(200);
    await alone.gateway.database.run('delete from billing_migrations', []);
    // What was found is remembered for a second.
    await alone.until(async () => /^The database is not migrated: \d+ to go/.test((await alone.gateway.whyNotReady()) ?? ''));
    await alone.end();
  });
}
