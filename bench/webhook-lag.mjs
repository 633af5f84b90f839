/**
 * `npm run bench:webhooks`: how long it takes from a change at Tilled, and from its delivery, until our rows show it.
 *
 *   npm run bench:webhooks -- --rate 100 --seconds 30 --workers 0 --latency 150 --embedded
 *
 * The gateway is a process of its own on a private MariaDB/MySQL (embedded where there is none, or with --embedded); the sandbox and the
 * changes are in this one. --workers adds `billing worker` processes; --latency is the median of the time that Tilled takes to show an
 * object, ms (log-normal, sigma 0.5). It prints figures and asserts nothing.
 */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import mysql from 'mysql2/promise';
import { composeFoundation } from '../dist/src/compose.js';
import { readConfig } from '../dist/src/config.js';
import { systemClock } from '../dist/src/platform/clock.js';
import { createLog } from '../dist/src/platform/log.js';
import { startSandbox } from '../dist/src/sandbox/sandbox.js';
import { openTestServer } from '../test/support/database-server.mjs';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '30' },
    workers: { type: 'string', default: '0' },
    latency: { type: 'string', default: '150' },
    embedded: { type: 'boolean', default: false },
  },
});
const [rate, seconds, workers, latency] = [values.rate, values.seconds, values.workers, values.latency].map(Number);
const project = join(import.meta.dirname, '..');
const APP = 'bench';
const CUSTOMERS = 20;
const SUBSCRIPTIONS_EACH = 10;

const directory = mkdtempSync(join(tmpdir(), 'billing-bench-'));
const children = [];
const server = values.embedded ? null : await openTestServer(directory, 'bg_bench_').catch(() => null);
const scratch = mkdtempSync(join(tmpdir(), 'billing-bench-data-'));
try {
  await measure(await openDatabase());
} finally {
  for (const child of children) child.kill('SIGKILL');
  await server?.close();
  for (const path of [directory, scratch]) rmSync(path, { recursive: true, force: true });
}

/** A database without tables. */
async function openDatabase() {
  if (server === null) return { url: `sqlite:${join(scratch, 'billing.db')}`, describedAs: 'the embedded database' };
  const connection = await mysql.createConnection(server.url);
  await connection.query('create database bg_bench_lag character set utf8mb4 collate utf8mb4_bin');
  await connection.end();
  return { url: `${server.url}/bg_bench_lag`, describedAs: server.describedAs };
}

async function measure(database) {
  const sandbox = await startSandbox({ port: 0, requestLog: false });
  const partner = await sandbox.provision({ name: 'Partner', type: 'partner' });
  const merchant = await sandbox.provision({ name: 'Merchant', type: 'merchant', partnerId: partner.accountId });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const ask = (account, method, path, body) => call(sandbox.url + path, method, body, keysOf(account));
  const events = { url: `${url}/api/billing/webhooks`, enabled_events: ['*'] };
  const endpoint = await ask(partner, 'POST', '/v1/webhook-endpoints', events);
  const BILLING_ENCRYPTION_KEY = randomBytes(32).toString('base64');
  const config = readConfig({ DATABASE_URL_BILLING: database.url, BILLING_ENCRYPTION_KEY }, project);
  const foundation = await composeFoundation({ ...config, clock: systemClock, log: createLog('silent') });
  await foundation.migrator.migrate();
  await foundation.access.createApp({ id: APP, name: 'Bench', tilledAccountId: merchant.accountId });
  const { key } = await foundation.access.createKey(APP, 'service');
  const environment = {
    DATABASE_URL_BILLING: database.url,
    BILLING_ENCRYPTION_KEY,
    HOST: '127.0.0.1',
    PORT: String(port),
    LOG_LEVEL: 'error',
    TILLED_BASE_URL: sandbox.url,
    TILLED_SECRET_KEY: partner.secretKey,
    TILLED_PUBLIC_KEY: partner.publishableKey,
    TILLED_WEBHOOK_SECRET: endpoint.secret,
    TILLED_ACCOUNT_ID: partner.accountId,
    BILLING_WORKER: workers > 0 ? 'off' : 'on',
  };
  start(['dist/src/main.js'], environment);
  for (let count = 0; count < workers; count += 1) start(['dist/src/cli/billing.js', 'worker'], environment);
  while (!(await fetch(`${url}/readyz`).catch(() => null))?.ok) await sleep(50);

  const subscriptionIds = await makeSubscriptions({ url, key, ask: (...args) => ask(merchant, ...args) });
  await settled(foundation);
  const operations = { 'GET /v1/subscriptions/:id': { medianMs: latency, sigma: 0.5 } };
  if (latency > 0) await call(`${sandbox.url}/_sandbox/latency`, 'POST', { medianMs: 0, sigma: 0, operations }, {});
  const startedAt = new Date();
  const late = await change(subscriptionIds, (id, price) => ask(merchant, 'PATCH', `/v1/subscriptions/${id}`, { price }));
  await sandbox.drain();
  await settled(foundation);
  await report(foundation, { database, startedAt, late });
  for (const child of children) child.kill('SIGKILL');
  await foundation.database.close();
  await sandbox.close();
}

