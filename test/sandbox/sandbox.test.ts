import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Script } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transformFileSync } from '@swc/core';
import { nextBatchAt } from '../../src/sandbox/clock.js';
import { Latency } from '../../src/sandbox/latency.js';
import type { TokenRecord } from '../../src/sandbox/records.js';
import { Store } from '../../src/sandbox/store.js';
import { Kit, Receiver } from './kit.js';

const directory = mkdtempSync(join(tmpdir(), 'billing-sandbox-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A request whose connection may be cut: its status, or 0. */
const statusOf = (own: Kit, method: string, path: string, body?: unknown) =>
  own.raw(method, path, { body }).then(
    (answer) => answer.status,
    () => 0,
  );

const customerCount = async (own: Kit) => (await own.sdk.customers.listCustomers({ tilled_account: own.account })).data.total;

/** Runs the body on a sandbox of its own. */
async function alone(body: (own: Kit) => Promise<void>, options: Parameters<typeof Kit.openOwn>[0] = {}): Promise<void> {
  const own = await Kit.openOwn(options);
  try {
    await body(own);
  } finally {
    await own.close();
  }
}

describe('determinism', () => {
  /** A busy afternoon with faults by chance; gives the log of requests and everything that is known at the end. */
  async function afternoon(receiver: Receiver): Promise<{ log: string; events: string; state: string }> {
    const own = await Kit.openOwn({ seed: 42 });
    const body = { url: receiver.url, enabled_events: ['*'] };
    await own.raw('POST', '/v1/webhook-endpoints', { body });
    await own.control('faults', { operation: 'POST /v1/customers', probability: 0.3, seed: 7, status: 503 });
    await own.control('faults', { operation: 'POST /v1/customers', probability: 0.3, seed: 8, drop: true, when: 'after' });
    await own.control('faults', { operation: 'GET /v1/*', probability: 0.2, seed: 9, status: 429, retryAfterSeconds: 1 });
    for (let n = 0; n < 30; n += 1) {
      await statusOf(own, 'POST', '/v1/customers', { first_name: `Number ${n}` });
      await statusOf(own, 'GET', '/v1/customers?limit=1');
    }
    await own.control('faults', { clear: true });
    const { customer, method } = await own.payer();
    const subscription = { customer_id: customer, payment_method_id: method, price: 777701, currency: 'usd', interval_unit: 'month' };
    await own.raw('POST', '/v1/subscriptions', { body: { ...subscription, billing_cycle_anchor: '2026-02-10' } });
    await own.advance({ days: 40 });
    const log = JSON.stringify(own.sandbox.requests());
    const state = (await own.raw('GET', '/_sandbox/state')).text;
    await own.close();
    return { log, events: receiver.received.map(({ rawBody }) => rawBody.toString()).join('\n'), state };
  }

  it('the same seed and faults twice give byte-identical request logs, webhooks and states', async () => {
    const receiver = await Receiver.open();
    const first = await afternoon(receiver);
    receiver.received.length = 0;
    const second = await afternoon(receiver);
    await receiver.close();
    expect(first.log).toContain('"status":503');
    expect(first.log).toContain('"status":429');
    expect(first.log).toContain('"status":0');
    expect(first.events).toContain('subscription.updated');
    expect(second).toEqual(first);
  });

  it('another seed gives other ids', async () => {
    const [one, other] = [await Kit.openOwn({ seed: 1 }), await Kit.openOwn({ seed: 2 })];
    expect(await one.customer()).not.toBe(await other.customer());
    await Promise.all([one.close(), other.close()]);
  });

  it('reading changes no ids to come', async () => {
    const [quiet, curious] = [await Kit.openOwn(), await Kit.openOwn()];
    await curious.raw('GET', '/v1/customers');
    expect(await curious.customer()).toBe(await quiet.customer());
    await Promise.all([quiet.close(), curious.close()]);
  });
});

describe('faults', () => {
  const create = (own: Kit) => statusOf(own, 'POST', '/v1/customers', {});

  it('hit the next calls of an operation and then no more', () =>
    alone(async (own) => {
      await own.control('faults', { operation: 'POST /v1/customers', times: 2, status: 503 });
      expect(await statusOf(own, 'GET', '/v1/customers')).toBe(200);
      expect([await create(own), await create(own), await create(own)]).toEqual([503, 503, 201]);
      expect(await customerCount(own)).toBe(1);
    }));

  it('let some calls pass first', () =>
    alone(async (own) => {
      await own.control('faults', { operation: '* /v1/customers', skip: 1, status: 500 });
      expect([await create(own), await create(own), await create(own)]).toEqual([201, 500, 201]);
    }));

  it('that drop the connection before the commit leave nothing', () =>
    alone(async (own) => {
      await own.control('faults', { operation: 'POST /v1/customers', drop: true });
      expect(await create(own)).toBe(0);
      expect(await customerCount(own)).toBe(0);
    }));

  it('that drop the connection after the commit leave the object', () =>
    alone(async (own) => {
      await own.control('faults', { operation: 'POST /v1/customers', drop: true, when: 'after' });
      expect(await create(own)).toBe(0);
      expect(await customerCount(own)).toBe(1);
    }));

  it('that answer 500 after the commit leave the object', () =>
    alone(async (own) => {
      await own.control('faults', { operation: 'POST /v1/customers', status: 500, when: 'after' });
      expect(await create(own)).toBe(500);
      expect(await customerCount(own)).toBe(1);
    }));

  it('of 429 look like Cloudflare: a page, not JSON, with Retry-After when asked', () =>
    alone(async (own) => {
      await own.control('faults', { operation: 'GET /v1/*', status: 429, retryAfterSeconds: 3 });
      const answer = await own.raw('GET', '/v1/customers');
      expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('server')]).toEqual([429, '3', 'cloudflare']);
      expect(answer.headers.get('content-type')).toContain('text/html');
      expect(answer.text).toContain('1015');
    }));

  it('answer what they are told to, such as a list of messages', () =>
    alone(async (own) => {
      await own.control('faults', { operation: 'GET /v1/customers/:id', status: 400, body: { message: ['a', 'b'] } });
      expect((await own.raw('GET', '/v1/customers/cus_1')).json).toEqual({ message: ['a', 'b'] });
    }));

  it('without a delay, a status or a drop are refused', () =>
    alone(async (own) => {
      await expect(own.control('faults', { operation: 'GET /v1/*' })).rejects.toThrow('400');
    }));

  it('do not reach the control surface, and are gone after a reset', () =>
    alone(async (own) => {
      await own.control('faults', { operation: '* *', times: 100, status: 503 });
      await own.control('reset');
      const { secretKey } = await own.sandbox.provision({ accountId: own.account, secretKey: own.secretKey });
      expect([secretKey, await create(own)]).toEqual([own.secretKey, 201]);
      expect(await customerCount(own)).toBe(1);
    }));
});

