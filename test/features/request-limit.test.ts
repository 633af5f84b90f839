import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { signPayload } from '../../src/tilled/tilled.signature.js';
import { ask, countOf, expectSharedLimits } from '../support/limits.js';
import * as ops from '../support/operations.generated.js';
import { billing } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

describe('RATE_LIMITED', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.create({ limits: { requestsPerWindow: 5 } });
  });
  afterAll(() => world.close());

  it('lets exactly the limit through, also of requests that come at once', async () => {
    const app = await world.app();
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.send(app, ops.AppDocument, {})));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(5);
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(15);
    expect(await world.rows('billing_limit_counters', app)).toMatchObject([{ id: 'requests', used: 5 }]);
  });

  it('says when to come back, and keeps other apps out of it', async () => {
    const [busy, calm] = [await world.app(), await world.app()];
    for (let sent = 0; sent < 5; sent += 1) await world.ask(busy, ops.AppDocument, {});
    const refused = await world.send(busy, ops.AppDocument, {});
    expect(refused).toMatchObject({
      status: 429,
      data: null,
      errors: [{ extensions: { code: 'RATE_LIMITED', rateLimit: { limit: 5, remaining: 0, retryAfterMs: 900_000 } } }],
    });
    expect(refused.headers.get('retry-after')).toBe('900');
    expect(refused.headers.get('ratelimit')).toBe('"requests";r=0;t=900');
    expect(await world.ask(calm, ops.AppDocument, {})).toEqual({ app: { id: calm.id, name: expect.any(String) } });
  });

  it('is told in time: each answer says what is left, in headers and extensions', async () => {
    const app = await world.app();
    for (const remaining of [4, 3, 2]) {
      const response = await ask(world.url, app.key);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'ratelimit-policy': '"requests";q=5;w=900',
        ratelimit: `"requests";r=${remaining};t=900`,
        'ratelimit-limit': '5',
        'ratelimit-remaining': String(remaining),
        'ratelimit-reset': '900',
      });
      expect(await response.json()).toMatchObject({ extensions: { rateLimit: { limit: 5, remaining, resetMs: 900_000 } } });
    }
  });

  it('tells each of the requests that come at once what is left after itself, and of none what another was told', async () => {
    const app = await world.app();
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(world.url, app.key)));
    expect(answers.map(({ headers }) => headers.get('ratelimit-remaining')).toSorted()).toEqual(['0', '1', '2', '3', '4']);
  });

  it('is told as an event of the app, once an hour however many are refused', async () => {
    const app = await world.app();
    const told = async () => {
      await Promise.all(Array.from({ length: 8 }, () => ask(world.url, app.key)));
      // Nobody waits for it.
      while ((await world.rows('billing_cursors', app)).every(({ id }) => id !== 'events.limit.requests')) await sleep(10);
      await world.settle();
      return (await world.rows('billing_app_events', app)).map(({ type, sequence, cause }) => [type, sequence, cause]);
    };
    const first = ['app.limit_reached', 1, 'job:limit.requests'];
    expect(await told()).toEqual([first]);
    await world.advance({ ms: 1_800_000 });
    expect(await told()).toEqual([first]);
  });

  it('is told as an event again once the clock of a process is right that was days ahead', async () => {
    const app = await world.app();
    const told = async (count: number) => {
      await Promise.all(Array.from({ length: 8 }, () => ask(world.url, app.key)));
      await world.until(async () => (await world.rows('billing_app_events', app)).length === count);
    };
    world.shifts.wallMs += 2 * 86_400_000;
    await told(1);
    world.shifts.wallMs = 0;
    await world.advance({ ms: 7_200_000 });
    await told(2);
    await world.settle();
  });

  it('ends with the window', async () => {
    const app = await world.app();
    for (let sent = 0; sent < 6; sent += 1) await ask(world.url, app.key);
    await world.advance({ ms: 899_999 });
    expect((await ask(world.url, app.key)).status).toBe(429);
    await world.advance({ ms: 1 });
    expect((await ask(world.url, app.key)).status).toBe(200);
    expect(await world.rows('billing_limit_counters', app)).toMatchObject([{ id: 'requests', used: 1 }]);
  });

  it('begins where the command line put it for an app, and for one of its keys', async () => {
    const [app, other] = [await world.app(), await world.app()];
    const { id, key } = await world.gateway.access.createKey(app.id, 'read_only');
    const run = (...args: readonly string[]) => billing(args, world.environment);
    expect(await run('apps', 'limit', '--app', app.id, '--requests-per-window', '8')).toMatchObject({ status: 0, stderr: '' });
    expect(await run('keys', 'limit', '--app', app.id, '--key', id, '--requests-per-window', '2')).toMatchObject({ status: 0, stderr: '' });
    expect(await run('apps', 'limit', '--app', 'nobody', '--requests-per-window', '8')).toMatchObject({ status: 1 });
    expect(await run('keys', 'limit', '--app', other.id, '--key', id, '--requests-per-window', '8')).toMatchObject({ status: 1 });
    expect(await run('apps', 'limit', '--app', app.id, '--requests-per-window', '0')).toMatchObject({ status: 64 });
    const ofKey = await Promise.all(Array.from({ length: 5 }, async () => (await ask(world.url, key)).status));
    expect([countOf(ofKey, 200), countOf(ofKey, 429)]).toEqual([2, 3]);
    const ofApp = await Promise.all(Array.from({ length: 10 }, async () => (await ask(world.url, app.key)).status));
    // Two of the app's eight went to the key.
    expect([countOf(ofApp, 200), countOf(ofApp, 429)]).toEqual([6, 4]);
    await world.gateway.limitService.limitApp(app.id, 9);
    expect([(await ask(world.url, app.key)).status, (await ask(world.url, app.key)).status]).toEqual([200, 429]);
  });
});

