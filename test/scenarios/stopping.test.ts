import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Fleet } from '../support/fleet.js';
import * as ops from '../support/operations.generated.js';
import { type Environment, freePort } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
const READ = 'GET /v1/payment-intents/:id';
/** Longer than a drain that knows nothing of Tilled would wait. */
const SLOW_MS = 11_000;

let world: World;
let fleet: Fleet;
let app: TestApp;
let customerId: string;
let url: string;

beforeAll(async () => {
  world = await World.create({ clock: 'running' });
  fleet = new Fleet({ ...world.environment, HOST: '127.0.0.1', BILLING_REQUESTS_PER_WINDOW: '1000000' });
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
});
afterAll(async () => {
  await fleet.close();
  await world.close();
});

/** Starts a gateway on a port that no client has a connection to. */
async function start(more: Environment = {}): Promise<void> {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  await fleet.startGateway(port, more);
}

const amount = { amountMinor: 4_200, currency: 'usd' };

async function pay(idempotencyKey: string, at = url) {
  const { paymentCreate } = await world.ask(app, ops.PaymentCreateDocument, { input: { customerId, amount, idempotencyKey } }, { url: at });
  return [paymentCreate.payment?.status, ...paymentCreate.userErrors.map(({ code }) => code)];
}

/** A payment that Tilled takes its time for; resolves once Tilled has it, with the answer that is to come. */
async function slowPayment(key: string, delayMs: number): Promise<{ readonly answer: ReturnType<typeof pay> }> {
  const before = world.sandbox.requests(CONFIRM).length;
  await world.control('faults', { operation: CONFIRM, delayMs, times: 1 });
  const answer = pay(key);
  await world.until(async () => world.sandbox.requests(CONFIRM).length > before);
  return { answer };
}

/** What a client sees. */
interface Seen {
  readonly statuses: number[];
  readonly connections: (string | undefined)[];
  end: string;
}

const nothing = (): Seen => ({ statuses: [], connections: [], end: '' });

/** Keeps one connection as long as it can, and asks at once again: until it is not let in any more. */
async function askUntilGone(path: string, seen: Seen): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  while (seen.end === '') {
    const asked = new Promise<http.IncomingMessage>((resolve, reject) =>
      http.get(`${url}${path}`, { agent, headers: { authorization: `Bearer ${app.key}` } }, resolve).on('error', reject),
    );
    const answer = await asked.catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
    if (typeof answer === 'string') {
      seen.end = answer;
      return;
    }
    answer.resume();
    await new Promise((resolve) => answer.once('end', resolve));
    seen.statuses.push(answer.statusCode ?? 0);
    seen.connections.push(answer.headers.connection);
  }
}

describe('a worker that is asked to end', () => {
  it('finishes what it is at, says at /readyz that it ends, and leaves the rest to the next', async () => {
    const workerPort = await freePort();
    const status = async () => (await fetch(`http://127.0.0.1:${workerPort}/readyz`)).status;
    const before = world.sandbox.requests(READ).length;
    await world.control('faults', { operation: READ, delayMs: SLOW_MS, times: 1 });
    await world.payment(app, customerId);
    fleet.startWorker('worker', { BILLING_WORKER_PORT: String(workerPort) });
    await world.until(async () => world.sandbox.requests(READ).length > before);
    expect(await status()).toBe(200);
    const ended = fleet.end('worker');
    await world.until(async () => (await status()) === 503);
    expect(await ended).toBe(0);
    expect(await world.rows('billing_jobs', app)).not.toContainEqual(expect.objectContaining({ state: 'running' }));
    expect(fleet.lines).toEqual([]);
  });
});

