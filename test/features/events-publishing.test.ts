import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FEED } from '../../src/events/event.publisher.js';
import { CursorRepository } from '../../src/platform/cursors.js';
import { listen } from '../support/listening.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

const HOUR = 3_600_000;

let world: World;
let app: TestApp;
let other: TestApp;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  [app, other] = [await world.app(), await world.app()];
});
afterAll(() => world.close());

const told = async (of: TestApp) => (await world.ask(of, ops.EventsDocument, { first: 100 })).events.nodes.length;

describe('a process whose clock is far from that of the database', () => {
  it('publishes nothing, as it takes no work: its deliveries would be of another time, and kept no longer perhaps', async () => {
    const behind = await world.anotherGateway({ wallMs: -31 * 24 * HOUR });
    await world.customer(app);
    behind.gateway.publisher.start();
    await sleep(1_500);
    expect(await told(app)).toBe(0);
    await behind.gateway.publisher.stop();
    await behind.close();
    await world.settle();
    expect(await told(app)).toBe(1);
  });
});

describe('an app whose events cannot be published', () => {
  it('holds up no other, and goes on soon after they can be, also where the clock was set back meanwhile', async () => {
    const { id } = await listen(world, app, 'http://127.0.0.1:9/dead');
    const { database } = world.gateway;
    await database.run("update billing_webhook_endpoints set types = '5' where app_id = ? and id = ?", [app.id, id]);
    await world.customer(app);
    await world.customer(other);
    await world.gateway.publisher.publish();
    expect([await told(app), await told(other)]).toEqual([0, 1]);
    await database.run("update billing_webhook_endpoints set types = '[]' where app_id = ? and id = ?", [app.id, id]);
    world.shifts.wallMs -= HOUR;
    await world.advance({ ms: 6_000 });
    expect(await told(app)).toBe(1);
    world.shifts.wallMs = 0;
    // So that the clocks are read again.
    await world.advance({ ms: 6_000 });
  });

  // The embedded database has one transaction at a time.
  if (globalThis.TEST_DATABASE === 'mysql')
    it('because somebody holds its place holds up no other either', async () => {
      await world.customer(app);
      await world.settle();
      const { promise: mayGo, resolve: go } = Promise.withResolvers<void>();
      const { promise: isHeld, resolve: held } = Promise.withResolvers<void>();
      const scope = await world.scope(app);
      const holding = scope.transaction(async (tx) => {
        await CursorRepository.of(tx).lockOrMake(FEED, '0');
        held();
        await mayGo;
      });
      await isHeld;
      world.gateway.publisher.start();
      await world.customer(app, { email: 'bob@example.com' });
      const took: number[] = [];
      for (let count = 1; count <= 5; count += 1) {
        const since = performance.now();
        await world.customer(other, { email: `${count}@example.com` });
        await world.until(async () => (await told(other)) === count);
        took.push(performance.now() - since);
      }
      go();
      // On a cluster a lock is known to one node, and who holds it there loses to who writes elsewhere.
      await holding.catch(() => undefined);
      await world.until(async () => (await told(app)) === 2);
      await world.gateway.publisher.stop();
      expect(Math.max(...took)).toBeLessThan(3_000);
      await world.settle();
    });
});
