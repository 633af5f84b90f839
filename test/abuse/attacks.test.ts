import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import * as ops from '../support/operations.generated.js';
import { countsOfApp } from '../support/tables.js';
import { type Answer, type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let counts: Awaited<ReturnType<typeof countsOfApp>>;
let heard: number;

beforeAll(async () => {
  world = await World.create();
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

describe('extensions.cost', () => {
  it.each([
    ['one for an object, none for its fields', '{ app { id name } }', 1],
    ['one for each object of a page', '{ customers(first: 7) { nodes { id email } } }', 8],
    ['a page of pages', '{ customers(first: 10) { nodes { payments(first: 5) { nodes { id } } } } }', 71],
    ['a list without pages as five', '{ customers(first: 10) { nodes { paymentMethods { id } } } }', 61],
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
