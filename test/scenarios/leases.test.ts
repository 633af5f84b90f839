import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import mysql from 'mysql2/promise';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';
import { type TestApp, World } from '../support/world.js';

const LOOK = 'GET /v1/customers/:id';
/** Longer than a renewal that waits for a lock is tried for, and shorter than a lease. */
const LOCKED_MS = 11_000;
/** A lease lasts 15 s and is renewed every 3 s. */
const LEFT_MS_MIN = 8_000;

let scratch: ScratchDatabase;
let world: World;
let app: TestApp;

beforeAll(async () => {
  scratch = await createScratchDatabase();
  world = await World.create({ scratch, clock: 'running', tilledTimeoutMs: 20_000 });
  app = await world.app();
  await world.settle();
});
afterAll(() => world.close());

/** A customer whom Tilled does not know is to be looked at, since so many ms. */
async function queueLook(name: string, sinceMs: number): Promise<void> {
  const { time } = world.gateway.database;
  const columns = '(app_id, id, kind, subject, priority, state, due_at, fence, wanted, attempts, sends, created_at)';
  await world.gateway.database.run(
    `insert into billing_jobs ${columns} values (?, ?, 'sync.customer', ?, 1, 'due', ${time.in(-sinceMs)}, 0, 1, 0, 0, ${time.now})`,
    [app.id, `job_${name}`, `cus_${name}`],
  );
}

/** How long the lease on that lasts, unless renewed, ms. */
async function leftOf(name: string): Promise<number> {
  const { time } = world.gateway.database;
  const sql = `select due_at, ${time.now} as now_at from billing_jobs where app_id = ? and id = ?`;
  const [row] = await world.gateway.database.query(sql, [app.id, `job_${name}`]);
  return time.read(row?.['due_at']).getTime() - time.read(row?.['now_at']).getTime();
}

/** Has two looks begun, each of which takes longer than the locks below; resolves to what is done when they end. */
async function twoLooks(): Promise<{ readonly done: Promise<number> }> {
  await world.control('faults', { operation: LOOK, delayMs: LOCKED_MS + 2_000, times: 2 });
  await queueLook('first', 2_000);
  await queueLook('second', 1_000);
  const done = world.gateway.worker.drain();
  await world.until(async () => world.sandbox.requests(LOOK).length === 2);
  return { done };
}

if (globalThis.TEST_DATABASE === 'mysql')
  it('a lease that cannot be renewed, since its row is locked, keeps no other from being renewed', async () => {
    const { done } = await twoLooks();
    const other = await mysql.createConnection(scratch.url);
    await other.query('begin');
    await other.query('select id from billing_jobs where app_id = ? and id = ? for update', [app.id, 'job_first']);
    await sleep(LOCKED_MS);
    const leftMs = await leftOf('second');
    await other.end();
    expect(leftMs).toBeGreaterThan(LEFT_MS_MIN);
    await done;
  });
else
  it('leases are renewed for as long as the work takes', async () => {
    const { done } = await twoLooks();
    await sleep(LOCKED_MS);
    for (const name of ['first', 'second']) expect(await leftOf(name)).toBeGreaterThan(LEFT_MS_MIN);
    await done;
  });