describe('time', () => {
  it('passes by the control surface only, when frozen, and never backwards', () =>
    alone(async (own) => {
      const before = own.sandbox.now();
      await own.advance({ days: 1 });
      expect(own.sandbox.now().getTime() - before.getTime()).toBe(86_400_000);
      await expect(own.advanceTo('2020-01-01')).rejects.toThrow('backwards');
    }));

  it('runs by itself when it is not frozen, and what is due then happens', () =>
    alone(
      async (own) => {
        const line = { quantity: 1, price_data: { currency: 'usd', unit_amount: 5, product_data: { name: 'A' } } };
        const expires_at = new Date(Date.now() + 50).toISOString();
        const body = { line_items: [line], payment_intent_data: { payment_method_types: ['card'] }, expires_at };
        const { json } = await own.raw('POST', '/v1/checkout-sessions', { body });
        const status = async () => (await own.raw('GET', `/v1/checkout-sessions/${String(json['id'])}`)).json['status'];
        while ((await status()) === 'open') await new Promise((resolve) => setTimeout(resolve, 5));
        expect(await status()).toBe('expired');
      },
      { frozenAt: undefined },
    ));

  it('of the batch is shortly after midnight in New York, winter and summer', () => {
    const cases = [
      ['2026-01-15T12:00:00Z', '2026-01-16T05:05:00.000Z'],
      ['2026-01-16T05:04:59Z', '2026-01-16T05:05:00.000Z'],
      ['2026-01-16T05:05:00Z', '2026-01-17T05:05:00.000Z'],
      ['2026-07-15T12:00:00Z', '2026-07-16T04:05:00.000Z'],
      ['2026-03-08T04:00:00Z', '2026-03-08T05:05:00.000Z'],
      ['2026-03-08T12:00:00Z', '2026-03-09T04:05:00.000Z'],
      ['2026-11-01T12:00:00Z', '2026-11-02T05:05:00.000Z'],
    ];
    for (const [from, expected] of cases)
      expect([from, new Date(nextBatchAt(Date.parse(String(from)), 5)).toISOString()]).toEqual([from, expected]);
  });

  it('does in order what becomes due: a refund in part is possible only after the batch on the way', () =>
    alone(async (own) => {
      const receiver = await Receiver.open();
      await own.raw('POST', '/v1/webhook-endpoints', { body: { url: receiver.url, enabled_events: ['*'] } });
      const { customer, method } = await own.payer();
      for (const anchor of ['2026-02-03', '2026-02-01', '2026-02-02']) {
        const body = { customer_id: customer, payment_method_id: method, price: 100, currency: 'usd', interval_unit: 'year' };
        await own.raw('POST', '/v1/subscriptions', { body: { ...body, billing_cycle_anchor: anchor } });
      }
      await own.advanceTo('2026-02-04');
      const times = receiver.received.map(({ event }) => String(event['created_at']));
      expect(times).toEqual([...times].sort());
      expect(times.filter((time) => time.startsWith('2026-02'))).toHaveLength(12);
      await receiver.close();
    }));

  it('of answers is log-normal: half below the median, the same by the same seed, none without options', () => {
    const draw = () => {
      const latency = new Latency({ medianMs: 100, sigma: 0.5, seed: 3, operations: { 'GET /v1/health': { medianMs: 1, sigma: 0 } } });
      return [latency.nextMs('GET /v1/health'), ...Array.from({ length: 1_000 }, () => latency.nextMs('POST /v1/refunds'))];
    };
    const [health, ...others] = draw();
    expect(health).toBe(1);
    expect(Math.abs(others.filter((ms) => ms < 100).length - 500)).toBeLessThan(60);
    expect(draw()).toEqual([health, ...others]);
    expect(new Latency(undefined).nextMs('GET /v1/health')).toBe(0);
  });
});

