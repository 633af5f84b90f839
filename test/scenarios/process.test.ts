import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { print } from 'graphql';
import mysql from 'mysql2/promise';
import { TEST_ENCRYPTION_KEY } from '../support/encryption.js';
import * as ops from '../support/operations.generated.js';
import {
  billing,
  type Environment,
  freePort,
  gatewayThatEnds,
  type RunningProcess,
  runningBilling,
  runningGateway,
} from '../support/processes.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';
import { VISA } from '../support/world.js';

const TILLED = {
  TILLED_BASE_URL: 'http://127.0.0.1:1',
  TILLED_SECRET_KEY: 'sk_hunter2_0123456789',
  TILLED_PUBLIC_KEY: 'pk_hunter2_0123456789',
  TILLED_WEBHOOK_SECRET: 'whsec_hunter2_0123456789',
  TILLED_ACCOUNT_ID: 'acct_0123456789',
  BILLING_ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
};

let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'billing-process-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

if (globalThis.TEST_DATABASE === 'embedded') {
  describe('the gateway without any configuration', () => {
    let environment: Environment;
    let running: RunningProcess;
    let demo: Record<string, string>;

    beforeAll(async () => {
      environment = { BILLING_DATA_DIR: dataDir, PORT: String(await freePort()), TILLED_SANDBOX_PORT: String(await freePort()) };
      running = await runningGateway(environment);
      demo = await readDemo(dataDir);
    });
    afterAll(() => running.end('SIGKILL'));

    it('answers a query with the key of demo.env', async () => {
      expect(await ask(demo, ops.AppDocument)).toMatchObject({ data: { app: { id: 'demo', name: 'Demo' } } });
    });

    it('says where everything is, with a line to paste that works', async () => {
      for (const name of ['BILLING_URL', 'TILLED_BASE_URL']) expect(running.words).toContain(demo[name]);
      for (const name of ['BILLING_SERVICE_KEY', 'TILLED_SECRET_KEY', 'TILLED_WEBHOOK_SECRET'])
        expect(running.words).not.toContain(demo[name]);
      expect(running.words).toContain(path.join(dataDir, 'demo.env'));
      const pasted = /-d '(.*)'/.exec(running.words)?.[1] ?? '';
      const response = await fetch(`${demo['BILLING_URL']}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${demo['BILLING_SERVICE_KEY']}` },
        body: pasted,
      });
      expect(await response.json()).toMatchObject({ data: { app: { id: 'demo' } } });
    });

    it('writes exactly these eight lines, for nobody else to read', async () => {
      const file = path.join(dataDir, 'demo.env');
      expect((await readFile(file, 'utf8')).trimEnd().split('\n')).toEqual([
        `BILLING_URL=http://127.0.0.1:${environment['PORT']}`,
        'BILLING_APP_ID=demo',
        expect.stringMatching(/^BILLING_SERVICE_KEY=bg_svc_\S{40,}$/),
        `TILLED_BASE_URL=http://127.0.0.1:${environment['TILLED_SANDBOX_PORT']}`,
        expect.stringMatching(/^TILLED_ACCOUNT_ID=acct_\S+$/),
        expect.stringMatching(/^TILLED_PUBLIC_KEY=pk_\S+$/),
        expect.stringMatching(/^TILLED_SECRET_KEY=sk_\S+$/),
        expect.stringMatching(/^TILLED_WEBHOOK_SECRET=\S{8,}$/),
      ]);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    });

    it('shows a browser an explorer that comes from nowhere else', async () => {
      const response = await fetch(`${demo['BILLING_URL']}/graphql`, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });
      expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
      const page = await response.text();
      const addresses = [...page.matchAll(/(?:src|href)\s*=\s*["']?([^"'\s>]+)/gi)].map((match) => match[1] ?? '');
      expect(addresses.length).toBeGreaterThan(2);
      expect(addresses.filter((address) => /^(?:[a-z]+:)?\/\//i.test(address))).toEqual([]);
      const base = new URL(addresses.find((address) => address.endsWith('/')) ?? '/', `${demo['BILLING_URL']}/graphql`);
      const files = addresses.filter((address) => /\.(?:js|css|ico|png|svg)$/.test(address));
      expect(files.length).toBeGreaterThan(1);
      for (const file of files) expect([file, (await fetch(new URL(file, base))).status]).toEqual([file, 200]);
      expect(response.headers.get('content-security-policy')).toMatch(/connect-src 'self'/);
      expect(response.headers.get('content-security-policy')).not.toMatch(/https?:/);
    });

    it('takes a payment, and hears of it by the webhooks of its sandbox', async () => {
      const { paymentId } = await pay(demo);
      await until(async () => {
        const { data } = await ask(demo, ops.WebhookEventsDocument, { first: 100, status: ['PROCESSED'] });
        return data['webhookEvents']?.['nodes']?.some((event) => event['type'] === 'payment_intent.succeeded') ?? false;
      });
      expect(await ask(demo, ops.PaymentDocument, { id: paymentId })).toMatchObject({ data: { payment: { status: 'SUCCEEDED' } } });
    });

    it('logs one JSON object a line, and no credential', async () => {
      await pay(demo);
      const { status, stdout, stderr } = await running.end('SIGTERM');
      running = await runningGateway(environment);
      expect([status, stderr]).toEqual([0, '']);
      const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
      expect(lines.length).toBeGreaterThan(5);
      for (const line of lines)
        expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), message: expect.any(String), timestamp: expect.any(String) });
      const log = lines.join('\n');
      for (const name of ['BILLING_SERVICE_KEY', 'TILLED_PUBLIC_KEY', 'TILLED_SECRET_KEY', 'TILLED_WEBHOOK_SECRET'])
        expect(log).not.toContain(demo[name]);
      expect(log).not.toContain(VISA);
    });

    it.each([
      'SIGINT',
      'SIGTERM',
    ] as const)('drains on %s, says that it has, ends with status 0, and finds the same data and key at the next start', async (signal) => {
      const { paymentId } = await pay(demo);
      const { status, stdout } = await running.end(signal);
      const [last = '{}'] = stdout.trimEnd().split('\n').slice(-1);
      expect([status, JSON.parse(last)]).toEqual([0, expect.objectContaining({ message: 'gateway stopped', signal })]);
      running = await runningGateway(environment);
      expect(await readDemo(dataDir)).toEqual(demo);
      expect(await ask(demo, ops.PaymentDocument, { id: paymentId })).toMatchObject({
        data: { payment: { id: paymentId, status: 'SUCCEEDED' } },
      });
    });

    it('loses nothing that was answered when it is killed, neither here nor at the sandbox', async () => {
      const { paymentId } = await pay(demo);
      await running.end('SIGKILL');
      running = await runningGateway(environment);
      expect(await readDemo(dataDir)).toEqual(demo);
      const { data } = await ask(demo, ops.PaymentDocument, { id: paymentId });
      expect(data.payment).toMatchObject({ id: paymentId, status: 'SUCCEEDED', captured: { amountMinor: 4_200 } });
      const intents = (await tilled(demo, 'GET', '/v1/payment-intents?limit=100')) as { items: { metadata: object; status: string }[] };
      expect(intents.items.find(({ metadata }) => JSON.stringify(metadata).includes(paymentId))).toMatchObject({ status: 'succeeded' });
      const { data: refunded } = await ask(demo, ops.RefundCreateDocument, { input: { paymentId } });
      expect(refunded.refundCreate).toMatchObject({ refund: { status: 'SUCCEEDED' }, userErrors: [] });
    });

    it("lives in its sandbox's time: what is begun after the clock was moved a month is charged at once, and ends by that time", async () => {
      await pay(demo);
      const { data: customers } = await ask(demo, ops.CustomersDocument, { first: 1 });
      const customerId = customers.customers?.['nodes']?.[0]?.['id'];
      const moved = await fetch(`${demo['TILLED_BASE_URL']}/_sandbox/clock`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ advanceMs: 31 * 86_400_000 }),
      });
      const { now } = (await moved.json()) as { now: string };
      const price = { amountMinor: 900, currency: 'usd' };
      const { data } = await ask(demo, ops.SubscriptionCreateDocument, { input: { customerId, price } });
      expect(data.subscriptionCreate).toMatchObject({ userErrors: [] });
      const id = data['subscriptionCreate']?.['subscription']?.['id'] ?? '';
      const read = async () => (await ask(demo, ops.SubscriptionDocument, { id })).data.subscription;
      await until(async () => (await read())?.['status'] === 'ACTIVE');
      const period = await read();
      const beganAfterMs = Date.parse(String(period?.['currentPeriodStart'])) - Date.parse(now);
      expect(beganAfterMs).toBeGreaterThanOrEqual(0);
      expect(beganAfterMs).toBeLessThan(60_000);
      const past = new Date(Date.parse(now) - 1_000).toISOString();
      const { data: paused } = await ask(demo, ops.SubscriptionPauseDocument, { input: { id, resumeAt: past } });
      expect(paused.subscriptionPause).toMatchObject({ userErrors: [{ code: 'INVALID', field: ['resumeAt'] }] });
      const { data: ended } = await ask(demo, ops.SubscriptionCancelDocument, { input: { id, mode: 'AT_PERIOD_END' } });
      expect(ended.subscriptionCancel).toMatchObject({ subscription: { status: 'ACTIVE', cancelAt: period?.['currentPeriodEnd'] } });
    });

    it('says in one sentence which port is taken', async () => {
      const other = await mkdtemp(path.join(tmpdir(), 'billing-process-'));
      const { status, stderr } = await gatewayThatEnds({ ...environment, BILLING_DATA_DIR: other, TILLED_SANDBOX_PORT: '0' });
      await rm(other, { recursive: true });
      expect(status).not.toBe(0);
      expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(`${environment['PORT']}`)]);
      expect(stderr).toContain('PORT');
    });
  });

  // What opens no database is the same on both: proved here only.
  describe('the gateway in production', () => {
    const production = { NODE_ENV: 'production', PORT: '0' };

    it('without variables ends with status 78 and names every one that is missing', async () => {
      const { status, stderr, stdout } = await gatewayThatEnds({ ...production, BILLING_DATA_DIR: dataDir });
      expect([status, stdout]).toEqual([78, '']);
      const tilled = ['TILLED_SECRET_KEY', 'TILLED_PUBLIC_KEY', 'TILLED_ACCOUNT_ID'];
      const names = ['DATABASE_URL_BILLING', ...tilled, 'BILLING_ENCRYPTION_KEY'];
      expect(stderr.trim().split('\n')).toEqual(
        names.map((name) => expect.stringMatching(new RegExp(`^${name} is missing: .* for example `))),
      );
    });

    it('refuses the embedded database, and shows no secret while saying so', async () => {
      const { status, stderr } = await gatewayThatEnds({
        ...production,
        ...TILLED,
        DATABASE_URL_BILLING: `sqlite:${path.join(dataDir, 'x.db')}`,
      });
      expect(status).toBe(78);
      expect(stderr).toMatch(/^DATABASE_URL_BILLING .*embedded.*refused in production/);
      expect(stderr).not.toContain('hunter2');
    });

    it('refuses a database without a pool of its own', async () => {
      const { status, stderr } = await gatewayThatEnds({
        ...production,
        ...TILLED,
        DATABASE_URL_BILLING: 'mysql://u:hunter2@db/billing_db',
      });
      expect(status).toBe(78);
      expect(stderr).toMatch(/^DATABASE_URL_BILLING is unpooled/);
      expect(stderr).not.toContain('hunter2');
    });

    it('refuses to run the sandbox', async () => {
      const { status, stderr, stdout } = await billing(['sandbox', '--port', '0'], { ...production, ...TILLED });
      expect([status, stdout]).toEqual([78, '']);
      expect(stderr).toMatch(/sandbox.*production/);
    });
  });

  describe('the command line, before it opens a database', () => {
    const environment = { DATABASE_URL_BILLING: 'sqlite::memory:', ...TILLED };

    it.each([
      ['an unknown role', ['keys', 'create', '--app', 'shop', '--role', 'root'], 64, /--role.*invalid.*service/],
      ['no app', ['keys', 'create'], 64, /--app/],
      ['no name', ['apps', 'create', 'x'], 64, /--name/],
      ['an unknown command', ['destroy'], 64, /destroy/],
    ])('refuses %s, and says why without a stack', async (_, args, expected, words) => {
      const { status, stdout, stderr } = await billing(args, { ...environment, BILLING_DATA_DIR: dataDir });
      expect([status, stdout]).toEqual([expected, '']);
      expect(stderr).toMatch(words);
      expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
    });

    it('says what is wrong with its configuration', async () => {
      const { status, stderr } = await billing(['migrate'], {
        ...environment,
        BILLING_DATA_DIR: dataDir,
        DATABASE_URL_BILLING: 'postgres://u:hunter2@h/d',
      });
      expect([status, stderr]).toEqual([78, expect.stringMatching(/^DATABASE_URL_BILLING is not a mysql:\/\/ URL/)]);
      expect(stderr).not.toContain('hunter2');
    });

    it.each(['SIGTERM', 'SIGINT'] as const)('runs the sandbox alone until %s, and leaves nothing running', async (signal) => {
      const running = await runningBilling(
        ['sandbox', '--port', '0'],
        { ...environment, BILLING_DATA_DIR: dataDir },
        'TILLED_SECRET_KEY=sk_',
      );
      const url = /^TILLED_BASE_URL=(.*)$/m.exec(running.words)?.[1] ?? '';
      expect((await fetch(`${url}/v1/customers`)).status).toBe(401);
      const late = { operation: 'GET /v1/customers', delayMs: 60_000 };
      await fetch(`${url}/_sandbox/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(late),
      });
      const unanswered = fetch(`${url}/v1/customers`).then(String, () => 'cut off');
      const seen = async () => ((await (await fetch(`${url}/_sandbox/requests`)).json()) as { requests: unknown[] }).requests.length;
      await until(async () => (await seen()) === 2);
      expect(await running.end(signal)).toMatchObject({ status: 0, stderr: '' });
      expect(await unanswered).toBe('cut off');
      await expect(fetch(`${url}/v1/customers`)).rejects.toThrow();
    });

    it('shows how it is used', async () => {
      const { status, stdout } = await billing(['--help'], environment);
      expect(status).toBe(0);
      for (const command of ['migrate', 'apps', 'keys', 'sandbox']) expect(stdout).toContain(command);
    });
  });
}

if (globalThis.TEST_DATABASE === 'mysql') {
  describe('the gateway on a MySQL server', () => {
    let scratch: ScratchDatabase;
    let environment: Environment;

    beforeAll(async () => {
      scratch = await createScratchDatabase();
      environment = on(`${scratch.url}?connection_limit=5`);
    });
    afterAll(() => scratch.drop());

    const on = (url: string) => ({ NODE_ENV: 'production', HOST: '127.0.0.1', PORT: '0', ...TILLED, DATABASE_URL_BILLING: url });

    it('says that the server cannot be reached, with a status that means "try again"', async () => {
      const url = 'mysql://billing:hunter2@127.0.0.1:1/billing_db?connection_limit=5';
      for (const { status, stderr } of await Promise.all([gatewayThatEnds(on(url)), billing(['migrate'], on(url))])) {
        expect([status, stderr]).toEqual([69, 'The database server at 127.0.0.1:1 cannot be reached (ECONNREFUSED).\n']);
      }
    });

    it('says that the database is missing', async () => {
      const url = new URL(environment['DATABASE_URL_BILLING'] ?? '');
      url.pathname = '/bg_test_nowhere';
      for (const { status, stderr } of await Promise.all([gatewayThatEnds(on(url.toString())), billing(['migrate'], on(url.toString()))])) {
        expect([status, stderr]).toEqual([
          78,
          expect.stringMatching(/^The server at \S+ has no database "bg_test_nowhere": create it.*\n$/),
        ]);
        expect(stderr).not.toContain(url.password);
      }
    });

    it('says that the user or password is wrong, and shows neither', async () => {
      const url = new URL(environment['DATABASE_URL_BILLING'] ?? '');
      url.password = 'hunter2';
      for (const { status, stderr } of await Promise.all([gatewayThatEnds(on(url.toString())), billing(['migrate'], on(url.toString()))])) {
        expect([status, stderr]).toEqual([
          78,
          expect.stringMatching(
            /^The server at \S+ refused the user or password of DATABASE_URL_BILLING, or wants TLS: say ssl-mode=\w+ and ssl-ca\.\n$/,
          ),
        ]);
      }
    });

    it('says that it is not migrated, and what to run', async () => {
      for (const { status, stderr } of await Promise.all([gatewayThatEnds(environment), billing(['apps', 'list'], environment)])) {
        expect([status, stderr]).toEqual([
          78,
          expect.stringMatching(/^The database "bg_test_\w+" is not migrated: .*0001-core.* Run: billing migrate\n$/),
        ]);
      }
    });

    it("says that it is the wrong database when it holds somebody else's tables, and migrates nothing there", async () => {
      const foreign = await createScratchDatabase();
      const connection = await mysql.createConnection(foreign.url);
      await connection.query('create table orders (id int)');
      const wrong = on(`${foreign.url}?connection_limit=5`);
      for (const { status, stderr } of await Promise.all([gatewayThatEnds(wrong), billing(['migrate'], wrong)])) {
        expect([status, stderr]).toEqual([78, expect.stringMatching(/orders.*[Bb]illing needs .*own.*\n$/)]);
      }
      const [tables] = await connection.query('show tables');
      expect(tables).toHaveLength(1);
      await connection.end();
      await foreign.drop();
    });

    it('starts once it is migrated, serves with a key of the command line, has no explorer, and ends with status 0', async () => {
      expect(await billing(['migrate'], environment)).toMatchObject({ status: 0, stderr: '' });
      await billing(['apps', 'create', 'shop', '--name', 'Shop'], environment);
      const { key } = JSON.parse(
        (await billing(['keys', 'create', '--app', 'shop', '--role', 'service', '--json'], environment)).stdout,
      ) as { key: string };
      const port = await freePort();
      const running = await runningGateway({ ...environment, PORT: String(port) });
      const demo = { BILLING_URL: `http://127.0.0.1:${port}`, BILLING_SERVICE_KEY: key };
      expect(await ask(demo, ops.AppDocument)).toMatchObject({ data: { app: { id: 'shop', name: 'Shop' } } });
      const page = await fetch(`${demo.BILLING_URL}/graphql`, { headers: { accept: 'text/html' } });
      expect(page.headers.get('content-type')).not.toContain('text/html');
      const { status, stdout, stderr } = await running.end('SIGTERM');
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout + stderr).not.toMatch(/hunter2/);
    });
  });
}

