import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { placeOf, WEBHOOK_SECRET } from '../../src/access/secret-places.js';
import { composeGateway } from '../../src/compose.js';
import { composeLocalLimits } from '../../src/compose.limits.js';
import { readConfig } from '../../src/config.js';
import { createHttpServer } from '../../src/http/server.js';
import { systemClock } from '../../src/platform/clock.js';
import { createLog } from '../../src/platform/log.js';
import { signPayload } from '../../src/tilled/tilled.signature.js';
import { TEST_ENCRYPTION } from '../support/encryption.js';
import * as ops from '../support/operations.generated.js';
import { createScratchDatabase } from '../support/scratch-database.js';
import { type AnyRow, countsOfApp } from '../support/tables.js';
import { type TestApp, UNLIMITED, World } from '../support/world.js';

const CARD_NUMBER = '4111111111111111';

interface TestEvent {
  readonly id: string;
  readonly type: string;
  readonly account_id: string;
  readonly data: object;
}

let world: World;
let a: TestApp;
let b: TestApp;
let tilledCustomerId: string;
let events = 0;

beforeAll(async () => {
  world = await World.create();
  [a, b] = [await world.app(), await world.app()];
  await world.customer(a, { name: 'Ann Lee' });
  tilledCustomerId = String((await world.rows('billing_customers', a))[0]?.['tilled_customer_id']);
  await world.settle();
});
afterAll(() => world.close());

