import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type BillingEvent, webhooks } from '../../client/src/index.js';
import { billing, type RunningProcess, runningBilling } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
});
afterAll(() => world.close());

/** A customer with a card who paid; the id of the payment. */
async function paid(): Promise<string> {
  const { customer } = await world.payer(app);
  const { id } = await world.payment(app, customer.id);
  await world.settle();
  return id;
}

describe('billing events listen', () => {
  let receiver: Server;
  let told: { body: string; headers: NodeJS.Dict<string | string[]> }[];

  beforeAll(async () => {
    receiver = createServer(async (request, response) => {
      const body = (await buffer(request)).toString();
      told.push({ body, headers: request.headers });
      response.writeHead(body.includes('customer.created') ? 500 : 204).end();
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
  });
  beforeEach(() => {
    told = [];
  });
  afterAll(() => void receiver.close());

  function listen(...args: string[]): Promise<RunningProcess> {
    const address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`;
    const environment = { BILLING_SERVICE_KEY: app.key, BILLING_URL: world.url };
    return runningBilling(['events', 'listen', '--forward-to', address, ...args], environment, 'from now on');
  }

  it('forwards what happens from now on, in order and signed, and says what was answered', async () => {
    await paid();
    const running = await listen();
    const [, secret = ''] = /Signed with (whsec_\S+) /.exec(running.words) ?? [];
    const id = await paid();
    await world.until(async () => told.some(({ body }) => body.includes('payment.succeeded')));
    const { status, stdout, stderr } = await running.end('SIGINT');
    const events: BillingEvent[] = [];
    for (const { body, headers } of told) events.push(await webhooks.verify(body, headers, secret));
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['customer.created', 'payment_method.attached', 'payment.succeeded']),
    );
    const mine = events.filter((event) => event.type.startsWith('payment.') && event.data.object.id === id);
    expect(mine.map(({ data }) => data.sequence)).toEqual([1, 2]);
    expect(events.filter(({ type }) => type === 'payment.succeeded')).toHaveLength(1);
    expect([status, stderr]).toEqual([0, '']);
    for (const { type, id: eventId } of events) expect(stdout).toContain(`${type} ${eventId} ${type === 'customer.created' ? 500 : 204}\n`);
  });

  it('forwards the types it is told to, and no others', async () => {
    const running = await listen('--type', 'payment.*');
    await paid();
    await world.until(async () => told.some(({ body }) => body.includes('payment.succeeded')));
    await running.end('SIGTERM');
    expect(told.filter(({ body }) => !body.startsWith('{"type":"payment.'))).toEqual([]);
  });

  it('says what is missing, and what the gateway refuses', async () => {
    const nothing = { BILLING_DATA_DIR: '/nowhere' };
    expect(await billing(['events', 'listen', '--forward-to', 'http://127.0.0.1:9'], nothing)).toMatchObject({
      status: 78,
      stderr: expect.stringContaining('BILLING_URL'),
    });
    const strangers = { BILLING_URL: world.url, BILLING_SERVICE_KEY: 'bg_svc_nobody' };
    expect(await billing(['events', 'listen', '--forward-to', 'http://127.0.0.1:9'], strangers)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^events: UNAUTHENTICATED, request \S+\n$/),
    });
  });
});