describe('the command line', () => {
  let scratch: ScratchDatabase;
  let environment: Environment;

  beforeAll(async () => {
    scratch = await createScratchDatabase();
    environment = { DATABASE_URL_BILLING: scratch.url, BILLING_DATA_DIR: dataDir, ...TILLED };
  });
  afterAll(() => scratch.drop());

  it('migrates, and says what it did', async () => {
    expect(await billing(['migrate'], environment)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^0001-core\n {2}1\/\d+ create table billing_apps .* ms\n[\s\S]*\nApplied 0001-core.*\.\n$/),
      stderr: '',
    });
    expect(await billing(['migrate'], environment)).toEqual({ status: 0, stdout: 'The schema is up to date.\n', stderr: '' });
  });

  it('makes an app on the configured account, or on a given one', async () => {
    const made = await billing(['apps', 'create', 'shop', '--name', 'The Shop', '--json'], environment);
    expect([made.status, JSON.parse(made.stdout), made.stderr]).toEqual([
      0,
      { id: 'shop', name: 'The Shop', tilledAccountId: 'acct_0123456789' },
      '',
    ]);
    const other = await billing(['apps', 'create', 'club', '--name', 'Club', '--tilled-account', 'acct_club'], environment);
    expect([other.status, other.stdout]).toEqual([0, 'Made app club on Tilled account acct_club.\n']);
    const listed = await billing(['apps', 'list', '--json'], environment);
    expect(JSON.parse(listed.stdout)).toMatchObject([{ id: 'shop' }, { id: 'club', tilledAccountId: 'acct_club' }]);
    expect(listed.stdout).not.toMatch(/secret/i);
  });

  it.each([
    ['service', /^bg_svc_/],
    ['read-only', /^bg_ro_/],
    ['operator', /^bg_ops_/],
  ])('makes a %s key and prints it, once', async (role, pattern) => {
    const args = ['keys', 'create', '--app', 'shop', '--role', role];
    const [made, again] = await Promise.all([billing([...args, '--json'], environment), billing(args, environment)]);
    const { key, ...rest } = JSON.parse(made.stdout) as { key: string };
    expect([made.status, made.stderr]).toEqual([0, '']);
    expect(rest).toEqual({ id: expect.stringMatching(/^key_/), app: 'shop', role });
    expect(key).toMatch(pattern);
    expect(again.stdout).toMatch(pattern);
    expect(again.stdout.trim()).not.toBe(key);
  });

  it.each([
    ['an app that is not there', ['keys', 'create', '--app', 'nobody'], 1, /^There is no app nobody\.\n$/],
    ['an id that is taken', ['apps', 'create', 'shop', '--name', 'Again'], 1, /^There is an app shop already\.\n$/],
    ['an id that is none', ['apps', 'create', 'a shop!', '--name', 'Shop'], 1, /^An app id has .*\n$/],
  ])('refuses %s, and says why without a stack', async (_, args, expected, words) => {
    const { status, stdout, stderr } = await billing(args, environment);
    expect([status, stdout]).toEqual([expected, '']);
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
  });
});

