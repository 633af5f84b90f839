import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { composeLimits, composeLocalLimits } from '../../src/compose.limits.js';
import { createHttpServer } from '../../src/http/server.js';
import { systemClock } from '../../src/platform/clock.js';
import { countingLog, createLog } from '../../src/platform/log.js';
import { signPayload } from '../../src/tilled/tilled.signature.js';
import { Alertmanager } from '../support/alertmanager.js';
import { listen } from '../support/listening.js';
import * as ops from '../support/operations.generated.js';
import { freePort } from '../support/processes.js';
import { alertNames, OPS, Prometheus } from '../support/prometheus.js';
import { Receiver } from '../support/receiver.js';
import { createScratchDatabase } from '../support/scratch-database.js';
import { SeverableDatabase } from '../support/severable.js';
import { type TestApp, UNLIMITED, VISA, World } from '../support/world.js';

/** May fire by themselves where tests share two cores, and the gateways here one pool: in production these wait for minutes. */
const OF_A_BUSY_MACHINE = [
  ...['ApiLatency', 'WebhookLatency', 'EventLoopLag', 'DatabasePoolExhausted'],
  ...['ApiBurnFast', 'ApiBurnSlow', 'WebhooksBurnFast', 'WebhooksBurnSlow'],
];
/** Fire where nobody ever made a backup, and always. */
const FROM_THE_START = ['BackupTooOld', 'BackupLogsTooOld', 'DrillTooOld', 'Watchdog'];
/** What others say already (inhibit_rules of alertmanager.yml), depending on which was first. */
const MAY_BE_INHIBITED = [
  ...['DatabaseErrors', 'DatabaseHostUnusable', 'DatabasePoolExhausted', 'ApiErrors', 'ApiLatency', 'WebhooksNotRecorded'],
  ...['LimitStoreFailing'],
  ...['SubscriptionCreationFailures', 'WebhookLatency', 'WebhooksStale', 'PaymentsBurnSlow', 'WebhooksBurnSlow', 'ApiBurnSlow'],
];
const FIRES_WITHIN_MS = 20_000;

let database: SeverableDatabase;
/** Another way to the same. */
let detour: SeverableDatabase;
/** The way to it as its own replica. */
let mirror: SeverableDatabase;
let world: World;
let second: FastifyInstance;
let prometheus: Prometheus;
let alertmanager: Alertmanager;
let app: TestApp;

