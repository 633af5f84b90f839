import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { composeGateway } from '../../src/compose.js';
import { composeLocalLimits } from '../../src/compose.limits.js';
import { readConfig } from '../../src/config.js';
import { createHttpServer } from '../../src/http/server.js';
import { systemClock } from '../../src/platform/clock.js';
import { watchedDatabase } from '../../src/platform/db/observer.js';
import { createLog } from '../../src/platform/log.js';
import { Metrics } from '../../src/platform/metrics.js';
import { signPayload } from '../../src/tilled/tilled.signature.js';
import { TEST_ENCRYPTION } from '../support/encryption.js';
import * as ops from '../support/operations.generated.js';
import { freePort, runningBilling } from '../support/processes.js';
import { Scrape } from '../support/scrape.js';
import { type TestApp, UNLIMITED, World } from '../support/world.js';

const DOCUMENT = path.resolve(import.meta.dirname, '../../docs/metrics.md');
/** What an id of ours or of Tilled, a key, a card or an e-mail address looks like. */
const PERSONAL = /_[0-9a-z]{16,}|\bapp-\d|acct_|\d{6,}|@|sk_|pk_|bg_/i;
const CARD = '4111111111111111';

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
});
afterEach(() => world.control('faults', { clear: true }));
afterAll(() => world.close());

/** How much metrics grow while `work` runs. */
async function growth(work: () => Promise<unknown>): Promise<(name: string, labels?: Record<string, string>) => number> {
  const before = await Scrape.from(world.url);
  await work();
  const after = await Scrape.from(world.url);
  return (name, labels) => after.since(before, name, labels);
}