describe('secrecy', () => {
  const stateFile = join(directory, 'secrecy.sqlite');
  const pan = '370123456789017';
  const [cvc, account] = ['8462', '00098127634'];

  it('one kind of what it knows is shown as in the whole', async () => {
    const own = await Kit.openOwn();
    const { customer } = await own.payer();
    const whole = (await own.raw('GET', '/_sandbox/state')).json;
    const { customers, ...rest } = (await own.raw('GET', '/_sandbox/state?collection=customers')).json;
    await own.close();
    expect(customers).toEqual([expect.objectContaining({ id: customer })]);
    expect(customers).toEqual(whole['customers']);
    expect(Object.keys(rest).toSorted()).toEqual(['is_frozen', 'now']);
  });

  it('no card number, CVC or account number is in the state, on disk, in the log or in an answer', async () => {
    const own = await Kit.openOwn({ stateFile });
    const card = { number: pan, exp_month: 12, exp_year: 2031, cvc };
    const ach = { account_holder_name: 'Ada', account_number: account, account_type: 'checking', routing_number: '021101108' };
    const line = { quantity: 1, price_data: { currency: 'usd', unit_amount: 5, product_data: { name: 'A' } } };
    const session = await own.raw('POST', '/v1/checkout-sessions', {
      body: { line_items: [line], payment_intent_data: { payment_method_types: ['card'] } },
    });
    const answers = [
      await own.raw('POST', '/v1/payment-methods', { body: { type: 'card', card } }),
      await own.raw('POST', '/v1/payment-methods', { body: { type: 'card', card: { ...card, exp_year: 2020 } } }),
      await own.raw('POST', '/v1/payment-methods', { body: { type: pan, card } }),
      await own.raw('POST', '/v1/payment-methods', { body: { type: 'ach_debit', ach_debit: ach } }),
      await own.raw('POST', '/v1/customers', { body: { first_name: 'Ada', card, note: `my card is ${pan}` } }),
      await own.raw('GET', `/v1/customers?q=${pan}`),
      await own.raw('POST', '/_sandbox/tokens', { body: { accountId: own.account, type: 'card', card } }),
      await own.raw('GET', '/_sandbox/state'),
      await own.raw('GET', '/_sandbox/requests'),
    ];
    const form = new URLSearchParams({ name: 'Ada', number: pan, expiry: '12/31', cvc, zip: '1' });
    await fetch(String(session.json['url']), { method: 'POST', body: form });
    const state = (await own.raw('GET', '/_sandbox/state')).text;
    await own.close();
    const files = readdirSync(directory).filter((name) => name.startsWith('secrecy'));
    const seen = [...answers.map(({ text }) => text), state, ...files.map((name) => readFileSync(join(directory, name), 'latin1'))].join(
      '\n',
    );
    expect(seen).toContain('last4');
    for (const secret of [pan, cvc, account, account.replace(/^0+/, '')]) expect(seen).not.toContain(secret);
  });

  it('keys and secrets of webhooks are masked in the state dump', () =>
    alone(async (own) => {
      const body = { url: 'https://receiver.example/hook', enabled_events: ['*'] };
      const { json } = await own.raw('POST', '/v1/webhook-endpoints', { body });
      await own.pay(500);
      const { text } = await own.raw('GET', '/_sandbox/state');
      for (const secret of [own.secretKey, String(json['secret']), '_secret_']) expect(text).not.toContain(secret);
    }));
});

