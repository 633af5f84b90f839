import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import * as ops from '../support/operations.generated.js';
import { countsOfApp } from '../support/tables.js';
import { type Answer, type TestApp, UNLIMITED, World } from '../support/world.js';

let world: World;
let app: TestApp;
let counts: Awaited<ReturnType<typeof countsOfApp>>;
let heard: number;

beforeAll(async () => {
  // The largest bodies that may be allowed.
  world = await World.create({ limits: { ...UNLIMITED, graphqlBodyBytesMax: 1_048_576 } });
  app = await world.app();
  const { customer } = await world.payer(app);
  await world.payment(app, customer.id);
  await world.settle();
});
afterAll(() => world.close());

beforeEach(async () => {
  counts = await countsOfApp(world, app);
  heard = world.sandbox.requests().length;
});

/** Whatever was sent: the server answers, nothing was stored, and the processor heard nothing. */
afterEach(async () => {
  expect(await world.ask(app, ops.AppDocument, {})).toEqual({ app: { id: app.id, name: 'App 1' } });
  expect(await countsOfApp(world, app)).toEqual(counts);
  expect(world.sandbox.requests()).toHaveLength(heard);
});

const INVALID = 'GRAPHQL_VALIDATION_FAILED';

/** A chain of fragments that each spread the next one twice: 2^length fields, written in a few lines. */
const bomb = (type: string, field: string, length: number) => {
  const links = Array.from({ length }, (_, n) => `fragment f${n} on ${type} { ...f${n + 1} ...f${n + 1} }`);
  return `${links.join(' ')} fragment f${length} on ${type} { ${field} }`;
};
const nested = (depth: number) =>
  `{ customers { nodes ${'{ payments { nodes { customer '.repeat(depth)} { id } ${'} } }'.repeat(depth)} } }`;

describe('a document made to cost us more than its sender', () => {
  it.each([
    ['a flood of aliases', `{ ${Array.from({ length: 31 }, (_, n) => `a${n}: app { id }`).join(' ')} }`, INVALID],
    ['aliases in a fragment that is spread often', `{ ${'...f '.repeat(40)} } fragment f on Query { a: app { id } }`, INVALID],
    ['a flood of directives', `{ app { ${Array.from({ length: 21 }, () => 'id @skip(if: false)').join(' ')} } }`, INVALID],
    ['21 directives on one field', `{ app { id ${'@include(if: true) '.repeat(21)} } }`, INVALID],
    ['objects nested 13 deep', nested(4), INVALID],
    [
      'objects nested deep through fragments',
      `{ ...a } fragment a on Query { customers { nodes { ...b } } } fragment b on Customer ${nestedIn(4)}`,
      INVALID,
    ],
    ['a fragment that spreads itself', '{ ...f } fragment f on Query { app { id } ...f }', INVALID],
    ['two fragments that spread each other', '{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }', INVALID],
    ['a query of 2^30 fields by fragments', `{ customers { nodes { ...f0 } } } ${bomb('Customer', 'id', 30)}`, 'QUERY_TOO_COMPLEX'],
    ['a mutation of 2^30 fields by fragments', `mutation { ...f0 } ${bomb('Mutation', '__typename', 30)}`, 'QUERY_TOO_COMPLEX'],
    ['a variable that is declared twice', 'query($a: Int, $a: Int) { customers(first: $a) { nodes { id } } }', INVALID],
    ['an argument that is given twice', '{ customers(first: 1, first: 100) { nodes { id } } }', INVALID],
    ['5,000 tokens', `{ app { ${'id '.repeat(5_000)} } }`, 'GRAPHQL_PARSE_FAILED'],
    ['nearly 1 MB of fields', `{ app { ${'id '.repeat(340_000)} } }`, 'GRAPHQL_PARSE_FAILED'],
    ['nearly 1 MB of brackets', '{'.repeat(1_000_000), 'GRAPHQL_PARSE_FAILED'],
    [
      'the schema asked for itself again and again',
      `{ __schema { types ${'{ fields { type '.repeat(10)} { name } ${'} }'.repeat(10)} } }`,
      INVALID,
    ],
    [
      'pages in pages in pages',
      '{ customers(first: 100) { nodes { subscriptions(first: 100) { nodes { payments(first: 100) { nodes { id } } } } } } }',
      'QUERY_TOO_COMPLEX',
    ],
  ])('%s is refused', async (_, query, code) => {
    expectRefused(await world.post({ query }, { credential: app.key }), 400, code);
  });

  it('pages in pages whose size is a variable are refused by the size, and answered by a smaller one', async () => {
    const query = `query Deep($n: Int) { customers(first: $n) { nodes { subscriptions(first: $n) { nodes { payments(first: $n) { nodes { id } } } } } } }`;
    const of = (n: number) => world.post({ query, variables: { n } }, { credential: app.key });
    for (let round = 0; round < 2; round += 1) {
      const refused = await of(100);
      expectRefused(refused, 400, 'QUERY_TOO_COMPLEX');
      expect(refused.errors[0]?.extensions).toMatchObject({ cost: { requested: expect.any(Number), max: 50_000 } });
      expect((await of(5)).errors).toEqual([]);
    }
  });

  it('parts that a variable leaves out cost nothing', async () => {
    const query = `query($all: Boolean!) { customers(first: 100) { nodes { id payments(first: 100) @include(if: $all) { nodes { refunds { payment { refunds { id } } } } } } } }`;
    expectRefused(await world.post({ query, variables: { all: true } }, { credential: app.key }), 400, 'QUERY_TOO_COMPLEX');
    expect((await world.post({ query, variables: { all: false } }, { credential: app.key })).errors).toEqual([]);
  });
});