describe('what the metrics count', () => {
  it('is every delivery, by what became of it', async () => {
    const payload = JSON.stringify({ id: 'evt_1', type: 'customer.updated', account_id: app.accountId, data: { id: `cus_${CARD}` } });
    const post = (secret: string, body = payload, agoMs = 0) =>
      fetch(`${world.url}/api/billing/webhooks/${app.id}`, {
        method: 'POST',
        headers: { 'tilled-signature': signPayload({ secret, timestampMs: world.sandbox.now().getTime() - agoMs, rawBody: body }) },
        body,
      });
    const grew = await growth(async () => {
      expect((await post('whsec_forged_0123456789')).status).toBe(401);
      expect((await post('whsec_forged_0123456789')).status).toBe(401);
      // What Tilled signed and a clock of ours refuses is no forgery.
      for (const agoMs of [301_000, -301_000, 301_000]) expect((await post(world.webhookSecret, payload, agoMs)).status).toBe(401);
      expect((await post('whsec_forged_0123456789', payload, 301_000)).status).toBe(401);
      expect((await post(world.webhookSecret)).status).toBe(200);
      expect((await post(world.webhookSecret)).status).toBe(200);
      expect((await post(world.webhookSecret, '[]')).status).toBe(400);
      await fetch(`${world.url}/api/billing/webhooks/nobody`, { method: 'POST', body: payload });
      await world.settle();
    });
    const counts = ['recorded', 'duplicate', 'unverified', 'stale', 'unusable', 'unknown_endpoint', 'unavailable'].map((outcome) =>
      grew('billing_webhook_deliveries_total', { outcome }),
    );
    expect(counts).toEqual([1, 1, 3, 3, 1, 1, 0]);
    expect(grew('billing_http_request_seconds_count', { route: '/api/billing/webhooks/:appId', status: '401' })).toBe(6);
    expect(grew('billing_webhook_handling_seconds_count')).toBe(1);
    expect(grew('billing_jobs_total', { kind: 'sync.customer', outcome: 'done' })).toBe(1);
  });

  it('is every payment and refund, once, with its amount, however often we hear of it', async () => {
    const grew = await growth(async () => {
      const { customer } = await world.payer(app);
      const payment = await world.payment(app, customer.id, { amount: { amountMinor: 4_200, currency: 'usd' } });
      await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: payment.id } });
      await world.settle();
    });
    expect(grew('billing_payments_total', { state: 'SUCCEEDED' })).toBe(1);
    expect(grew('billing_captured_minor_total', { currency: 'usd' })).toBe(4_200);
    expect(grew('billing_refunds_total', { state: 'SUCCEEDED' })).toBe(1);
    expect(grew('billing_refunded_minor_total', { currency: 'usd' })).toBe(4_200);
    expect(grew('billing_graphql_operations_total', { field: 'paymentCreate', outcome: 'OK' })).toBe(1);
    expect(grew('billing_tilled_calls_total', { operation: 'confirmPaymentIntent', outcome: 'ok' })).toBe(1);
    for (const step of ['total', 'tilled', 'ours'])
      expect(grew('billing_mutation_seconds_count', { operation: 'paymentCreate', step })).toBe(1);
  });

  it('is every decline and refusal by its code, also where the document does not ask for userErrors', async () => {
    const { customer } = await world.payer(app);
    const input = `input: {customerId: "${customer.id}", amount: {amountMinor: 777701, currency: "usd"}}`;
    const grew = await growth(async () => {
      await world.post({ query: `mutation { paymentCreate(${input}) { replayed } }` }, { credential: app.key });
      await world.ask(app, ops.PaymentCreateDocument, { input: { customerId: 'cus_none', amount: { amountMinor: 1, currency: 'usd' } } });
      await world.post({ query: '{ nonsense }' }, { credential: app.key });
      await world.post({ query: '{ app { id } }' }, { credential: 'bg_svc_unknown' });
    });
    expect(grew('billing_payments_total', { state: 'FAILED' })).toBe(1);
    expect(grew('billing_graphql_operations_total', { field: 'paymentCreate', outcome: 'PAYMENT_DECLINED' })).toBe(1);
    expect(grew('billing_graphql_operations_total', { field: 'paymentCreate', outcome: 'NOT_FOUND' })).toBe(1);
    expect(grew('billing_graphql_operations_total', { field: 'none', outcome: 'GRAPHQL_VALIDATION_FAILED' })).toBe(1);
    expect(grew('billing_graphql_operations_total', { field: 'none', outcome: 'UNAUTHENTICATED' })).toBe(1);
  });

  it('is an unknown outcome while it is unknown, with its age, and failed calls to Tilled', async () => {
    const { customer } = await world.payer(app);
    await world.control('faults', { operation: 'POST /v1/payment-intents/:id/confirm', drop: true, when: 'after' });
    await world.control('faults', { operation: 'GET /v1/payment-intents/:id', status: 503, times: 20 });
    const grew = await growth(() =>
      world.ask(app, ops.PaymentCreateDocument, { input: { customerId: customer.id, amount: { amountMinor: 900, currency: 'usd' } } }),
    );
    expect(grew('billing_tilled_calls_total', { operation: 'confirmPaymentIntent', outcome: 'unknown' })).toBe(1);
    expect(grew('billing_payments_total', { state: 'UNKNOWN' })).toBe(1);
    await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + 60_000));
    await patience();
    const unknown = await Scrape.from(world.url);
    expect(unknown.value('billing_unknown_outcomes', { noun: 'payment' })).toBe(1);
    expect(unknown.value('billing_unknown_oldest_seconds', { noun: 'payment' })).toBe(60);
    expect(unknown.value('billing_queue_jobs', { state: 'due' })).toBeGreaterThan(0);
    expect(unknown.value('billing_queue_oldest_due_seconds')).toBeGreaterThanOrEqual(55);
    await world.control('faults', { clear: true });
    await world.settle();
    await patience();
    const known = await Scrape.from(world.url);
    expect(known.value('billing_unknown_outcomes', { noun: 'payment' })).toBe(0);
    expect(known.value('billing_unknown_oldest_seconds', { noun: 'payment' })).toBe(0);
  });

  it('is a dispute once, and the lag of the object that nobody looked at yet', async () => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id);
    await world.settle();
    const [row] = (await world.rows('billing_payments', app)).filter(({ id }) => id === payment.id);
    const grew = await growth(async () => {
      await world.control('disputes', { paymentIntentId: row?.['tilled_payment_intent_id'] });
      await world.sandbox.drain();
      await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + 40_000));
      await patience();
      const waiting = await Scrape.from(world.url);
      expect(waiting.value('billing_webhook_lag_seconds')).toBe(40);
      expect(waiting.value('billing_webhook_events', { status: 'RECEIVED' })).toBeGreaterThan(0);
      await world.settle();
    });
    expect(grew('billing_disputes_opened_total')).toBe(1);
    await patience();
    const done = await Scrape.from(world.url);
    expect([done.value('billing_webhook_lag_seconds'), done.value('billing_webhook_events')]).toEqual([0, 0]);
  });

  it('is every subscription that is not canceled, by status', async () => {
    const scrape = await Scrape.from(world.url);
    expect(scrape.samples.filter(({ name }) => name === 'billing_subscriptions').map(({ labels }) => labels['status'])).toEqual([
      ...['PENDING', 'ACTIVE', 'PAST_DUE', 'PAUSED'],
    ]);
  });

  it('is statements by verb and table, and the state of the pool', async () => {
    const grew = await growth(() => world.customer(app));
    expect(grew('billing_sql_seconds_count', { verb: 'insert', table: 'billing_customers' })).toBe(1);
    expect(grew('billing_sql_seconds_count', { verb: 'begin', table: 'none' })).toBeGreaterThan(0);
    const scrape = await Scrape.from(world.url);
    expect(scrape.value('billing_database_up')).toBe(1);
    expect(scrape.value('billing_database_pool_connections', { state: 'max' })).toBe(globalThis.TEST_DATABASE === 'mysql' ? 10 : 1);
    expect(scrape.value('billing_database_pool_waiting')).toBe(0);
  });
});

