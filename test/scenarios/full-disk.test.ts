import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KillableDatabase } from '../support/killable-database.js';
import { PayingClients } from '../support/paying-clients.js';
import { SmallDisk } from '../support/small-disk.js';
import { type TestApp, World } from '../support/world.js';

/** Room for a server's own files and some payments. */
const MEGABYTES = globalThis.TEST_DATABASE === 'embedded' ? 24 : 256;
const RECOVERED_MS_MAX = 15_000;
/** Long enough for some payments of each client, ms. */
const A_WHILE_MS = 2_000;
/** A server has room inside its files, which other rows must use up first. */
const FULL_MS = globalThis.TEST_DATABASE === 'embedded' ? 6_000 : 15_000;

let disk: SmallDisk;
let server: KillableDatabase | null = null;
let world: World;
let app: TestApp;
let clients: PayingClients;
let recoveredMs: number;

beforeAll(async () => {
  disk = await SmallDisk.create(MEGABYTES);
  if (globalThis.TEST_DATABASE === 'mysql') server = await KillableDatabase.create({ within: disk.directory });
  const scratch = { url: server?.url ?? `sqlite:${disk.directory}/billing.db`, drop: async () => undefined };
  world = await World.create({ scratch, clock: 'running', tilledQuietMs: 3_000 });
  app = await world.app();
  const { customer } = await world.payer(app);
  await world.gateway.startWork();
  clients = new PayingClients(world, app, customer.id, 'full');
  await sleep(A_WHILE_MS);
  disk.fill();
  await sleep(FULL_MS);
  // MariaDB ends itself when a rollback finds no room: nothing else may keep a read from being answered.
  if (!(await isRead())) await world.until(async () => server?.isRunning === false);
  await disk.free();
  const going = goOn();
  await (server?.supervise(going) ?? going);
  clients.report('disk full', recoveredMs);
});
afterAll(async () => {
  try {
    await world.gateway.worker.stop();
    world.gateway.clocks.stop();
    await world.close();
  } finally {
    await server?.close();
    await disk.close();
  }
});

describe('when the disk of the database is full', () => {
  it('callers are told to repeat, and nothing else, and reads go on as long as the server is up', () => {
    expect(clients.otherCodes()).toEqual([]);
    expect(clients.codes.get('UNAVAILABLE')).toBeGreaterThan(0);
  });

  it('mutations succeed again within 15 s after there is room', () => {
    expect(recoveredMs).toBeLessThan(RECOVERED_MS_MAX);
  });

  it('nothing that was answered is lost, nothing is done twice, and jobs go on', () => clients.allIsThereOnce());
});

/** From now on there is room. */
async function goOn(): Promise<void> {
  const freedAt = performance.now();
  await clients.untilTold(freedAt);
  recoveredMs = clients.recoveredAfterMs(freedAt);
  await sleep(A_WHILE_MS);
  await clients.stop();
}

async function isRead(): Promise<boolean> {
  return (await world.post({ query: '{ app { id } }' }, { credential: app.key })).status === 200;
}