describe('a delivery that is not from Tilled', () => {
  let before: Awaited<ReturnType<typeof countsOfApp>>[];

  beforeAll(async () => {
    before = await Promise.all([countsOfApp(world, a), countsOfApp(world, b)]);
  });
  afterEach(async () => {
    expect(await Promise.all([countsOfApp(world, a), countsOfApp(world, b)])).toEqual(before);
  });

  const now = () => world.sandbox.now().getTime();
  const signature = (timestampMs: number, body: string, secret = world.webhookSecret) =>
    signPayload({ secret, rawBody: body, timestampMs });

  it.each([
    ['no header', () => undefined],
    ['an empty header', () => ''],
    ['a header that is none', () => 'signed'],
    ['a forged digest', () => `t=${now()},v1=${'0'.repeat(64)}`],
    ['a digest that is too short', () => `t=${now()},v1=00`],
    ['only a time', () => `t=${now()}`],
    ['only a digest', (body: string) => signature(now(), body).split(',')[1]],
    ['two times', (body: string) => `t=${now() - 1},${signature(now(), body)}`],
    ['a time in words', (body: string) => signature(now(), body).replace(/t=\d+/, 't=now')],
    ['another time than the one that was signed', (body: string) => signature(now(), body).replace(/t=\d+/, `t=${now() - 1}`)],
    ['the wrong secret', (body: string) => signature(now(), body, 'whsec_of_somebody_else')],
    ['an empty secret', (body: string) => signature(now(), body, '')],
    ["the app's own key for a secret", (body: string) => signature(now(), body, a.key)],
    ['a time of more than five minutes ago', (body: string) => signature(now() - 300_001, body)],
    ['a time more than five minutes ahead', (body: string) => signature(now() + 300_001, body)],
    ['a time in seconds', (body: string) => signature(Math.floor(now() / 1_000), body)],
    ['a scheme we do not know', (body: string) => signature(now(), body).replace('v1=', 'v0=')],
  ])('with %s is answered 401 on both paths, and leaves no row', async (_, sign: (body: string) => string | undefined) => {
    const body = JSON.stringify(newEvent(a));
    for (const path of ['', `/${a.id}`]) {
      const answer = await post(body, { path, signature: sign(body) });
      expect(answer).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
      expect(answer.text).not.toContain(tilledCustomerId);
    }
  });

  it('whose body was altered by one space is answered 401', async () => {
    const body = JSON.stringify(newEvent(a));
    const signed = signature(now(), body);
    expect(await post(body.replace('{', '{ '), { signature: signed })).toMatchObject({ status: 401 });
    expect(await post(`${body}\n`, { path: `/${a.id}`, signature: signed })).toMatchObject({ status: 401 });
  });

  it('whose account was exchanged after it was signed is answered 401', async () => {
    const body = JSON.stringify(newEvent(a));
    const exchanged = body.replace(a.accountId, b.accountId);
    expect(await post(exchanged, { signature: signature(now(), body) })).toMatchObject({ status: 401 });
  });

  it('that carries an API key instead of a signature is answered 401', async () => {
    expect(await post(JSON.stringify(newEvent(a)), { headers: { authorization: `Bearer ${a.key}` } })).toMatchObject({ status: 401 });
  });

  it('has the database asked no more often for coming forty times at once, and keeps no new secret from being known', async () => {
    const body = JSON.stringify(newEvent(a));
    const [started, answers] = [performance.now(), [] as unknown[]];
    const statements = await world.statements(async () => {
      const forged = Array.from({ length: 40 }, () =>
        post(body, { path: `/${a.id}`, signature: signature(now(), body, 'whsec_of_nobody') }),
      );
      answers.push(...(await Promise.all(forged)).map(({ status }) => status));
    });
    expect(new Set(answers)).toEqual(new Set([401]));
    const looks = statements.filter((sql) => sql.includes('from billing_webhook_secrets')).length;
    expect(looks).toBeGreaterThan(0);
    // One that was remembered too long, and then one in 100 ms.
    expect(looks).toBeLessThanOrEqual(2 + Math.ceil((performance.now() - started) / 100));
    const insert = 'insert into billing_webhook_secrets (app_id, id, secret, created_at) values (?, ?, ?, ?)';
    const sealed = world.gateway.vault.seal('whsec_new', placeOf(WEBHOOK_SECRET, a.id, 'wes_new'));
    await world.gateway.database.run(insert, [a.id, 'wes_new', sealed, new Date(now())]);
    // Unusable, not unverified: it was signed with a secret that was stored a moment ago.
    expect(await post('{}', { path: `/${a.id}`, signature: signature(now(), '{}', 'whsec_new') })).toMatchObject({ status: 400 });
    await world.gateway.database.run("delete from billing_webhook_secrets where app_id = ? and id = 'wes_new'", [a.id]);
  });

  it('to an app that is not there is answered 404, signed or not', async () => {
    const body = JSON.stringify(newEvent(a));
    for (const signed of [undefined, signature(now(), body)]) {
      expect(await post(body, { path: '/app-9', signature: signed })).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    }
  });

  it('from an account that no app has is answered 404, signed or not', async () => {
    const body = JSON.stringify({ ...newEvent(a), account_id: 'acct_nobody' });
    for (const signed of [undefined, signature(now(), body)]) {
      expect(await post(body, { signature: signed })).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    }
  });

  it("of another app's account is refused on an app's own path, though rightly signed", async () => {
    const body = JSON.stringify(newEvent(a));
    const answer = await post(body, { path: `/${b.id}`, signature: signature(now(), body) });
    expect(answer).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
  });

  it.each([
    ['not JSON', '{"id":'],
    ['empty', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['text', '"evt_1"'],
    ['without an id', JSON.stringify({ type: 'customer.updated', account_id: 'acct', data: {} })],
    ['with an id that is an object', JSON.stringify({ id: {}, type: 'customer.updated', account_id: 'acct', data: {} })],
    ['with an id of 65 characters', JSON.stringify({ id: 'e'.repeat(65), type: 'customer.updated', account_id: 'acct', data: {} })],
    ['without data', JSON.stringify({ id: 'evt_x', type: 'customer.updated', account_id: 'acct' })],
    ['deeply nested', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
  ])('whose body is %s is refused, though rightly signed', async (_, template) => {
    const body = template.replace('"acct"', JSON.stringify(a.accountId));
    const onPath = await post(body, { path: `/${a.id}`, signature: signature(now(), body) });
    expect(onPath).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
    expect([400, 404]).toContain((await post(body, { signature: signature(now(), body) })).status);
  });

  it("that is signed with the deployment's secret is refused for an app with a Tilled account and key of its own, on both paths", async () => {
    const own = await world.app();
    await world.gateway.access.apps.setTilledSecretKey(own.id, own.tilledSecretKey);
    await world.gateway.webhooks.endpoints.register(await world.scope(own), `${world.url}/api/billing/webhooks/${own.id}`);
    const body = JSON.stringify({ ...newEvent(a), account_id: own.accountId });
    for (const path of ['', `/${own.id}`])
      expect(await post(body, { path, signature: goodSignature(body) })).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    expect(await world.rows('billing_webhooks', own)).toEqual([]);
    const [row] = await world.rows('billing_webhook_secrets', own);
    const secret = world.gateway.vault.open(String(row?.['secret']), placeOf(WEBHOOK_SECRET, own.id, String(row?.['id'])));
    expect(await post(body, { path: `/${own.id}`, signature: signature(now(), body, secret) })).toMatchObject({ status: 200 });
  });

  it('of 2 MB is answered 413', async () => {
    const body = JSON.stringify({ ...newEvent(a), filler: 'x'.repeat(2_000_000) });
    expect(await post(body, { signature: signature(now(), body) })).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' });
  });

  it('that carries card data has none of it in the answer', async () => {
    const body = JSON.stringify({ ...newEvent(a), id: CARD_NUMBER, type: CARD_NUMBER, account_id: CARD_NUMBER });
    for (const path of ['', `/${a.id}`, `/${CARD_NUMBER}`]) {
      for (const signed of [undefined, `t=${CARD_NUMBER},v1=${CARD_NUMBER}`, signature(now(), body)]) {
        const answer = await post(body, { path, signature: signed });
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.text).not.toContain(CARD_NUMBER);
      }
    }
  });

  it.each(['GET', 'PUT', 'DELETE'])('sent by %s is answered 405', async (method) => {
    const response = await fetch(`${world.url}/api/billing/webhooks`, { method });
    expect(response.status).toBe(405);
  });
});

describe('a delivery from Tilled', () => {
  it('is taken by the bare path and by the path of the app, and both are the same event', async () => {
    const event = newEvent(a);
    expect(await deliver(event)).toMatchObject({ status: 200, body: { received: true, duplicate: false } });
    expect(await deliver(event, `/${a.id}`)).toMatchObject({ status: 200, body: { received: true, duplicate: true } });
    expect(await rowOf(a, event)).toMatchObject({ deliveries: 2, status: 'RECEIVED' });
    expect(await rowOf(b, event)).toBeUndefined();
    await world.settle();
    expect(await rowOf(a, event)).toMatchObject({ deliveries: 2, status: 'PROCESSED', attempts: 1, error: null });
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'text/plain',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
  ])('is taken as %s, byte for byte as it was signed', async (type) => {
    const event = { ...newEvent(a), note: 'é 🙂 \u2028' };
    const body = `  ${JSON.stringify(event, null, 3)}\r\n`;
    const answer = await post(body, { signature: goodSignature(body), headers: { 'content-type': type } });
    expect(answer).toMatchObject({ status: 200 });
    expect(JSON.parse(String((await rowOf(a, event))?.['payload']))).toEqual(event);
  });

  it("signed with the deployment's secret is taken for an app that uses the deployment's key, and for one of the deployment's account with a key of its own", async () => {
    const [merchant, same] = [await world.app(), await world.app()];
    const deploymentAccount = world.environment['TILLED_ACCOUNT_ID'] ?? '';
    await world.gateway.database.run('update billing_apps set tilled_account_id = ? where id = ?', [deploymentAccount, same.id]);
    for (const app of [merchant, same]) await world.gateway.access.apps.setTilledSecretKey(app.id, app.tilledSecretKey);
    await world.gateway.access.apps.setTilledSecretKey(merchant.id, null);
    for (const [app, account_id] of [
      [merchant, merchant.accountId],
      [same, deploymentAccount],
    ] as const) {
      const body = JSON.stringify({ ...newEvent(a), account_id });
      expect(await post(body, { path: `/${app.id}`, signature: goodSignature(body) })).toMatchObject({ status: 200 });
    }
  });

  it('is taken when one of several digests is right', async () => {
    const body = JSON.stringify(newEvent(a));
    const [time, digest] = goodSignature(body).split(',');
    expect(await post(body, { signature: `${time},v1=${'0'.repeat(64)},${digest}` })).toMatchObject({ status: 200 });
  });

  it('is taken up to five minutes after it was signed, and before', async () => {
    for (const offsetMs of [-300_000, 300_000]) {
      const body = JSON.stringify(newEvent(a));
      const signature = signPayload({ secret: world.webhookSecret, rawBody: body, timestampMs: world.sandbox.now().getTime() + offsetMs });
      expect(await post(body, { signature })).toMatchObject({ status: 200 });
    }
  });

  it('of a type that nobody knows is recorded, and there is nothing to do', async () => {
    const event = { ...newEvent(a), type: 'moon.phase_changed' };
    expect(await deliver(event)).toMatchObject({ status: 200, body: { duplicate: false } });
    expect(await rowOf(a, event)).toMatchObject({ status: 'PROCESSED', type: 'moon.phase_changed', deliveries: 1 });
    const shown = await world.ask(a, ops.WebhookEventsDocument, { type: 'moon.phase_changed' });
    expect(shown.webhookEvents).toMatchObject({ totalCount: 1, nodes: [{ eventId: event.id, status: 'PROCESSED' }] });
  });

  it('about an object that is not at Tilled is handled, and changes nothing', async () => {
    const event = { ...newEvent(a), data: { id: 'cus_nobody' } };
    await deliver(event);
    await world.settle();
    expect(await rowOf(a, event)).toMatchObject({ status: 'PROCESSED' });
  });

  it('changes nothing by what its body says: the object is asked for anew', async () => {
    const [before] = await world.rows('billing_customers', a);
    await deliver({ ...newEvent(a), data: { id: tilledCustomerId, email: 'mallory@example.com', metadata: null } });
    await world.settle();
    expect((await world.rows('billing_customers', a))[0]).toEqual(before);
  });

  it('has the same id as an event of another app, and both are kept', async () => {
    const event = newEvent(a);
    const other = { ...event, account_id: b.accountId };
    expect(await deliver(event)).toMatchObject({ status: 200, body: { duplicate: false } });
    expect(await deliver(other)).toMatchObject({ status: 200, body: { duplicate: false } });
    expect(await rowOf(a, event)).toMatchObject({ deliveries: 1 });
    expect(await rowOf(b, other)).toMatchObject({ deliveries: 1 });
  });

  it('is not kept out by a forged one with its id that came first', async () => {
    const event = newEvent(a);
    const forged = JSON.stringify({ ...event, type: 'moon.phase_changed' });
    for (const path of ['', `/${a.id}`]) await post(forged, { path, signature: `t=${world.sandbox.now().getTime()},v1=${'1'.repeat(64)}` });
    expect(await deliver(event)).toMatchObject({ status: 200, body: { duplicate: false } });
    expect(await rowOf(a, event)).toMatchObject({ type: 'customer.updated', deliveries: 1 });
  });

  it('that comes ten times at once is processed once, and nine are counted as duplicates', async () => {
    await world.settle();
    const event = newEvent(a);
    const asked = () => world.sandbox.requests('GET /v1/customers/:id').length;
    const before = asked();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => deliver(event, index % 2 === 0 ? '' : `/${a.id}`)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(answers.filter(({ body }) => body.duplicate === false)).toHaveLength(1);
    expect((await world.rows('billing_webhooks', a)).filter((row) => row['event_id'] === event.id)).toHaveLength(1);
    await Promise.all([world.gateway.worker.drain(), world.gateway.worker.drain(), world.gateway.worker.drain()]);
    expect(await rowOf(a, event)).toMatchObject({ deliveries: 10, status: 'PROCESSED', attempts: 1 });
    expect(asked() - before).toBe(1);
    expect(await world.rows('billing_jobs', a)).toEqual([]);
  });

  it('is one of thirty different events of one object at once: all are recorded, and the object is asked for less often', async () => {
    const asked = () => world.sandbox.requests('GET /v1/customers/:id').length;
    const before = asked();
    const sent = Array.from({ length: 30 }, () => newEvent(a));
    const answers = await Promise.all(sent.map((event) => deliver(event)));
    expect(answers.filter(({ body }) => body.duplicate === false)).toHaveLength(30);
    await world.settle();
    for (const event of sent) expect(await rowOf(a, event)).toMatchObject({ deliveries: 1, status: 'PROCESSED' });
    expect(asked() - before).toBeLessThan(10);
  });

  it('is answered 503 with Retry-After when it cannot be recorded, so that Tilled delivers it again', async () => {
    const event = newEvent(a);
    const body = JSON.stringify(event);
    const { server, close } = await serverOnEmptyDatabase();
    const answer = await server.inject({
      method: 'POST',
      url: `/api/billing/webhooks/${a.id}`,
      headers: { 'content-type': 'application/json', 'tilled-signature': goodSignature(body) },
      body,
    });
    await close();
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '30']);
    expect(answer.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
  });
});

