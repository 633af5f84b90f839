import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { deliveriesOf, listen } from '../support/listening.js';
import * as ops from '../support/operations.generated.js';
import { Receiver } from '../support/receiver.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let receiver: Receiver;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
  receiver = await Receiver.start((_, response) => void response.writeHead(200).end('Thank you, Ann Lee'));
});
afterEach(() => receiver.close());
afterAll(() => world.close());

const sweep = async () => world.gateway.retention.run(await world.scope(app));

describe('deliveries', () => {
  it('are kept for 30 days, and an endpoint that was deleted as long as they are', async () => {
    const { id } = await listen(world, app, receiver);
    await world.customer(app);
    await world.settle();
    await world.ask(app, ops.WebhookEndpointDeleteDocument, { input: { id } });
    await world.settle();
    await world.advance({ days: 29 });
    await sweep();
    expect(await deliveriesOf(world, app)).toHaveLength(1);
    await world.advance({ days: 2 });
    await sweep();
    expect([await deliveriesOf(world, app), await world.rows('billing_webhook_endpoints', app)]).toEqual([[], []]);
  });

  it('forget what was answered to events about somebody who is erased, and nothing else', async () => {
    await listen(world, app, receiver);
    const [{ id }, { id: other }] = [await world.customer(app), await world.customer(app, { email: 'bob@example.com' })];
    await world.settle();
    await world.gateway.privacy.erase(await world.scope(app), id);
    const logs = Object.fromEntries((await deliveriesOf(world, app)).map(({ event, attemptLog }) => [event.objectId, attemptLog.length]));
    expect(logs).toMatchObject({ [id]: 0, [other]: 1 });
  });

  it('that waited for an endpoint while it was switched off go out in their order, whatever of them is kept no longer', async () => {
    receiver.answerWith(() => 500);
    const { id } = await listen(world, app, receiver);
    const { id: customerId } = await world.customer(app);
    await world.settle();
    await world.advance({ days: 1 });
    await world.ask(app, ops.CustomerUpdateDocument, { input: { id: customerId, name: 'Two' } });
    await world.settle();
    await world.ask(app, ops.WebhookEndpointUpdateDocument, { input: { id, isEnabled: false } });
    await world.advance({ ms: 29.5 * 86_400_000 });
    await sweep();
    receiver.received.splice(0);
    receiver.answerWith(() => 200);
    await world.ask(app, ops.WebhookEndpointUpdateDocument, { input: { id, isEnabled: true } });
    await world.settle();
    expect(receiver.received.map(({ sequence }) => sequence)).toEqual([2]);
  });
});

describe('a delivery that was sent again on the last day of its event', () => {
  it('does not keep the event, which goes after 90 days, and neither does the test of an endpoint stay', async () => {
    const { id } = await listen(world, app, receiver);
    await world.customer(app);
    await world.settle();
    await world.ask(app, ops.WebhookEndpointTestDocument, { input: { id } });
    const since = world.sandbox.now().toISOString();
    await world.advance({ days: 89 });
    const { webhookDeliveryResend } = await world.ask(app, ops.WebhookDeliveryResendDocument, {
      input: { endpointId: id, since: new Date(Date.parse(since) - 1_000).toISOString() },
    });
    expect(webhookDeliveryResend.count).toBe(1);
    await world.advance({ days: 2 });
    await sweep();
    expect([await world.rows('billing_app_events', app), await deliveriesOf(world, app)]).toEqual([[], []]);
  });
});

describe('a suspended app', () => {
  it('is told on', async () => {
    await listen(world, app, receiver);
    await world.gateway.appLife.suspend(await world.scope(app));
    await world.customer(app);
    await world.settle();
    expect(receiver.received).toHaveLength(1);
  });
});