describe('a gateway that is asked to end', () => {
  it('answers a payment that Tilled takes longer over, and then ends with status 0', async () => {
    await start();
    const { answer } = await slowPayment('slow', SLOW_MS);
    const ended = fleet.end('gateway');
    expect(await answer).toEqual(['SUCCEEDED']);
    expect([await ended, fleet.lines]).toEqual([0, []]);
  });

  it('says so at /readyz while it still answers everybody, hangs up after each answer, and refuses nobody before it is gone', async () => {
    await start({ BILLING_DRAIN_SECONDS: '2' });
    const [queries, ready]: [Seen, Seen] = [nothing(), nothing()];
    const asking = [askUntilGone('/graphql?query=%7Bapp%7Bid%7D%7D', queries), askUntilGone('/readyz', ready)];
    await world.until(async () => queries.statuses.length > 2 && ready.statuses.length > 2);
    const since = performance.now();
    const ended = fleet.end('gateway');
    await Promise.all(asking);
    expect(performance.now() - since).toBeGreaterThan(1_900);
    expect(new Set(queries.statuses)).toEqual(new Set([200]));
    // Open until it is asked to end, and not once more.
    expect(queries.connections).toEqual(queries.connections.toSorted((one = '', other = '') => (one < other ? 1 : -1)));
    expect(new Set(queries.connections)).toEqual(new Set(['keep-alive', 'close']));
    expect([...new Set(ready.statuses)]).toEqual([200, 503]);
    // Reset is what the system does to a connection that it made in the last moment and the gateway never saw.
    for (const { end } of [queries, ready]) expect(end).toMatch(/^ECONN(REFUSED|RESET)$/);
    expect(await ended).toBe(0);
  });

  it('answers what comes over an open connection when it has already stopped letting anybody in', async () => {
    await start({ BILLING_DRAIN_SECONDS: '0' });
    const port = Number(new URL(url).port);
    const open = connect(port, '127.0.0.1').setEncoding('latin1');
    await once(open, 'connect');
    const ended = fleet.end('gateway');
    const isLetIn = () =>
      new Promise<boolean>((resolve) => {
        const another = connect(port, '127.0.0.1', () => resolve(another.destroy().destroyed)).on('error', () => resolve(false));
      });
    while (await isLetIn());
    open.write('GET /healthz HTTP/1.1\r\nhost: billing\r\n\r\n');
    let answer = '';
    open.on('data', (text: string) => {
      answer += text;
    });
    await once(open, 'end');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close\r\n/i);
    open.end();
    expect(await ended).toBe(0);
  });

  it('ends at once when it is asked a second time', async () => {
    await start();
    const { answer } = await slowPayment('cut off', 8_000);
    const cutOff = answer.catch(() => 'cut off');
    const since = performance.now();
    void fleet.end('gateway');
    await sleep(200);
    expect(await fleet.end('gateway')).toBe(130);
    expect(performance.now() - since).toBeLessThan(5_000);
    expect(await cutOff).toBe('cut off');
  });
});

describe('a command that is asked to end', () => {
  it('says how to go on, gives back what it was at, and goes on when it is run again', async () => {
    const before = world.sandbox.requests(READ).length;
    await world.payment(app, customerId);
    await world.control('faults', { operation: READ, delayMs: 5_000, times: 1 });
    await world.control('faults', { operation: 'GET /v1/payment-intents', delayMs: 5_000, times: 1 });
    const lists = world.sandbox.requests('GET /v1/payment-intents').length;
    fleet.startCommand('reconcile', ['reconcile', '--app', app.id]);
    const isAt = () => world.sandbox.requests(READ).length > before || world.sandbox.requests('GET /v1/payment-intents').length > lists;
    await world.until(async () => isAt());
    const since = performance.now();
    expect(await fleet.end('reconcile')).toBe(130);
    expect(performance.now() - since).toBeLessThan(4_000);
    expect(fleet.lines.splice(0)).toEqual(['Ended by SIGTERM before it was done. The same command goes on where it was.']);
    expect((await world.rows('billing_jobs', app)).filter(({ kind, state }) => kind === 'reconcile' && state === 'running')).toEqual([]);
    fleet.startCommand('reconcile', ['reconcile', '--app', app.id]);
    expect(await fleet.statusOf('reconcile')).toBe(0);
    expect(fleet.lines.splice(0).join()).toMatch(/objects looked at/);
  });
});
