import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { signPayload } from '../../src/tilled/tilled.signature.js';
import type { Receipt } from '../../src/webhooks/webhook.delivery.js';
import { WebhookEventRepository } from '../../src/webhooks/webhook-event.repository.js';
import { Scrape } from '../support/scrape.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let events = 0;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
  await world.settle();
});
afterAll(() => world.close());

/** Delivers an event of an app about a customer that is nobody's. */
function receive(of = app, customerId = 'cus_of_test', type = 'customer.updated'): Promise<Receipt> {
  events += 1;
  const created_at = world.sandbox.now().toISOString();
  const body = JSON.stringify({ id: `evt_of_intake_${events}`, type, account_id: of.accountId, created_at, data: { id: customerId } });
  const signature = signPayload({ secret: world.webhookSecret, rawBody: body, timestampMs: world.sandbox.now().getTime() });
  return world.gateway.inbox.receive({ rawBody: Buffer.from(body), headers: { 'tilled-signature': signature }, appId: of.id });
}

async function syncs(of = app) {
  return (await world.rows('billing_jobs', of)).filter(({ kind }) => String(kind).startsWith('sync.'));
}

async function unqueued(of = app): Promise<number> {
  return (await world.rows('billing_webhooks', of)).filter((row) => row['unqueued_since'] !== null).length;
}

function take(): Promise<void> {
  return world.gateway.webhooks.intake.take();
}

async function wait(ms: number): Promise<void> {
  await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + ms));
}

describe('an event that arrived', () => {
  it('is stored by one statement, and one that is a fact with it by two in one transaction', async () => {
    await receive();
    const ofHint = await world.statements(() => receive());
    expect(ofHint.filter((sql) => !sql.startsWith('select'))).toEqual([expect.stringMatching(/^insert into billing_webhooks /)]);
    const ofFact = await world.statements(() => receive(app, 'pi_of_test', 'payment_intent.payment_failed'));
    expect(ofFact.filter((sql) => !sql.startsWith('select'))).toEqual([
      expect.stringMatching(/^insert into billing_webhooks /),
      expect.stringMatching(/^insert into billing_webhook_facts /),
      'commit',
    ]);
  });

  it('waits on its own row until a worker queues its object, and is handled then', async () => {
    await receive();
    expect([await unqueued(), await syncs()]).toEqual([1, []]);
    await take();
    expect([await unqueued(), await syncs()]).toEqual([0, [expect.objectContaining({ kind: 'sync.customer', state: 'due' })]]);
    await world.settle();
    expect(await syncs()).toEqual([]);
    expect(await world.rows('billing_webhooks', app)).toMatchObject([{ status: 'PROCESSED', unqueued_since: null, attempts: 1 }]);
  });

  it('that is about nothing we keep waits for nobody', async () => {
    await receive(app, 'po_of_test', 'payout.paid');
    expect([await unqueued(), await syncs()]).toEqual([0, []]);
    expect(await world.rows('billing_webhooks', app)).toMatchObject([{ status: 'PROCESSED' }]);
  });

  it('is queued once, however many workers look at once', async () => {
    await Promise.all(Array.from({ length: 30 }, (_, index) => receive(app, `cus_${index}`)));
    await Promise.all(Array.from({ length: 4 }, take));
    while ((await unqueued()) > 0) await take();
    expect((await syncs()).map(({ wanted }) => Number(wanted))).toEqual(Array(30).fill(1));
  });

  // The embedded database has one transaction at a time, and a node of a cluster does not see the locks of another.
  if (globalThis.TEST_DATABASE !== 'embedded' && !globalThis.TEST_ON_CLUSTER)
    it('that a worker is queueing is left to it by the others', async () => {
      await receive();
      const [row] = await world.rows('billing_webhooks', app);
      const scope = await world.scope(app);
      await scope.transaction(async (tx) => {
        expect(await WebhookEventRepository.of(tx).lockUnqueued([String(row?.['id'])])).toHaveLength(1);
        await take();
      });
      expect([await unqueued(), await syncs()]).toEqual([1, []]);
    });

  it('about an object that is in the queue already asks for the same work once more', async () => {
    await receive();
    await take();
    const [job] = await syncs();
    await receive();
    await take();
    expect(await syncs()).toMatchObject([{ id: job?.['id'], wanted: 2 }]);
  });

  it('is in the books of an operator while no worker runs', async () => {
    await receive();
    await wait(90_000);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const scrape = await Scrape.from(world.url);
    expect(scrape.value('billing_webhook_unhandled_objects')).toBe(1);
    expect(scrape.value('billing_webhook_lag_seconds')).toBe(90);
    expect(scrape.value('billing_queue_oldest_due_seconds')).toBeGreaterThanOrEqual(90);
  });
});

