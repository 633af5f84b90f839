import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { composeFoundation } from '../../dist/src/compose.foundation.js';
import { readConfig } from '../../dist/src/config.js';
import { systemClock } from '../../dist/src/platform/clock.js';
import { createLog } from '../../dist/src/platform/log.js';
import { startSandbox } from '../../dist/src/sandbox/sandbox.js';
import { openTestServer } from '../../test/support/database-server.mjs';

const project = join(import.meta.dirname, '..', '..');
const READY_MS_MAX = 60_000;

/** Our processes on a database of their own, with Tilled's sandbox in this process; webhooks reach nobody. */
class Rig {
  #children = new Map();

  /** @param {'embedded' | 'server'} kind */
  static async open(kind) {
    const rig = new Rig();
    rig.directory = mkdtempSync(join(tmpdir(), 'billing-bench-'));
    rig.server = kind === 'embedded' ? null : await openTestServer(mkdtempSync(join(rig.directory, 'server-')), 'bg_bench_');
    if (rig.server !== null) await onServer(rig.server.url, 'create database bg_bench_rig character set utf8mb4 collate utf8mb4_bin');
    const url = rig.server === null ? `sqlite:${join(rig.directory, 'billing.db')}` : `${rig.server.url}/bg_bench_rig`;
    rig.describedAs = `${rig.server?.describedAs ?? 'the embedded database'}; ${cpus().length} × ${cpus()[0]?.model.trim()}, load ${loadavg()[0]?.toFixed(1)}`;
    rig.sandbox = await startSandbox({ port: 0 });
    rig.partner = await rig.sandbox.provision({ name: 'Partner', type: 'partner' });
    const BILLING_ENCRYPTION_KEY = randomBytes(32).toString('base64');
    const config = readConfig({ DATABASE_URL_BILLING: url, BILLING_ENCRYPTION_KEY }, rig.directory);
    rig.foundation = await composeFoundation({ ...config, clock: systemClock, log: createLog('silent') });
    await rig.foundation.migrator.migrate();
    rig.environment = {
      PATH: process.env.PATH,
      DATABASE_URL_BILLING: url,
      BILLING_ENCRYPTION_KEY,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'silent',
      BILLING_REQUESTS_PER_WINDOW: '1000000000',
      TILLED_BASE_URL: rig.sandbox.url,
      TILLED_SECRET_KEY: rig.partner.secretKey,
      TILLED_PUBLIC_KEY: rig.partner.publishableKey,
      TILLED_WEBHOOK_SECRET: 'whsec_bench_0123456789',
      TILLED_ACCOUNT_ID: rig.partner.accountId,
    };
    return rig;
  }

  async close() {
    for (const name of this.#children.keys()) await this.kill(name);
    await this.foundation.database.close();
    await this.sandbox.close();
    await this.server?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  get database() {
    return this.foundation.database;
  }

  /** An app with an account of its own. */
  async app(id) {
    const account = await this.sandbox.provision({ name: id, type: 'merchant', partnerId: this.partner.accountId });
    await this.foundation.access.createApp({ id, name: id, tilledAccountId: account.accountId });
    const { key } = await this.foundation.access.createKey(id, 'service');
    return { id, key, account };
  }

  /** Starts the gateway; resolves to its address once it is ready. The same name starts it on the same port again. */
  async startGateway(more = {}) {
    this.port ??= await freePort();
    this.#start('gateway', ['dist/src/main.js'], { PORT: String(this.port), ...more });
    return this.#ready(`http://127.0.0.1:${this.port}`);
  }

  /** Starts a worker; resolves once it is ready. */
  async startWorker() {
    const port = await freePort();
    this.#start('worker', ['dist/src/cli/billing.js', 'worker'], { BILLING_WORKER_PORT: String(port) });
    await this.#ready(`http://127.0.0.1:${port}`);
  }

  /** Ends a process as a power cut would. */
  async kill(name) {
    const child = this.#children.get(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Asks the gateway as an app; what it answers to one root field. Null if there was no answer. */
  async ask(url, app, query, input) {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${app.key}` };
    const body = JSON.stringify({ query, variables: { input } });
    const answer = await fetch(`${url}/graphql`, { method: 'POST', headers, body }).then(
      (response) => response.json(),
      () => null,
    );
    return answer?.data ? Object.values(answer.data)[0] : null;
  }

  /** A customer with a card. */
  async payer(url, app, email) {
    const create = 'mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }';
    const { customer } = await this.ask(url, app, create, { email });
    await this.card(url, app, customer.id);
    return customer.id;
  }

  /** A card of a customer. */
  async card(url, app, customerId) {
    const card = { number: '4111111111111111', exp_month: 12, exp_year: 2039, cvc: '123' };
    const billing = { name: 'Ann Lee', address: { street: '1 Main St', zip: '12345', country: 'US' } };
    const { accountId, secretKey } = app.account;
    const method = await fetch(`${this.sandbox.url}/v1/payment-methods`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'tilled-api-key': secretKey, 'tilled-account': accountId },
      body: JSON.stringify({ type: 'card', card, billing_details: billing }),
    }).then((response) => response.json());
    const attach = 'mutation ($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) { paymentMethod { id } } }';
    const { paymentMethod } = await this.ask(url, app, attach, { customerId, tilledPaymentMethodId: method.id });
    return paymentMethod.id;
  }

  /** Sends a payment with a key; null if there was no answer. */
  pay(url, app, { customerId, key }) {
    const create = 'mutation ($input: PaymentCreateInput!) { paymentCreate(input: $input) { payment { id status } userErrors { code } } }';
    return this.ask(url, app, create, { customerId, amount: { amountMinor: 4_200, currency: 'usd' }, idempotencyKey: key });
  }

  /** The sandbox's control surface. */
  async control(path, body) {
    const headers = { 'content-type': 'application/json' };
    const how = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
    return (await fetch(`${this.sandbox.url}/_sandbox/${path}`, how)).json();
  }

  async #ready(url) {
    for (const until = Date.now() + READY_MS_MAX; Date.now() < until; await sleep(25)) {
      const isReady = await fetch(`${url}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
      if (isReady) return url;
    }
    throw new Error(`${url} does not become ready.`);
  }

  #start(name, args, more) {
    const options = { cwd: project, env: { ...this.environment, ...more }, stdio: ['ignore', 'ignore', 'inherit'] };
    this.#children.set(name, spawn(process.execPath, ['--no-warnings', ...args], options));
  }
}

/** Runs `measure` on the embedded database and on a server, or on one of them if told on the command line. */
export async function onBoth(measure) {
  const only = process.argv.slice(2).find((word) => ['embedded', 'server'].includes(word));
  for (const kind of only === undefined ? ['embedded', 'server'] : [only]) {
    const rig = await Rig.open(kind);
    try {
      console.log(`\nOn ${rig.describedAs}`);
      await measure(rig);
    } finally {
      await rig.close();
    }
  }
}

async function onServer(url, statement) {
  const connection = await mysql.createConnection(url);
  await connection.query(statement);
  await connection.end();
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