/** Makes one change after the other at the rate that was asked for; returns by how much the last one was late, ms. */
async function change(ids, changeOne) {
  const pending = [];
  const began = performance.now();
  const total = rate * seconds;
  for (let index = 0; index < total; index += 1) {
    const dueMs = began + (index * 1000) / rate;
    if (performance.now() < dueMs) await sleep(dueMs - performance.now());
    pending.push(changeOne(ids[Math.floor(Math.random() * ids.length)], 100 + index));
  }
  const late = Math.trunc(performance.now() - began - ((total - 1) * 1000) / rate);
  await Promise.all(pending);
  return late;
}

async function report({ database: opened }, { database, startedAt, late }) {
  const rows = await opened.query(
    'select payload, received_at, processed_at, status from billing_webhooks where app_id = ? and received_at >= ?',
    [APP, startedAt],
  );
  const times = rows.map((row) => ({
    created: new Date(JSON.parse(row.payload).created_at).getTime(),
    received: new Date(row.received_at).getTime(),
    processed: row.processed_at === null ? Number.NaN : new Date(row.processed_at).getTime(),
  }));
  const [cpu] = cpus();
  const rig = `${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, load ${loadavg()[0]?.toFixed(1)}, Node ${process.versions.node}`;
  console.log(`\n${rows.length} events, ${rate} a second for ${seconds} s, the last change ${late} ms late; ${database.describedAs}`);
  console.log(
    `${rig}; ${workers > 0 ? `${workers} worker processes` : 'the worker in the gateway'}; sandbox and changes on the same machine`,
  );
  console.log(
    line(
      'delivery to projection',
      times.map(({ received, processed }) => processed - received),
    ),
  );
  console.log(
    line(
      'change to projection',
      times.map(({ created, processed }) => processed - created),
    ),
  );
  const unhandled = rows.filter((row) => row.status !== 'PROCESSED').length;
  console.log(`not handled at the end: ${unhandled}`);
}

function line(what, all) {
  const sorted = all.filter((ms) => !Number.isNaN(ms)).sort((one, other) => one - other);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return `${what.padEnd(24)} p50 ${at(0.5)} ms   p95 ${at(0.95)} ms   p99 ${at(0.99)} ms   max ${sorted.at(-1)} ms`;
}

/** Customers with a card each and subscriptions that take nothing yet; returns the ids at Tilled. */
async function makeSubscriptions({ url, key, ask }) {
  const graphql = async (query, input) => {
    const { data, errors } = await call(`${url}/graphql`, 'POST', { query, variables: { input } }, { authorization: `Bearer ${key}` });
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  const anchor = new Date(Date.now() + 30 * 86_400_000).toISOString();
  const oneCustomer = async (_, index) => {
    const made = await graphql('mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }', {
      email: `${index}@example.com`,
    });
    const customerId = made.customerCreate.customer.id;
    const card = { number: '4111111111111111', exp_month: 12, exp_year: 2039, cvc: '123' };
    const billing = { name: 'Ann Lee', address: { street: '1 Main St', zip: '12345', country: 'US' } };
    const method = await ask('POST', '/v1/payment-methods', { type: 'card', card, billing_details: billing });
    const attach = 'mutation ($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) { paymentMethod { id } } }';
    await graphql(attach, { customerId, tilledPaymentMethodId: method.id });
    const create = 'mutation ($input: SubscriptionCreateInput!) { subscriptionCreate(input: $input) { subscription { id } } }';
    for (let count = 0; count < SUBSCRIPTIONS_EACH; count += 1)
      await graphql(create, { customerId, price: { amountMinor: 1_000, currency: 'usd' }, billingCycleAnchor: anchor });
  };
  await Promise.all(Array.from({ length: CUSTOMERS }, oneCustomer));
  const pages = await Promise.all([0, 100].map((offset) => ask('GET', `/v1/subscriptions?limit=100&offset=${offset}`)));
  return pages.flatMap((page) => page.items.map(({ id }) => id));
}

/** Waits until nothing is left to do but what repeats for ever. */
async function settled({ database }) {
  for (let quiet = 0; quiet < 3; await sleep(200)) {
    const left = await database.query(
      "select id from billing_jobs where kind not in ('webhook.backfill', 'reconcile', 'retention.sweep') and state <> 'dead' union all select id from billing_webhooks where unqueued_since is not null",
      [],
    );
    quiet = left.length === 0 ? quiet + 1 : 0;
  }
}

function start(args, environment) {
  const child = spawn(process.execPath, ['--no-warnings', ...args], {
    cwd: project,
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
}

async function call(url, method, body, headers) {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: HTTP ${response.status} ${text}`);
  return JSON.parse(text);
}

function keysOf({ accountId, secretKey }) {
  return { 'tilled-api-key': secretKey, 'tilled-account': accountId };
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