const DETAILS: TokenRecord['details'] = {
  type: 'card',
  card: null,
  card_present: null,
  ach_debit: null,
  eft_debit: null,
  billing_details: null,
};

describe('durability', () => {
  const compiled = join(directory, 'compiled');
  beforeAll(() => compile(['src/sandbox', 'src/tilled', 'src/platform'], compiled));

  it('what was answered survives a SIGKILL, and so do pending deliveries and the course of ids', async () => {
    const receiver = await Receiver.open();
    const stateFile = join(directory, 'durable.sqlite');
    const first = await startProcess(compiled, stateFile);
    await first.post('/v1/webhook-endpoints', { url: receiver.url, enabled_events: ['customer.created'] });
    await first.post('/_sandbox/webhooks', { paused: true });
    const answered: string[] = [];
    const writers = Array.from({ length: 8 }, async () => {
      for (;;) answered.push(String((await first.post('/v1/customers', { first_name: 'Ada' }))['id']));
    });
    while (answered.length < 200) await new Promise((resolve) => setImmediate(resolve));
    first.child.kill('SIGKILL');
    await Promise.allSettled(writers);
    expect(receiver.received).toHaveLength(0);

    const second = await startProcess(compiled, stateFile);
    expect(second.accountId).toBe(first.accountId);
    const kept = await Promise.all(answered.map((id) => second.get(`/v1/customers/${id}`)));
    expect(kept.map((customer) => customer['id'])).toEqual(answered);
    // As many as the first process made before its first customer, and more: a counter begun anew would meet its ids again.
    for (let n = 0; n < 30; n += 1) await second.post('/v1/customers', {});
    const { customers, events } = await second.get('/_sandbox/state');
    const endings = [customers, events].flat().map((record) => Object(record).id.split('_')[1]);
    expect(new Set(endings).size).toBe(endings.length);
    await second.post('/_sandbox/drain', {});
    const told = new Set(receiver.received.map(({ event }) => Object(event['data']).id));
    expect(answered.filter((id) => !told.has(id))).toEqual([]);
    second.child.kill('SIGKILL');
    await receiver.close();
  });

  it('time does not run back over a restart', async () => {
    const stateFile = join(directory, 'clock.sqlite');
    const first = await Kit.openOwn({ stateFile });
    await first.advance({ days: 100 });
    const at = first.sandbox.now();
    await first.close();
    await alone(async (own) => expect(own.sandbox.now()).toEqual(at), { stateFile });
  });

  it('what is not committed can be undone, indexes and order included', () => {
    const store = new Store(undefined);
    const token = (id: string, accountId: string): TokenRecord => ({ id, account_id: accountId, expires_at: '', details: DETAILS });
    for (const id of ['a', 'b', 'c']) store.tokens.put(token(id, 'acct_1'));
    store.commit(() => ({}));
    store.tokens.put(token('a', 'acct_2'));
    store.tokens.delete('a');
    store.tokens.put(token('a', 'acct_3'));
    store.tokens.delete('b');
    store.tokens.put(token('d', 'acct_1'));
    store.rollback();
    const found = (accountId: string) => store.tokens.records([`account_id=${accountId}`]).map(({ id }) => id);
    expect(['acct_1', 'acct_2', 'acct_3'].map(found)).toEqual([['a', 'b', 'c'], [], []]);
  });

  it('a refused request leaves nothing half done', () =>
    alone(async (own) => {
      const line = { quantity: 1, price_data: { currency: 'usd', unit_amount: 5, product_data: { name: 'A' } } };
      const body = { line_items: [line], payment_intent_data: { payment_method_types: ['ach_debit'] } };
      const session = await own.raw('POST', '/v1/checkout-sessions', { body });
      const before = (await own.raw('GET', '/_sandbox/state')).json;
      // The card is kept first and only then found to be of a kind this checkout does not take.
      const form = new URLSearchParams({ name: 'Ada', number: '4111111111111111', expiry: '12/31', cvc: '123', zip: '1' });
      expect((await fetch(String(session.json['url']), { method: 'POST', body: form })).status).toBe(400);
      expect((await own.raw('GET', '/_sandbox/state')).json).toEqual(before);
    }));
});

