import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { composeGateway } from '../../src/compose.js';
import { composeLocalLimits } from '../../src/compose.limits.js';
import { readConfig } from '../../src/config.js';
import { createHttpServer } from '../../src/http/server.js';
import { systemClock } from '../../src/platform/clock.js';
import { createLog } from '../../src/platform/log.js';
import { signPayload } from '../../src/tilled/tilled.signature.js';
import { REGISTERED_TYPES } from '../../src/webhooks/event-catalogue.js';
import type { Receipt } from '../../src/webhooks/webhook.delivery.js';
import { TEST_ENCRYPTION } from '../support/encryption.js';
import { billing } from '../support/processes.js';
import type { AnyRow } from '../support/tables.js';
import { type TestApp, UNLIMITED, World } from '../support/world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let world: World;
let app: TestApp;
let events = 0;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
});
afterEach(async () => {
  await world.control('faults', { clear: true });
  await world.control('webhooks', { paused: false, reorder: false, duplicate: 0, lose: 0 });
  await world.settle();
});
afterAll(() => world.close());

describe('registering an endpoint', () => {
  it('makes one at Tilled for every type that does something here, all of which Tilled knows', async () => {
    const id = await register(app);
    expect(await endpointsAtTilled()).toEqual([{ id, url: urlOf(app), enabled_events: [...REGISTERED_TYPES] }]);
    expect(REGISTERED_TYPES.length).toBeGreaterThan(20);
  });

  it('has deliveries of its own accepted by its secret, which no other app accepts', async () => {
    await register(app);
    const other = await world.app();
    const [secret = ''] = await secretsOf(app);
    expect(await post(app, newEvent(app), { secret })).toBe(200);
    expect(await post(other, newEvent(other), { secret })).toBe(401);
    expect(await post(app, newEvent(app), { secret: world.webhookSecret })).toBe(200);
  });

  it('by the command line says which endpoint it made, and refuses what is no URL, or goes in the clear', async () => {
    const made = await billing(['webhooks', 'register', '--app', app.id, '--url', urlOf(app)], world.environment);
    const [endpoint] = await endpointsAtTilled();
    expect(made).toEqual({ status: 0, stdout: `Registered ${endpoint?.id}.\n`, stderr: '' });
    for (const url of ['here', 'http://billing.example.com/api/billing/webhooks/shop', 'ftp://localhost/']) {
      const refused = await billing(['webhooks', 'register', '--app', app.id, '--url', url], world.environment);
      expect([refused.status, refused.stdout, refused.stderr]).toEqual([
        1,
        '',
        expect.stringContaining('--url is not an https:// address'),
      ]);
    }
    expect(await endpointsAtTilled()).toHaveLength(1);
  });
});

describe('rotating the secret', () => {
  it('refuses no validly signed event while deliveries keep coming, by the old secret or the new one', async () => {
    await register(app);
    const { id: customerId } = await customerAtTilled();
    const scope = await world.scope(app);
    const statuses: number[] = [];
    let isOver = false;
    const senders = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        // Whoever signs uses a secret that Tilled may be using: any that is in force when the delivery is signed.
        for (const secret of await secretsOf(app)) statuses.push(await post(app, newEvent(app), { secret }));
        await world.tilled(app, 'PATCH', `/v1/customers/${customerId}`, { metadata: { turn: String(statuses.length) } });
      }
    });
    for (let turn = 1; turn <= 3; turn += 1) {
      await world.gateway.webhooks.endpoints.rotate(scope, HOUR_MS);
      await world.until(async () => statuses.length >= turn * 20);
    }
    isOver = true;
    await Promise.all(senders);
    await world.sandbox.drain();
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    const attempts = await attemptsAt(await endpointIds());
    expect(new Set(attempts.map((attempt) => attempt.endpoint_id)).size).toBe(4);
    expect(attempts.filter((attempt) => attempt.status !== 200)).toEqual([]);
  });

  it('lets go of the old endpoint and the old secret when the overlap is over, and not before', async () => {
    const old = await register(app);
    const [oldSecret = ''] = await secretsOf(app);
    const made = await world.gateway.webhooks.endpoints.rotate(await world.scope(app), HOUR_MS);
    const [, newSecret = ''] = await secretsOf(app);
    await world.advance({ ms: HOUR_MS - 1_000 });
    expect(await endpointIds()).toEqual(expect.arrayContaining([old, made]));
    expect([await post(app, newEvent(app), { secret: oldSecret }), await post(app, newEvent(app), { secret: newSecret })]).toEqual([
      200, 200,
    ]);
    await world.advance({ ms: 1_000 });
    expect(await endpointIds()).toEqual([made]);
    expect([await post(app, newEvent(app), { secret: oldSecret }), await post(app, newEvent(app), { secret: newSecret })]).toEqual([
      401, 200,
    ]);
  });

  it('of an endpoint that somebody removed at Tilled by hand says so', async () => {
    const id = await register(app);
    await world.tilled(app, 'DELETE', `/v1/webhook-endpoints/${id}`);
    await expect(world.gateway.webhooks.endpoints.rotate(await world.scope(app), HOUR_MS)).rejects.toThrow(`Tilled has no endpoint ${id}`);
  });

  it('by the command line leaves both secrets accepted, and refuses an app without an endpoint', async () => {
    await register(app);
    const rotated = await billing(['webhooks', 'rotate-secret', '--app', app.id], world.environment);
    expect([rotated.status, rotated.stderr]).toEqual([0, '']);
    expect(rotated.stdout).toMatch(/^Registered we_\w+; the old one goes in 24 h\.\n$/);
    const secrets = await secretsOf(app);
    expect(secrets).toHaveLength(2);
    for (const secret of secrets) expect(await post(app, newEvent(app), { secret })).toBe(200);
    const other = await world.app();
    const refused = await billing(['webhooks', 'rotate-secret', '--app', other.id], world.environment);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/no endpoint of its own to rotate: .*register/)]);
  });

  it('accepts a delivery that carries the digests of both secrets, in any order', async () => {
    await register(app);
    await world.gateway.webhooks.endpoints.rotate(await world.scope(app), HOUR_MS);
    const secrets = await secretsOf(app);
    for (const order of [secrets, secrets.toReversed(), ['whsec_of_somebody_else', ...secrets]]) {
      const body = JSON.stringify(newEvent(app));
      const [time] = signed(body, '').split(',');
      const digests = order.map((secret) => signed(body, secret).split(',')[1]);
      expect(await postSigned(app, body, [time, ...digests].join(','))).toBe(200);
    }
  });
});

