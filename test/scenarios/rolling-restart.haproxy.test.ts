import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { print } from 'graphql';
import { Fleet } from '../support/fleet.js';
import { complaintsOf, HaProxy, shippedConfig } from '../support/haproxy.js';
import * as ops from '../support/operations.generated.js';
import { freePort } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
const CLIENTS = 6;
const ROUNDS = 2;
const DRAIN_SECONDS = '5';
/** Six restarts, on a machine that is busy with other tests. */
const TEST_MS_MAX = 600_000;
/** Until HAProxy has seen twice that a gateway is back. */
const BACK_MS = 3_000;

describe('the HAProxy configuration that is shipped', () => {
  it('is taken by HAProxy, plain and with TLS', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'bg_haproxy_'));
    const [file, key, pem] = ['haproxy.cfg', 'billing.key', 'billing.pem'].map((name) => path.join(directory, name)) as [
      string,
      string,
      string,
    ];
    const plain = await shippedConfig();
    await writeFile(file, plain);
    expect(complaintsOf(file)).toBe('');
    const names = ['-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=billing.example.com', '-days', '1'];
    execFileSync('openssl', ['req', '-x509', ...names, '-keyout', key, '-out', pem], { stdio: 'ignore' });
    await writeFile(pem, (await readFile(pem, 'utf8')) + (await readFile(key, 'utf8')));
    const secure = plain.replace(/^ {2}# (bind :443|http-response set-header)/gm, '  $1').replace('  bind 127.0.0.1:8080\n', '');
    await writeFile(file, secure.replace('/etc/haproxy/billing.pem', pem));
    expect(secure).toMatch(/^ {2}bind :443 ssl/m);
    expect(complaintsOf(file)).toBe('');
    await rm(directory, { recursive: true });
  });

  it('sends nothing again that may have reached a gateway', async () => {
    expect((await shippedConfig()).match(/^ *retry-on .*$/gm)).toEqual(['  retry-on conn-failure']);
  });
});

describe('two gateways and a worker behind it, restarted one after the other, twice', () => {
  let world: World;
  let fleet: Fleet;
  let proxy: HaProxy;
  let app: TestApp;
  let customerId: string;
  const ports = new Map<string, number>();
  const failures: string[] = [];
  let asked = 0;
  let [payments, refunds] = [0, 0];

  beforeAll(async () => {
    world = await World.create({ clock: 'running', tilledTimeoutMs: 20_000 });
    app = await world.app();
    customerId = (await world.payer(app)).customer.id;
    const more = { BILLING_REQUESTS_PER_WINDOW: '1000000', BILLING_WEBHOOKS_PER_HOUR: '1000000', BILLING_TRUSTED_PROXIES: '127.0.0.1' };
    fleet = new Fleet({ ...world.environment, HOST: '127.0.0.1', BILLING_DRAIN_SECONDS: DRAIN_SECONDS, ...more });
    for (const name of ['gateway-1', 'gateway-2']) {
      ports.set(name, await freePort());
      await start(name);
    }
    await start('worker');
    proxy = await HaProxy.before([ports.get('gateway-1') ?? 0, ports.get('gateway-2') ?? 0]);
    await world.resumeDeliveries(proxy.url);
    // So that some payments are always in hand.
    await world.control('faults', { operation: CONFIRM, delayMs: 700, probability: 0.3, seed: 1 });
  });
  afterAll(async () => {
    await proxy.close();
    await fleet.close();
    await world.close();
  });

  const start = async (name: string) => (name === 'worker' ? fleet.startWorker(name) : fleet.startGateway(ports.get(name) ?? 0, {}, name));

  /** Sends one request over a connection that is kept; a failure is whatever is not the data that was asked for. */
  async function ask(agent: http.Agent, query: string, variables: object): Promise<Record<string, Record<string, unknown>>> {
    asked += 1;
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${app.key}` };
    const answer = await new Promise<string>((resolve) => {
      const request = http.request(`${proxy.url}/graphql`, { method: 'POST', agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve(response.statusCode === 200 ? text : `{"errors":"${response.statusCode}"}`));
      });
      request.on('error', ({ message }) => resolve(JSON.stringify({ errors: message })));
      request.end(JSON.stringify({ query, variables }));
    });
    const { data, errors } = JSON.parse(answer);
    const wrong =
      errors ?? Object.values(data ?? {}).flatMap((payload) => (payload as { userErrors?: unknown[] } | null)?.userErrors ?? []);
    if (wrong.length > 0) failures.push(JSON.stringify(wrong));
    return data ?? {};
  }

  /** Pays, looks at the payment, gives every third back, lists customers: one after the other until told to end. */
  async function client(number: number, isOver: () => boolean): Promise<void> {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; !isOver(); count += 1) {
      const key = `client ${number} order ${count}`;
      const amount = { amountMinor: 1_000 + count, currency: 'usd' };
      const { paymentCreate } = await ask(agent, print(ops.PaymentCreateDocument), { input: { customerId, amount, idempotencyKey: key } });
      const { id } = (paymentCreate?.['payment'] ?? {}) as { id?: string };
      if (id === undefined) continue;
      payments += 1;
      const { payment } = await ask(agent, print(ops.PaymentDocument), { id });
      if (payment?.['status'] !== 'SUCCEEDED') failures.push(`${id} is ${payment?.['status']}`);
      if (count % 3 === 0) {
        await ask(agent, print(ops.RefundCreateDocument), { input: { paymentId: id, idempotencyKey: `${key} back` } });
        refunds += 1;
      }
      await ask(agent, print(ops.CustomersDocument), { first: 5 });
    }
    agent.destroy();
  }

  it(
    'fail no request, lose none and do none twice',
    async () => {
      let isOver = false;
      const clients = Array.from({ length: CLIENTS }, (_, number) => client(number, () => isOver));
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const name of ['gateway-1', 'gateway-2', 'worker']) {
          await sleep(BACK_MS);
          expect([name, await fleet.end(name)]).toEqual([name, 0]);
          await start(name);
        }
      }
      isOver = true;
      await Promise.all(clients);
      expect(failures).toEqual([]);
      expect(asked).toBeGreaterThan(300);
      await world.settle();
      const {
        payment_intents,
        refunds: given,
        events,
        webhook_attempts,
      } = (await world.control('state')) as Record<string, { account_id: string }[]>;
      const own = (rows: { account_id: string }[] = []) => rows.filter(({ account_id }) => account_id === app.accountId);
      expect(own(payment_intents)).toHaveLength(payments);
      expect(own(payment_intents)).toEqual(own(payment_intents).map(() => expect.objectContaining({ status: 'succeeded' })));
      expect(own(given)).toHaveLength(refunds);
      // Every event was taken when it came first, and handled.
      expect(webhook_attempts?.slice(-1000)).toEqual(
        webhook_attempts?.slice(-1000).map(() => expect.objectContaining({ attempt: 1, status: 200 })),
      );
      const recorded = await world.rows('billing_webhooks', app);
      expect(recorded.map(({ event_id }) => event_id).toSorted()).toEqual(
        own(events)
          .map((event) => (event as { id?: string }).id)
          .toSorted(),
      );
      expect(new Set(recorded.map(({ status }) => status))).toEqual(new Set(['PROCESSED']));
      const report = await world.gateway.reconciliation.run.runNow(await world.scope(app));
      expect(report).toMatchObject({ found: 0, open: 0, duplicates: 0 });
      expect(fleet.lines).toEqual([]);
    },
    TEST_MS_MAX,
  );
});
