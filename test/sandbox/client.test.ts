import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createSilentServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { errorFields, type Log, type LogFields } from '../../src/platform/log.js';
import { type TilledAccountClient, TilledClient } from '../../src/tilled/tilled.client.js';
import { TilledError } from '../../src/tilled/tilled.errors.js';
import { TilledHttp, UNWATCHED } from '../../src/tilled/tilled.http.js';
import { Kit } from './kit.js';

let kit: Kit;
let tilled: TilledAccountClient;
/** What the client logged, and how long it waited between tries. */
let lines: object[];
let pauses: number[];

beforeEach(async () => {
  lines = [];
  pauses = [];
  kit = await Kit.openOwn();
  tilled = client({});
});
afterEach(() => kit.close());

const note = (message: string, fields?: LogFields) => void lines.push({ message, ...fields });
const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };

/** A client that waits for nothing between its tries, but notes how long it would have. */
function connection(change: { baseUrl?: string; timeoutMs?: number; secretKey?: string }): TilledClient {
  const pause = async (ms: number) => void pauses.push(ms);
  return new TilledClient(new TilledHttp({ baseUrl: kit.url, secretKey: kit.secretKey, timeoutMs: 10_000, log, pause, ...change }));
}

function client(change: Parameters<typeof connection>[0]): TilledAccountClient {
  return connection(change).account(kit.account, UNWATCHED);
}

/** The error of a call that should fail. */
async function failure(call: Promise<unknown>): Promise<TilledError> {
  const error = await call.then(
    () => 'an answer',
    (thrown: unknown) => thrown,
  );
  if (error instanceof TilledError) return error;
  throw new Error(`not a TilledError: ${inspect(error)}`);
}

/** The failure of a create on which a fault strikes, how often it was sent, and how many customers that made. */
async function failedCreate(fault: Record<string, unknown>, creator = tilled) {
  await kit.control('faults', { operation: 'POST /v1/customers', times: 5, ...fault });
  const error = await failure(creator.createCustomer({ first_name: 'Ada' }));
  const sent = kit.sandbox.requests('POST /v1/customers').length;
  return { kind: error.kind, sent, made: (await tilled.listCustomers({})).total };
}

/** The failure of a read on which a fault strikes for good, and how often it was sent. */
async function failedRead(fault: Record<string, unknown>, reader = tilled) {
  await kit.control('faults', { operation: 'GET /v1/customers', times: 9, ...fault });
  const error = await failure(reader.listCustomers({}));
  return { kind: error.kind, sent: kit.sandbox.requests('GET /v1/customers').length };
}

