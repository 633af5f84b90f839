import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { composeFoundation, type Foundation } from '../../src/compose.js';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/platform/clock.js';
import { createLog } from '../../src/platform/log.js';
import { signPayload } from '../../src/tilled/tilled.signature.js';
import { TEST_ENCRYPTION, TEST_ENCRYPTION_KEY } from '../support/encryption.js';
import { Fleet } from '../support/fleet.js';
import { KillableDatabase } from '../support/killable-database.js';
import { freePort } from '../support/processes.js';
import { createScratchDatabase } from '../support/scratch-database.js';

const EVENTS = 3_000;
/** So many of them pour in when the victim is back for certain, however long that took. */
const AFTERWARDS = 600;
const SENDERS = 24;
const APP = 'shop';
const ACCOUNT = 'acct_of_test';
const SECRET = 'whsec_of_test_00000000';
/** Tilled waits this long for an answer, ms. */
const TILLED_WAITS_MS = 10_000;
const HANG_MS = 12_000;

/** What dies in the middle: the database server where there is one, else the gateway, which is the database then. */
interface Victim {
  readonly name: string;
  readonly databaseUrl: string;
  kill(): Promise<void>;
  revive(): Promise<void>;
  close(): Promise<void>;
}

let victim: Victim;
let server: KillableDatabase | null = null;
let fleet: Fleet;
let foundation: Foundation;
let port: number;
/** How each event was answered the first time; 0 is no answer. */
const statuses = new Map<string, number>();
let slowestMs = 0;

const isEmbedded = globalThis.TEST_DATABASE === 'embedded';

beforeAll(async () => {
  port = await freePort();
  victim = isEmbedded ? await gatewayAsVictim() : await serverAsVictim();
  await prepare();
  fleet = new Fleet({
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    DATABASE_URL_BILLING: victim.databaseUrl,
    BILLING_ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
    TILLED_BASE_URL: 'http://127.0.0.1:1',
    TILLED_SECRET_KEY: 'sk_of_test',
    TILLED_PUBLIC_KEY: 'pk_of_test',
    TILLED_WEBHOOK_SECRET: SECRET,
    TILLED_ACCOUNT_ID: ACCOUNT,
    LOG_LEVEL: 'silent',
  });
  await fleet.startGateway(port);
  const ids = Array.from({ length: EVENTS }, (_, index) => `evt_${index}`);
  const sending = sendAll(ids.slice(0, -AFTERWARDS));
  await untilTrue(() => answered(200) >= EVENTS / 5);
  await victim.kill();
  await sleep(1_000);
  await victim.revive();
  await sending;
  await sendAll(ids.slice(-AFTERWARDS));
});
afterAll(async () => {
  await fleet.close();
  await foundation.database.close();
  await victim.close();
});

const victimName = isEmbedded ? 'the gateway, which is its own database,' : 'the database server';

describe(`when ${victimName} is killed while events pour in and then started again`, () => {
  it('some were answered 200 before and after, and some were not: else nothing would have been shown', () => {
    process.stdout.write(`${JSON.stringify({ ok: answered(200), unavailable: answered(503), unanswered: answered(0), slowestMs })}\n`);
    expect(answered(200)).toBeGreaterThan(EVENTS / 5);
    expect(answered(200)).toBeLessThan(EVENTS);
    expect(statuses.size).toBe(EVENTS);
    expect(statuses.get(`evt_${EVENTS - 1}`)).toBe(200);
  });

  it('every event that was answered 200 is stored', async () => {
    const stored = new Set(await storedIds());
    const lost = [...statuses].filter(([id, status]) => status === 200 && !stored.has(id));
    expect(lost).toEqual([]);
  });

  it('every other one was answered 503, or not at all, so that Tilled delivers it again', () => {
    expect([...new Set(statuses.values())].filter((status) => ![200, 503, 0].includes(status))).toEqual([]);
    if (!isEmbedded) expect(answered(0)).toBe(0);
  });

  it('nobody waited longer for an answer than Tilled does', () => {
    expect(slowestMs).toBeLessThan(TILLED_WAITS_MS);
  });

  it('the gateway is up and ready again without anybody helping it', async () => {
    expect(fleet.isRunning('gateway')).toBe(true);
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  });

  it('delivering all of them again completes the set, each once and marked for a worker', async () => {
    await sendAll([...statuses.keys()]);
    expect(answered(200)).toBe(EVENTS);
    const ids = await storedIds();
    expect(ids).toHaveLength(EVENTS);
    expect(new Set(ids)).toEqual(new Set(statuses.keys()));
    const [marked] = await foundation.database.query('select count(*) as n from billing_webhooks where unqueued_since is not null', []);
    expect(Number(marked?.['n'])).toBe(EVENTS);
  });
});