describe('hosted fields', () => {
  it('are served at /v2 with the surface of Tilled.js, and scripts that at least parse', () =>
    alone(async (own) => {
      const script = (await own.raw('GET', '/v2')).text;
      const window: Record<string, unknown> = {};
      const document = { currentScript: { src: `${own.url}/v2` }, createElement: () => ({ style: {}, addEventListener: () => undefined }) };
      new Script(script).runInNewContext({ window, document, URL, URLSearchParams });
      const Tilled = Object(window['Tilled']);
      const tilled = new Tilled('pk_1', 'acct_1', { sandbox: true });
      const form = await tilled.form({ payment_method_type: 'card' });
      expect([typeof tilled.createPaymentMethod, typeof tilled.confirmPayment]).toEqual(['function', 'function']);
      expect(form.createField('cardNumber').inject({})).toHaveProperty('on');
      for (const name of ['build', 'teardown', 'on', 'getCardBrand']) expect([name, typeof form[name]]).toEqual([name, 'function']);
      expect([form.invalid, form.getCardBrand()]).toEqual([true, 'unknown']);
      for (const path of ['/v2/field?form=1&name=cardNumber', '/v2/bridge?form=1']) {
        const [, inline] = /<script>([\s\S]*)<\/script>/.exec((await own.raw('GET', path)).text) ?? [];
        expect(() => new Script(String(inline))).not.toThrow();
      }
    }));
});

/** Compiles folders of ours into another one, so that a process of its own can run them. */
function compile(folders: string[], target: string): void {
  const root = join(import.meta.dirname, '../..');
  for (const folder of folders) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
      const source = join(entry.parentPath, entry.name);
      const output = join(target, relative(root, source).replace(/\.ts$/, '.js'));
      mkdirSync(dirname(output), { recursive: true });
      writeFileSync(output, transformFileSync(source, { sourceMaps: false }).code);
    }
  }
  writeFileSync(join(target, 'package.json'), '{"type":"module"}');
  writeFileSync(join(target, 'run.js'), RUN);
}

const RUN = `
import { startSandbox } from './src/sandbox/sandbox.js';
const sandbox = await startSandbox({ port: 0, seed: 5, stateFile: process.argv[2] });
console.log(JSON.stringify({ url: sandbox.url, ...(await sandbox.provision({ accountId: 'acct_durable' })) }));
`;

interface SandboxProcess {
  child: ChildProcess;
  accountId: string;
  post(path: string, body: unknown): Promise<Record<string, unknown>>;
  get(path: string): Promise<Record<string, unknown>>;
}

/** A sandbox in a process of its own, once it listens. */
async function startProcess(compiled: string, stateFile: string): Promise<SandboxProcess> {
  const child = spawn(process.execPath, ['--no-warnings', join(compiled, 'run.js'), stateFile], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (chunk) => resolve(String(chunk)));
    child.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
  });
  const { url, accountId, secretKey } = JSON.parse(line);
  const headers = { 'content-type': 'application/json', 'tilled-api-key': secretKey, 'tilled-account': accountId };
  return {
    child,
    accountId,
    post: async (path, body) => JSON.parse(await textOf(fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) }))),
    get: async (path) => JSON.parse(await textOf(fetch(`${url}${path}`, { headers }))),
  };
}

const textOf = async (answer: Promise<Response>) => (await answer).text();