/** The HTTP server of a gateway whose database has none of its tables, and how to end it. */
async function serverOnEmptyDatabase() {
  const scratch = await createScratchDatabase();
  const tilled = {
    baseUrl: world.sandbox.url,
    secretKey: 'sk_x',
    publicKey: 'pk_x',
    webhookSecret: world.webhookSecret,
    accountId: 'acct_x',
  };
  const { database } = readConfig({ DATABASE_URL_BILLING: scratch.url }, process.cwd());
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
  const close = async () => {
    await server.close();
    await gateway.database.close();
    await scratch.drop();
  };
  return { server, close };
}

/** A new event about the customer of app A, as Tilled would make it for this app's account. */
function newEvent(app: TestApp): TestEvent {
  events += 1;
  return { id: `evt_of_test_${events}`, type: 'customer.updated', account_id: app.accountId, data: { id: tilledCustomerId } };
}

function goodSignature(body: string): string {
  return signPayload({ secret: world.webhookSecret, rawBody: body, timestampMs: world.sandbox.now().getTime() });
}

async function deliver(event: TestEvent, path = '') {
  const body = JSON.stringify(event);
  const { status, text } = await post(body, { path, signature: goodSignature(body) });
  return { status, body: JSON.parse(text) as { received?: boolean; duplicate?: boolean } };
}

async function post(body: string, sent: { path?: string; signature?: string | undefined; headers?: Record<string, string> }) {
  const signature: Record<string, string> = sent.signature === undefined ? {} : { 'tilled-signature': sent.signature };
  const headers = { 'content-type': 'application/json', ...signature, ...sent.headers };
  const response = await fetch(`${world.url}/api/billing/webhooks${sent.path ?? ''}`, { method: 'POST', headers, body });
  const text = await response.text();
  const { errors = [] } = JSON.parse(text) as { errors?: { extensions: { code: string } }[] };
  return { status: response.status, text, code: errors[0]?.extensions.code };
}

async function rowOf(app: TestApp, event: TestEvent): Promise<AnyRow | undefined> {
  return (await world.rows('billing_webhooks', app)).find((row) => row['event_id'] === event.id);
}