describe('what the metrics never show', () => {
  it('is an id, an address, a key or a card in a label, whatever was sent', async () => {
    await fetch(`${world.url}/${CARD}/ann@example.com?key=${app.key}`);
    await world.post({ query: `query Q${CARD} { x${CARD}: app { id } }`, operationName: `Q${CARD}` }, { credential: app.key });
    await world.post({ query: `{ f${CARD} }` }, { credential: app.key });
    const { samples } = await Scrape.from(world.url);
    const labels = samples.filter(({ name }) => name.startsWith('billing_')).flatMap((sample) => Object.values(sample.labels));
    expect(labels.length).toBeGreaterThan(100);
    expect([...new Set(labels)].filter((value) => PERSONAL.test(value) && !value.startsWith('billing_'))).toEqual([]);
    expect(labels).not.toContain(app.id);
  });
});

describe('GET /metrics', () => {
  const TOKEN = 'a-token-for-prometheus';
  const askedOf = async (metricsAccess: 'open' | 'closed' | { token: string }, authorization?: string) => {
    const server = await createHttpServer({
      ...world.gateway,
      limits: composeLocalLimits({ ...world.gateway, clock: systemClock }, UNLIMITED),
      metricsAccess,
      explorer: null,
    });
    const answer = await server.inject({ url: '/metrics', headers: authorization === undefined ? {} : { authorization } });
    await server.close();
    return answer;
  };

  it.each([
    ['is not there in production without a token', 'closed', undefined, 404],
    ['answers with the token', { token: TOKEN }, `Bearer ${TOKEN}`, 200],
    ['refuses without the token', { token: TOKEN }, undefined, 401],
    ['refuses another token', { token: TOKEN }, `Bearer ${TOKEN}x`, 401],
    ['refuses the token as another kind of credential', { token: TOKEN }, `Basic ${TOKEN}`, 401],
  ] as const)('%s', async (_, access, authorization, status) => {
    const answer = await askedOf(access, authorization);
    expect(answer.statusCode).toBe(status);
    expect(answer.body.includes('billing_')).toBe(status === 200);
  });
});

describe('without a database', () => {
  it('answers all the same, says that it is down and counts the errors, and shows no number it does not know', async () => {
    const url = globalThis.TEST_DATABASE === 'mysql' ? 'mysql://nobody:hunter2@127.0.0.1:1/nothing' : 'sqlite:/dev/null/billing.db';
    const { database } = readConfig({ DATABASE_URL_BILLING: url }, process.cwd());
    const tilled = { baseUrl: world.sandbox.url, secretKey: 'sk_x', publicKey: 'pk_x', webhookSecret: 'whsec_0123', accountId: 'acct_x' };
    const gateway = await composeGateway({
      database,
      encryption: TEST_ENCRYPTION,
      clock: systemClock,
      log: createLog('silent'),
      tilled,
      tilledTimeoutMs: 1_000,
    });
    await gateway.database.query('select 1', []).catch(() => undefined);
    const scrape = Scrape.of(await gateway.metrics.registry.metrics());
    // The pool forgets what it could not connect a moment later, and cannot be closed before.
    await world.until(async () => gateway.database.isEmbedded || gateway.database.poolUse.open === 0);
    await gateway.database.close();
    expect(scrape.value('billing_database_up')).toBe(0);
    expect(scrape.value('billing_database_errors_total')).toBeGreaterThan(0);
    expect(scrape.value('billing_http_request_seconds_count')).toBe(0);
    for (const name of ['billing_webhook_lag_seconds', 'billing_queue_jobs', 'billing_unknown_outcomes', 'billing_subscriptions'])
      expect(scrape.value(name)).toBeNull();
  });
});

