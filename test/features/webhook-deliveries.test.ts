import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { deliveriesOf, listen, rename } from '../support/listening.js';
import * as ops from '../support/operations.generated.js';
import { Receiver } from '../support/receiver.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let receiver: Receiver;
const others: Receiver[] = [];

beforeAll(async () => {
  world = await World.create({ deliveries: { timeoutMs: 3_000 } });
});
beforeEach(async () => {
  app = await world.app();
  receiver = await Receiver.start();
});
afterEach(async () => {
  for (const one of [receiver, ...others.splice(0)]) await one.close();
});
afterAll(() => world.close());

async function another(...how: Parameters<typeof Receiver.start>): Promise<Receiver> {
  const made = await Receiver.start(...how);
  others.push(made);
  return made;
}

const endpointOf = async (id: string) =>
  (await world.ask(app, ops.WebhookEndpointsDocument, {})).webhookEndpoints.find((endpoint) => endpoint.id === id);
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];

describe('an event', () => {
  it('is posted once to each endpoint that wants its type, with what the feed has of it', async () => {
    const narrow = await another();
    await listen(world, app, receiver);
    await listen(world, app, narrow, ['payment.*']);
    const { customer } = await world.payer(app);
    await world.payment(app, customer.id);
    await world.settle();
    expect(receiver.received.map(({ type }) => type).toSorted()).toEqual([
      ...['customer.created', 'payment.created', 'payment.succeeded', 'payment_method.attached'],
    ]);
    expect(narrow.received.map(({ type }) => type)).toEqual(['payment.created', 'payment.succeeded']);
    const [row] = (await world.rows('billing_app_events', app)).filter((event) => event['type'] === 'payment.succeeded');
    expect(JSON.parse(narrow.received[1]?.body ?? '')).toEqual({
      type: 'payment.succeeded',
      timestamp: world.sandbox.now().toISOString(),
      schemaVersion: '1',
      data: { object: JSON.parse(String(row?.['payload'])), sequence: 2, cause: row?.['cause'] },
    });
    expect(narrow.received[1]?.headers).toMatchObject({ 'webhook-id': row?.['id'], 'content-type': 'application/json' });
  });

  it('that happened before the endpoint was made is not delivered', async () => {
    await world.customer(app);
    await world.settle();
    await listen(world, app, receiver);
    await world.settle();
    expect(receiver.received).toEqual([]);
  });
});