describe('two processes on one database', () => {
  it('admit exactly the limit together, and five failed authentications of one address', async () => {
    const world = await World.create();
    await expectSharedLimits(world, await world.app());
    await world.close();
  });
});

describe('failed authentications', () => {
  it('are counted by the address a trusted proxy names, and IPv6 by its network', async () => {
    const world = await World.create({ limits: { failedAuthenticationsPerWindow: 2, trustedProxies: ['127.0.0.0/8'] } });
    const of = async (address: string, credential = 'bg_svc_wrong') =>
      (await ask(world.url, credential, { 'x-forwarded-for': address })).status;
    expect([await of('198.51.100.7'), await of('198.51.100.7'), await of('198.51.100.7')]).toEqual([401, 401, 429]);
    expect(await of('198.51.100.8')).toBe(401);
    // What the client itself wrote before the proxy added its address is not believed.
    expect(await of('192.0.2.1, 198.51.100.7')).toBe(429);
    expect([await of('2001:db8:1:2::1'), await of('2001:db8:1:2:ffff::9'), await of('2001:db8:1:2:3:4:5:6')]).toEqual([401, 401, 429]);
    expect(await of('2001:db8:1:3::1')).toBe(401);
    const rows = await world.gateway.database.query('select id from billing_limit_counters where app_id = ? order by id', ['']);
    expect(rows.map(({ id }) => id)).toEqual([
      'auth 198.51.100.7',
      'auth 198.51.100.8',
      'auth 2001:db8:1:2::/64',
      'auth 2001:db8:1:3::/64',
    ]);
    await world.advance({ ms: 900_000 });
    expect(await of('198.51.100.7')).toBe(401);
    const left = await world.gateway.database.query('select id from billing_limit_counters where app_id = ?', ['']);
    expect(left.map(({ id }) => id)).toEqual(['auth 198.51.100.7']);
    await world.close();
  });

  it('are counted by the connection where no proxy is trusted, and nothing is looked up for a blocked one', async () => {
    const world = await World.create({ limits: { failedAuthenticationsPerWindow: 2 } });
    const of = async (address: string) => (await ask(world.url, 'bg_svc_wrong', { 'x-forwarded-for': address })).status;
    expect([await of('198.51.100.1'), await of('198.51.100.2'), await of('198.51.100.3')]).toEqual([401, 401, 429]);
    const seen = await world.statements(async () => expect(await of('198.51.100.4')).toBe(429));
    // The one of a second, for all keys.
    expect(seen.length).toBeLessThanOrEqual(1);
    await world.close();
  });
});

describe('a store that is down', () => {
  it('is stood in for by each process, with the same limit, and is seen in the metrics', async () => {
    const world = await World.create({ limits: { requestsPerWindow: 5, redisUrl: 'redis://127.0.0.1:1' } });
    const app = await world.app();
    const statuses: number[] = [];
    for (let sent = 0; sent < 8; sent += 1) statuses.push((await ask(world.url, app.key)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    expect((await ask(world.url, 'bg_svc_wrong')).status).toBe(401);
    expect(await world.gateway.metrics.registry.metrics()).toMatch(/billing_limit_store_failures_total [1-9]/);
    await world.close();
  });
});

describe('webhook deliveries', () => {
  let world: World;
  let app: TestApp;
  let events = 0;

  beforeAll(async () => {
    world = await World.create({ limits: { webhooksPerHour: 2 } });
    app = await world.app();
  });
  afterAll(() => world.close());

  const deliver = (accountId: string, secret = world.webhookSecret) => {
    events += 1;
    const body = JSON.stringify({ id: `evt_limit_${events}`, type: 'moon.phase_changed', account_id: accountId, data: { id: 'x' } });
    const signature = signPayload({ secret, rawBody: body, timestampMs: world.sandbox.now().getTime() });
    return fetch(`${world.url}/api/billing/webhooks`, { method: 'POST', headers: { 'tilled-signature': signature }, body });
  };
  const stored = async () => (await world.rows('billing_webhooks', app)).length;

  it('that are forged use up nothing of what an app may be sent', async () => {
    for (let sent = 0; sent < 20; sent += 1) expect((await deliver(app.accountId, 'whsec_of_somebody_else')).status).toBe(401);
    expect(await stored()).toBe(0);
  });

  it('are taken by the hour and then from the day, and beyond it asked for again later', async () => {
    const statuses: number[] = [];
    for (let sent = 0; sent < 15; sent += 1) statuses.push((await deliver(app.accountId)).status);
    expect(statuses).toEqual([...Array.from({ length: 12 }, () => 200), 429, 429, 429]);
    expect((await deliver(app.accountId)).headers.get('retry-after')).toBe('3600');
    expect(await stored()).toBe(12);
    await world.advance({ ms: 3_600_000 });
    expect([(await deliver(app.accountId)).status, (await deliver(app.accountId)).status, (await deliver(app.accountId)).status]).toEqual([
      200, 200, 429,
    ]);
  });

  it('from an address that sent a hundred forged ones cost no look-up, and those of known apps are still taken', async () => {
    await world.advance({ ms: 3_600_000 });
    for (let sent = 0; sent < 100; sent += 1) await deliver('acct_nobody', 'whsec_of_somebody_else');
    const seen = await world.statements(async () => {
      const refused = await deliver('acct_of_nobody_either', 'whsec_of_somebody_else');
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '900']);
    });
    expect(seen).toEqual([]);
    expect((await deliver(app.accountId)).status).toBe(200);
  });
});
