import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { serveOps } from '../../src/platform/ops-server.js';
import { ask } from '../support/limits.js';
import * as ops from '../support/operations.generated.js';
import { freePort } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

/** A connection on which bytes are written as they stand here. */
class Line {
  private heard = '';
  private readonly ended: Promise<unknown>;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.heard += chunk;
    });
    socket.on('error', () => undefined);
    this.ended = once(socket, 'close').catch(() => undefined);
  }

  static async to(url: string): Promise<Line> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const line = new Line(socket);
    await Promise.race([once(socket, 'connect').catch(() => undefined), line.ended]);
    return line;
  }

  write(bytes: string): this {
    this.socket.write(bytes);
    return this;
  }

  /** The status of the answer with this number, once it came; null where the line was cut before it. */
  async status(number = 1): Promise<number | null> {
    const statuses = () => [...this.heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
    while (statuses().length < number && !this.socket.closed) await Promise.race([this.ended, sleep(20)]);
    return statuses()[number - 1] ?? null;
  }

  get text(): string {
    return this.heard;
  }

  /** How long until it is cut from over there, ms. */
  async cutAfter(): Promise<number> {
    const from = performance.now();
    await this.ended;
    return performance.now() - from;
  }

  cut(): void {
    this.socket.destroy();
  }
}

const POST = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
const QUERY = '{"query":"{ app { id } }"}';