describe('a delivery that fails', () => {
  it('is tried again after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, ten times in all, and then given up', async () => {
    receiver.answerWith(() => 500);
    await listen(world, app, receiver);
    await world.customer(app);
    await world.settle();
    const waits = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR)];
    for (const [index, ms] of waits.entries()) {
      await world.advance({ ms: 0.89 * ms });
      expect(receiver.received).toHaveLength(index + 1);
      await world.advance({ ms: 0.22 * ms });
      expect(receiver.received).toHaveLength(index + 2);
    }
    const [delivery] = await deliveriesOf(world, app);
    expect(delivery).toMatchObject({ status: 'GAVE_UP', attempts: 10, nextAttemptAt: null, lastStatus: 500, lastError: 'HTTP 500' });
    expect(delivery?.attemptLog).toHaveLength(10);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1);
  });

  it('holds up the later events of its object, in their order, and nobody else', async () => {
    await listen(world, app, receiver);
    const [held, free] = [await world.customer(app), await world.customer(app, { email: 'bob@example.com' })];
    await world.settle();
    receiver.answerWith(({ objectId }) => (objectId === held.id ? 503 : 200));
    for (const name of ['One', 'Two', 'Three']) for (const { id } of [held, free]) await rename(world, app, id, name);
    await world.settle();
    expect(receiver.of(free.id).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(receiver.of(held.id).map(({ sequence }) => sequence)).toEqual([1, 2]);
    await rename(world, app, held.id, 'Four');
    await world.settle();
    receiver.answerWith(() => 200);
    await world.advance({ ms: 6 * SECOND });
    expect(receiver.of(held.id).map(({ sequence }) => sequence)).toEqual([1, 2, 2, 3, 4, 5]);
    expect((await deliveriesOf(world, app)).filter(({ status }) => status !== 'DELIVERED')).toEqual([]);
  });

  it('lets the next event of its object go once it is given up, and the number shows the gap', async () => {
    receiver.answerWith(({ sequence }) => (sequence === 1 ? 500 : 200));
    await listen(world, app, receiver);
    const { id } = await world.customer(app);
    await rename(world, app, id, 'Later');
    for (let days = 0; days < 4; days += 1) for (const hours of [6, 6, 6, 6]) await world.advance({ ms: hours * HOUR });
    await world.advance({ days: 1 });
    // It failed so often in a row that it is looked at once a minute.
    await world.advance({ ms: MINUTE });
    const [first, second] = await deliveriesOf(world, app);
    expect([first?.status, second?.status]).toEqual(['GAVE_UP', 'DELIVERED']);
    expect(receiver.received.at(-1)?.sequence).toBe(2);
  });

  it('is put off for as long as the receiver asks, an hour at most', async () => {
    receiver.answerWith((_, response) => void response.writeHead(429, { 'retry-after': '120' }).end());
    const { id } = await listen(world, app, receiver);
    await world.customer(app);
    await world.settle();
    await world.customer(app, { email: 'bob@example.com' });
    await world.advance({ ms: 110 * SECOND });
    expect(receiver.received).toHaveLength(1);
    receiver.answerWith((_, response) => void response.writeHead(503, { 'retry-after': '86400' }).end());
    await world.advance({ ms: 11 * SECOND });
    expect(receiver.received).toHaveLength(2);
    receiver.answerWith(() => 200);
    await world.advance({ ms: HOUR + MINUTE });
    expect(receiver.received).toHaveLength(4);
    expect(await endpointOf(id)).toMatchObject({ isEnabled: true, failingSince: null });
  });
});

