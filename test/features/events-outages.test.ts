import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Log } from '../../src/platform/log.js';
import { deliveriesOf, listen, rename } from '../support/listening.js';
import * as ops from '../support/operations.generated.js';
import { Receiver } from '../support/receiver.js';
import { createScratchDatabase } from '../support/scratch-database.js';
import { SeverableDatabase } from '../support/severable.js';
import { type TestApp, World } from '../support/world.js';

/** ER_OPTION_PREVENTS_STATEMENT: the server is read-only. */
const READ_ONLY = 1290;

let database: SeverableDatabase;
let world: World;
let app: TestApp;
let receiver: Receiver;
const errors: string[] = [];
const log: Log = {
  ...{ debug: () => undefined, info: () => undefined, warn: () => undefined },
  error: (message) => void errors.push(message),
  child: () => log,
};

// The database must be one that can be cut off.
if (globalThis.TEST_DATABASE === 'mysql') {
  beforeAll(async () => {
    database = await SeverableDatabase.before(await createScratchDatabase());
    world = await World.create({ scratch: database, log });
  });
  beforeEach(async () => {
    errors.splice(0);
    app = await world.app();
    receiver = await Receiver.start();
  });
  afterEach(() => receiver.close());
  afterAll(() => world.close());

  describe('events', () => {
    it('have their places and their deliveries once, and arrive in their order, whichever COMMIT is not answered', async () => {
      const { id: endpointId } = await listen(world, app, receiver);
      const { id } = await world.customer(app);
      await world.settle();
      for (let lost = 1; lost <= 8; lost += 1) {
        await rename(world, app, id, `Name ${lost}`);
        await rename(world, app, id, `Other ${lost}`);
        if (lost % 2 === 0) receiver.answerWith(() => 500);
        database.losesCommit = Math.ceil(lost / 2);
        await world.settle().catch(() => undefined);
        receiver.answerWith(() => 200);
        await world.advance({ ms: 70_000 });
        await world.advance({ ms: 330_000 });
        database.losesCommit = 0;
      }
      await world.advance({ ms: 3_600_000 });
      const { nodes } = (await world.ask(app, ops.EventsDocument, { first: 100 })).events;
      const numbers = Array.from({ length: 17 }, (_, index) => index + 1);
      expect(nodes.map(({ sequence }) => sequence)).toEqual(numbers);
      const deliveries = await deliveriesOf(world, app, endpointId);
      expect(deliveries.map(({ status, event }) => [status, event.sequence])).toEqual(numbers.map((number) => ['DELIVERED', number]));
      expect([...new Set(receiver.received.map(({ sequence }) => sequence))]).toEqual(numbers);
    }, 60_000);

    it('wait while the database takes nothing, which is said once and not four times a second', async () => {
      await world.customer(app);
      Object.assign(database, { refuses: 'begin', refusesWith: READ_ONLY, refused: 0 });
      world.gateway.publisher.start();
      await world.until(async () => database.refused > 8);
      Object.assign(database, { refuses: null });
      const said = errors.filter((message) => message === 'events could not be published');
      await world.until(async () => (await world.ask(app, ops.EventsDocument, { first: 1 })).events.nodes.length === 1);
      await world.gateway.publisher.stop();
      expect(said).toHaveLength(1);
      await world.settle();
    });
  });
} else {
  it('that wait for a database are on a server: see the project mysql', () => expect(globalThis.TEST_DATABASE).toBe('embedded'));
}