/** Lists and objects inside each other, as JSON; JSON.stringify itself would run out of stack. */
const nestedJson = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
const manyKeys = JSON.stringify(Object.fromEntries(Array.from({ length: 60_000 }, (_, n) => [`k${n}`, '1'])));
const LIST = 'query ($v: [PaymentStatus!]) { payments(status: $v) { nodes { id } } }';
const CREATE = 'mutation ($v: CustomerCreateInput!) { customerCreate(input: $v) { userErrors { code } } }';

describe('variables made to cost us more than their sender', () => {
  it.each([
    ['60,000 values of a list', LIST, JSON.stringify(Array(60_000).fill('SUCCEEDED'))],
    ['60,000 wrong values of a list', LIST, JSON.stringify(Array(60_000).fill('X'))],
    ['lists in lists 30,000 deep', LIST, nestedJson('[', ']', 30_000)],
    ['objects in objects 30,000 deep', LIST, nestedJson('{"a":', '}', 30_000)],
    ['lists 30,000 deep for a number', 'query ($v: Int) { payments(first: $v) { nodes { id } } }', nestedJson('[', ']', 30_000)],
    ['lists 30,000 deep for a variable that is not declared', '{ app { id } }', nestedJson('[', ']', 30_000)],
    ['an input of 60,000 unknown fields', CREATE, manyKeys],
    ['metadata of 60,000 keys', CREATE, `{"email":"ann@example.com","metadata":${manyKeys}}`],
    ['90 lists of 900 values', LIST, JSON.stringify(Array(90).fill(Array(900).fill('FAILED')))],
  ])('%s are refused at once', async (_, query, json) => {
    const startedAt = performance.now();
    const response = await fetch(`${world.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${app.key}`, 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(query)},"variables":{"v":${json}}}`,
    });
    const text = await response.text();
    expect([response.status, text]).toEqual([400, expect.stringContaining('"BAD_USER_INPUT"')]);
    expect(text.length).toBeLessThan(2_000);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('a thousand unknown fields are told by a few of them', async () => {
    const input = { email: 'ann@example.com', ...Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`k${n}`, 'x'.repeat(500)])) };
    const answer = await world.post({ query: CREATE, variables: { v: input } }, { credential: app.key });
    expectRefused(answer, 400, 'BAD_USER_INPUT');
    expect(JSON.stringify(answer.errors).length).toBeLessThan(15_000);
  });

  it('a value that is given a thousand times is looked for once', async () => {
    const statements = await world.statements(() =>
      world.post({ query: LIST, variables: { v: Array(1_000).fill('SUCCEEDED') } }, { credential: app.key }),
    );
    expect(statements.filter((sql) => sql.includes('billing_payments') && sql.includes('status = ?'))).toHaveLength(1);
  });
});

describe('the cost of an operation', () => {
  const costOf = async (query: string, variables: object) => {
    const response = await fetch(`${world.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${app.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    return ((await response.json()) as { extensions?: { cost?: { requested: number } } }).extensions?.cost?.requested;
  };

  it.each<[string, object[]]>([
    ['null first', [{ f: null }, {}, { f: 7 }]],
    ['nothing first', [{}, { f: null }, { f: 7 }]],
    ['a number first', [{ f: 7 }, {}, { f: null }]],
  ])('is that of its own variables, whatever was asked before: %s', async (order, asked) => {
    const query = `query Fresh($f: Int = 100) { customers(first: $f) { nodes { id } } } # ${order}`;
    const costs = new Map([
      ['{"f":null}', 21],
      ['{}', 101],
      ['{"f":7}', 8],
    ]);
    for (const variables of [...asked, ...asked]) expect(await costOf(query, variables)).toBe(costs.get(JSON.stringify(variables)));
  });

  it('is that of its own operation in a document of several', async () => {
    const query = 'query A { customers(first: 7) { nodes { id } } } query B { customers(first: 9) { nodes { id } } }';
    for (const [operationName, requested] of [
      ['A', 8],
      ['B', 10],
      ['A', 8],
    ]) {
      const answer = await fetch(`${world.url}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${app.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query, operationName }),
      });
      expect(await answer.json()).toMatchObject({ extensions: { cost: { requested } } });
    }
  });
});

describe('extensions.cost', () => {
  it.each([
    ['one for an object, none for its fields', '{ app { id name } }', 1],
    ['one for each object of a page', '{ customers(first: 7) { nodes { id email } } }', 8],
    ['a page of pages', '{ customers(first: 10) { nodes { payments(first: 5) { nodes { id } } } } }', 71],
    ['a page from its end', '{ customers(last: 7) { nodes { id email } } }', 8],
    ['a list without pages as the ten it shows', '{ customers(first: 10) { nodes { paymentMethods { id } } } }', 111],
    ['a list without pages as what is asked of it', '{ customers(first: 10) { nodes { paymentMethods(first: 3) { id } } } }', 41],
    ['a list that is part of one row as five', '{ divergences(first: 10) { nodes { facts { name } } } }', 61],
    ['20 where no size is given', '{ customers { nodes { id } } }', 21],
  ])('counts %s', async (_, query, requested) => {
    const response = await fetch(`${world.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${app.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    expect(await response.json()).toMatchObject({ extensions: { cost: { requested, max: 50_000 } } });
  });

  it('lets tools read the schema', async () => {
    const { errors, data } = await world.post(
      { query: getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true }) },
      { credential: app.key },
    );
    expect(errors).toEqual([]);
    expect(data).toHaveProperty('__schema');
  });
});

function nestedIn(depth: number): string {
  return `${'{ payments { nodes { customer '.repeat(depth)} { id } ${'} } }'.repeat(depth)}`;
}

/** Refused as a whole, with this code only, and without a word of how we are made. */
function expectRefused(answer: Answer<unknown>, status: number, code: string): void {
  expect([answer.status, answer.data]).toEqual([status, null]);
  expect([...new Set(answer.errors.map((error) => error.extensions.code))]).toEqual([code]);
  expect(JSON.stringify(answer.errors)).not.toMatch(/node_modules|\.[jt]s:\d+|select .* from|billing_\w+/i);
}