/** Brings about what an alert is for. Each leaves the world usable for the next, so the ones that break it come last. */
const CAUSES: readonly { readonly alerts: readonly string[]; readonly story: string; readonly cause: () => Promise<unknown> }[] = [
  { alerts: FROM_THE_START, story: 'nobody ever made a backup, and the watchdog is well', cause: async () => undefined },
  {
    alerts: ['WebhookSignatureFailures'],
    story: 'somebody forges seven events',
    cause: () => repeat(7, () => deliver({}, 'whsec_forged_00000000')),
  },
  {
    alerts: ['WebhooksStale'],
    story: 'three events come whose time is long ago',
    cause: () => repeat(3, () => deliver({}, world.webhookSecret, 360_000)),
  },
  {
    alerts: ['PaymentFailureRate', 'PaymentsBurnFast', 'PaymentsBurnSlow'],
    story: 'the bank declines twenty-four cards',
    cause: declineMany,
  },
  { alerts: ['RefundFailures'], story: 'Tilled refuses a refund', cause: refuseRefund },
  { alerts: ['SubscriptionCreationFailures'], story: 'Tilled refuses subscriptions', cause: refuseSubscriptions },
  { alerts: ['DisputeOpened', 'WebhookLatency'], story: 'a customer disputes, and we look late', cause: dispute },
  { alerts: ['WebhooksBurnFast', 'WebhooksBurnSlow'], story: 'we look late at most of what Tilled tells', cause: lookLate },
  { alerts: ['DisputeEvidenceDue'], story: 'nobody answers a dispute', cause: forgetDispute },
  { alerts: ['DeadWebhookEvents', 'DeadJobs'], story: 'Tilled does not show what an event names', cause: refuseToShow },
  { alerts: ['WebhookEndpointDisabled'], story: "an app's receiver answers 410", cause: loseReceiver },
  { alerts: ['CardDataRefused'], story: 'a caller sends a card number', cause: sendCard },
  { alerts: ['DivergenceRisk', 'DivergencesOpen'], story: 'Tilled says that a canceled payment was taken', cause: contradict },
  { alerts: ['DuplicateAtTilled'], story: 'a customer is at Tilled twice', cause: makeTwice },
  { alerts: ['TilledUnauthorized', 'TilledErrorRate'], story: 'Tilled does not know our key, and throttles', cause: turnAway },
  { alerts: ['ApiLatency', 'ApiBurnFast', 'ApiBurnSlow'], story: 'Tilled answers slowly', cause: slowDown },
  { alerts: ['LimitStoreFailing'], story: 'Redis is away', cause: loseRedis },
  { alerts: ['LogLinesLost'], story: 'the directory of the log is no directory', cause: loseLog },
  { alerts: ['EventLoopLag'], story: 'something computes for long', cause: hogTheLoop },
  { alerts: ['ClockSkew'], story: "a machine's clock is set 8 s ahead", cause: skewTheClock },
  { alerts: ['DatabaseHostUnusable'], story: 'one of two ways to the database is cut', cause: async () => detour.sever() },
  { alerts: ['ReplicaUnusable'], story: 'the way to the replica is cut', cause: async () => mirror.sever() },
  { alerts: ['DatabasePoolExhausted'], story: 'more want the database than there are connections', cause: exhaustPool },
  {
    alerts: ['UnknownOutcomeTooOld', 'QueueBacklog', 'WebhookLag', 'EventsNotPublished'],
    story: 'an answer is lost, and no worker runs for twenty minutes',
    cause: abandon,
  },
  { alerts: ['GatewayDown'], story: 'a process ends', cause: () => second.close() },
  { alerts: ['DatabaseErrors', 'DatabaseDown', 'WebhooksNotRecorded', 'ApiErrors'], story: 'the database dies', cause: killDatabase },
];

