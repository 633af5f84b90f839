import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import * as ops from '../support/operations.generated.js';
import { billing } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

const CARDS = 'query Cards($id: ID!) { customer(id: $id) { id paymentMethods { id last4 } } }';
const ADD_CARD =
  'mutation AddCard($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) { paymentMethod { id } userErrors { code } } }';
const DELETE = 'mutation Delete($id: ID!) { customerDelete(input: {id: $id}) { customer { id } } }';
const TWO = 'mutation { paymentMethodDetach(input: {id: "pm_a"}) { replayed } two: paymentMethodDetach(input: {id: "pm_b"}) { replayed } }';

let world: World;
let a: TestApp;
let b: TestApp;
let folder: string;
let customerId: string;
let session: string;

beforeAll(async () => {
  world = await World.create({ sessionDocuments: 'registered' });
  [a, b] = [await world.app(), await world.app()];
  folder = await mkdtemp(path.join(tmpdir(), 'bg_sessions_'));
  const { customer } = await world.payer(a);
  customerId = customer.id;
  session = await sessionOf(a, customerId);
  expect(await register(a, manifestOf(CARDS, ADD_CARD, DELETE))).toMatchObject({ status: 0, stderr: '' });
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

describe('a customer session where documents must be registered', () => {
  it('reads and attaches by the hashes that its app registered', async () => {
    const read = await byHash(CARDS, { id: customerId });
    expect(read).toMatchObject({ status: 200, data: { customer: { id: customerId, paymentMethods: [{ last4: '1111' }] } }, errors: [] });
    const input = { customerId, tilledPaymentMethodId: await world.newCard(a) };
    expect(await byHash(ADD_CARD, { input })).toMatchObject({ data: { paymentMethodAttach: { userErrors: [] } } });
  });

  it('reads by GET as well, and by the hash together with the very text', async () => {
    const query = new URLSearchParams({ variables: JSON.stringify({ id: customerId }), extensions: JSON.stringify(extensionsOf(CARDS)) });
    const headers = { authorization: `Bearer ${session}` };
    const response = await fetch(`${world.url}/graphql?${query}`, { headers });
    expect([response.status, await response.json()]).toMatchObject([200, { data: { customer: { id: customerId } } }]);
    const body = { query: CARDS, variables: { id: customerId }, extensions: extensionsOf(CARDS) };
    expect(await world.post(body, { credential: session })).toMatchObject({ status: 200, data: { customer: { id: customerId } } });
  });

  it.each([
    ['documentId', (hash: string) => ({ documentId: `sha256:${hash}` })],
    ['id', (hash: string) => ({ id: hash })],
    ['doc_id', (hash: string) => ({ doc_id: hash, query: null })],
    ['documentId beside an empty text', (hash: string) => ({ documentId: hash, query: '' })],
    ['persistedQuery beside an empty text', () => ({ extensions: extensionsOf(CARDS), query: '' })],
    ['persistedQuery beside null', () => ({ extensions: extensionsOf(CARDS), query: null })],
    ['persistedQuery beside other ids', () => ({ extensions: extensionsOf(CARDS), id: '7', documentId: null })],
    ['nothing but the very text', () => ({ query: CARDS })],
    ['the text beside an id of another kind', () => ({ query: CARDS, id: '7' })],
  ])('says by %s which document it means', async (_, said) => {
    const answer = await world.post({ ...said(hashOf(CARDS)), variables: { id: customerId } }, { credential: session });
    expect(answer).toMatchObject({ status: 200, data: { customer: { id: customerId } }, errors: [] });
  });

  it('says by documentId in a GET which document it means', async () => {
    const search = new URLSearchParams({ documentId: `sha256:${hashOf(CARDS)}`, variables: JSON.stringify({ id: customerId }) });
    const response = await fetch(`${world.url}/graphql?${search}`, { headers: { authorization: `Bearer ${session}` } });
    expect([response.status, await response.json()]).toMatchObject([200, { data: { customer: { id: customerId } } }]);
  });

  it('is told of an unknown hash in the words that clients look for, and of what is to be done', async () => {
    const { status, errors } = await world.post({ extensions: extensionsOf('{ app { name } }') }, { credential: session });
    expect([status, errors]).toEqual([
      404,
      [
        {
          message: 'PersistedQueryNotFound',
          extensions: { code: 'PERSISTED_QUERY_NOT_FOUND', hint: expect.stringContaining('billing operations register') },
        },
      ],
    ]);
  });

  it.each([
    ['a document of its own', { query: `{ app { id } }` }, 403, 'FORBIDDEN'],
    ['a document that differs by a blank', { query: `${CARDS} `, variables: { id: 'cus_x' } }, 403, 'FORBIDDEN'],
    ['an id that is no hash', { documentId: 'Cards' }, 404, 'PERSISTED_QUERY_NOT_FOUND'],
    ['a document of its own beside a registered id', { query: '{ app { id } }', id: hashOf(CARDS) }, 403, 'FORBIDDEN'],
    ['nothing', { query: '', documentId: '' }, 403, 'FORBIDDEN'],
    ['introspection', { query: getIntrospectionQuery() }, 403, 'FORBIDDEN'],
    ['introspection of a name', { query: '{ __schema { types { name } } }' }, 403, 'FORBIDDEN'],
    [
      'introspection with its hash',
      { query: '{ __typename }', extensions: extensionsOf('{ __typename }') },
      404,
      'PERSISTED_QUERY_NOT_FOUND',
    ],
    ['a hash that nobody registered', { extensions: extensionsOf('{ app { name } }') }, 404, 'PERSISTED_QUERY_NOT_FOUND'],
    ['a registered hash with another text', { query: '{ app { id } }', extensions: extensionsOf(CARDS) }, 400, 'BAD_REQUEST'],
    ['a hash that is no text', { extensions: { persistedQuery: { version: 1, sha256Hash: ["' or 1 = 1"] } } }, 400, 'BAD_REQUEST'],
    ['no hash at all', { extensions: { persistedQuery: null } }, 403, 'FORBIDDEN'],
    ['a registered mutation that is not for it', { extensions: extensionsOf(DELETE), variables: { id: 'cus_x' } }, 403, 'FORBIDDEN'],
  ])('is refused %s', async (_, body, status, code) => {
    const answer = await world.post(body, { credential: session });
    expect([answer.status, answer.data, answer.errors.map(({ extensions }) => extensions.code)]).toEqual([status, null, [code]]);
  });

  it('of another app knows none of them', async () => {
    const theirs = await world.customer(b);
    const credential = await sessionOf(b, theirs.id);
    const answer = await world.post({ variables: { id: theirs.id }, extensions: extensionsOf(CARDS) }, { credential });
    expect(answer).toMatchObject({ status: 404, data: null, errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] });
  });

  it('gains nothing from what a key sent: no request registers a document', async () => {
    const document = 'query Mine { app { id name } }';
    const body = { query: document, extensions: extensionsOf(document) };
    expect(await world.post(body, { credential: a.key })).toMatchObject({ status: 200, data: { app: { id: a.id } } });
    expect(await byHash(document, {})).toMatchObject({ status: 404, data: null });
    expect(await world.rows('billing_operations', a)).toHaveLength(3);
  });

  it('lets a key go on with the text where it only tried the hash first', async () => {
    const document = 'query Once { app { id } }';
    const tried = await world.post({ extensions: extensionsOf(document) }, { credential: a.key });
    expect([tried.status, tried.errors[0]?.message]).toEqual([404, 'PersistedQueryNotFound']);
    const sent = await world.post({ query: document, extensions: extensionsOf(document) }, { credential: a.key });
    expect(sent).toMatchObject({ status: 200, data: { app: { id: a.id } } });
  });

  it('leaves keys free to send documents of their own', async () => {
    expect((await world.send(a, ops.CustomerDocument, { id: customerId })).data?.customer?.id).toBe(customerId);
  });
});

describe('billing operations', () => {
  it("takes Apollo's manifest too, says what is new, and lists what there is", async () => {
    const document = 'query Own { app { name } }';
    const manifest = {
      format: 'apollo-persisted-query-manifest',
      version: 1,
      operations: [{ id: hashOf(document), name: 'Own', type: 'query', body: document }],
    };
    expect((await register(b, manifest)).stdout).toBe('Registered 1 of 1 documents; the others were there.\n');
    expect((await register(b, manifest)).stdout).toBe('Registered 0 of 1 documents; the others were there.\n');
    const { stdout } = await billing(['operations', 'list', '--app', b.id, '--json'], world.environment);
    expect(JSON.parse(stdout)).toEqual([{ hash: hashOf(document), name: 'Own', createdAt: expect.any(String) }]);
  });

  it('takes what graphql-codegen writes, and the hashes as it writes them', async () => {
    const customer = await world.customer(b);
    const document = 'query Mail($id: ID!) { customer(id: $id) { email } }';
    expect(await register(b, { [`sha256:${hashOf(document)}`]: document })).toMatchObject({ status: 0, stderr: '' });
    const body = { variables: { id: customer.id }, extensions: { persistedQuery: { sha256Hash: `sha256:${hashOf(document)}` } } };
    const answer = await world.post(body, { credential: await sessionOf(b, customer.id) });
    expect(answer).toMatchObject({ status: 200, data: { customer: { email: 'ann@example.com' } } });
  });

  it.each([
    ['a document under another hash', { [hashOf('{ app { id } }')]: CARDS }, /is not the document's SHA-256/],
    ['a field that there is not', manifestOf('{ app { secret } }'), /not a document of this API: .*secret/],
    ['what is no GraphQL', manifestOf('{ app'), /not a document of this API/],
    ['a look at the schema', manifestOf('{ __schema { types { name } } }'), /introspection/],
    ['a mutation that moves money beside another', manifestOf(TWO), /not a document of this API: .*stands alone in its operation/],
    ['no documents', {}, /is not a manifest/],
    ['something else', { operations: [{ id: 1 }] }, /is not a manifest/],
  ])('refuses %s, and registers nothing', async (_, manifest, words) => {
    const { status, stdout, stderr } = await register(a, manifest);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(words);
    expect(await world.rows('billing_operations', a)).toHaveLength(3);
  });

  it.each([
    ['is not there', 'nowhere.json', null, /^There is no file .*nowhere\.json\.\n$/],
    ['is no JSON', 'half.json', '{"a":', /half\.json is not JSON: a manifest is/],
  ])('says so where the file %s', async (_, name, content, words) => {
    const file = path.join(folder, name);
    if (content !== null) await writeFile(file, content);
    const { status, stderr } = await billing(['operations', 'register', '--app', a.id, '--file', file], world.environment);
    expect([status, stderr]).toEqual([1, expect.stringMatching(words)]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('does not hide behind a stack that the file of a report is not there', async () => {
    const { status, stderr } = await billing(['preflight', 'verify', path.join(folder, 'nowhere.json')], world.environment);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^There is no file .*nowhere\.json\.\n$/)]);
  });
});

describe('pages of other sites', () => {
  const [shop, club, evil] = ['https://shop.example.com', 'https://club.example.com:8443', 'https://evil.example.com'];

  it('may read nothing where no app said so', async () => {
    expect(allowedBy(await preflight(shop))).toBeNull();
    expect(allowedBy(await from(shop, a.key))).toBeNull();
  });

  it('may ask and read where the app of the credential allows them, five seconds after it was said', async () => {
    const updated = await billing(['apps', 'update', a.id, '--cors-origin', shop], world.environment);
    expect([updated.status, updated.stdout]).toEqual([0, `Updated app ${a.id}.\n`]);
    await world.gateway.access.apps.setOrigins(b.id, [club]);
    await world.advance({ ms: 5_000 });
    const asked = await preflight(shop);
    expect([asked.status, allowedBy(asked), asked.headers.get('access-control-allow-credentials')]).toEqual([204, shop, null]);
    expect(asked.headers.get('access-control-allow-headers')).toMatch(/authorization.*content-type/);
    const answer = await from(shop, session);
    expect([allowedBy(answer), answer.headers.get('vary')]).toEqual([shop, expect.stringMatching(/origin/i)]);
  });

  it('may ask where only another app allows them, and read what a wrong credential is answered', async () => {
    expect(allowedBy(await preflight(club))).toBe(club);
    const wrong = await (await from(club, 'bg_ses_ended')).text();
    for (const credential of [a.key, session]) {
      const answer = await from(club, credential);
      expect([answer.status, allowedBy(answer), await answer.text()]).toEqual([401, club, wrong]);
    }
    expect(allowedBy(await from(club, b.key))).toBe(club);
  });

  it('learn that a credential ended, so that they sign in again', async () => {
    const answer = await from(shop, 'bg_ses_ended');
    expect([answer.status, allowedBy(answer)]).toEqual([401, shop]);
    expect(allowedBy(await from(evil, 'bg_ses_ended'))).toBeNull();
  });

  it.each([
    evil,
    'null',
    `${shop}.evil.example.com`,
    'https://shop.example.com:444',
    'http://shop.example.com',
    '*',
  ])('of %s may do nothing', async (origin) => {
    expect(allowedBy(await preflight(origin))).toBeNull();
    expect(allowedBy(await from(origin, a.key))).toBeNull();
  });

  it('may no longer once the app took it back', async () => {
    await billing(['apps', 'update', a.id, '--no-cors-origins'], world.environment);
    await world.advance({ ms: 5_000 });
    expect([allowedBy(await preflight(shop)), allowedBy(await from(shop, a.key))]).toEqual([null, null]);
  });

  it.each([
    '*',
    'https://*.example.com',
    'https://shop.example.com/',
    'shop.example.com',
    'null',
    'file:///x',
  ])('are not named %s', async (origin) => {
    await expect(world.gateway.access.apps.setOrigins(a.id, [origin])).rejects.toThrow(/is not an origin/);
  });
});

describe('billing apps rotate-session-secret', () => {
  it('ends every session of the app within five seconds, and none of another app', async () => {
    const [ours, theirs] = [await sessionOf(a, customerId), await sessionOf(b, (await world.customer(b)).id)];
    expect([(await from('', ours)).status, (await from('', theirs)).status]).toEqual([403, 403]);
    expect(await billing(['apps', 'rotate-session-secret', a.id], world.environment)).toMatchObject({ status: 0, stderr: '' });
    await world.advance({ ms: 5_000 });
    expect([(await from('', ours)).status, (await from('', theirs)).status]).toEqual([401, 403]);
    expect((await from('', await sessionOf(a, customerId))).status).toBe(403);
  });
});

function byHash(document: string, variables: object) {
  return world.post<Record<string, unknown>>({ variables, extensions: extensionsOf(document) }, { credential: session });
}

function extensionsOf(document: string) {
  return { persistedQuery: { version: 1, sha256Hash: hashOf(document) } };
}

function manifestOf(...documents: readonly string[]): Record<string, string> {
  return Object.fromEntries(documents.map((document) => [hashOf(document), document]));
}

function hashOf(document: string): string {
  return createHash('sha256').update(document).digest('hex');
}

async function register(app: TestApp, manifest: object) {
  const file = path.join(folder, 'manifest.json');
  await writeFile(file, JSON.stringify(manifest));
  return billing(['operations', 'register', '--app', app.id, '--file', file], world.environment);
}

async function sessionOf(app: TestApp, id: string): Promise<string> {
  const { customerSessionCreate } = await world.ask(app, ops.CustomerSessionCreateDocument, { input: { customerId: id } });
  return customerSessionCreate.token ?? '';
}

function preflight(origin: string): Promise<Response> {
  const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' };
  return fetch(`${world.url}/graphql`, { method: 'OPTIONS', headers });
}

/** What a page at an origin is answered when it sends a document of its own. */
function from(origin: string, credential: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${credential}`, ...(origin === '' ? {} : { origin }) };
  return fetch(`${world.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query: '{ app { id } }' }) });
}

function allowedBy(response: Response): string | null {
  return response.headers.get('access-control-allow-origin');
}