describe('an app without any secret', () => {
  it('is not listening: rightly signed or not, the answer is 404', async () => {
    const { deliver, close } = await anotherGateway({ webhookSecret: '' });
    const body = JSON.stringify(newEvent(app));
    const answers = [await deliver(body, signed(body, '')), await deliver(body, signed(body, world.webhookSecret))];
    await close();
    expect(answers.map((answer) => answer.statusCode)).toEqual([404, 404]);
    expect(await webhookRows()).toEqual([]);
  });
});

describe('webhookHealth', () => {
  it('counts what waits and says for how long, and nothing once it is handled', async () => {
    await world.settle();
    expect(await health()).toEqual({ received: 0, failed: 0, dead: 0, oldestUnhandledAt: null, lagMs: 0 });
    const { id } = await customerAtTilled();
    await world.sandbox.drain();
    await world.tilled(app, 'PATCH', `/v1/customers/${id}`, { first_name: 'Ann' });
    await world.sandbox.drain();
    const receivedAt = world.sandbox.now().toISOString();
    await world.sandbox.advanceTo(new Date(world.sandbox.now().getTime() + 90_000));
    expect(await health()).toEqual({ received: 2, failed: 0, dead: 0, oldestUnhandledAt: receivedAt, lagMs: 90_000 });
    await world.settle();
    expect(await health()).toMatchObject({ received: 0, lagMs: 0, oldestUnhandledAt: null });
  });
});

describe('an event whose object cannot be fetched', () => {
  it('is tried again after 1, 5, 30 and 120 minutes, give or take a tenth, and given up after the fifth try', async () => {
    await unreachable();
    const event = newEvent(app);
    await deliver(event);
    const waits: number[] = [];
    for (let tries = 1; tries < 5; tries += 1) {
      await world.settle();
      expect(await rowOf(event)).toMatchObject({ status: 'FAILED', attempts: tries, error: expect.stringMatching(/./) });
      expect(await health()).toMatchObject({ received: 0, failed: 1, dead: 0 });
      waits.push(await untilNextTryMs());
      await world.advance({ ms: (waits.at(-1) ?? 0) - 1 });
      expect(await rowOf(event)).toMatchObject({ attempts: tries });
      await world.advance({ ms: 1 });
    }
    for (const [index, minutes] of [1, 5, 30, 120].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(minutes * MINUTE_MS * 0.9);
      expect(waits[index]).toBeLessThanOrEqual(minutes * MINUTE_MS * 1.1);
    }
    expect(await rowOf(event)).toMatchObject({ status: 'DEAD', attempts: 5 });
    expect(await health()).toEqual({ received: 0, failed: 0, dead: 1, oldestUnhandledAt: null, lagMs: 0 });
    await world.advance({ days: 1 });
    expect(await rowOf(event)).toMatchObject({ status: 'DEAD', attempts: 5 });
  });

  it('is handled by replaying what is dead, and so is everything else of its object', async () => {
    const dead = await deadEvent();
    await world.control('faults', { clear: true });
    expect(await world.gateway.webhooks.service.replayAll(await world.scope(app), { isDead: true })).toBe(1);
    expect(await rowOf(dead)).toMatchObject({ status: 'RECEIVED', error: null });
    await world.settle();
    expect(await rowOf(dead)).toMatchObject({ status: 'PROCESSED' });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });

  it('is handled together with the next event of its object', async () => {
    const dead = await deadEvent();
    await world.control('faults', { clear: true });
    const next = newEvent(app);
    await deliver(next);
    await world.settle();
    for (const event of [dead, next]) expect(await rowOf(event)).toMatchObject({ status: 'PROCESSED', error: null });
  });

  it('does not take the tries from an event that comes later', async () => {
    await deadEvent();
    const next = newEvent(app);
    await deliver(next);
    await world.settle();
    expect(await rowOf(next)).toMatchObject({ status: 'FAILED', attempts: 1 });
  });
});