// The database must be one that can be cut off.
if (globalThis.TEST_DATABASE === 'mysql') {
  beforeAll(async () => {
    const scratch = await createScratchDatabase();
    database = await SeverableDatabase.before(scratch);
    const shared = { url: scratch.url, drop: async () => undefined };
    [detour, mirror] = await Promise.all([SeverableDatabase.before(shared), SeverableDatabase.before(shared)]);
    const url = database.url.replace(new URL(database.url).host, (host) => `${host},${new URL(detour.url).host}`);
    world = await World.create({ scratch: { url, drop: () => database.drop() }, replicas: { url: mirror.url } });
    app = await world.app();
    second = await createHttpServer({
      ...world.gateway,
      limits: composeLocalLimits({ ...world.gateway, clock: systemClock }, UNLIMITED),
      metricsAccess: 'open',
      explorer: null,
    });
    const port = await freePort();
    await second.listen({ host: '127.0.0.1', port });
    alertmanager = await Alertmanager.start();
    const targets = { 'billing-gateway': new URL(world.url).host, 'billing-worker': `127.0.0.1:${port}` };
    prometheus = await Prometheus.start(targets, { alertmanagerPort: alertmanager.port });
  });
  afterAll(async () => {
    await prometheus.close();
    await alertmanager.close();
    await second.close();
    await Promise.all([database, detour, mirror].map((way) => way.mend()));
    await world.control('faults', { clear: true });
    // Those of the contradiction and of the second customer.
    await world.close({ divergences: 2 });
    await Promise.all([detour, mirror].map((way) => way.drop()));
  });

  describe('a game day', () => {
    it('begins quietly: of a gateway that is well used, only the missing backups are alarming', async () => {
      const { customer } = await world.payer(app);
      await world.payment(app, customer.id);
      await world.subscription(app, customer.id);
      await world.settle();
      for (let looks = 0; looks < 12; looks += 1) {
        await prometheus.look();
        await sleep(500);
      }
      const fired = [...prometheus.fired].filter((alert) => !OF_A_BUSY_MACHINE.includes(alert));
      expect(fired.toSorted()).toEqual(FROM_THE_START.toSorted());
    });

    it.each(CAUSES)('$alerts: $story', async ({ alerts, cause }) => {
      await cause();
      for (const alert of alerts) await prometheus.waitFor(alert, FIRES_WITHIN_MS);
      expect([...prometheus.fired]).toEqual(expect.arrayContaining([...alerts]));
    });

    it('reaches who is on call, and who is not, with a link to a runbook that is there', async () => {
      const wanted = [...prometheus.fired].filter((alert) => !MAY_BE_INHIBITED.includes(alert));
      const heard = () => ['on-call', 'working-hours', 'watchdog'].flatMap((receiver) => [...alertmanager.heardBy(receiver)]);
      for (const until = Date.now() + FIRES_WITHIN_MS; Date.now() < until && wanted.some((alert) => !heard().includes(alert)); )
        await sleep(250);
      expect(wanted.filter((alert) => !heard().includes(alert))).toEqual([]);
      for (const { receiver, labels, annotations } of alertmanager.heard) {
        const severities = { 'on-call': 'critical', 'working-hours': 'warning', watchdog: 'none' };
        expect([labels['alertname'], labels['severity']]).toEqual([labels['alertname'], Reflect.get(severities, receiver)]);
        const [, runbook = 'nothing'] = /^https:\/\/.+\/ops\/runbooks\/([a-z-]+)\.md$/.exec(annotations['runbook_url'] ?? '') ?? [];
        expect([labels['alertname'], existsSync(path.join(OPS, `runbooks/${runbook}.md`))]).toEqual([labels['alertname'], true]);
        expect(labels['runbooks']).toBeUndefined();
      }
    });

    it('hears of a timer whose unit failed', async () => {
      const [unit = '', ...args] = await notification('billing-drill.service');
      const env = { ...process.env, ALERTMANAGER_URL: `http://127.0.0.1:${alertmanager.port}` };
      const { status, stderr } = spawnSync(unit, args, { env, encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
      await world.until(async () => alertmanager.heard.some(({ labels }) => labels['unit'] === 'billing-drill.service'));
      expect([...alertmanager.heardBy('on-call')]).toContain('BillingUnitFailed');
      const nowhere = spawnSync(unit, args, { env: { ...env, ALERTMANAGER_URL: 'http://127.0.0.1:1' }, encoding: 'utf8' });
      expect([nowhere.status, nowhere.stderr]).toEqual([1, expect.stringMatching(/^Alertmanager at \S+ was not told [^\n]+\n$/)]);
    });

    it('rehearses every alert there is', async () => {
      const rules = await readFile(path.join(OPS, 'prometheus/alerts.yml'), 'utf8');
      const rehearsed = CAUSES.flatMap(({ alerts }) => alerts);
      expect(rehearsed.toSorted()).toEqual(alertNames(rules).toSorted());
    });
  });
} else {
  it('is on a database server: see the project mysql', () => expect(globalThis.TEST_DATABASE).toBe('embedded'));
}

async function repeat(times: number, work: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < times; done += 1) await work();
}

let events = 0;

/** Delivers an event of the app's account, signed; answers the status. */
async function deliver(
  event: { readonly type?: string; readonly data?: object },
  secret = world.webhookSecret,
  agoMs = 0,
): Promise<number> {
  events += 1;
  const rawBody = JSON.stringify({
    id: `evt_game_${events}`,
    type: 'customer.updated',
    account_id: app.accountId,
    data: { id: 'cus_x' },
    ...event,
  });
  const signature = signPayload({ secret, rawBody, timestampMs: world.sandbox.now().getTime() - agoMs });
  const headers = { 'content-type': 'application/json', 'tilled-signature': signature };
  return (await fetch(`${world.url}/api/billing/webhooks/${app.id}`, { method: 'POST', headers, body: rawBody })).status;
}

async function tilledIdOf(paymentId: string): Promise<string> {
  const row = (await world.rows('billing_payments', app)).find(({ id }) => id === paymentId);
  return String(row?.['tilled_payment_intent_id']);
}

async function declineMany(): Promise<void> {
  const { customer } = await world.payer(app);
  const amount = { amountMinor: 777_701, currency: 'usd' };
  await repeat(24, () => world.ask(app, ops.PaymentCreateDocument, { input: { customerId: customer.id, amount } }));
}

async function refuseRefund(): Promise<void> {
  const { customer } = await world.payer(app);
  const payment = await world.payment(app, customer.id);
  await world.control('faults', { operation: 'POST /v1/refunds', status: 400, body: { message: 'no' } });
  await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: payment.id } });
}

