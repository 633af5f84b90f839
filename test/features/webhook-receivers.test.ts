import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { EVENT_TYPES } from '../../src/events/event.catalogue.js';
import { deliveriesOf, listen, rename } from '../support/listening.js';
import * as ops from '../support/operations.generated.js';
import { type Answering, type Received, Receiver } from '../support/receiver.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let receiver: Receiver;

// Receivers compare the time of a signature with that of the wall.
beforeAll(async () => {
  world = await World.create({ clock: 'running' });
});
beforeEach(async () => {
  app = await world.app();
  receiver = await Receiver.start();
});
afterEach(() => receiver.close());
afterAll(() => world.close());

const headersOf = ({ headers }: Received) => headers as Record<string, string>;
const test = async (input: ops.WebhookEndpointTestInput) =>
  (await world.ask(app, ops.WebhookEndpointTestDocument, { input })).webhookEndpointTest;
const resend = async (input: ops.WebhookDeliveryResendInput) =>
  (await world.ask(app, ops.WebhookDeliveryResendDocument, { input })).webhookDeliveryResend;

/** Answers 204 to what a library of receivers takes, else 400. */
function verifying(verify: (body: string, headers: Record<string, string>) => unknown): Answering {
  return (received) => {
    try {
      verify(received.body, headersOf(received));
      return 204;
    } catch {
      return 400;
    }
  };
}

describe('a receiver', () => {
  it.each([
    ['standardwebhooks', (secret: string) => new Webhook(secret)],
    ['svix', (secret: string) => new SvixWebhook(secret)],
  ] as const)('that is written with %s takes what is signed with its secret, and nothing that was changed', async (_, libraryWith) => {
    const { secret } = await listen(world, app, receiver);
    const library = libraryWith(secret);
    receiver.answerWith(verifying((body, headers) => library.verify(body, headers)));
    await world.customer(app, { name: 'Zoë 💳' });
    await world.settle();
    expect((await deliveriesOf(world, app)).map(({ status, lastStatus }) => [status, lastStatus])).toEqual([['DELIVERED', 204]]);
    const [received] = receiver.received as [Received];
    expect(() => library.verify(received.body.replace('Zo', 'Jo'), headersOf(received))).toThrow();
    expect(() => library.verify(received.body, { ...headersOf(received), 'webhook-id': 'ev_other' })).toThrow();
  });

  it('takes everything with either secret while they overlap, and with the new one alone after that', async () => {
    const { id, secret: old } = await listen(world, app, receiver);
    const rotate = async (overlapHours: number) =>
      (await world.ask(app, ops.WebhookEndpointSecretRotateDocument, { input: { id, overlapHours } })).webhookEndpointSecretRotate.secret ??
      '';
    const isTakenBy = (secret: string, received: Received | undefined) => {
      try {
        return new Webhook(secret).verify(received?.body ?? '', received === undefined ? {} : headersOf(received)) !== undefined;
      } catch {
        return false;
      }
    };
    const { id: customerId } = await world.customer(app);
    await world.settle();
    const between = await rotate(1);
    await rename(world, app, customerId, 'Two');
    await world.settle();
    const last = await rotate(0);
    await rename(world, app, customerId, 'Three');
    await world.settle();
    expect(receiver.received.map((received) => [old, between, last].map((secret) => isTakenBy(secret, received)))).toEqual([
      [true, false, false],
      [true, true, false],
      [false, false, true],
    ]);
  });

  it('loses none while its secret is changed under load, if it changes its own within the overlap', async () => {
    const { id, secret } = await listen(world, app, receiver);
    let known = new Webhook(secret);
    receiver.answerWith(verifying((body, headers) => known.verify(body, headers)));
    world.gateway.publisher.start();
    world.gateway.worker.start();
    const made: string[] = [];
    for (let count = 0; count < 30; count += 1) {
      made.push((await world.customer(app, { email: `${count}@example.com` })).id);
      if (count % 10 !== 4) continue;
      const { webhookEndpointSecretRotate } = await world.ask(app, ops.WebhookEndpointSecretRotateDocument, { input: { id } });
      // It goes on with the old one for a while.
      setTimeout(() => (known = new Webhook(webhookEndpointSecretRotate.secret ?? '')), 50);
    }
    await world.until(async () => new Set(receiver.received.map(({ objectId }) => objectId)).size === made.length);
    await world.gateway.worker.stop();
    await world.gateway.publisher.stop();
    await world.settle();
    expect((await deliveriesOf(world, app)).map(({ status, attempts }) => [status, attempts])).toEqual(Array(30).fill(['DELIVERED', 1]));
  });
});