describe('an app whose account at Tilled cannot be used', () => {
  it('is named by the backfill, which goes on with the others', async () => {
    const other = await world.app();
    await world.control('webhooks', { lose: 1 });
    await world.customer(other);
    await world.settle();
    await world.gateway.access.apps.setTilledSecretKey(app.id, 'sk_of_nobody');
    const { recorded, failed } = await world.gateway.webhooks.backfill.runEach([await world.scope(app), await world.scope(other)]);
    expect([...recorded]).toEqual([[other.id, 1]]);
    expect(failed).toEqual([{ appId: app.id, reason: expect.stringMatching(/^Tilled could not be asked \(unauthorized\)/) }]);
    const command = await billing(['webhooks', 'backfill', '--app', app.id], world.environment);
    expect(command).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(`^${app.id}: Tilled could not be asked`) });
    expect(command.stderr).not.toContain('idempotency');
    await world.gateway.access.apps.setTilledSecretKey(app.id, null);
    await world.settle();
  });
});

describe('replaying', () => {
  it("by id takes our ids and Tilled's, and has only their objects looked at again", async () => {
    const [one, other] = [newEvent(app, 'cus_one'), newEvent(app, 'cus_other')];
    for (const event of [one, other]) await deliver(event);
    await world.settle();
    const scope = await world.scope(app);
    const asked = () => world.sandbox.requests('GET /v1/customers/:id').map(({ path }) => path.split('/').at(-1));
    const before = asked().length;
    const eventIds = [String((await rowOf(one))?.['id']), one.id];
    expect(await world.gateway.webhooks.service.replayAll(scope, { eventIds })).toBe(1);
    expect([await rowOf(one), await rowOf(other)]).toMatchObject([{ status: 'RECEIVED' }, { status: 'PROCESSED' }]);
    await world.settle();
    expect(asked().slice(before)).toEqual(['cus_one']);
    expect(await rowOf(one)).toMatchObject({ status: 'PROCESSED', deliveries: 1 });
  });

  it('since a time takes what was received from then on', async () => {
    const early = newEvent(app, 'cus_early');
    await deliver(early);
    await world.advance({ ms: MINUTE_MS });
    const since = world.sandbox.now();
    const late = newEvent(app, 'cus_late');
    await deliver(late);
    await world.settle();
    expect(await world.gateway.webhooks.service.replayAll(await world.scope(app), { since })).toBe(1);
    expect([await rowOf(early), await rowOf(late)]).toMatchObject([{ status: 'PROCESSED' }, { status: 'RECEIVED' }]);
  });

  it('of thousands of objects names some hundred rows in a statement, reads no body, and misses none', async () => {
    const rowCount = 4_100;
    const numbers = Array.from({ length: rowCount }, (_, index) => String(index).padStart(5, '0'));
    for (let from = 0; from < rowCount; from += 410) {
      const part = numbers.slice(from, from + 410);
      const values = part.map(() => "(?, ?, ?, 'customer.updated', 'customer', ?, 'PROCESSED', 1, 0, '{}', ?)").join(', ');
      const sql = `insert into billing_webhooks (app_id, id, event_id, type, object_kind, object_id, status, deliveries, attempts, payload, received_at) values ${values}`;
      await world.gateway.database.run(
        sql,
        part.flatMap((number) => [app.id, `whe_${number}`, `evt_${number}`, `cus_${number}`, new Date(0)]),
      );
    }
    const seen: { readonly sql: string; readonly parameters: readonly unknown[] }[] = [];
    const stop = world.gateway.database.listen((sql, parameters) => void seen.push({ sql, parameters }));
    expect(await world.gateway.webhooks.service.replayAll(await world.scope(app), { since: new Date(0) })).toBe(rowCount);
    const eventIds = numbers.map((number) => `evt_${number}`);
    expect(await world.gateway.webhooks.service.replayAll(await world.scope(app), { eventIds })).toBe(rowCount);
    stop();
    expect(Math.max(...seen.map(({ parameters }) => parameters.length))).toBeLessThan(5_000);
    expect(seen.filter(({ sql }) => /select .*payload.* from .?billing_webhooks/s.test(sql))).toEqual([]);
    expect((await world.rows('billing_jobs', app)).filter(({ kind }) => kind === 'sync.customer')).toHaveLength(rowCount);
    expect(await countOf('billing_webhooks', "status = 'RECEIVED'")).toBe(rowCount);
    // Nobody has to look at them.
    for (const table of ['billing_jobs', 'billing_webhooks'])
      await world.gateway.database.run(`delete from ${table} where app_id = ?`, [app.id]);
  });

  it('touches no other app', async () => {
    const other = await world.app();
    const event = newEvent(other);
    await deliver(event, other);
    await world.settle();
    expect(await world.gateway.webhooks.service.replayAll(await world.scope(app), { eventIds: [event.id] })).toBe(0);
    expect(await rowOf(event, other)).toMatchObject({ status: 'PROCESSED' });
  });

  it('by the command line says how many objects will be looked at, and asks which events if none are named', async () => {
    const dead = await deadEvent();
    await deliver(newEvent(app, 'cus_other'));
    await world.settle();
    const replay = (...args: string[]) => billing(['webhooks', 'replay', '--app', app.id, ...args], world.environment);
    expect(await replay('--dead')).toEqual({ status: 0, stdout: `${app.id}: 1 objects will be looked at again.\n`, stderr: '' });
    expect(await rowOf(dead)).toMatchObject({ status: 'RECEIVED' });
    expect((await replay('--id', dead.id, 'evt_nobody')).stdout).toBe(`${app.id}: 1 objects will be looked at again.\n`);
    expect((await replay('--since', '2026-01-01T00:00:00Z')).stdout).toBe(`${app.id}: 2 objects will be looked at again.\n`);
    expect(await replay()).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('--id, --since or --dead') });
    expect(await replay('--since', 'yesterday')).toMatchObject({ status: 1, stderr: expect.stringContaining('ISO 8601') });
  });
});

