import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type BillingClient, BillingError, createClient, type KeyStorage, memoryKeys } from '../../client/src/index.js';
import { takenAtTilled } from '../support/at-tilled.js';
import { Fleet } from '../support/fleet.js';
import { freePort } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

const ORDERS = 60;
const CRASHES = 6;
const TRIES_MAX = 20;
/** In the way of every request to Tilled, so that crashes find some under way, ms. */
const TILLED_TAKES_MS = 40;

let world: World;
let app: TestApp;
let fleet: Fleet;
let port: number;
let customerId: string;

beforeAll(async () => {
  world = await World.create({ clock: 'running' });
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
  await world.control('latency', { medianMs: TILLED_TAKES_MS, sigma: 1 });
  port = await freePort();
  // Shorter than in production: an outcome that is not known is found out within the test.
  fleet = new Fleet({ ...world.environment, TILLED_QUIET_SECONDS: '5' });
  await fleet.startGateway(port, { BILLING_WORKER: 'on' });
});
afterAll(async () => {
  await fleet.close();
  await world.close();
});

/** A process of the app: it knows nothing of the others but what the storage has. */
function appProcess(keyStorage: KeyStorage): BillingClient {
  return createClient({ url: `http://127.0.0.1:${port}`, credential: app.key, keyStorage });
}

/** Pays an order, and asks again whatever it was told, as one does who must not lose it; the id of the payment. */
async function pay(by: BillingClient, order: string): Promise<string> {
  const input = { customerId, amount: { amountMinor: 1_000, currency: 'usd' }, description: order };
  for (let tries = 1; ; tries += 1) {
    try {
      return (await by.paymentCreate(input, { intent: order, deadlineMs: 5_000 })).payment.id;
    } catch (error) {
      if (!(error instanceof BillingError) || tries === TRIES_MAX) throw error;
      await sleep(error.retryAfterMs ?? 100);
    }
  }
}

describe('an app that pays by intents while its gateway is killed again and again', () => {
  it('pays each order once, though two processes of it ask for each, and is told the same by both', async () => {
    const keyStorage = memoryKeys();
    const orders = Array.from({ length: ORDERS }, (_, index) => `order-${index}`);
    let done = 0;
    const both = [appProcess(keyStorage), appProcess(keyStorage)].map(async (by, index) => {
      const ids: string[] = [];
      // The second walks the orders from the other end, and so finds some done and some under way.
      for (const order of index === 0 ? orders : orders.toReversed()) {
        ids.push(await pay(by, order));
        done += 1;
      }
      return index === 0 ? ids : ids.toReversed();
    });
    for (let crash = 1; crash <= CRASHES; crash += 1) {
      await world.until(async () => done >= (crash * ORDERS) / (CRASHES + 1));
      await fleet.kill('gateway');
      await fleet.startGateway(port, { BILLING_WORKER: 'on' });
    }
    const [first, second] = await Promise.all(both);
    expect(second).toEqual(first);
    expect(new Set(first).size).toBe(ORDERS);
    await world.settle();
    expect(await takenAtTilled(world, app)).toEqual(orders.map(() => 1_000));
  });
});
