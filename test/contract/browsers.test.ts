import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { composeLocalLimits } from '../../src/compose.limits.js';
import { createHttpServer } from '../../src/http/server.js';
import { systemClock } from '../../src/platform/clock.js';
import type { Log, LogFields } from '../../src/platform/log.js';
import { billing } from '../support/processes.js';
import { type TestApp, UNLIMITED, World } from '../support/world.js';

const SHOP = 'https://shop.example.com';
const QUERY = '{ app { id } }';
const MAKE = 'mutation Make($name: String) { customerCreate(input: { email: "ann@example.com", name: $name }) { customer { id name } } }';

const told: Record<string, unknown>[] = [];
const note = (message: string, fields?: LogFields) => void told.push({ message, ...fields });
const LOG: Log = { debug: note, info: note, warn: note, error: note, child: () => LOG };

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create({ log: LOG });
  app = await world.app();
  await world.gateway.access.apps.setOrigins(app.id, [SHOP]);
});
afterAll(() => world.close());

describe('a query by GET', () => {
  it('runs with no more than its credential: a page elsewhere cannot send one unless it is allowed to', async () => {
    const response = await get(`query=${encodeURIComponent(QUERY)}`, { authorization: `Bearer ${app.key}` });
    expect([response.status, await response.json()]).toMatchObject([200, { data: { app: { id: app.id } } }]);
  });

  it.each([
    ['no credential', {}],
    ['what a browser knows of its own accord', { authorization: 'Basic YW5uOmFubg==', cookie: 'session=1' }],
    ['a header that asks first', { 'apollo-require-preflight': '1' }],
  ])('runs nothing with %s, and is told to sign in', async (_, headers) => {
    const response = await get(`query=${encodeURIComponent(QUERY)}`, headers);
    expect([response.status, await response.json()]).toMatchObject([401, { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }]);
  });

  it('that is a mutation is refused, whatever its headers', async () => {
    const headers = { authorization: `Bearer ${app.key}`, 'apollo-require-preflight': '1', 'content-type': 'application/json' };
    const response = await get(`query=${encodeURIComponent(MAKE)}`, headers);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await world.rows('billing_customers', app)).toEqual([]);
  });
});

describe('the words of a refusal', () => {
  it('are all there where no credential was sent', async () => {
    const { errors } = await world.post({ query: QUERY });
    expect(errors[0]?.message).toBe('Send Authorization: Bearer with an API key or a customer session.');
  });

  it('show an amount in quotes as it was sent', async () => {
    const query =
      'mutation { refundCreate(input: { paymentId: "pay_x", amount: { amountMinor: "100", currency: "usd" } }) { refund { id } } }';
    const { status, errors } = await world.post({ query }, { credential: app.key });
    expect([status, errors[0]?.message]).toEqual([400, expect.stringContaining('without quotes, such as 1990 for 19.90 USD; got "100".')]);
  });

  it('name the place of GraphQL to who looks elsewhere', async () => {
    const response = await fetch(`${world.url}/`, { headers: { accept: 'text/html' } });
    expect([response.status, await response.json()]).toMatchObject([404, { errors: [{ message: expect.stringContaining('/graphql') }] }]);
  });
});

describe('an answer of GraphQL', () => {
  it.each([
    ['with data', '', 200, { query: QUERY }, () => app.key],
    ['at an address with a slash', '/', 200, { query: QUERY }, () => app.key],
    ['to nobody', '', 401, { query: QUERY }, () => null],
    ['to what is no GraphQL', '', 400, { query: '{' }, () => app.key],
    ['to a card number', '', 400, { query: QUERY, variables: { note: '4111111111111111' } }, () => app.key],
  ])('%s is kept by nobody', async (_, slash, status, body, credential) => {
    const authorization = credential() === null ? {} : { authorization: `Bearer ${credential()}` };
    const headers = { 'content-type': 'application/json', ...authorization };
    const response = await fetch(`${world.url}/graphql${slash}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect([response.status, response.headers.get('cache-control')]).toEqual([status, 'no-store']);
  });

  it('to a body that is too large, and to a query by GET, is kept by nobody', async () => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${app.key}` };
    const large = await fetch(`${world.url}/graphql`, { method: 'POST', headers, body: 'x'.repeat(131_073) });
    expect([large.status, large.headers.get('cache-control')]).toEqual([413, 'no-store']);
    const asked = await get(`query=${encodeURIComponent(QUERY)}`, { authorization: `Bearer ${app.key}` });
    expect(asked.headers.get('cache-control')).toBe('no-store');
  });
});