describe('work that was given up', () => {
  it('is listed and tried again by the command line, one piece by its id or all of it', async () => {
    await deadEvent();
    const [job] = await world.rows('billing_jobs', app);
    const jobs = (...args: string[]) => billing(['jobs', ...args, '--app', app.id], world.environment);
    // Processes take their time to start, and these change nothing.
    const [listed, nobody, neither] = await Promise.all([
      jobs('list', '--dead', '--json'),
      jobs('retry', '--id', 'job_nobody'),
      jobs('retry'),
    ]);
    expect(JSON.parse(listed.stdout)).toMatchObject({ app: app.id, id: job?.['id'], kind: 'sync.customer', state: 'dead', attempts: 5 });
    expect(nobody).toMatchObject({ status: 1, stderr: expect.stringContaining('no dead job job_nobody') });
    expect(neither).toMatchObject({ status: 1, stderr: expect.stringContaining('--id or --dead') });
    expect(await jobs('retry', '--id', String(job?.['id']))).toMatchObject({ status: 0, stdout: '1 will be tried again.\n' });
    expect(await world.rows('billing_jobs', app)).toMatchObject([{ state: 'due', attempts: 0 }]);
    expect((await jobs('list', '--dead')).stdout).toBe('');
  });

  it('is done once it is tried again and its cause is gone', async () => {
    const dead = await deadEvent();
    await world.control('faults', { clear: true });
    expect(await world.gateway.jobAdministration.retry(await world.scope(app), null)).toBe(1);
    await world.settle();
    expect(await rowOf(dead)).toMatchObject({ status: 'PROCESSED', error: null });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('event types', () => {
  it('that nobody knows are recorded, and there is nothing left to do', async () => {
    const event = { ...newEvent(app), type: 'moon.phase_changed' };
    expect(await deliver(event)).toBe(200);
    expect(await rowOf(event)).toMatchObject({ status: 'PROCESSED', processed_at: expect.anything() });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });

  it.each(['constructor', '__proto__', 'toString'])('such as %s are nothing special', async (type) => {
    const event = { ...newEvent(app), type };
    expect(await deliver(event)).toBe(200);
    expect(await rowOf(event)).toMatchObject({ status: 'PROCESSED', type });
  });

  it('subscription.deleted is read as what Tilled calls canceled', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.subscription(app, customer.id);
    await world.settle();
    const tilledId = (await world.rows('billing_subscriptions', app))[0]?.['tilled_subscription_id'];
    await unheard(() => world.tilled(app, 'POST', `/v1/subscriptions/${tilledId}/cancel`));
    expect(await deliver({ ...newEvent(app), type: 'subscription.deleted', data: { id: tilledId } })).toBe(200);
    await world.settle();
    expect(await world.rows('billing_subscriptions', app)).toMatchObject([{ id, status: 'CANCELED' }]);
  });

  it.each(['refund.created', 'refund.updated'])('%s has the payment of the refund looked at', async (type) => {
    const { customer } = await world.payer(app);
    await world.payment(app, customer.id);
    await world.settle();
    const tilledId = String((await world.rows('billing_payments', app))[0]?.['tilled_payment_intent_id']);
    const refund = await unheard(() => world.tilled(app, 'POST', '/v1/refunds', { payment_intent_id: tilledId }));
    expect(await deliver({ ...newEvent(app), type, data: refund as object })).toBe(200);
    await world.settle();
    expect(await world.rows('billing_refunds', app)).toMatchObject([
      { tilled_refund_id: (refund as { id: string }).id, status: 'SUCCEEDED' },
    ]);
    expect(await world.rows('billing_payments', app)).toMatchObject([{ refunded_minor: 5_000 }]);
  });

  it('invoice.payment_failed is kept as a fact', async () => {
    expect(await deliver({ ...newEvent(app), type: 'invoice.payment_failed', data: { id: 'pi_nobody', amount: 5 } })).toBe(200);
    await world.settle();
    expect(await world.rows('billing_webhook_facts', app)).toMatchObject([
      { type: 'invoice.payment_failed', payment_intent_id: 'pi_nobody' },
    ]);
  });
});

describe('Payment.facts', () => {
  it('keep the failed attempt that the next one overtook before anybody looked', async () => {
    const { customer, card } = await world.payer(app);
    await decline(card.id, 'insufficient_funds');
    const { id } = await world.payment(app, customer.id).catch(() => ({ id: '' }));
    await decline(card.id, null);
    const [row] = await world.rows('billing_payments', app);
    await world.tilled(app, 'POST', `/v1/payment-intents/${row?.['tilled_payment_intent_id']}/confirm`, {});
    await world.settle();
    const { data } = await world.post<{ payment: { status: string; failure: unknown; facts: { type: string; code: string }[] } }>(
      {
        query: 'query ($id: ID!) { payment(id: $id) { status facts { type code message occurredAt } } }',
        variables: { id: id || row?.['id'] },
      },
      { credential: app.key },
    );
    expect(data?.payment.status).toBe('SUCCEEDED');
    expect(data?.payment.facts.map(({ type }) => type).toSorted()).toEqual(['charge.failed', 'payment_intent.payment_failed']);
    expect(data?.payment.facts.every(({ code }) => code === 'insufficient_funds')).toBe(true);
  });

  it('are kept once, however often the event is delivered, and survive an unusable time', async () => {
    const event = { ...newEvent(app), type: 'payment_intent.payment_failed', data: { id: 'pi_nobody' }, created_at: 'not a time' };
    for (let times = 0; times < 3; times += 1) expect(await deliver(event)).toBe(200);
    expect(await world.rows('billing_webhook_facts', app)).toHaveLength(1);
  });
});

describe('backfill', () => {
  it('records what was never delivered, and counts no delivery of what was', async () => {
    const { id } = await customerAtTilled();
    await world.settle();
    await unheard(() => world.tilled(app, 'PATCH', `/v1/customers/${id}`, { first_name: 'Ann' }));
    const before = (await webhookRows()).length;
    const scope = await world.scope(app);
    expect(await world.gateway.webhooks.backfill.run(scope)).toBe(1);
    expect(await webhookRows()).toHaveLength(before + 1);
    expect(await world.gateway.webhooks.backfill.run(scope)).toBe(0);
    expect((await webhookRows()).map((row) => row['deliveries'])).toEqual(Array.from({ length: before + 1 }, () => 1));
    await world.settle();
    expect((await webhookRows()).every((row) => row['status'] === 'PROCESSED')).toBe(true);
  });

  it('that breaks off in the middle keeps what it found and its place, and the next one finds the rest', async () => {
    const { id } = await customerAtTilled();
    await world.settle();
    const turns = Array.from({ length: 240 }, (_, turn) => String(turn));
    await unheard(async () => {
      for (const turn of turns) await world.tilled(app, 'PATCH', `/v1/customers/${id}`, { first_name: turn });
    });
    const before = (await webhookRows()).length;
    const scope = await world.scope(app);
    await world.control('faults', { operation: 'GET /v1/events', skip: 2, status: 503, times: 100 });
    await expect(world.gateway.webhooks.backfill.run(scope)).rejects.toThrow();
    // Two pages of a hundred were recorded before the third was asked for: no more than a page is ever held.
    const between = (await webhookRows()).length;
    expect([between > before, between <= before + 200]).toEqual([true, true]);
    expect(await world.rows('billing_cursors', app)).toEqual([]);
    await world.control('faults', { clear: true });
    expect(await world.gateway.webhooks.backfill.run(await world.scope(app))).toBe(before + 240 - between);
    expect(await webhookRows()).toHaveLength(before + 240);
    expect(new Set((await webhookRows()).map((row) => row['deliveries']))).toEqual(new Set([1]));
    expect(await world.rows('billing_cursors', app)).toHaveLength(1);
  });

  it('counts no delivery of events that another app on the same account has', async () => {
    const sibling = await siblingOf(app);
    const { id: customerId } = await world.customer(app);
    await world.settle();
    const tilledId = (await world.rows('billing_customers', app)).find((row) => row['id'] === customerId)?.['tilled_customer_id'];
    await unheard(() => world.tilled(app, 'PATCH', `/v1/customers/${tilledId}`, { first_name: 'Ann' }));
    expect(await world.gateway.webhooks.backfill.run(await world.scope(sibling))).toBe(1);
    expect(await world.gateway.webhooks.backfill.run(await world.scope(sibling))).toBe(0);
    expect(await webhookRows(sibling)).toEqual([]);
    expect((await webhookRows()).map((row) => row['deliveries'])).toEqual([1, 1]);
  });

  it('is scheduled for an app, looks every quarter of an hour, and survives a day without Tilled', async () => {
    const { id } = await customerAtTilled();
    await world.settle();
    await world.gateway.webhooks.backfill.schedule(await world.scope(app));
    await world.gateway.webhooks.backfill.schedule(await world.scope(app));
    for (const name of ['Ann', 'Bea']) {
      await unheard(() => world.tilled(app, 'PATCH', `/v1/customers/${id}`, { first_name: name }));
      const before = (await webhookRows()).length;
      await world.advance({ ms: 14 * MINUTE_MS });
      expect(await webhookRows()).toHaveLength(before);
      await world.advance({ ms: MINUTE_MS });
      expect(await webhookRows()).toHaveLength(before + 1);
    }
    await world.control('faults', { operation: 'GET /v1/events', status: 503, retryAfterSeconds: 60, times: 1_000 });
    await unheard(() => world.tilled(app, 'PATCH', `/v1/customers/${id}`, { first_name: 'Cy' }));
    const before = (await webhookRows()).length;
    for (let hours = 0; hours < 24; hours += 1) await world.advance({ ms: HOUR_MS });
    expect(await webhookRows()).toHaveLength(before);
    await world.control('faults', { clear: true });
    await world.advance({ ms: HOUR_MS });
    expect(await webhookRows()).toHaveLength(before + 1);
    expect(await world.rows('billing_jobs', app)).toMatchObject([{ kind: 'webhook.backfill', state: 'due' }]);
  });
});

describe('a database that cannot record', () => {
  it('has every delivery answered 503 with Retry-After, none 200, and takes them all once it is back', async () => {
    await deliver(newEvent(app));
    const lost = Array.from({ length: 20 }, () => newEvent(app));
    await world.gateway.database.run('alter table billing_webhooks rename to billing_webhooks_away', []);
    const answers = await Promise.all(lost.map((event) => answerTo(event)));
    await world.gateway.database.run('alter table billing_webhooks_away rename to billing_webhooks', []);
    expect(new Set(answers.map(({ status, headers }) => `${status} ${headers.get('retry-after')}`))).toEqual(new Set(['503 30']));
    expect(await webhookRows()).toHaveLength(1);
    for (const event of lost) expect(await deliver(event)).toBe(200);
    expect(await webhookRows()).toHaveLength(21);
  });
});

describe('many deliveries at once', () => {
  it('share few statements, each a commit of its own', async () => {
    await deliver(newEvent(app));
    const sent = Array.from({ length: 200 }, (_, index) => newEvent(app, `cus_${index}`));
    let receipts: Receipt[] = [];
    const statements = await world.statements(async () => {
      receipts = await Promise.all(sent.map((event) => receive(event)));
    });
    expect(receipts.map(({ kind }) => kind)).toEqual(sent.map(() => 'recorded'));
    expect(await webhookRows()).toHaveLength(201);
    expect(statements.filter((sql) => sql.startsWith('insert into billing_webhooks '))).toHaveLength(4);
    expect(statements.filter((sql) => !/^(insert into|select id from) billing_webhooks /.test(sql))).toEqual([]);
  });

  it('are told apart, new ones from those that came before and those that come twice', async () => {
    const [known, one, other] = [newEvent(app), newEvent(app), newEvent(app, 'cus_other')];
    await receive(known);
    const sent = [one, known, other, one, known, one];
    const receipts = await Promise.all(sent.map((event) => receive(event)));
    const recorded = sent.filter((_, index) => receipts[index]?.kind === 'recorded');
    expect(new Set(recorded)).toEqual(new Set([one, other]));
    expect(receipts.map(({ kind }) => kind).sort()).toEqual([...Array(4).fill('duplicate'), 'recorded', 'recorded']);
    const deliveries = Object.fromEntries((await webhookRows()).map((row) => [row['event_id'], Number(row['deliveries'])]));
    expect(deliveries).toEqual({ [known.id]: 3, [one.id]: 3, [other.id]: 1 });
  });

  it('are stored as the text that was signed', async () => {
    const event = newEvent(app);
    const body = JSON.stringify({ unknown: ['é', 1.0], ...event }, null, 2);
    expect(await postSigned(app, body, signed(body))).toBe(200);
    expect((await rowOf(event))?.['payload']).toBe(body);
  });

  it('do not fail for one among them that the database refuses', async () => {
    await refuseInDatabase('evt_refused');
    const sent = Array.from({ length: 50 }, (_, index) => ({ ...newEvent(app, `cus_${index}`) }));
    const refused = { ...newEvent(app), id: 'evt_refused' };
    const answers = await Promise.all([...sent.slice(0, 25), refused, ...sent.slice(25)].map((event) => deliver(event)));
    await define('drop trigger refuse_event');
    expect(answers.filter((status) => status === 200)).toHaveLength(50);
    expect(answers[25]).toBe(503);
    expect(await webhookRows()).toHaveLength(50);
    expect(await deliver(refused)).toBe(200);
  });
});

interface TestEvent {
  readonly id: string;
  readonly type: string;
  readonly account_id: string;
  readonly created_at: string;
  readonly data: object;
}

/** An event about a customer of the app, as Tilled would make it. */
function newEvent(of: TestApp, customerId = 'cus_of_test'): TestEvent {
  events += 1;
  const created_at = world.sandbox.now().toISOString();
  return { id: `evt_of_test_${events}`, type: 'customer.updated', account_id: of.accountId, created_at, data: { id: customerId } };
}

function signed(body: string, secret = world.webhookSecret): string {
  return signPayload({ secret, rawBody: body, timestampMs: world.sandbox.now().getTime() });
}

function urlOf(of: TestApp): string {
  return `${world.url}/api/billing/webhooks/${of.id}`;
}

/** Hands a delivery over as the HTTP route does, all of one tick at once. */
function receive(event: TestEvent): Promise<Receipt> {
  const body = JSON.stringify(event);
  return world.gateway.inbox.receive({ rawBody: Buffer.from(body), headers: { 'tilled-signature': signed(body) }, appId: app.id });
}

async function answerTo(event: TestEvent): Promise<Response> {
  const body = JSON.stringify(event);
  const headers = { 'content-type': 'application/json', 'tilled-signature': signed(body) };
  return fetch(urlOf(app), { method: 'POST', headers, body });
}

async function postSigned(to: TestApp, body: string, signature: string): Promise<number> {
  const headers = { 'content-type': 'application/json', 'tilled-signature': signature };
  const response = await fetch(urlOf(to), { method: 'POST', headers, body });
  await response.text();
  return response.status;
}

function post(to: TestApp, event: TestEvent, { secret }: { secret: string }): Promise<number> {
  const body = JSON.stringify(event);
  return postSigned(to, body, signed(body, secret));
}

function deliver(event: TestEvent, to = app): Promise<number> {
  return post(to, event, { secret: world.webhookSecret });
}

async function register(of: TestApp): Promise<string> {
  return world.gateway.webhooks.endpoints.register(await world.scope(of), urlOf(of));
}

async function secretsOf(of: TestApp): Promise<string[]> {
  const placeOf = (id: unknown) => [of.id, 'billing_webhook_secrets.secret', String(id)];
  const rows = await world.rows('billing_webhook_secrets', of);
  return rows.map((row) => world.gateway.vault.open(String(row['secret']), placeOf(row['id'])));
}

async function endpointsAtTilled(): Promise<{ id: string; url: string; enabled_events: string[] }[]> {
  const { items } = (await world.tilled(app, 'GET', '/v1/webhook-endpoints?limit=100')) as {
    items: { id: string; url: string; enabled_events: string[] }[];
  };
  return items.map(({ id, url, enabled_events }) => ({ id, url, enabled_events }));
}

async function endpointIds(): Promise<string[]> {
  return (await endpointsAtTilled()).map(({ id }) => id);
}

/** The attempts that the sandbox made at these endpoints. */
async function attemptsAt(ids: readonly string[]) {
  const state = (await world.control('state')) as { webhook_attempts: { endpoint_id: string; status: number }[] };
  return state.webhook_attempts.filter((attempt) => ids.includes(attempt.endpoint_id));
}

function customerAtTilled(): Promise<{ id: string }> {
  return world.tilled(app, 'POST', '/v1/customers', { email: 'ann@example.com' }) as Promise<{ id: string }>;
}

function webhookRows(of = app): Promise<readonly AnyRow[]> {
  return world.rows('billing_webhooks', of);
}

async function rowOf(event: { readonly id: string }, of = app): Promise<AnyRow | undefined> {
  return (await webhookRows(of)).find((row) => row['event_id'] === event.id);
}

async function health(): Promise<unknown> {
  const query = '{ webhookHealth { received failed dead oldestUnhandledAt lagMs } }';
  const { data } = await world.post<{ webhookHealth: unknown }>({ query }, { credential: app.key });
  return data?.webhookHealth;
}

/** From now on no customer can be fetched. */
function unreachable(): Promise<unknown> {
  return world.control('faults', { operation: 'GET /v1/customers/:id', status: 503, retryAfterSeconds: 60, times: 1_000 });
}

async function untilNextTryMs(): Promise<number> {
  const [job] = await world.rows('billing_jobs', app);
  const dueAt = job?.['due_at'];
  return new Date(dueAt as string | number | Date).getTime() - world.sandbox.now().getTime();
}

/** An event that was given up because its object could not be fetched, which still is so. */
async function deadEvent(): Promise<TestEvent> {
  await unreachable();
  const event = newEvent(app);
  await deliver(event);
  await world.settle();
  for (let tries = 1; tries < 5; tries += 1) await world.advance({ ms: await untilNextTryMs() });
  expect(await rowOf(event)).toMatchObject({ status: 'DEAD' });
  return event;
}

/** Does something at Tilled of which no delivery tells. */
async function unheard<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  await world.control('webhooks', { lose: 1_000 });
  const answer = await work();
  await world.control('webhooks', { lose: 0 });
  return answer;
}

async function decline(paymentMethodId: string, code: string | null): Promise<void> {
  const methods = await world.rows('billing_payment_methods', app);
  const tilledId = methods.find((row) => row['id'] === paymentMethodId)?.['tilled_payment_method_id'];
  await world.control('declines', { paymentMethodId: tilledId, code });
}

/** Another app on the account of an app. */
async function siblingOf(of: TestApp): Promise<TestApp> {
  const id = `sibling-of-${of.id}`;
  await world.gateway.access.createApp({ id, name: 'Sibling', tilledAccountId: of.accountId });
  return { ...of, id };
}

/** Has the database refuse to store one event. */
async function refuseInDatabase(eventId: string): Promise<void> {
  const refusal = world.gateway.database.isEmbedded
    ? "select raise(abort, 'refused')"
    : "signal sqlstate '45000' set message_text = 'refused'";
  const condition = world.gateway.database.isEmbedded
    ? `when new.event_id = '${eventId}' begin ${refusal}; end`
    : `begin if new.event_id = '${eventId}' then ${refusal}; end if; end`;
  await define(`create trigger refuse_event before insert on billing_webhooks for each row ${condition}`);
}

/** MySQL prepares no statement about triggers, and in a transaction of the ORM statements are sent as text. */
async function define(sql: string): Promise<void> {
  const { database } = world.gateway;
  await database.transaction((em) => database.run(sql, [], em));
}

/** A second gateway on the database of this world. */
async function anotherGateway({ webhookSecret }: { webhookSecret: string }) {
  const { database } = readConfig({ DATABASE_URL_BILLING: world.environment['DATABASE_URL_BILLING'] }, process.cwd());
  const tilled = { baseUrl: world.sandbox.url, secretKey: 'sk_x', publicKey: 'pk_x', webhookSecret, accountId: 'acct_x' };
  const parts = {
    database,
    encryption: TEST_ENCRYPTION,
    clock: { now: () => world.sandbox.now() },
    log: createLog('silent'),
    tilled,
    tilledTimeoutMs: 1_000,
  };
  const gateway = await composeGateway(parts);
  const server = await createHttpServer({
    ...gateway,
    limits: composeLocalLimits({ ...gateway, clock: systemClock }, UNLIMITED),
    trustedProxies: [],
    explorer: null,
  });
  return {
    deliver: (body: string, signature: string) =>
      server.inject({
        method: 'POST',
        url: `/api/billing/webhooks/${app.id}`,
        headers: { 'content-type': 'application/json', 'tilled-signature': signature },
        body,
      }),
    close: async () => {
      await server.close();
      await gateway.database.close();
    },
  };
}

async function countOf(table: string, where: string): Promise<number> {
  const [row] = await world.gateway.database.query(`select count(*) as n from ${table} where app_id = ? and ${where}`, [app.id]);
  return Number(row?.['n']);
}