async function refuseSubscriptions(): Promise<void> {
  const { customer } = await world.payer(app);
  await world.control('faults', { operation: 'POST /v1/subscriptions', status: 400, times: 4, body: { message: 'no' } });
  const price = { amountMinor: 1_990, currency: 'usd' };
  await repeat(4, () => world.ask(app, ops.SubscriptionCreateDocument, { input: { customerId: customer.id, price } }));
}

async function dispute(): Promise<void> {
  const { customer } = await world.payer(app);
  const payment = await world.payment(app, customer.id);
  await world.control('disputes', { paymentIntentId: await tilledIdOf(payment.id) });
  await world.sandbox.drain();
  await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + 10_000));
  await world.settle();
}

async function lookLate(): Promise<void> {
  for (let batch = 0; batch < 10; batch += 1) await Promise.all(Array.from({ length: 8 }, () => world.customer(app)));
  await world.sandbox.drain();
  await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + 10_000));
  await world.settle();
}

/** The limits of a gateway whose Redis does not answer, in the metrics of the one that is watched. */
async function loseRedis(): Promise<void> {
  const limits = composeLimits({ ...world.gateway, clock: systemClock }, { ...UNLIMITED, redisUrl: 'redis://127.0.0.1:1' });
  await limits.failedAuthentications.noteFailure('192.0.2.1');
  limits.close();
}

async function loseLog(): Promise<void> {
  const log = createLog('info', { directory: '/dev/null/log', name: 'gateway', keptDays: 7, megabytesMax: 1 });
  countingLog(log, world.gateway.metrics).info('a line that the file does not take');
  await log.close();
}

/** What systemd would start when a unit fails. */
async function notification(failed: string): Promise<string[]> {
  const unit = await readFile(path.join(OPS, 'systemd', failed), 'utf8');
  expect(unit).toContain('\nOnFailure=billing-notify@%n.service\n');
  const notify = await readFile(path.join(OPS, 'systemd/billing-notify@.service'), 'utf8');
  const [, command = ''] = /^ExecStart=(.+)$/m.exec(notify) ?? [];
  return command.replace('/opt/billing-gateway', path.resolve(OPS, '..')).replace('%i', failed).split(' ');
}

/** The deadline comes near without the clock of all other stories moving. */
async function forgetDispute(): Promise<void> {
  const due = new Date(world.sandbox.now().getTime() + 2 * 86_400_000);
  await world.gateway.database.run('update billing_disputes set evidence_due_at = ?', [due]);
}

async function refuseToShow(): Promise<void> {
  const customer = await world.customer(app);
  await world.settle();
  const row = (await world.rows('billing_customers', app)).find(({ id }) => id === customer.id);
  await world.control('faults', { operation: 'GET /v1/customers/:id', status: 400, body: { message: 'no' } });
  expect(await deliver({ data: { id: row?.['tilled_customer_id'] } })).toBe(200);
  await world.settle();
}