describe('a request to /graphql', () => {
  let world: World;
  let app: TestApp;

  beforeAll(async () => {
    world = await World.create();
    app = await world.app();
  });
  afterAll(() => world.close());

  it.each([
    ['without a credential', '', 100_000, 401],
    ['with a wrong key', 'authorization: Bearer bg_svc_wrong\r\n', 100_000, 401],
    ['with a right key and a body that is too large', 'KEY', 131_073, 413],
    ['with a right key and a packed body', 'KEYcontent-encoding: gzip\r\n', 100_000, 415],
    ['with a right key that names another app', 'KEYx-app-id: another\r\n', 100_000, 403],
  ])('%s is answered before its body is sent, and what comes of that is thrown away', async (_, headers, length, status) => {
    const line = await Line.to(world.url);
    const head = headers.replace('KEY', `authorization: Bearer ${app.key}\r\n`);
    line.write(`${POST}${head}content-length: ${length}\r\n\r\n`);
    expect(await line.status()).toBe(status);
    line.write('x'.repeat(length)).write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(await line.status(2)).toBe(200);
    line.cut();
  });

  it.each([
    ['/nowhere', 'POST', 404],
    ['/graphql', 'PUT', 405],
    ['/healthz', 'POST', 405],
    ['/api/billing/webhooks', 'DELETE', 405],
  ])('or at %s by %s is answered so, too', async (path, method, status) => {
    const line = await Line.to(world.url);
    line.write(`${method} ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n`);
    expect(await line.status()).toBe(status);
    line.cut();
  });

  it.each([
    ['a length', 'content-length: 100000000\r\n\r\n', 413],
    ['chunks', 'transfer-encoding: chunked\r\n\r\n5f5e100\r\n', 401],
  ])('that is refused and goes on for ever, by %s, is cut after a megabyte', async (_, framing, status) => {
    const line = await Line.to(world.url);
    line.write(`${POST}${framing}`);
    expect(await line.status()).toBe(status);
    const cut = line.cutAfter();
    for (let sent = 0; sent < 40; sent += 1) line.write('x'.repeat(65_536));
    expect(await cut).toBeLessThan(4_000);
  });

  it('that is refused and stalls is cut after five seconds', async () => {
    const line = await Line.to(world.url);
    line.write(`${POST}content-length: 100\r\n\r\nx`);
    expect(await line.status()).toBe(401);
    const cutAfter = await line.cutAfter();
    expect(cutAfter).toBeGreaterThan(3_500);
    expect(cutAfter).toBeLessThan(9_000);
  });

  it('whose body was long in coming is done for whom its credential opens by then, or for nobody', async () => {
    const slow = await world.app();
    const query = '{"query":"{ app { suspendedAt } }"}';
    const begun = async () => {
      const line = await Line.to(world.url);
      line.write(`${POST}authorization: Bearer ${slow.key}\r\ncontent-length: ${query.length}\r\n\r\n{`);
      await sleep(1_500);
      return line;
    };
    const first = await begun();
    await world.gateway.appLife.suspend(await world.scope(slow));
    expect(await first.write(query.slice(1)).status()).toBe(200);
    expect(first.text).toMatch(/"suspendedAt":"2026/);
    const second = await begun();
    const [key] = await world.rows('billing_api_keys', slow);
    await world.gateway.access.revokeKey(String(key?.['id']));
    expect(await second.write(query.slice(1)).status()).toBe(401);
    for (const line of [first, second]) line.cut();
  });

  it('may be of 128 KiB, and one byte more is refused, also where no length is told', async () => {
    const bodyOf = (bytes: number) => QUERY + ' '.repeat(bytes - QUERY.length);
    expect((await world.post(bodyOf(131_072), { credential: app.key })).status).toBe(200);
    expect(await world.post(bodyOf(131_073), { credential: app.key })).toMatchObject({
      status: 413,
      errors: [{ message: 'The body is larger than 131072 bytes.', extensions: { code: 'PAYLOAD_TOO_LARGE' } }],
    });
    const line = await Line.to(world.url);
    const body = bodyOf(131_073);
    line.write(`${POST}authorization: Bearer ${app.key}\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`);
    expect(await line.status()).toBe(413);
    line.cut();
  });

  it.each([
    ['Bearer KEY', 200],
    ['Bearer  KEY', 200],
    ['bearer    KEY', 200],
    ['BEARER KEY  ', 200],
    ['BearerKEY', 401],
    ['Bearer KEY KEY', 401],
    ['Basic KEY', 401],
    ['KEY', 401],
    ['Bearer', 401],
  ])('with "Authorization: %s" is answered %i', async (written, status) => {
    const authorization = written.replaceAll('KEY', app.key);
    const headers = { 'content-type': 'application/json', authorization };
    expect((await fetch(`${world.url}/graphql`, { method: 'POST', headers, body: QUERY })).status).toBe(status);
  });

  it.each([
    ['/graphql', ['PUT', 'PATCH', 'DELETE', 'HEAD'], 'GET, POST'],
    ['/graphql/', ['PUT', 'HEAD'], 'GET, POST'],
    ['/api/billing/webhooks', ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'], 'POST'],
    ['/api/billing/webhooks/app-1', ['GET', 'PUT'], 'POST'],
    ['/readyz', ['POST', 'PUT', 'DELETE'], 'GET, HEAD'],
    ['/metrics', ['POST', 'PATCH'], 'GET, HEAD'],
  ])('%s by %j is answered 405, and told what is taken', async (path, methods, allow) => {
    for (const method of methods) {
      const response = await fetch(world.url + path, { method, headers: { authorization: `Bearer ${app.key}` } });
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, allow]);
      if (method === 'HEAD') continue;
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
    }
  });

  it.each([
    '/graphql',
    '/api/billing/webhooks',
    '/api/billing/webhooks/app-1',
  ])('to %s with a packed body is answered 415', async (path) => {
    for (const encoding of ['gzip', 'br', 'deflate', 'gzip, identity', 'GZIP']) {
      const headers = { authorization: `Bearer ${app.key}`, 'content-type': 'application/json', 'content-encoding': encoding };
      const response = await fetch(world.url + path, { method: 'POST', headers, body: gzipSync(QUERY) });
      expect([response.status, response.headers.get('accept-encoding')]).toEqual([415, 'identity']);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' } }] });
    }
    const plain = { authorization: `Bearer ${app.key}`, 'content-type': 'application/json', 'content-encoding': 'identity' };
    expect((await fetch(world.url + path, { method: 'POST', headers: plain, body: QUERY })).status).not.toBe(415);
  });

  it.each([
    ['a hash that is a number', { extensions: { persistedQuery: { sha256Hash: 1 } } }],
    ['a hash that is a list', { extensions: { persistedQuery: { sha256Hash: ['a'] } } }],
    ['a hash that is null', { extensions: { persistedQuery: { sha256Hash: null } } }],
    ['a persistedQuery that is a text', { extensions: { persistedQuery: 'x' } }],
    ['a persistedQuery that is a number', { extensions: { persistedQuery: 1 } }],
    ['a persistedQuery that is true', { extensions: { persistedQuery: true } }],
    ['a persistedQuery that is a list', { extensions: { persistedQuery: [] } }],
    ['extensions that are a text', { query: '{ app { id } }', extensions: 'x' }],
    ['extensions that are a list', { query: '{ app { id } }', extensions: [] }],
    ['extensions that are a number', { query: '{ app { id } }', extensions: 1 }],
    ['variables that are a text', { query: '{ app { id } }', variables: 'x' }],
    ['variables that are a list', { query: '{ app { id } }', variables: [1] }],
    ['variables that are a number', { query: '{ app { id } }', variables: 1 }],
    ['variables that are true', { query: '{ app { id } }', variables: true }],
    ['an operationName that is a number', { query: 'query A { app { id } }', operationName: 1 }],
    ['an operationName that is a list', { query: 'query A { app { id } }', operationName: ['A'] }],
    ['an operationName that is an object', { query: 'query A { app { id } }', operationName: {} }],
    ['a query that is a number', { query: 1 }],
    ['a query that is a list', { query: ['{ app { id } }'] }],
    ['a query that is an object', { query: { a: 1 } }],
    ['a batch', [{ query: '{ app { id } }' }]],
    ['an empty batch', []],
    ['a text', '"query"'],
    ['a number', 1],
    ['null', null],
    ['true', true],
    ['an object of nothing', {}],
    ['12 wrong variables', manyWrong(12)],
    ['900 wrong variables', manyWrong(900)],
  ])('of %s is answered 400 with a code, and is no error of ours', async (_, body) => {
    const errorLines = async () =>
      (await world.gateway.metrics.logLines.get()).values.find(({ labels }) => labels.level === 'error')?.value;
    const before = await errorLines();
    const answer = await world.post(body as object, { credential: app.key });
    expect([answer.status, answer.data]).toEqual([400, null]);
    for (const { extensions } of answer.errors) expect(extensions.code).toMatch(/^(BAD_REQUEST|BAD_USER_INPUT|GRAPHQL_PARSE_FAILED)$/);
    expect(answer.errors.length).toBeGreaterThan(0);
    expect(await errorLines()).toBe(before);
  });

  it('for /readyz costs one query in a second, whoever asks and how often', async () => {
    await sleep(1_050);
    const seen = await world.statements(async () => {
      const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${world.url}/readyz`)).status));
      expect(new Set(statuses)).toEqual(new Set([200]));
    });
    const once = await world.statements(async () => {
      await sleep(1_050);
      await fetch(`${world.url}/readyz`);
    });
    expect(once.length).toBeGreaterThan(0);
    expect(seen).toHaveLength(once.length);
  });
});

/** Objects where texts are asked for. */
function manyWrong(count: number) {
  const names = Array.from({ length: count }, (_, n) => `v${n}`);
  return {
    query: `query(${names.map((name) => `$${name}: ID!`).join(', ')}) { ${names.map((name) => `${name}: customer(id: $${name}) { id }`).join(' ')} }`,
    variables: Object.fromEntries(names.map((name) => [name, { wrong: 'x' }])),
  };
}

describe('wrong credentials of a neighbour', () => {
  let world: World;
  let app: TestApp;

  beforeAll(async () => {
    world = await World.create({ limits: { failedAuthenticationsPerWindow: 3, trustedProxies: ['127.0.0.0/8'] } });
    app = await world.app();
  });
  afterAll(() => world.close());

  /** Blocks an address. */
  const guess = async (address: string) => {
    const statuses: number[] = [];
    for (let tries = 0; tries < 4; tries += 1) statuses.push((await of(address, wrongKey())).status);
    expect(statuses).toEqual([401, 401, 401, 429]);
  };
  const of = (address: string, credential: string, headers: Readonly<Record<string, string>> = {}) =>
    ask(world.url, credential, { 'x-forwarded-for': address, ...headers });

  it('never keep out a right key, or the fresh session of a customer, also after a restart', async () => {
    const { id } = await world.customer(app);
    await guess('198.51.100.1');
    const keys = [app.key, await world.key(app, 'read_only')];
    const sessions = [await sessionOf(world, app, id), await sessionOf(world, app, id)];
    for (const right of [keys[0], keys[1], sessions[0], sessions[1]]) expect((await of('198.51.100.1', right ?? '')).status).toBe(200);
    await world.restart();
    for (const right of [...sessions, ...keys]) expect((await of('198.51.100.1', right)).status).toBe(200);
    expect((await of('198.51.100.1', wrongKey())).status).toBe(429);
  });

  it('are no way to try a session with another signature, or of a key that was revoked', async () => {
    const { id } = await world.customer(app);
    const session = await sessionOf(world, app, id);
    const made = await world.gateway.access.createKey(app.id, 'service');
    await guess('198.51.100.2');
    expect((await of('198.51.100.2', made.key)).status).toBe(200);
    await world.gateway.access.revokeKey(made.id);
    for (const wrong of [made.key, `${session.slice(0, -4)}AAAA`, `bg_ses_${'x'.repeat(40)}`, 'nothing'])
      expect([wrong, (await of('198.51.100.2', wrong)).status]).toEqual([wrong, 429]);
  });

  it('cost one query in a second once they are too many, with an Origin header as well', async () => {
    await guess('198.51.100.3');
    await world.advance({ ms: 5_000 });
    const seen = await world.statements(async () => {
      for (let tries = 0; tries < 10; tries += 1)
        expect((await of('198.51.100.3', wrongKey(), { origin: 'https://shop.example.com' })).status).toBe(429);
      const forged = await forgedSession('app-nobody-has');
      for (let tries = 0; tries < 10; tries += 1) expect((await of('198.51.100.3', forged)).status).toBe(429);
    });
    // The hashes of the keys, the apps and their origins, and whether the address is blocked elsewhere.
    expect(seen.length).toBeLessThanOrEqual(3);
  });

  it.each([
    ['ports', (n: number) => `203.0.113.9:${40_000 + n}`],
    ['addresses of one IPv6 network, with ports', (n: number) => `[2001:db8:7::${n}]:${40_000 + n}`],
    [
      'spellings of IPv4 in IPv6',
      (n: number) => ['::ffff:203.0.113.10', '203.0.113.10', '[::ffff:cb00:710a]:1', '::FFFF:203.0.113.10'][n] ?? '',
    ],
    ['zones', (n: number) => `fe80::1%eth${n}`],
    ['what the client wrote before the proxy', (n: number) => `192.0.2.${n}, 203.0.113.11`],
    ['what is no address', (n: number) => `unknown-${n}`],
    ['ports of proxies it came through', (n: number) => `203.0.113.12, 127.0.0.2:${n}`],
  ])('are counted together whatever the %s', async (_, addressOf) => {
    const statuses: number[] = [];
    for (let tries = 0; tries < 4; tries += 1) statuses.push((await of(addressOf(tries), wrongKey())).status);
    expect(statuses).toEqual([401, 401, 401, 429]);
  });

  it('and right ones with the name of another app, are counted alike', async () => {
    const statuses: number[] = [];
    for (let tries = 0; tries < 5; tries += 1) statuses.push((await of('198.51.100.4', app.key, { 'x-app-id': 'another' })).status);
    expect(statuses).toEqual([403, 403, 403, 429, 429]);
    expect((await of('198.51.100.4', app.key, { 'x-app-id': app.id })).status).toBe(200);
  });

  it('are counted in a GET with an Origin, and tell no page which key is known', async () => {
    const other = await world.app();
    const origin = 'https://shop.example.com';
    await world.gateway.access.apps.setOrigins(other.id, [origin]);
    const get = async (address: string, credential: string) => {
      const headers = { authorization: `Bearer ${credential}`, origin, 'x-forwarded-for': address };
      const response = await fetch(`${world.url}/graphql?query=${encodeURIComponent('{ app { id } }')}`, { headers });
      return [response.status, response.headers.get('access-control-allow-origin'), await response.text()];
    };
    for (const address of ['198.51.100.5', '198.51.100.6']) {
      const of = (credential: string) => get(address, credential);
      const answers = [];
      for (let tries = 0; tries < 5; tries += 1) answers.push(await of(address.endsWith('5') ? wrongKey() : app.key));
      expect(answers.map(([status]) => status)).toEqual([401, 401, 401, 429, 429]);
      expect(new Set(answers.map(([, allowed]) => allowed))).toEqual(new Set([origin]));
    }
    expect(await get('198.51.100.7', app.key)).toEqual(await get('198.51.100.7', wrongKey()));
    expect(await get('198.51.100.7', other.key)).toEqual([200, origin, expect.stringContaining(other.id)]);
  });
});

describe('a customer session', () => {
  let world: World;
  const OWN = { requestsPerWindow: 1_000, sessionRequestsPerWindow: 4, sessionsRequestsPerWindow: 10 };

  beforeAll(async () => {
    world = await World.create({ limits: OWN });
  });
  afterAll(() => world.close());

  it('spends its own budget, whatever sessions the customer has, and none of its app or of other customers', async () => {
    const app = await world.app();
    const [ann, bob] = [await customerOf(app, 'ann'), await customerOf(app, 'bob')];
    const sessions = [await sessionOf(world, app, ann), await sessionOf(world, app, ann), await sessionOf(world, app, bob)];
    const left = async () => Number((await ask(world.url, app.key)).headers.get('ratelimit-remaining'));
    const before = await left();
    const statuses: number[] = [];
    for (let sent = 0; sent < 12; sent += 1) statuses.push((await ask(world.url, sessions[sent % 2] ?? '')).status);
    expect(statuses).toEqual([200, 200, 200, 200, ...Array.from({ length: 8 }, () => 429)]);
    const refused = await ask(world.url, sessions[0] ?? '');
    expect([refused.headers.get('ratelimit-policy'), refused.headers.get('retry-after')]).toEqual(['"session";q=4;w=900', '900']);
    expect((await ask(world.url, sessions[2] ?? '')).headers.get('ratelimit')).toBe('"session";r=3;t=900');
    expect(await left()).toBe(before - 1);
  });

  it('is refused where all sessions of its app together sent too much, and keys of the app go on', async () => {
    const app = await world.app();
    const statuses: number[] = [];
    for (const name of ['ann', 'bob', 'cid', 'dan']) {
      const session = await sessionOf(world, app, await customerOf(app, name));
      for (let sent = 0; sent < 3; sent += 1) statuses.push((await ask(world.url, session)).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 429, 429]);
    const last = await ask(world.url, await sessionOf(world, app, await customerOf(app, 'eve')));
    expect([last.status, last.headers.get('ratelimit-policy')]).toEqual([429, '"sessions";q=10;w=900']);
    expect((await ask(world.url, app.key)).status).toBe(200);
  });

  it('has the budget that was set for its app, and its counts go with their window', async () => {
    const app = await world.app();
    await world.gateway.limitService.limitApp(app.id, 1, 'session');
    const session = await sessionOf(world, app, await customerOf(app, 'ann'));
    expect([(await ask(world.url, session)).status, (await ask(world.url, session)).status]).toEqual([200, 429]);
    const counted = async () => (await world.rows('billing_limit_counters', app)).map(({ id }) => String(id).split(' ')[0]);
    expect(await counted()).toEqual(expect.arrayContaining(['requests', 'session', 'sessions']));
    await world.advance({ ms: 900_000 });
    await ask(world.url, app.key);
    expect(await counted()).not.toEqual(expect.arrayContaining(['session']));
  });

  it('opens nothing any more, five seconds after its customer was deleted, and costs no query then', async () => {
    const app = await world.app();
    const id = await customerOf(app, 'ann');
    const session = await sessionOf(world, app, id);
    expect((await ask(world.url, session)).status).toBe(200);
    await world.ask(app, ops.CustomerDeleteDocument, { input: { id } });
    await world.advance({ ms: 5_000 });
    expect((await ask(world.url, session)).status).toBe(401);
    const seen = await world.statements(async () => expect((await ask(world.url, session)).status).toBe(401));
    expect(seen.filter((sql) => sql.includes('billing_customers'))).toEqual([]);
  });

  async function customerOf(app: TestApp, name: string): Promise<string> {
    return (await world.customer(app, { email: `${name}@example.com` })).id;
  }
});

describe('a client that is slow, or has many connections', () => {
  let world: World;
  let opsUrl: string;
  let closeOps: () => void;

  beforeAll(async () => {
    world = await World.create({ limits: { connectionsMax: 24 } });
    const port = await freePort();
    const health = { whyNotReady: async () => null, degraded: () => [] };
    const server = await serveOps({ health, registry: new Registry(), metricsAccess: 'open', host: '127.0.0.1', port });
    opsUrl = `http://127.0.0.1:${port}`;
    closeOps = () => {
      server.close();
      server.closeAllConnections();
    };
  });
  afterAll(async () => {
    closeOps();
    await world.close();
  });

  it('and never sends a request, or its headers one by one, is cut after ten seconds', async () => {
    const lines = await Promise.all([world.url, opsUrl].flatMap((url) => [Line.to(url), Line.to(url), Line.to(url)]));
    const dripping = lines.filter((_, index) => index % 3 === 1);
    for (const line of dripping) line.write('GET /healthz HTTP/1.1\r\n');
    for (const line of lines.filter((_, index) => index % 3 === 2)) line.write('GE');
    const drip = setInterval(() => dripping.map((line) => line.write('x-more: 1\r\n')), 1_000);
    const cut = await Promise.all(lines.map((line) => line.cutAfter()));
    clearInterval(drip);
    for (const after of cut) {
      expect(after).toBeGreaterThan(7_500);
      expect(after).toBeLessThan(16_000);
    }
  }, 30_000);

  it('has half of all connections, the rest is for others, and what it lets go may be had again', async () => {
    const lines = await Promise.all(Array.from({ length: 40 }, () => Line.to(world.url)));
    for (const line of lines) line.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    const statuses = await Promise.all(lines.map((line) => line.status()));
    const served = statuses.filter((status) => status === 200).length;
    expect(served).toBeGreaterThan(0);
    expect(served).toBeLessThanOrEqual(12);
    for (const line of lines) line.cut();
    await world.until(async () => {
      const line = await Line.to(world.url);
      const status = await line.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n').status();
      line.cut();
      return status === 200;
    });
    expect(await world.gateway.metrics.registry.metrics()).toMatch(/billing_rate_limited_total\{limit="connections"\} [1-9]/);
  });

  it('is told by the server of a worker, too, which methods it takes, and no body is read there', async () => {
    const line = await Line.to(opsUrl);
    line.write('GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n');
    expect(await line.status()).toBe(200);
    expect(await line.cutAfter()).toBeLessThan(2_000);
    const response = await fetch(`${opsUrl}/healthz`, { method: 'PUT', body: 'x' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await fetch(`${opsUrl}/healthz`, { method: 'HEAD' })).status).toBe(200);
  });
});

let keysMade = 0;

/** A key as ours are made, which nobody made. */
function wrongKey(): string {
  keysMade += 1;
  return `bg_svc_${String(keysMade).padStart(43, 'x')}`;
}

async function forgedSession(app: string): Promise<string> {
  const { SignJWT } = await import('jose');
  const claims = new SignJWT({ app }).setProtectedHeader({ alg: 'HS256' }).setSubject('cus_x').setAudience(app);
  return `bg_ses_${await claims.setExpirationTime('1h').sign(new Uint8Array(32))}`;
}

async function sessionOf(world: World, app: TestApp, customerId: string): Promise<string> {
  const scope = await world.scope(app);
  return (await world.gateway.access.createSession(scope, { customerId, ttlSeconds: 3_600 })).token;
}
