import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { WebhookDeliveryRepository } from '../../src/deliveries/delivery.repository.js';
import { deliveriesOf, listen, rename } from '../support/listening.js';
import * as ops from '../support/operations.generated.js';
import { Receiver } from '../support/receiver.js';
import { Scrape } from '../support/scrape.js';
import { type TestApp, World } from '../support/world.js';

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];

let world: World;
let app: TestApp;
let receiver: Receiver;
let other: Receiver;

beforeAll(async () => {
  world = await World.create({ deliveries: { timeoutMs: 5_000 } });
});
beforeEach(async () => {
  app = await world.app();
  [receiver, other] = [await Receiver.start(), await Receiver.start()];
});
afterEach(async () => {
  Object.assign(world.shifts, { databaseMs: 0, wallMs: 0 });
  for (const one of [receiver, other]) await one.close();
});
afterAll(() => world.close());

const endpointOf = async (id: string) =>
  (await world.ask(app, ops.WebhookEndpointsDocument, {})).webhookEndpoints.find((endpoint) => endpoint.id === id);
const update = (input: ops.WebhookEndpointUpdateInput) => world.ask(app, ops.WebhookEndpointUpdateDocument, { input });
const sweep = async () => world.gateway.retention.run(await world.scope(app));

describe('an endpoint that is given another address while the old one is being told', () => {
  it.each([
    ['that it is gone', 410, {}],
    ['that it wants an hour', 503, { 'retry-after': '3600' }],
  ])('is told there, whatever the old one answers: %s', async (_, status, headers) => {
    const mayAnswer = Promise.withResolvers<void>();
    receiver.answerWith((_, response) => void mayAnswer.promise.then(() => response.writeHead(status, headers).end()));
    const { id } = await listen(world, app, receiver);
    await world.customer(app);
    const settled = world.settle();
    await world.until(async () => receiver.received.length === 1);
    await update({ id, url: other.url });
    const { id: bob } = await world.customer(app, { email: 'bob@example.com' });
    mayAnswer.resolve();
    await settled;
    await world.settle();
    expect(other.of(bob)).toHaveLength(1);
    await world.advance({ ms: HOUR + SECOND });
    expect(await endpointOf(id)).toMatchObject({ isEnabled: true, disabledReason: null, failingSince: null });
    expect(other.received).toHaveLength(2);
  });
});

describe('an object whose events are refused for longer than deliveries are kept', () => {
  it('is told of again once they are taken', async () => {
    await listen(world, app, receiver);
    const { id } = await world.customer(app);
    const { id: well } = await world.customer(app, { email: 'bob@example.com' });
    await world.settle();
    receiver.answerWith(({ objectId }) => (objectId === id ? 500 : 200));
    for (let name = 0; name < 12; name += 1) await rename(world, app, id, `Name ${name}`);
    for (let day = 0; day < 32; day += 1) {
      if (day === 25) await rename(world, app, id, 'Later');
      // So that the endpoint is not disabled.
      await rename(world, app, well, `Day ${day}`);
      for (let part = 0; part < 4; part += 1) await world.advance({ ms: DAY / 4 });
      await sweep();
    }
    receiver.answerWith(() => 200);
    receiver.received.splice(0);
    await rename(world, app, id, 'Last');
    // The longest wait there is.
    await world.advance({ ms: 27 * HOUR });
    expect(receiver.of(id).map(({ sequence }) => sequence)).toEqual([14, 15]);
  }, 120_000);
});

describe('a process that ends', () => {
  it('lets the requests end that are out, writes down what came of them, and leaves the rest to others', async () => {
    receiver.answerWith(async () => {
      await sleep(SECOND);
      return 200;
    });
    await listen(world, app, receiver);
    for (let count = 0; count < 120; count += 1) await world.customer(app, { email: `${count}@example.com` });
    await world.gateway.publisher.publish();
    world.gateway.worker.start();
    await world.until(async () => receiver.received.length > 0);
    const since = performance.now();
    await world.gateway.worker.stop();
    expect(performance.now() - since).toBeLessThan(4 * SECOND);
    expect(receiver.received.length).toBeLessThan(60);
    receiver.answerWith(() => 200);
    await world.settle();
    const ids = receiver.received.map(({ id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([120, 120]);
  }, 60_000);
});

describe('a receiver that takes a second for each answer', () => {
  it('gives its place up after five seconds, and is told the rest in its next turns', async () => {
    receiver.answerWith(async () => {
      await sleep(SECOND);
      return 200;
    });
    await listen(world, app, receiver);
    const { id } = await world.customer(app);
    for (let name = 0; name < 7; name += 1) await rename(world, app, id, `Name ${name}`);
    const turns = async () => (await Scrape.from(world.url)).value('billing_jobs_total', { kind: 'events.deliver', outcome: 'done' }) ?? 0;
    const before = await turns();
    await world.settle();
    expect((await turns()) - before).toBeGreaterThan(1);
    expect(receiver.of(id).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  }, 60_000);
});

describe('an endpoint whose job a process of an older release buried, which does not know it', () => {
  it('is told once schedules are made, as they are every five minutes, or once something else happens', async () => {
    await listen(world, app, receiver);
    const bury = () =>
      world.gateway.database.run(
        "update billing_jobs set state = 'dead', due_at = null, attempts = attempts + 1, last_error = 'Nobody handles it.' where app_id = ? and kind = 'events.deliver'",
        [app.id],
      );
    await world.customer(app);
    await world.gateway.publisher.publish();
    expect(await bury()).toBe(1);
    await world.settle();
    expect(receiver.received).toHaveLength(0);
    await world.gateway.schedule();
    await world.settle();
    expect(receiver.received).toHaveLength(1);
    await world.customer(app, { email: 'bob@example.com' });
    await world.gateway.publisher.publish();
    expect(await bury()).toBe(1);
    await world.customer(app, { email: 'cid@example.com' });
    await world.settle();
    expect(receiver.received).toHaveLength(3);
  });
});

describe('events that are kept no longer', () => {
  it('go as soon as they can, however many deliveries of them were made again on their last day', async () => {
    await listen(world, app, receiver);
    await world.customer(app);
    await world.settle();
    await world.advance({ days: 91 });
    const [event] = await world.rows('billing_app_events', app);
    const scope = await world.scope(app);
    const [first] = await world.rows('billing_webhook_deliveries', app);
    const resent = { endpointId: String(first?.['endpoint_id']), eventId: String(event?.['id']), position: 1, lane: null };
    await scope.transaction((tx) => WebhookDeliveryRepository.of(tx).append(Array(10_100).fill(resent)));
    await sweep();
    await sweep();
    expect(await world.rows('billing_webhook_deliveries', app)).toEqual([]);
    expect(await world.rows('billing_app_events', app)).toEqual([]);
  }, 60_000);
});

describe('when the clock of the database was set back', () => {
  it('deliveries that failed do not wait so much longer, and neither do endpoints', async () => {
    receiver.answerWith((_, response) => void response.writeHead(503, { 'retry-after': '60' }).end());
    await listen(world, app, receiver);
    await world.gateway.clocks.start();
    await world.customer(app);
    await world.settle();
    receiver.answerWith(() => 200);
    // Of one machine, so that work is taken.
    for (const clock of ['databaseMs', 'wallMs'] as const) world.shifts[clock] -= 5 * HOUR;
    await world.gateway.clocks.start();
    await world.advance({ ms: MINUTE + 6 * SECOND });
    expect((await deliveriesOf(world, app)).map(({ status }) => status)).toEqual(['DELIVERED']);
    world.gateway.clocks.stop();
  });
});