/** Runs the body on a server that answers as it is told. */
async function against(listener: RequestListener, body: (baseUrl: string) => Promise<void>, keepAliveMs = 5_000): Promise<void> {
  const server = createServer({ keepAliveTimeout: keepAliveMs }, listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  try {
    await body(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('a POST is sent once', () => {
  it.each([500, 502, 503, 504, 520, 408])('and may have happened when the answer is %i', async (status) => {
    expect(await failedCreate({ status, when: 'after' })).toEqual({ kind: 'unknown', sent: 1, made: 1 });
  });

  it('and may have happened when the connection is cut before it was carried out', async () => {
    expect(await failedCreate({ drop: true })).toEqual({ kind: 'unknown', sent: 1, made: 0 });
  });

  it('and may have happened when the connection is cut after it was carried out', async () => {
    expect(await failedCreate({ drop: true, when: 'after' })).toEqual({ kind: 'unknown', sent: 1, made: 1 });
  });

  it('and may have happened when a connection that was used before is cut', async () => {
    await tilled.createCustomer({});
    await kit.control('faults', { operation: 'POST /v1/customers', drop: true });
    expect((await failure(tilled.createCustomer({}))).kind).toBe('unknown');
    expect(kit.sandbox.requests('POST /v1/customers')).toHaveLength(2);
  });

  it('and may have happened when no answer comes in time', async () => {
    const hasty = client({ timeoutMs: 200 });
    expect(await failedCreate({ delayMs: 800, when: 'after' }, hasty)).toEqual({ kind: 'unknown', sent: 1, made: 1 });
  });

  it('and may have happened when the answer breaks off, or its end does not come in time', async () => {
    const ends: RequestListener[] = [(_, response) => response.destroy(), () => undefined];
    for (const end of ends) {
      let sent = 0;
      const half: RequestListener = (request, response) => {
        sent += 1;
        response.writeHead(201, { 'content-length': '100' }).write('{"id":', () => end(request, response));
      };
      await against(half, async (baseUrl) => {
        expect((await failure(client({ baseUrl, timeoutMs: 300 }).createCustomer({}))).kind).toBe('unknown');
      });
      expect(sent).toBe(1);
    }
  });

  it('and may have happened when the answer changes the protocol, which nobody asked for', async () => {
    const switching: RequestListener = (request) =>
      request.socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n');
    await against(switching, async (baseUrl) => {
      expect((await failure(client({ baseUrl }).createCustomer({}))).kind).toBe('unknown');
    });
  });

  it.each([
    ['HTML', '<html>Welcome</html>'],
    ['nothing', ''],
    ['null', 'null'],
    ['half of an object', '{"id":"cus_1"'],
    ['a bare word', '"ok"'],
  ])('and may have happened when a 201 carries %s', async (_, body) => {
    expect(await failedCreate({ status: 201, body, when: 'after' })).toEqual({ kind: 'unknown', sent: 1, made: 1 });
  });

  it('and is throttled, which is nothing done, when Cloudflare answers 429 in HTML', async () => {
    expect(await failedCreate({ status: 429 })).toEqual({ kind: 'throttled', sent: 1, made: 0 });
    expect(pauses).toEqual([]);
  });

  it.each([
    [400, 'rejected'],
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'not_found'],
    [409, 'rejected'],
    [422, 'rejected'],
  ])('and is refused for good by a %i', async (status, kind) => {
    expect(await failedCreate({ status })).toEqual({ kind, sent: 1, made: 0 });
  });

  it('and was not done when a server answers 421, with which it says that it looked at nothing', async () => {
    expect(await failedCreate({ status: 421 })).toEqual({ kind: 'unavailable', sent: 1, made: 0 });
  });

  it('and so are PATCH, PUT and DELETE', async () => {
    await kit.control('faults', { operation: '* /v1/*', times: 9, drop: true });
    const calls = [tilled.updateCustomer('cus_1', {}), tilled.attachPaymentMethod('pm_1', 'cus_1'), tilled.deleteCustomer('cus_1')];
    expect((await Promise.all(calls.map(failure))).map(({ kind }) => kind)).toEqual(['unknown', 'unknown', 'unknown']);
    expect(kit.sandbox.requests()).toHaveLength(3);
  });
});

describe('a connection that never stood', () => {
  it('is unavailable for a POST: nothing was sent', async () => {
    await kit.close();
    expect(await failure(tilled.createCustomer({}))).toMatchObject({ kind: 'unavailable', facts: { code: 'ECONNREFUSED' } });
  });

  it('is unavailable for a POST when the name is unknown', async () => {
    const nowhere = client({ baseUrl: 'http://nowhere.invalid' });
    expect((await failure(nowhere.createCustomer({}))).kind).toBe('unavailable');
  });

  it('is unavailable for a POST when its encryption is not agreed on in time: nothing was sent', async () => {
    const sockets: Socket[] = [];
    const silent = createSilentServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const baseUrl = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    expect((await failure(client({ baseUrl, timeoutMs: 200 }).createCustomer({}))).kind).toBe('unavailable');
    expect(sockets).toHaveLength(1);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it('is tried again for a read', async () => {
    await kit.close();
    expect((await failure(tilled.listCustomers({}))).kind).toBe('unavailable');
    expect(pauses).toHaveLength(2);
  });
});

describe('a GET', () => {
  it.each([
    ['cut connections', { drop: true }, 'unavailable'],
    ['a 500', { status: 500 }, 'unavailable'],
    ['a 503', { status: 503 }, 'unavailable'],
    ['a 408', { status: 408 }, 'unavailable'],
    ['a 429', { status: 429 }, 'throttled'],
    ['a 200 without JSON', { status: 200, body: '<html></html>' }, 'unavailable'],
    ['a 200 without a body', { status: 200, body: '' }, 'unavailable'],
  ])('is sent three times and no more on %s', async (_, fault, kind) => {
    expect(await failedRead(fault)).toEqual({ kind, sent: 3 });
  });

  it('is sent three times when no answer comes in time', async () => {
    expect(await failedRead({ delayMs: 800 }, client({ timeoutMs: 150 }))).toEqual({ kind: 'unavailable', sent: 3 });
  });

  it.each([
    [400, 'rejected'],
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'not_found'],
  ])('is sent once on a %i', async (status, kind) => {
    expect(await failedRead({ status })).toEqual({ kind, sent: 1 });
  });

  it('gives the answer of a later try', async () => {
    await kit.control('faults', { operation: 'GET /v1/customers', drop: true });
    await kit.control('faults', { operation: 'GET /v1/customers', status: 502, body: '<html></html>' });
    expect(await tilled.listCustomers({})).toMatchObject({ items: [], total: 0 });
    expect(kit.sandbox.requests('GET /v1/customers').map(({ status }) => status)).toEqual([0, 502, 200]);
  });

  it('waits as long as Retry-After says, and a little longer each time without it', async () => {
    await kit.control('faults', { operation: 'GET /v1/customers', status: 429, retryAfterSeconds: 1 });
    await kit.control('faults', { operation: 'GET /v1/customers', status: 503, retryAfterSeconds: 2 });
    await tilled.listCustomers({});
    expect(pauses).toEqual([1000, 2000]);
    await kit.control('faults', { operation: 'GET /v1/customers', status: 429, times: 2 });
    await tilled.listCustomers({});
    expect(pauses.slice(2)).toEqual([200, 400]);
  });

  it('is not sent again before the time when Retry-After asks for long: the caller is told instead', async () => {
    await kit.control('faults', { operation: 'GET /v1/customers', status: 429, retryAfterSeconds: 60 });
    expect(await failure(tilled.listCustomers({}))).toMatchObject({ kind: 'throttled', facts: { retryAfterMs: 60_000 } });
    expect(kit.sandbox.requests('GET /v1/customers')).toHaveLength(1);
  });

  it('reads a Retry-After that is a date by the clock of the server', async () => {
    const headers = { date: 'Sat, 31 Jan 2026 12:00:00 GMT', 'retry-after': 'Sat, 31 Jan 2026 12:00:30 GMT' };
    await against(
      (_, response) => void response.writeHead(429, headers).end(),
      async (baseUrl) => {
        expect((await failure(client({ baseUrl }).listCustomers({}))).facts.retryAfterMs).toBe(30_000);
      },
    );
  });
});

describe('an error', () => {
  it('carries the message, the status, the code and the request-id of Tilled', async () => {
    await kit.control('faults', { operation: 'POST /v1/refunds', status: 400, body: { message: 'not batched yet', code: 'too_early' } });
    const error = await failure(tilled.createRefund({ payment_intent_id: 'pi_1' }));
    const requestId = kit.sandbox.requests('POST /v1/refunds')[0]?.request_id;
    expect(error.message).toBe('not batched yet');
    expect(error.facts).toEqual({ operation: 'createRefund', httpStatus: 400, code: 'too_early', requestId, retryAfterMs: null });
    expect(lines).toContainEqual(expect.objectContaining({ httpStatus: 400, tilledRequestId: requestId, reason: 'not batched yet' }));
  });

  it('carries the request-id and status of an answer that makes no sense', async () => {
    await kit.control('faults', { operation: 'POST /v1/refunds', status: 201, body: 'done!' });
    const { facts } = await failure(tilled.createRefund({ payment_intent_id: 'pi_1' }));
    const requestId = kit.sandbox.requests('POST /v1/refunds')[0]?.request_id;
    expect(facts).toMatchObject({ httpStatus: 201, requestId });
    expect(lines).toContainEqual(expect.objectContaining({ kind: 'unknown', tilledRequestId: requestId }));
  });

  it.each([
    ['joins several messages', { message: ['amount must be an integer', 'currency must be a word'] }, /integer; currency must/],
    ['names the status when the body has no message', { reason: 'none' }, /^HTTP 400$/],
    ['names the status when the body is HTML', '<html>Bad Request</html>', /^HTTP 400$/],
    ['names the status when there is no body', '', /^HTTP 400$/],
    ['names the status when the message is no text', { message: { deep: true } }, /^HTTP 400$/],
    ['shortens a message without end', { message: 'na '.repeat(9_999) }, /^.{500}$/],
  ])('%s', async (_, body, message) => {
    await kit.control('faults', { operation: 'POST /v1/customers', status: 400, body });
    expect((await failure(tilled.createCustomer({}))).message).toMatch(message);
  });

  it('is unauthorized with a wrong key, and with an account that is not the key’s', async () => {
    const other = await kit.sandbox.provision({ name: 'Other' });
    const calls = [client({ secretKey: 'sk_wrong_one' }).getAccount(), connection({}).account(other.accountId, UNWATCHED).getAccount()];
    const errors = await Promise.all(calls.map(failure));
    expect(errors.map((error) => [error.kind, error.facts.httpStatus])).toEqual([
      ['unauthorized', 401],
      ['unauthorized', 403],
    ]);
  });

  it('is not made of a declined card: that is an answer', async () => {
    const declined = await tilled.createPaymentIntent({
      amount: 777701,
      currency: 'usd',
      payment_method_types: ['card'],
      payment_method_id: await kit.card(),
      confirm: true,
    });
    expect(declined).toMatchObject({ status: 'requires_payment_method', last_payment_error: { code: expect.any(String) } });
  });
});

describe('what stays secret', () => {
  const CARD = '4111 1111 1111 1111';
  const EMAIL = 'ada@private.example';

  it('no key, body, client secret or card number is in a log line or an error, however a call ends', async () => {
    const echo = { message: [`key ${kit.secretKey} is bad`, `card ${CARD} too`], code: CARD };
    const faults = [{ status: 400, body: echo }, { status: 500, body: echo }, { status: 201, body: `<p>${CARD}` }, { drop: true }];
    const errors: TilledError[] = [];
    for (const fault of faults) {
      await kit.control('faults', { operation: 'POST /v1/customers', ...fault });
      errors.push(await failure(tilled.createCustomer({ email: EMAIL })));
    }
    errors.push(await failure(client({ secretKey: 'sk_no_such_key' }).createCustomer({ email: EMAIL })));
    await tilled.createCustomer({ email: EMAIL });
    await tilled.listCustomers({ q: EMAIL });
    const intent = await tilled.createPaymentIntent({ amount: 100, currency: 'usd', payment_method_types: ['card'] });
    await kit.close();
    errors.push(await failure(tilled.createCustomer({ email: EMAIL })));
    const told = inspect([lines, errors, errors.map(errorFields)], { depth: 20, maxStringLength: null, maxArrayLength: null });
    expect(lines).toHaveLength(9);
    for (const secret of [kit.secretKey, 'sk_no_such_key', EMAIL, CARD, intent.client_secret]) expect(told).not.toContain(secret);
  });

  it('a redirect is not followed, neither with the key nor with the body', async () => {
    const elsewhere: string[] = [];
    const catchAll: RequestListener = (request, response) => {
      elsewhere.push(`${request.method} ${request.url}`);
      response.end('{"id":"cus_1"}');
    };
    await against(catchAll, (target) =>
      against(
        (_, response) => void response.writeHead(307, { location: `${target}/v1/customers` }).end(),
        async (baseUrl) => {
          expect(await failure(client({ baseUrl }).createCustomer({}))).toMatchObject({ kind: 'unknown', facts: { httpStatus: 307 } });
          expect((await failure(client({ baseUrl }).listCustomers({}))).kind).toBe('unavailable');
        },
      ),
    );
    expect(elsewhere).toEqual([]);
  });

  it('health is asked without key and account', async () => {
    const seen: (string | undefined)[] = [];
    const healthy: RequestListener = (request, response) => {
      seen.push(...Object.keys(request.headers).filter((name) => name.startsWith('tilled')));
      response.end('{"status":"pass"}');
    };
    await against(healthy, async (baseUrl) => expect(await connection({ baseUrl }).getHealth()).toEqual({ status: 'pass' }));
    expect(seen).toEqual([]);
    expect(await connection({}).getHealth()).toMatchObject({ status: 'pass' });
  });
});

describe('an id', () => {
  it.each([
    'cus_1/../../payment-intents',
    '../payment-intents',
    'a/b',
    'a\\b',
    '%2e%2e',
    'x?limit=1',
    'x#y',
    '..;',
    '… /',
  ])('such as %s stays in its segment of the path', async (id) => {
    expect((await failure(tilled.getCustomer(id))).kind).toBe('not_found');
    expect((await failure(tilled.deleteCustomer(id))).kind).toBe('not_found');
    const seen = kit.sandbox.requests().map(({ operation, path, query }) => [operation, path, query]);
    const path = `/v1/customers/${encodeURIComponent(id)}`;
    expect(seen).toEqual([
      ['GET /v1/customers/:id', path, ''],
      ['DELETE /v1/customers/:id', path, ''],
    ]);
  });

  it.each(['', '.', '..'])('such as "%s", which no path can hold, is not found without asking', async (id) => {
    const calls = [tilled.getCustomer(id), tilled.deleteCustomer(id), tilled.cancelSubscription(id), tilled.attachPaymentMethod(id, 'x')];
    expect((await Promise.all(calls.map(failure))).map(({ kind }) => kind)).toEqual(Array(4).fill('not_found'));
    expect(kit.sandbox.requests()).toEqual([]);
  });

  it('with half of a character is not found', async () => {
    expect((await failure(tilled.getCustomer('cus_\ud800'))).kind).toBe('not_found');
  });
});

describe('a query', () => {
  it('filters by metadata, whatever characters it is made of', async () => {
    const metadata = { 'billing id': 'a&b=c,d +é/%', other: '1' };
    const wanted = await tilled.createCustomer({ metadata });
    await tilled.createCustomer({ metadata: { ...metadata, other: '2' } });
    const { items } = await tilled.listCustomers({ metadata });
    expect(items.map(({ id }) => id)).toEqual([wanted.id]);
  });

  it('sends a list with commas, leaves out what is undefined, and takes part of the rest as it is', async () => {
    await kit.pay(1000, { capture: 'manual' });
    const canceled = await kit.pay(2000, { capture: 'manual' });
    await tilled.cancelPaymentIntent(canceled.id, {});
    const query = { status: ['canceled', 'succeeded'], subscription_id: undefined, limit: 5, include_connected_accounts: false };
    const { items, limit } = await tilled.listPaymentIntents(query);
    expect([items.map(({ id }) => id), limit]).toEqual([[canceled.id], 5]);
    const sent = kit.sandbox.requests('GET /v1/payment-intents').at(-1)?.query;
    expect(sent).toBe('?status=canceled,succeeded&limit=5&include_connected_accounts=false');
  });
});

describe('the operations', () => {
  it('read the account and its capabilities', async () => {
    expect(await tilled.getAccount()).toMatchObject({ id: kit.account, type: 'merchant', capabilities: expect.any(Array) });
  });

  it('list the payment methods of a customer by type', async () => {
    const { customer, method } = await kit.payer();
    const { items } = await tilled.listPaymentMethods({ customer_id: customer, type: 'card' });
    expect(items.map(({ id }) => id)).toEqual([method]);
    expect(await tilled.listPaymentMethods({ customer_id: customer, type: 'ach_debit' })).toMatchObject({ items: [] });
  });

  it('list refunds', async () => {
    const { id } = await kit.pay(1000);
    const refund = await tilled.createRefund({ payment_intent_id: id, metadata: { billing_id: 'r1' } });
    const { items } = await tilled.listRefunds({ metadata: { billing_id: 'r1' } });
    expect(items).toEqual([refund]);
  });

  it('read events by type and object', async () => {
    const customer = await tilled.createCustomer({});
    await tilled.createCustomer({});
    const { items } = await tilled.listEvents({ types: ['customer.created', 'customer.updated'], object_id: customer.id });
    expect(items).toMatchObject([{ type: 'customer.created', data: { id: customer.id } }]);
  });

  it('make and delete webhook endpoints', async () => {
    const made = await tilled.createWebhookEndpoint({ url: 'http://127.0.0.1:9/hook', enabled_events: ['*'] });
    expect(made.secret).toMatch(/^whsec_/);
    expect(await tilled.deleteWebhookEndpoint(made.id)).toBeNull();
    expect(await tilled.listWebhookEndpoints({})).toMatchObject({ items: [] });
  });
});

describe('connections', () => {
  it('are used again while the server keeps them', async () => {
    const sockets = new Set<unknown>();
    const listener: RequestListener = (request, response) => {
      sockets.add(request.socket);
      request.resume().on('end', () => response.end('{"id":"cus_1"}'));
    };
    await against(listener, async (baseUrl) => {
      for (let n = 0; n < 5; n += 1) await client({ baseUrl }).createCustomer({});
    });
    expect(sockets.size).toBeLessThan(5);
  });

  it('are not used again when the server said that it will close them shortly', async () => {
    const sockets = new Set<unknown>();
    const listener: RequestListener = (request, response) => {
      sockets.add(request.socket);
      request.resume().on('end', () => response.end('{"id":"cus_1"}'));
    };
    const create = async (baseUrl: string) => {
      for (let n = 0; n < 5; n += 1) await client({ baseUrl }).createCustomer({});
    };
    await against(listener, create, 2_000);
    expect(sockets.size).toBe(5);
  });

  it('are kept by the sandbox for longer than the client uses them', async () => {
    expect((await kit.raw('GET', '/v1/customers')).headers.get('keep-alive')).toBe('timeout=65');
  });
});