describe('a body', () => {
  const json = JSON.stringify({ query: MAKE, variables: { name: 'José' } });

  it.each([
    ['of bytes in Latin-1', 'application/json', Buffer.from(json, 'latin1'), 400],
    ['in Latin-1 that says so', 'application/json; charset=iso-8859-1', Buffer.from(json, 'latin1'), 415],
    ['in UTF-16 that says so', 'application/json; charset="UTF-16LE"', Buffer.from(json, 'utf16le'), 415],
    ['of bytes in UTF-16', 'application/json', Buffer.from(json, 'utf16le'), 400],
    [
      'with a surrogate in UTF-8',
      'application/json; charset=utf-8',
      Buffer.from(json.replace('é', 'x')).fill('\xed\xa0\x80', 90, 93, 'latin1'),
      400,
    ],
    ['that is cut within a letter', 'application/json; charset=utf-8', Buffer.from(json).subarray(0, json.indexOf('é') + 1), 400],
  ])('%s stores nothing', async (_, type, body, status) => {
    expect((await post(type, body)).status).toBe(status);
    expect(await world.rows('billing_customers', app)).toEqual([]);
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json; charset=utf8',
  ])('of %s is read as it was written', async (type) => {
    const answer = await post(type, Buffer.from(json));
    expect(await answer.json()).toMatchObject({ data: { customerCreate: { customer: { name: 'José' } } } });
  });
});

describe('a page of another site', () => {
  it('may send what clients and tracing libraries add, and read limits, replays and request ids', async () => {
    const wanted = [
      ...['apollographql-client-name', 'apollographql-client-version', 'x-apollo-operation-name'],
      ...['traceparent', 'tracestate', 'baggage', 'sentry-trace', 'idempotency-key', 'authorization', 'content-type', 'x-request-id'],
    ];
    const allowed = (await preflight(SHOP, wanted)).headers.get('access-control-allow-headers')?.toLowerCase().split(/, */) ?? [];
    expect(wanted.filter((name) => !allowed.includes(name))).toEqual([]);
    const response = await get(`query=${encodeURIComponent(QUERY)}`, { authorization: `Bearer ${app.key}`, origin: SHOP });
    const exposed = response.headers.get('access-control-expose-headers')?.toLowerCase().split(/, */) ?? [];
    expect(exposed).toEqual(expect.arrayContaining(['x-request-id', 'idempotency-replayed', 'retry-after']));
    // Each header of the limits that an answer has.
    const limits = [...response.headers.keys()].filter((name) => name.startsWith('ratelimit'));
    expect(limits.length).toBeGreaterThan(3);
    expect(exposed).toEqual(expect.arrayContaining(limits));
  });

  it('that nobody allowed is told of once, with what would allow it', async () => {
    const stranger = 'https://typo.example.com';
    for (let times = 0; times < 3; times += 1) {
      await preflight(stranger, ['authorization']);
      await get(`query=${encodeURIComponent(QUERY)}`, { authorization: `Bearer ${app.key}`, origin: stranger });
    }
    expect(told.filter(({ origin }) => origin === stranger)).toEqual([
      { message: 'origin not allowed', origin: stranger, app: null, remedy: 'billing apps update <app> --cors-origin …' },
      { message: 'origin not allowed', origin: stranger, app: app.id, remedy: `billing apps update ${app.id} --cors-origin …` },
    ]);
  });

  it('cannot fill the log by naming others', async () => {
    for (let site = 0; site < 150; site += 1) await preflight(`https://${site}.example.net`, ['authorization']);
    expect(told.filter(({ message }) => message === 'origin not allowed')).toHaveLength(100);
  });

  it('is among those that billing apps list shows', async () => {
    const { stdout } = await billing(['apps', 'list'], world.environment);
    expect(stdout).toMatch(new RegExp(`^${app.id}\t.*\t${SHOP}$`, 'm'));
  });
});