/** The KEY=VALUE lines of demo.env. */
async function readDemo(directory: string): Promise<Record<string, string>> {
  const lines = (await readFile(path.join(directory, 'demo.env'), 'utf8')).trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** JSON that a test looks into without having said what it is. */
type AnyJson = { readonly [name: string]: AnyJson } & readonly AnyJson[] & string;

async function ask(
  demo: Record<string, string>,
  document: Parameters<typeof print>[0],
  variables: object = {},
): Promise<{ data: AnyJson }> {
  const response = await fetch(`${demo['BILLING_URL']}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${demo['BILLING_SERVICE_KEY']}` },
    body: JSON.stringify({ query: print(document), variables }),
  });
  return (await response.json()) as { data: AnyJson };
}

async function tilled(demo: Record<string, string>, method: string, route: string, body?: object): Promise<unknown> {
  const headers = {
    'content-type': 'application/json',
    'tilled-api-key': demo['TILLED_SECRET_KEY'] ?? '',
    'tilled-account': demo['TILLED_ACCOUNT_ID'] ?? '',
  };
  const response = await fetch(`${demo['TILLED_BASE_URL']}${route}`, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  });
  return response.json();
}

/** A new customer, a card and a payment of 42.00 usd, all as demo.env allows anybody to do it. */
async function pay(demo: Record<string, string>): Promise<{ paymentId: string }> {
  const created = await ask(demo, ops.CustomerCreateDocument, { input: { email: 'ann@example.com' } });
  const customerId = created.data['customerCreate']?.['customer']?.['id'] ?? '';
  const card = { type: 'card', card: { number: VISA, exp_month: 12, exp_year: 2031, cvc: '123' } };
  const address = { name: 'Ann Lee', address: { street: '1 Main St', zip: '12345', country: 'US' } };
  const method = (await tilled(demo, 'POST', '/v1/payment-methods', { ...card, billing_details: address })) as { id: string };
  await ask(demo, ops.PaymentMethodAttachDocument, { input: { customerId, tilledPaymentMethodId: method.id } });
  const paid = await ask(demo, ops.PaymentCreateDocument, { input: { customerId, amount: { amountMinor: 4_200, currency: 'usd' } } });
  expect(paid.data).toMatchObject({ paymentCreate: { payment: { status: 'SUCCEEDED' }, userErrors: [] } });
  return { paymentId: paid.data['paymentCreate']?.['payment']?.['id'] ?? '' };
}

async function until(check: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('It did not happen within 10 s.');
}