describe('a worker', () => {
  it('handles what arrived before it ran, and what arrives while it runs, without being asked', async () => {
    const handled = async () => (await world.rows('billing_webhooks', app)).filter(({ status }) => status === 'PROCESSED').length;
    for (let times = 0; times < 9; times += 1)
      await Promise.all(Array.from({ length: 50 }, (_, index) => receive(app, `cus_${index % 5}`)));
    world.gateway.worker.start();
    try {
      await world.until(async () => (await handled()) === 450);
      await receive();
      await world.until(async () => (await handled()) === 451);
    } finally {
      await world.gateway.worker.stop();
    }
  });
});

describe('a queue that takes nothing', () => {
  it('has events accepted all the same, and each of them handled once it is back', async () => {
    await receive();
    await world.gateway.database.run('alter table billing_jobs rename to billing_jobs_away', []);
    const receipts = await Promise.all(Array.from({ length: 20 }, (_, index) => receive(app, `cus_${index}`)));
    await take();
    await expect(world.gateway.worker.drain()).rejects.toThrow(/billing_jobs/);
    await world.gateway.database.run('alter table billing_jobs_away rename to billing_jobs', []);
    await wait(5_000);
    expect(receipts.map(({ kind }) => kind)).toEqual(receipts.map(() => 'recorded'));
    expect(await unqueued()).toBe(21);
    await world.settle();
    expect(await unqueued()).toBe(0);
    expect(new Set((await world.rows('billing_webhooks', app)).map(({ status }) => status))).toEqual(new Set(['PROCESSED']));
  });
});

describe('an app whose events cannot be queued', () => {
  beforeEach(() => {
    const { access } = world.gateway;
    const scopeOf = access.scopeOf.bind(access);
    jest.spyOn(access, 'scopeOf').mockImplementation(async (appId, actor, facts) => {
      if (appId === app.id && actor.kind === 'job') throw new Error('It is broken.');
      return scopeOf(appId, actor, facts);
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('keeps them, and holds up no other app though its own are the oldest and enough for a whole take', async () => {
    const other = await world.app();
    for (let times = 0; times < 5; times += 1) await Promise.all(Array.from({ length: 50 }, (_, index) => receive(app, `cus_${index}`)));
    await wait(1_000);
    await receive(other);
    await take();
    expect([await unqueued(), await unqueued(other)]).toEqual([250, 1]);
    await take();
    expect([await unqueued(), await unqueued(other)]).toEqual([250, 0]);
    jest.restoreAllMocks();
    await wait(5_000);
    await world.settle();
    expect(await unqueued()).toBe(0);
  });

  it('is tried again after 5 s', async () => {
    await receive();
    await take();
    jest.restoreAllMocks();
    await wait(4_999);
    await take();
    expect(await unqueued()).toBe(1);
    await wait(1);
    await take();
    expect(await unqueued()).toBe(0);
  });
});

describe('many events', () => {
  // Who lost a race to another node chooses from a part of what waits.
  if (!globalThis.TEST_ON_CLUSTER)
    it('are taken in the order they came, 200 at once, of every app', async () => {
      const other = await world.app();
      await receive(other);
      await wait(1_000);
      for (let index = 0; index < 5; index += 1)
        await Promise.all(Array.from({ length: 50 }, (_, nth) => receive(app, `cus_${index}_${nth}`)));
      await wait(1_000);
      await receive(other, 'cus_late');
      await take();
      expect([await unqueued(), await unqueued(other)]).toEqual([51, 1]);
      await take();
      expect([await unqueued(), await unqueued(other)]).toEqual([0, 0]);
      expect([(await syncs()).length, (await syncs(other)).length]).toEqual([250, 2]);
    });

  it('are all taken, and each once', async () => {
    for (let index = 0; index < 5; index += 1)
      await Promise.all(Array.from({ length: 50 }, (_, nth) => receive(app, `cus_all_${index}_${nth}`)));
    for (let rounds = 0; rounds < 50 && (await unqueued()) > 0; rounds += 1) await take();
    expect((await syncs()).map(({ wanted }) => Number(wanted))).toEqual(Array(250).fill(1));
  });
});