async function loseReceiver(): Promise<void> {
  const receiver = await Receiver.start(() => 410);
  await listen(world, app, receiver);
  await world.customer(app);
  await world.settle();
  await receiver.close();
}

async function sendCard(): Promise<void> {
  const { data, errors } = await world.send(app, ops.CustomerCreateDocument, { input: { email: 'ann@example.com', name: VISA } });
  expect([data, errors.length]).toEqual([null, 1]);
}

async function contradict(): Promise<void> {
  const { customer } = await world.payer(app);
  const payment = await world.payment(app, customer.id, { captureMethod: 'MANUAL' });
  await world.ask(app, ops.PaymentCancelDocument, { input: { id: payment.id } });
  await world.settle();
  const id = await tilledIdOf(payment.id);
  const intent = (await world.tilled(app, 'GET', `/v1/payment-intents/${id}`)) as object;
  const body = { ...intent, status: 'succeeded' };
  // Twice: what seems impossible is asked again before it is believed.
  await world.control('faults', { operation: 'GET /v1/payment-intents/:id', status: 200, body, times: 2 });
  expect(await deliver({ type: 'payment_intent.succeeded', data: { id } })).toBe(200);
  await world.settle();
}

async function makeTwice(): Promise<void> {
  const { id } = await world.customer(app);
  await world.tilled(app, 'POST', '/v1/customers', { metadata: { billing_app_id: app.id, billing_id: id } });
  await world.settle();
}

async function turnAway(): Promise<void> {
  await world.control('faults', { operation: 'POST /v1/customers', status: 401, body: { message: 'no' } });
  await world.control('faults', { operation: 'POST /v1/customers', status: 429, times: 15 });
  await repeat(16, () => world.ask(app, ops.CustomerCreateDocument, { input: { email: 'ann@example.com' } }));
}

async function slowDown(): Promise<void> {
  await world.control('latency', { medianMs: 900, sigma: 0.01 });
  await Promise.all(Array.from({ length: 180 }, () => world.customer(app)));
  await world.control('latency', {});
}

/** Goes on until the alert was seen: what is over before Prometheus is asked may have been seen by nobody. */
async function hogTheLoop(): Promise<void> {
  const hog = async () => {
    for (const end = Date.now() + 20_000; Date.now() < end && !prometheus.fired.has('EventLoopLag'); await sleep(450))
      for (const until = performance.now() + 450; performance.now() < until; );
  };
  void hog();
}

async function skewTheClock(): Promise<void> {
  world.shifts.wallMs = 8_000;
  await world.advance({ ms: 6_000 });
  await prometheus.waitFor('ClockSkew', FIRES_WITHIN_MS);
  world.shifts.wallMs = 0;
}

async function exhaustPool(): Promise<void> {
  const wait = () => world.gateway.database.transaction((em) => world.gateway.database.query('select sleep(0.1)', [], em));
  // The pool has ten: fourteen wait, all the time, but none so long that Prometheus goes without its answer.
  await Promise.all(Array.from({ length: 24 }, () => repeat(50, wait)));
}

async function abandon(): Promise<void> {
  const { customer } = await world.payer(app);
  await world.settle();
  await world.control('faults', { operation: 'POST /v1/payment-intents/:id/confirm', drop: true, when: 'after' });
  const amount = { amountMinor: 900, currency: 'usd' };
  await world.ask(app, ops.PaymentCreateDocument, { input: { customerId: customer.id, amount } });
  await world.sandbox.drain();
  await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + 1_200_000));
}

async function killDatabase(): Promise<void> {
  database.sever();
  await sleep(1_500);
  expect(await deliver({})).toBe(503);
  expect(await world.send(app, ops.AppDocument, {})).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
}
