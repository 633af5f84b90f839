import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { createClient } from '../../client/src/index.js';
import { ExampleStage } from '../support/example.js';
import { freePort, type RunningProcess, runningBilling } from '../support/processes.js';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const DECLINED = '777703';

let stage: ExampleStage;
let shop: { url: string; process: RunningProcess };

beforeAll(async () => {
  stage = await ExampleStage.create();
  shop = await open();
});
afterAll(() => stage.close());

function open() {
  return stage.start('express-backend', { WEBHOOK_SECRET: SECRET, KEYS_FILE: path.join(stage.directory, 'keys.db') });
}

async function order(name: string, card: string, amountMinor = '1990', url = shop.url) {
  const body = new URLSearchParams({ order: name, email: 'ann@example.com', card, amountMinor });
  const response = await fetch(`${url}/orders`, { method: 'POST', body });
  return { status: response.status, ...((await response.json()) as { payment?: string; status?: string; code?: string }) };
}

/** Posts an event of the payment of an order; the status of the answer. */
async function tell(name: string, status: string, { sequence = 1, secret = SECRET, payment = 1 } = {}): Promise<number> {
  const createdAt = `2026-03-01T12:00:0${payment}.000Z`;
  const object = { __typename: 'Payment', id: `pay_${payment}`, referenceId: name, status, createdAt };
  const type = `payment.${status.toLowerCase()}`;
  const timestamp = new Date();
  const body = JSON.stringify({
    type,
    timestamp: timestamp.toISOString(),
    schemaVersion: '1',
    data: { object, sequence, cause: 'job:payment' },
  });
  const headers = {
    'content-type': 'application/json',
    'webhook-id': `ev_${name}_${sequence}`,
    'webhook-timestamp': String(Math.floor(timestamp.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(`ev_${name}_${sequence}`, timestamp, body),
  };
  return (await fetch(`${shop.url}/webhooks`, { method: 'POST', headers, body })).status;
}

async function known(name: string, url = shop.url): Promise<{ sequence?: number } | null> {
  return (await (await fetch(`${url}/orders/${name}`)).json()) as { sequence?: number };
}

describe('the Express backend', () => {
  it('takes the money of an order once, however often the order is sent, and by whichever process', async () => {
    const card = await stage.newCard();
    const first = await order('order-1', card);
    expect(first).toMatchObject({ order: 'order-1', status: 'SUCCEEDED', payment: expect.stringMatching(/^pay_/) });
    expect(await order('order-1', card)).toEqual(first);
    await shop.process.end('SIGKILL');
    shop = await open();
    expect(await order('order-1', card)).toEqual(first);
    const { BILLING_URL = '', BILLING_SERVICE_KEY = '' } = stage.demo;
    const { nodes } = await createClient({ url: BILLING_URL, credential: BILLING_SERVICE_KEY }).payments({ referenceId: 'order-1' }).page();
    expect(nodes).toMatchObject([{ id: first.payment, amount: { amountMinor: 1_990 } }]);
  });

  it('says why an order was not paid, and takes another try of it', async () => {
    const card = await stage.newCard();
    expect(await order('order-2', card, DECLINED)).toEqual({ status: 402, code: 'PAYMENT_DECLINED', declineCode: 'generic_decline' });
    expect(await order('order-2', card)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await order('order-3', 'pm_nobody')).toMatchObject({ status: 422, code: 'NOT_FOUND' });
  });

  it('has the gateway tell it of its orders, also when it was started again', async () => {
    const port = await freePort();
    for (const name of ['order-6', 'order-7']) {
      const told = await stage.start('express-backend', { PORT: String(port) });
      expect(await order(name, await stage.newCard(), '1990', told.url)).toMatchObject({ status: 'SUCCEEDED' });
      while ((await known(name, told.url))?.sequence !== 2) await sleep(50);
      await told.process.end('SIGKILL');
    }
    const { BILLING_URL = '', BILLING_SERVICE_KEY = '' } = stage.demo;
    const endpoints = await createClient({ url: BILLING_URL, credential: BILLING_SERVICE_KEY }).webhookEndpoints();
    expect(endpoints.filter(({ url }) => url.includes(`:${port}/`))).toHaveLength(1);
  });

  it('is told of its orders by `billing events listen`, which needs nothing but the gateway beside it', async () => {
    const port = await freePort();
    const forwardTo = ['--forward-to', `http://127.0.0.1:${port}/webhooks`];
    const listening = await runningBilling(['events', 'listen', ...forwardTo], { BILLING_DATA_DIR: stage.directory }, 'from now on');
    const [, secret = ''] = /Signed with (whsec_\S+) /.exec(listening.words) ?? [];
    const told = await stage.start('express-backend', { WEBHOOK_SECRET: secret, PORT: String(port) });
    expect(await order('order-5', await stage.newCard(), '1990', told.url)).toMatchObject({ status: 'SUCCEEDED' });
    while ((await known('order-5', told.url))?.sequence !== 2) await sleep(50);
    const { stdout } = await listening.end('SIGINT');
    expect(stdout).toMatch(/^payment\.succeeded ev_\w+ 204$/m);
  });

  it('has an order as its newest payment has it, in whichever order events come', async () => {
    expect(await order('order-8', await stage.newCard(), DECLINED)).toMatchObject({ status: 402 });
    expect(await tell('order-8', 'FAILED', { sequence: 2 })).toBe(204);
    expect(await order('order-8', await stage.newCard())).toMatchObject({ status: 'SUCCEEDED' });
    expect(await known('order-8')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await tell('order-9', 'SUCCEEDED', { sequence: 2, payment: 2 })).toBe(204);
    expect(await tell('order-9', 'FAILED', { sequence: 3, payment: 1 })).toBe(204);
    expect(await known('order-9')).toEqual({ status: 'SUCCEEDED', sequence: 2 });
  });

  it('believes signed events alone, and of one order the last', async () => {
    expect(await tell('order-4', 'SUCCEEDED', { sequence: 2 })).toBe(204);
    expect(await tell('order-4', 'PROCESSING', { sequence: 1 })).toBe(204);
    expect(await tell('order-4', 'FAILED', { sequence: 3, secret: `whsec_${Buffer.alloc(32, 2).toString('base64')}` })).toBe(400);
    expect(await known('order-4')).toEqual({ status: 'SUCCEEDED', sequence: 2 });
  });
});
