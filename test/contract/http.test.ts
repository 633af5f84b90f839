import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { serverAudits } from 'graphql-http';
import { composeGateway, type Gateway } from '../../src/compose.js';
import { composeLocalLimits } from '../../src/compose.limits.js';
import { readConfig } from '../../src/config.js';
import { createHttpServer } from '../../src/http/server.js';
import { systemClock } from '../../src/platform/clock.js';
import { createLog } from '../../src/platform/log.js';
import { TEST_ENCRYPTION } from '../support/encryption.js';
import * as ops from '../support/operations.generated.js';
import { freePort } from '../support/processes.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';
import { type TestApp, UNLIMITED, World } from '../support/world.js';

/** What /readyz saw is told for a second, ms. */
const TOLD_FOR_MS = 1_050;

/** Audits of GraphQL over HTTP that we do not pass, each with its reason. One that passes must leave the list. */
const NOT_PASSED: Readonly<Record<string, string>> = {
  '572B': 'a document that cannot be parsed is a 400 in every media type: proxies, metrics and clients see it without reading the body',
  FDE2: 'so is a document that is not valid',
  '7B9B': 'and so are variables of the wrong type',
};

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
});
afterAll(() => world.close());

describe('GraphQL over HTTP', () => {
  const audits = serverAudits({
    url: () => `${world.url}/graphql`,
    fetchFn: (url: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${app.key}`);
      return fetch(url, { ...init, headers });
    },
  });

  it('is audited in whole', () => {
    expect(audits.length).toBeGreaterThan(60);
    const known = new Set(audits.map(({ id }) => id));
    expect(Object.keys(NOT_PASSED).filter((id) => !known.has(id))).toEqual([]);
  });

  it.each(audits.map((audit) => [audit.id, audit.name, audit] as const))('%s: %s', async (id, _, audit) => {
    const result = await audit.fn();
    const { status, reason } = { reason: null, ...result } as { status: string; reason: string | null };
    expect([id in NOT_PASSED ? 'not passed' : reason, status === 'ok']).toEqual([
      id in NOT_PASSED ? 'not passed' : null,
      !(id in NOT_PASSED),
    ]);
  });
});

describe('every answer', () => {
  const anywhere = ['/healthz', '/readyz', '/graphql', '/nowhere', '/api/billing/webhooks'];

  it.each(anywhere)('of %s carries a request id of its own', async (path) => {
    const ids = await Promise.all([1, 2].map(async () => (await fetch(world.url + path)).headers.get('x-request-id')));
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it.each(anywhere)("of %s repeats the caller's request id", async (path) => {
    const { headers } = await fetch(world.url + path, { headers: { 'x-request-id': 'req-0123.abc_DEF' } });
    expect(headers.get('x-request-id')).toBe('req-0123.abc_DEF');
  });

  it.each([
    'short',
    'x'.repeat(65),
    'with blank 0123',
    'with;semicolon',
    '<script>alert(1)</script>',
    '4111 1111 1111 1111',
  ])('does not repeat "%s" as a request id', async (given) => {
    const { headers } = await fetch(`${world.url}/healthz`, { headers: { 'x-request-id': given } });
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each(anywhere)('of %s tells browsers to guess, frame and load nothing, and names no software', async (path) => {
    const { headers } = await fetch(world.url + path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect([headers.get('server'), headers.get('x-powered-by')]).toEqual([null, null]);
  });

  it('to a delivery carries a request id, and nothing that is for browsers', async () => {
    const { headers, status } = await fetch(`${world.url}/api/billing/webhooks`, { method: 'POST', body: '{}' });
    expect(status).toBe(404);
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('content-security-policy')).toBeNull();
  });

  it('to what only looks like a delivery, and repeats its address, is as to any other request', async () => {
    const response = await fetch(`${world.url}/api/billing/webhooks/one/two`, { method: 'POST', body: '{}' });
    expect(await response.text()).toContain('/api/billing/webhooks/one/two');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('lets no page of another site read it', async () => {
    const response = await fetch(`${world.url}/graphql`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('has no explorer where none was asked for', async () => {
    const response = await fetch(`${world.url}/graphql`, { headers: { accept: 'text/html' } });
    expect(response.headers.get('content-type')).not.toContain('text/html');
  });
});

describe('what is not a request that a browser page or a client of ours would send', () => {
  it.each([
    ['headers beyond 16 KiB', `GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(17_000)}\r\n\r\n`, 431],
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a header with a line of its own', 'GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: b\rc\r\n\r\n', 400],
    ['two lengths', 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx', 400],
    ['a length and chunks', 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ])('%s is refused in the shape of every error, and the line is cut', async (_, bytes, status) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))).toEqual({
      errors: [{ message: expect.any(String), extensions: { code: 'BAD_REQUEST' } }],
    });
    expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
  });

  it('may not take for ever: headers have ten seconds, a request thirty', () => {
    const { headersTimeout, requestTimeout } = world.server.server;
    expect([headersTimeout, requestTimeout]).toEqual([10_000, 30_000]);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
  ])('a POST of %s, which a form of another site could send without asking, runs nothing', async (type) => {
    const headers = { authorization: `Bearer ${app.key}`, ...(type === '' ? {} : { 'content-type': type }) };
    const body = new Blob(['{"query":"mutation { customerCreate(input: {email: \\"ann@example.com\\"}) { customer { id } } }"}']);
    const response = await fetch(`${world.url}/graphql`, { method: 'POST', headers, body });
    expect([400, 415]).toContain(response.status);
    expect(await world.rows('billing_customers', app)).toEqual([]);
  });
});

describe('health', () => {
  it('is fine where the database is migrated, and needs no credential', async () => {
    for (const [path, status] of [
      ['/healthz', 'ok'],
      ['/readyz', 'ready'],
    ]) {
      const response = await fetch(world.url + path);
      expect([response.status, await response.json()]).toEqual([200, { status }]);
    }
  });

  describe('on a database that is not migrated', () => {
    let scratch: ScratchDatabase;
    let gateway: Gateway;
    let server: FastifyInstance;

    beforeAll(async () => {
      scratch = await createScratchDatabase();
      [gateway, server] = await serverOn(scratch.url);
    });
    afterAll(async () => {
      await server.close();
      await gateway.database.close();
      await scratch.drop();
    });

    it('lives but is not ready, until it is migrated', async () => {
      expect((await server.inject({ url: '/healthz' })).statusCode).toBe(200);
      const before = await server.inject({ url: '/readyz' });
      expect([before.statusCode, before.json()]).toMatchObject([503, { errors: [{ extensions: { code: 'UNAVAILABLE' } }] }]);
      await gateway.migrator.migrate();
      await sleep(TOLD_FOR_MS);
      expect((await server.inject({ url: '/readyz' })).statusCode).toBe(200);
    });

    it('stays ready beside a newer release that only adds, and is not beside one that says that it is too new', async () => {
      const migrated = (name: string) => gateway.database.run('insert into billing_migrations (name) values (?)', [name]);
      await migrated('9998-more');
      await sleep(TOLD_FOR_MS);
      expect((await server.inject({ url: '/readyz' })).statusCode).toBe(200);
      await migrated('9999-less.needs-9998');
      await sleep(TOLD_FOR_MS);
      expect((await server.inject({ url: '/readyz' })).statusCode).toBe(503);
    });
  });

  it('stays ready while Tilled is out of reach, says since when and why, and stops saying so once Tilled answers', async () => {
    const ready = async () => {
      const response = await fetch(`${world.url}/readyz`);
      return [response.status, await response.json()];
    };
    await world.control('faults', { operation: 'POST /v1/customers', status: 503, times: 1 });
    await world.send(app, ops.CustomerCreateDocument, { input: { email: 'ann@example.com' } });
    expect(await ready()).toEqual([
      200,
      { status: 'ready', degraded: [{ what: 'tilled', since: expect.stringMatching(/^\d{4}-.*Z$/), reason: expect.any(String) }] },
    ]);
    await world.settle();
    await world.control('faults', { clear: true });
    await world.customer(app);
    expect(await ready()).toEqual([200, { status: 'ready' }]);
  });

  it('is ready, and says that Tilled is not there, in a process whose Tilled does not listen', async () => {
    const scratch = await createScratchDatabase();
    const [gateway, server] = await serverOn(scratch.url, `http://127.0.0.1:${await freePort()}`);
    await gateway.migrator.migrate();
    await gateway.access.createApp({ id: 'lonely', name: 'Lonely', tilledAccountId: 'acct_1' });
    const { key } = await gateway.access.createKey('lonely', 'service');
    const query = 'mutation { customerCreate(input: { email: "ann@example.com" }) { userErrors { code } } }';
    const headers = { authorization: `Bearer ${key}` };
    const answer = await server.inject({ method: 'POST', url: '/graphql', headers, payload: { query } });
    expect(answer.json()).toMatchObject({ data: { customerCreate: { userErrors: [{ code: 'PROCESSOR_UNAVAILABLE' }] } } });
    const ready = await server.inject({ url: '/readyz' });
    // Why is for who may read the metrics, which is nobody here.
    expect([ready.statusCode, ready.json()]).toEqual([200, { status: 'ready', degraded: [{ what: 'tilled', since: expect.any(String) }] }]);
    await server.close();
    await gateway.database.close();
    await scratch.drop();
  });

  it('lives but is not ready where the database cannot be reached', async () => {
    const isMysql = globalThis.TEST_DATABASE === 'mysql';
    const url = isMysql ? 'mysql://nobody:hunter2@127.0.0.1:1/nothing' : 'sqlite:/dev/null/billing.db';
    const [gateway, server] = await serverOn(url);
    expect((await server.inject({ url: '/healthz' })).statusCode).toBe(200);
    const answer = await server.inject({ url: '/readyz' });
    expect(answer.statusCode).toBe(503);
    expect(answer.body).not.toMatch(/hunter2|127\.0\.0\.1|dev/);
    const query = await server.inject({
      method: 'POST',
      url: '/graphql',
      headers: { authorization: `Bearer ${app.key}` },
      payload: { query: '{ app { id } }' },
    });
    const [status, code] = isMysql ? [503, 'UNAVAILABLE'] : [500, 'INTERNAL'];
    expect([query.statusCode, query.json()]).toMatchObject([status, { errors: [{ extensions: { code } }] }]);
    expect(query.body).not.toMatch(/hunter2|127\.0\.0\.1|ECONN|dev|sqlite/i);
    await server.close();
    await gateway.database.close();
  });
});

/** What the server answers to these bytes, until it hangs up. */
async function raw(bytes: string): Promise<string> {
  const { port } = new URL(world.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

/** A gateway on a database of another state than the world's, which is not migrated here, and its server. */
async function serverOn(url: string, baseUrl = world.sandbox.url): Promise<[Gateway, FastifyInstance]> {
  const { database } = readConfig({ DATABASE_URL_BILLING: url }, process.cwd());
  const tilled = { baseUrl, secretKey: 'sk_x', publicKey: 'pk_x', webhookSecret: 'whsec_0123', accountId: 'acct_x' };
  const clock = { now: () => world.sandbox.now() };
  const gateway = await composeGateway({
    database,
    encryption: TEST_ENCRYPTION,
    clock,
    log: createLog('silent'),
    tilled,
    tilledTimeoutMs: 1_000,
  });
  return [
    gateway,
    await createHttpServer({
      ...gateway,
      limits: composeLocalLimits({ ...gateway, clock: systemClock }, UNLIMITED),
      trustedProxies: [],
      explorer: null,
    }),
  ];
}