describe('webhookEndpointTest', () => {
  it('posts a signed event at once, which no feed has and no other endpoint gets, and keeps what was answered', async () => {
    const { id, secret } = await listen(world, app, receiver);
    await listen(world, app, 'http://127.0.0.1:9/nobody');
    receiver.answerWith((_, response) => void response.writeHead(201).end('thanks, 4111 1111 1111 1111'));
    expect(await test({ id })).toEqual({ count: 1, userErrors: [] });
    const [received] = receiver.received as [Received];
    expect(new Webhook(secret).verify(received.body, headersOf(received))).toMatchObject({
      type: 'endpoint.test',
      data: { object: { __typename: 'WebhookEndpoint', id }, sequence: 1, cause: expect.stringMatching(/^mutation:webhookEndpointTest /) },
    });
    await world.settle();
    const [delivery, ...more] = await deliveriesOf(world, app);
    expect(more).toEqual([]);
    expect(delivery).toMatchObject({ status: 'DELIVERED', attempts: 1, lastStatus: 201, event: { type: 'endpoint.test', sequence: 1 } });
    expect(delivery?.attemptLog).toMatchObject([{ status: 201, error: null, answer: expect.stringMatching(/^thanks, (?!.*1111)/) }]);
    expect((await world.rows('billing_app_events', app)).map((event) => event['position'])).toEqual([null]);
  });

  it('says what went wrong, does not try again, and works for one that is switched off', async () => {
    const { id } = await listen(world, app, receiver);
    await world.ask(app, ops.WebhookEndpointUpdateDocument, { input: { id, isEnabled: false } });
    receiver.answerWith(() => 500);
    expect(await test({ id })).toEqual({ count: 1, userErrors: [] });
    await world.settle();
    expect(await deliveriesOf(world, app, id)).toMatchObject([
      { status: 'GAVE_UP', attempts: 1, lastError: 'HTTP 500', nextAttemptAt: null },
    ]);
    expect(receiver.received).toHaveLength(1);
  });

  it('sends the example of a type, which tells of nothing that there is, and refuses what is no type', async () => {
    const { id: endpointId } = await listen(world, app, receiver, ['refund.*']);
    await world.customer(app);
    await world.settle();
    expect((await test({ id: endpointId, type: 'payment.felt' })).userErrors).toMatchObject([{ code: 'INVALID', field: ['type'] }]);
    for (const type of Object.keys(EVENT_TYPES)) expect(await test({ id: endpointId, type })).toMatchObject({ count: 1, userErrors: [] });
    expect(receiver.received.map(({ type }) => type)).toEqual(Object.keys(EVENT_TYPES));
    for (const { objectId } of receiver.received) expect((await world.ask(app, ops.NodeDocument, { id: objectId })).node).toBeNull();
  });
});

describe('webhookDeliveryResend', () => {
  it('sends one delivery again under the same id, as a delivery of its own', async () => {
    const { id: endpointId } = await listen(world, app, receiver);
    await world.customer(app);
    await world.settle();
    const [delivery] = await deliveriesOf(world, app);
    expect(await resend({ deliveryId: delivery?.id ?? '' })).toEqual({ count: 1, replayed: false, userErrors: [] });
    await world.settle();
    expect(receiver.received.map(({ id }) => id)).toEqual(Array(2).fill(delivery?.event.id));
    expect((await deliveriesOf(world, app, endpointId)).map(({ status }) => status)).toEqual(['DELIVERED', 'DELIVERED']);
  });

  it('sends a range of time again: what its types match, and no test', async () => {
    const since = new Date().toISOString();
    const { id: endpointId } = await listen(world, app, receiver, ['payment_method.*']);
    await world.payer(app);
    await world.settle();
    await test({ id: endpointId });
    receiver.received.splice(0);
    expect(await resend({ endpointId, since })).toEqual({ count: 1, replayed: false, userErrors: [] });
    expect(await resend({ endpointId, since, until: since })).toMatchObject({ count: 0, userErrors: [{ code: 'INVALID' }] });
    await world.settle();
    expect(receiver.received.map(({ type }) => type)).toEqual(['payment_method.attached']);
  });

  it('sends once what is asked for again with the same key', async () => {
    const since = new Date().toISOString();
    const { id: endpointId } = await listen(world, app, receiver, ['payment_method.*']);
    await world.payer(app);
    await world.settle();
    receiver.received.splice(0);
    const input = { endpointId, since, idempotencyKey: 'resend-once' };
    expect(await resend(input)).toEqual({ count: 1, replayed: false, userErrors: [] });
    expect(await resend(input)).toEqual({ count: 0, replayed: true, userErrors: [] });
    expect((await resend({ ...input, since: new Date(0).toISOString() })).userErrors).toMatchObject([{ code: 'IDEMPOTENCY_KEY_REUSED' }]);
    await world.settle();
    expect(receiver.received).toHaveLength(1);
  });

  it('refuses what does not say what it means, and an endpoint that is switched off', async () => {
    const { id: endpointId } = await listen(world, app, receiver);
    for (const input of [{}, { endpointId }, { deliveryId: 'wd_x', endpointId, since: new Date().toISOString() }])
      expect((await resend(input)).userErrors).toMatchObject([{ code: 'INVALID' }]);
    expect((await resend({ deliveryId: 'wd_unknown' })).userErrors).toMatchObject([{ code: 'NOT_FOUND', field: ['deliveryId'] }]);
    const unknown = { endpointId: 'we_unknown', since: new Date(0).toISOString() };
    expect((await resend(unknown)).userErrors).toMatchObject([{ code: 'NOT_FOUND', field: ['endpointId'] }]);
    await world.ask(app, ops.WebhookEndpointUpdateDocument, { input: { id: endpointId, isEnabled: false } });
    expect((await resend({ endpointId, since: new Date(0).toISOString() })).userErrors).toMatchObject([{ code: 'CONFLICT' }]);
  });
});