describe('an endpoint', () => {
  it('that answers 410 is disabled, and its app is told at the others', async () => {
    receiver.answerWith(() => 410);
    const witness = await another();
    const { id } = await listen(world, app, receiver);
    await listen(world, app, witness, ['webhook_endpoint.*']);
    await world.customer(app);
    await world.settle();
    await world.customer(app, { email: 'bob@example.com' });
    await world.advance({ days: 1 });
    expect(receiver.received).toHaveLength(1);
    expect(await endpointOf(id)).toMatchObject({ isEnabled: false, disabledReason: 'gone' });
    expect(witness.of(id).map(({ type, sequence }) => [type, sequence])).toEqual([['webhook_endpoint.disabled', 1]]);
    expect(JSON.parse(witness.received[0]?.body ?? '')).toMatchObject({
      data: { object: { __typename: 'WebhookEndpoint', id, url: receiver.url, isEnabled: false, disabledReason: 'gone' } },
    });
  });

  it('that failed for five days and did nothing else is disabled; one that answers once in between is not', async () => {
    receiver.answerWith(() => 500);
    const { id } = await listen(world, app, receiver);
    for (let day = 0; day < 5; day += 1) {
      await world.customer(app, { email: `day-${day}@example.com` });
      await world.advance({ ms: 23 * HOUR });
    }
    expect(await endpointOf(id)).toMatchObject({ isEnabled: true });
    receiver.answerWith(() => 200);
    await world.advance({ days: 1 });
    receiver.answerWith(() => 500);
    await world.customer(app, { email: 'again@example.com' });
    await world.advance({ ms: HOUR });
    expect(await endpointOf(id)).toMatchObject({ isEnabled: true });
    for (let day = 0; day < 6; day += 1) {
      await world.customer(app, { email: `more-${day}@example.com` });
      await world.advance({ ms: 23 * HOUR });
    }
    expect(await endpointOf(id)).toMatchObject({ isEnabled: false, disabledReason: 'failed_for_five_days' });
  });

  it('that is disabled gets what waited once it is enabled, and what happened meanwhile only if it is asked for', async () => {
    receiver.answerWith(() => 500);
    const { id } = await listen(world, app, receiver);
    const { id: first } = await world.customer(app);
    await world.settle();
    await world.ask(app, ops.WebhookEndpointUpdateDocument, { input: { id, isEnabled: false } });
    const { id: second } = await world.customer(app, { email: 'bob@example.com' });
    await world.advance({ ms: HOUR });
    expect(receiver.received).toHaveLength(1);
    receiver.answerWith(() => 200);
    await world.ask(app, ops.WebhookEndpointUpdateDocument, { input: { id, isEnabled: true } });
    await world.settle();
    expect([receiver.of(first).length, receiver.of(second).length]).toEqual([2, 0]);
    const input = { endpointId: id, since: new Date(world.sandbox.now().getTime() - 2 * HOUR).toISOString() };
    const { webhookDeliveryResend } = await world.ask(app, ops.WebhookDeliveryResendDocument, { input });
    expect(webhookDeliveryResend).toEqual({ count: 2, replayed: false, userErrors: [] });
    await world.settle();
    expect([receiver.of(first).length, receiver.of(second).length]).toEqual([3, 1]);
  });

  it('that is deleted gets nothing more, and what waited for it is given up', async () => {
    receiver.answerWith(() => 500);
    const { id } = await listen(world, app, receiver);
    await world.customer(app);
    await world.settle();
    await world.ask(app, ops.WebhookEndpointDeleteDocument, { input: { id } });
    await world.customer(app, { email: 'bob@example.com' });
    await world.advance({ ms: HOUR });
    expect(receiver.received).toHaveLength(1);
    const [delivery, ...more] = await deliveriesOf(world, app, id);
    expect(more).toEqual([]);
    expect(delivery).toMatchObject({ status: 'GAVE_UP', lastError: 'the endpoint was deleted', endpoint: { disabledReason: 'deleted' } });
  });

  it('that is dead is tried with one request at a time, and holds up neither others nor any work', async () => {
    receiver.answerWith(() => undefined);
    const well = await another();
    await listen(world, app, receiver);
    await listen(world, app, well);
    for (let count = 0; count < 40; count += 1) await world.customer(app, { email: `${count}@example.com` });
    await world.settle();
    expect(well.received).toHaveLength(40);
    // Sixteen at once, until ten in a row show that it is dead.
    expect(receiver.received.length).toBeLessThanOrEqual(16);
    const before = receiver.received.length;
    await world.advance({ ms: 2 * SECOND });
    expect(receiver.received.length).toBe(before + 1);
  });
});

describe('who delivers', () => {
  it('and dies in the middle has told some of it; another tells all that is not written down', async () => {
    const gate = Promise.withResolvers<void>();
    let asked = 0;
    receiver.answerWith(async () => {
      asked += 1;
      if (asked <= 3) await gate.promise;
      return 200;
    });
    const { id } = await listen(world, app, receiver);
    for (let count = 0; count < 3; count += 1) await world.customer(app, { email: `${count}@example.com` });
    const next = await world.anotherGateway();
    await world.gateway.publisher.publish();
    const first = world.gateway.worker.drain();
    await world.until(async () => receiver.received.length === 3);
    // The lease of who hangs is over, by the time of the database.
    world.shifts.databaseMs += 16 * SECOND;
    await next.gateway.worker.drain();
    gate.resolve();
    await first;
    await next.close();
    expect(receiver.received.map(({ objectId }) => objectId).toSorted()).toEqual(
      [...receiver.received.slice(0, 3), ...receiver.received.slice(0, 3)].map(({ objectId }) => objectId).toSorted(),
    );
    expect((await deliveriesOf(world, app, id)).map(({ status, attempts }) => [status, attempts])).toEqual(Array(3).fill(['DELIVERED', 1]));
    world.shifts.databaseMs -= 16 * SECOND;
  });
});