describe('billing worker', () => {
  it('serves its own metrics on a port of its own, for who has the token', async () => {
    const port = await freePort();
    const variables = { BILLING_WORKER_PORT: String(port), BILLING_METRICS_TOKEN: 'a-token-for-prometheus' };
    const worker = await runningBilling(['worker'], { ...world.environment, ...variables }, 'worker started');
    const ask = (route: string, headers: Record<string, string> = {}) => fetch(`http://127.0.0.1:${port}${route}`, { headers });
    expect(await (await ask('/healthz')).json()).toEqual({ status: 'ok' });
    expect([(await ask('/metrics')).status, (await ask('/graphql')).status]).toEqual([401, 404]);
    const answer = await ask('/metrics', { authorization: 'Bearer a-token-for-prometheus' });
    const scrape = Scrape.of(await answer.text());
    expect([answer.status, scrape.value('billing_database_up')]).toEqual([200, 1]);
    expect(await worker.end('SIGTERM')).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('a slow statement', () => {
  it('is logged with its text and never with what was put in', async () => {
    const lines: [string, unknown][] = [];
    const log = { ...createLog('silent'), warn: (message: string, fields?: object) => void lines.push([message, fields]) };
    const { database } = world.gateway;
    database.observe(watchedDatabase(new Metrics(), log, database.tableNames, 0));
    await world.customer(app, { email: 'secret.person@example.com', name: 'Secret Person' });
    expect(lines.map(([message]) => message)).toContain('slow query');
    const statements = lines.map(([, fields]) => (fields as { statement: string }).statement);
    expect(statements.some((statement) => /^insert into `billing_customers`.*values \(\?/.test(statement))).toBe(true);
    expect(statements.join('\n')).not.toMatch(/secret.person|cus_[0-9]|app-\d/i);
  });
});

describe('a scrape', () => {
  it('takes one connection, and is not itself what waits for one', async () => {
    await patience();
    const scrapes = await Promise.all(Array.from({ length: 4 }, () => Scrape.from(world.url)));
    for (const scrape of scrapes) {
      expect(scrape.value('billing_database_pool_waiting')).toBe(0);
      expect(scrape.value('billing_database_pool_connections', { state: 'in_use' })).toBeLessThanOrEqual(1);
      expect(scrape.value('billing_database_up')).toBe(1);
    }
  });
});

describe('the age of backups, of copies of the logs and of drills', () => {
  const run = { tookMs: 60_000, succeeded: true, snapshotId: 'a', manifestDigest: 'b', rpoMs: null, rtoMs: null, reason: null } as const;
  const seen = async (name: string) => (await Scrape.from(world.url)).value(`billing_${name}_last_success_timestamp_seconds`);

  it('is by the time of the database, and none that claims to be of the future or failed counts', async () => {
    const { backups, database } = world.gateway;
    const now = Math.floor(world.sandbox.now().getTime() / 1000);
    for (const kind of ['full', 'logs', 'drill'] as const) await backups.add({ kind, ...run });
    await database.run("update billing_backups set finished_at = ? where kind = 'full'", [new Date((now + 7_200) * 1000)]);
    await backups.add({ kind: 'logs', ...run, succeeded: false });
    await patience();
    expect(await Promise.all(['backup', 'backup_logs', 'drill'].map(seen))).toEqual([null, now, now]);
    const [{ took } = { took: null }] = await database.query(
      'select count(*) as took from billing_backups where started_at < finished_at',
      [],
    );
    expect(Number(took)).toBe(4);
    await database.run('delete from billing_backups', []);
  });
});

describe('docs/metrics.md', () => {
  it('names every metric there is, with its type, labels and meaning, and no other (UPDATE_GOLDEN=1 writes it anew)', async () => {
    const known = await world.gateway.metrics.registry.getMetricsAsJSON();
    const ours = known.filter(({ name }) => name.startsWith('billing_')).sort((one, other) => (one.name < other.name ? -1 : 1));
    const labelsOf = (name: string) => {
      const { labelNames = [] } = (world.gateway.metrics.registry.getSingleMetric(name) ?? {}) as { labelNames?: string[] };
      return labelNames.map((label) => `\`${label}\``).join(', ');
    };
    const rows = ours.map(({ name, type, help }) => `| \`${name}\` | ${type} | ${labelsOf(name)} | ${help} |`);
    const document = await readFile(DOCUMENT, 'utf8');
    const [before = '', after = ''] = document.split(/(?<=\|---\|---\|---\|---\|\n)(?:\| `billing_.*\n)*/);
    const written = `${before}${rows.join('\n')}\n${after}`;
    if (process.env['UPDATE_GOLDEN']) await writeFile(DOCUMENT, written);
    else expect(document).toBe(written);
  });
});

/** Scrapes that come close together share one look at the database. */
function patience(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2_100));
}