describe('the explorer', () => {
  let server: FastifyInstance;
  let port: number;

  beforeAll(async () => {
    const { gateway } = world;
    const limits = composeLocalLimits({ ...gateway, clock: systemClock }, UNLIMITED);
    server = await createHttpServer({ ...gateway, limits, explorer: { credential: app.key } });
    port = Number(new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port);
  });
  afterAll(() => server.close());

  it.each([
    '/',
    '/graphql',
    '/graphql/',
    '/graphql?x=1',
    '/?x=1',
  ])('is what a browser on this machine gets at %s, and keeps nowhere', async (path) => {
    const { status, headers, body } = await browse(path, `localhost:${port}`);
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, expect.stringContaining('text/html'), 'no-store']);
    expect(body).toContain(app.key);
  });

  it.each([
    '127.0.0.1',
    '127.8.8.8:4000',
    'LOCALHOST:1',
    'shop.localhost',
    '[::1]:4000',
  ])('is shown to who calls this machine %s', async (host) => {
    expect((await browse('/graphql', host)).status).toBe(200);
  });

  it.each([
    'evil.example.com',
    'localhost.evil.example.com',
    '127.0.0.1.evil.example.com',
    '192.168.1.7:4000',
    'localhost@evil.example.com',
  ])('and its key are not handed to who came by the name "%s"', async (host) => {
    const { status, body } = await browse('/graphql', host);
    expect([status, body.includes(app.key)]).toEqual([403, false]);
  });

  it('forgets with another key what a browser kept of the one before', async () => {
    const other = await createHttpServer({
      ...world.gateway,
      limits: composeLocalLimits({ ...world.gateway, clock: systemClock }, UNLIMITED),
      explorer: { credential: await world.key(app, 'service') },
    });
    const page = (await other.inject({ url: '/graphql', headers: { accept: 'text/html', host: 'localhost' } })).body;
    await other.close();
    const places = [page, (await browse('/graphql', 'localhost')).body, (await browse('/graphql', 'localhost')).body].map(
      (html) => /instanceStorageNamespace: `([^`]+)`/.exec(html)?.[1],
    );
    expect(places[1]).toMatch(/^billing_[0-9a-f]{16}_$/);
    expect([places[1] === places[2], places[0] === places[1]]).toEqual([true, false]);
  });

  it('leaves queries by GET to clients', async () => {
    const headers = { accept: 'application/graphql-response+json', authorization: `Bearer ${app.key}` };
    const response = await fetch(`http://127.0.0.1:${port}/graphql?query=${encodeURIComponent(QUERY)}`, { headers });
    expect(await response.json()).toMatchObject({ data: { app: { id: app.id } } });
  });

  /** What a browser gets that came by this name. */
  async function browse(path: string, host: string) {
    const answer = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, headers: { accept: 'text/html,*/*;q=0.8', host } }, resolve)
        .on('error', reject)
        .end();
    });
    return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
  }
});

function get(search: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${world.url}/graphql?${search}`, { headers });
}

function post(type: string, body: Buffer): Promise<Response> {
  const headers = { 'content-type': type, authorization: `Bearer ${app.key}` };
  return fetch(`${world.url}/graphql`, { method: 'POST', headers, body: new Uint8Array(body) });
}

function preflight(origin: string, headers: readonly string[]): Promise<Response> {
  const asking = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': headers.join(',') };
  return fetch(`${world.url}/graphql`, { method: 'OPTIONS', headers: asking });
}