// The embedded database cannot hang while its process does not.
if (!isEmbedded) {
  describe('when the database server hangs while events pour in, and then goes on', () => {
    const ids = Array.from({ length: 1_200 }, (_, index) => `evt_hang_${index}`);
    let readyMeanwhile = 0;

    beforeAll(async () => {
      statuses.clear();
      slowestMs = 0;
      const sending = sendAll(ids);
      await untilTrue(() => answered(200) >= 200);
      server?.pause();
      await sleep(HANG_MS / 2);
      readyMeanwhile = (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
      await sleep(HANG_MS / 2);
      server?.resume();
      await sending;
    });
    afterAll(() => server?.resume());

    it('every delivery is answered in the time that Tilled waits, 200 or 503, and readiness is denied', () => {
      process.stdout.write(`${JSON.stringify({ hang: true, ok: answered(200), unavailable: answered(503), slowestMs })}\n`);
      expect(statuses.size).toBe(ids.length);
      expect([answered(200) + answered(503), readyMeanwhile]).toEqual([ids.length, 503]);
      expect(answered(503)).toBeGreaterThanOrEqual(SENDERS);
      expect(slowestMs).toBeLessThan(TILLED_WAITS_MS);
    });

    it('every event that was answered 200 is stored, and the gateway takes events again without anybody helping it', async () => {
      const stored = new Set(await storedIds());
      expect([...statuses].filter(([id, status]) => status === 200 && !stored.has(id))).toEqual([]);
      expect(statuses.get(ids.at(-1) ?? '')).toBe(200);
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    });

    it('what was committed though it was answered 503 is a duplicate when it comes again: each is stored once', async () => {
      await sendAll(ids);
      expect(answered(200)).toBe(ids.length);
      const stored = (await storedIds()).filter((id) => id.startsWith('evt_hang_'));
      expect(stored.toSorted()).toEqual(ids.toSorted());
    });
  });
}

async function serverAsVictim(): Promise<Victim> {
  server = await KillableDatabase.create();
  const database = server;
  if (database === null) throw new Error('No database server is installed here: run `npm test`, which installs one, or --embedded-only.');
  return {
    name: 'server',
    databaseUrl: database.url,
    kill: () => database.kill(),
    revive: () => database.start(),
    close: () => database.close(),
  };
}

async function gatewayAsVictim(): Promise<Victim> {
  const scratch = await createScratchDatabase();
  return {
    name: 'gateway',
    databaseUrl: scratch.url,
    kill: () => fleet.kill('gateway'),
    revive: () => fleet.startGateway(port),
    close: () => scratch.drop(),
  };
}

/** An app to deliver to. */
async function prepare(): Promise<void> {
  const { database } = readConfig({ DATABASE_URL_BILLING: victim.databaseUrl }, process.cwd());
  foundation = await composeFoundation({ database, encryption: TEST_ENCRYPTION, clock: systemClock, log: createLog('silent') });
  await foundation.migrator.migrate();
  await foundation.access.createApp({ id: APP, name: 'Shop', tilledAccountId: ACCOUNT });
}

/** Delivers each event once, many at a time, and notes the answer. */
async function sendAll(ids: readonly string[]): Promise<void> {
  const left = [...ids];
  const sender = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      const startedAt = performance.now();
      const status = await deliver(id);
      slowestMs = Math.max(slowestMs, Math.trunc(performance.now() - startedAt));
      statuses.set(id, status);
      if (status !== 200) await sleep(100);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

async function deliver(id: string): Promise<number> {
  const body = JSON.stringify({ id, type: 'customer.updated', account_id: ACCOUNT, data: { id: `cus_of_${id}` } });
  const signature = signPayload({ secret: SECRET, rawBody: body, timestampMs: Date.now() });
  const headers = { 'content-type': 'application/json', 'tilled-signature': signature };
  return fetch(`http://127.0.0.1:${port}/api/billing/webhooks/${APP}`, { method: 'POST', headers, body }).then(
    (response) => response.text().then(() => response.status),
    () => 0,
  );
}

async function storedIds(): Promise<string[]> {
  const rows = await foundation.database.query('select event_id as id from billing_webhooks where app_id = ?', [APP]);
  return rows.map((row) => String(row['id']));
}

function answered(status: number): number {
  return [...statuses.values()].filter((each) => each === status).length;
}

async function untilTrue(check: () => boolean): Promise<void> {
  while (!check()) await sleep(5);
}
