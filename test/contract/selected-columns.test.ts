import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { composeSchema } from '../../src/compose.js';
import { furnish } from '../support/furnish.js';
import { type TestApp, World } from '../support/world.js';

type Field = GraphQLField<unknown, unknown>;

const schema = await composeSchema();

/** Lists of rows: at the root, and of the rows in them. `openIntents` and `history` show what no table holds so; `events` are read whole. */
const lists = fieldsOf(schema.getQueryType() as GraphQLObjectType).filter(
  (field) => isPage(field) && !/^(openIntents|history|events)$/.test(field.name),
);
const places = lists.flatMap((list) => [
  { name: list.name, item: itemOf(list), within: (selection: string) => `{ ${list.name}(first: 20) { nodes { ${selection} } } }` },
  ...fieldsOf(itemOf(list))
    .filter(isPage)
    .map((inner) => ({
      name: `${list.name}.${inner.name}`,
      item: itemOf(inner),
      within: (selection: string) => `{ ${list.name}(first: 20) { nodes { ${inner.name}(first: 20) { nodes { ${selection} } } } } }`,
    })),
]);
const cases = places.flatMap((place) => fieldsOf(place.item).map((field) => [place.name, field.name, { ...place, field }] as const));

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
  await furnish(world, app);
});
afterAll(() => world.close({ divergences: 1 }));

describe('a list reads the columns that are selected', () => {
  it('there are lists, and what is in them', () => {
    expect(lists.map(({ name }) => name).toSorted()).toEqual(
      ['customers', 'disputes', 'divergences', 'payments', 'refunds', 'subscriptions', 'webhookDeliveries', 'webhookEvents'].toSorted(),
    );
    expect(cases.length).toBeGreaterThan(100);
  });

  it.each(cases)('%s: %s alone is what it is beside everything else', async (_list, _field, { item, field, within }) => {
    const all = fieldsOf(item).map(selectionOf).join(' ');
    const beside = await answerTo(within(`${all} ${selectionOf(field)}`));
    // The third time it is answered by compiled code.
    for (let time = 0; time < 3; time += 1) {
      const alone = await answerTo(within(selectionOf(field)));
      expect(JSON.stringify(alone)).toMatch(/"nodes":\[\{/);
      expect(alone).toEqual(only(beside, alone));
    }
  });

  it('and shows every value of an enum by the name it has in the rows', () => {
    const values = Object.values(schema.getTypeMap()).flatMap((type) => (isEnumType(type) ? type.getValues() : []));
    expect(values.filter(({ name, value }) => name !== value && !name.startsWith('_'))).toEqual([]);
  });

  it('and no others', async () => {
    expect(await columnsOf('{ payments { nodes { status amount { decimal } } } }')).toEqual(['id', 'status', 'amount_minor', 'currency']);
    expect(await columnsOf('{ payments { pageInfo { endCursor } edges { cursor } } }')).toEqual(['id']);
    expect(await columnsOf('{ payments { edges { node { ...Few } } nodes { createdAt } } } fragment Few on Payment { status }')).toEqual([
      'id',
      'status',
      'created_at',
    ]);
    expect(await columnsOf('{ payments { nodes { ... on Node { id } customer { email } status @skip(if: true) } } }')).toEqual([
      'id',
      'customer_id',
      'status',
    ]);
  });

  it('but all where a list is asked for in two places of the same name', async () => {
    expect(await columnsOf('{ payments { nodes { id } } payments { nodes { status } } }')).toContain('metadata');
  });
});

async function answerTo(query: string): Promise<unknown> {
  const { data, errors } = await world.post({ query }, { credential: app.key });
  expect(errors).toEqual([]);
  return data;
}

/** The columns of the first statement on payments. */
async function columnsOf(query: string): Promise<string[]> {
  const statements = await world.statements(() => answerTo(query));
  const [, columns = ''] =
    /^select (.*) from billing_payments/.exec(statements.find((sql) => sql.includes('from billing_payments')) ?? '') ?? [];
  return columns.split(', ').map((name) => name.replaceAll('`', ''));
}

/** What `all` has in the places that `some` has. */
function only(all: unknown, some: unknown): unknown {
  if (Array.isArray(all) && Array.isArray(some)) return all.map((item, index) => only(item, some[index]));
  if (typeof all !== 'object' || all === null || typeof some !== 'object' || some === null) return all;
  return Object.fromEntries(Object.keys(some).map((name) => [name, only(Reflect.get(all, name), Reflect.get(some, name))]));
}

/** A field with the plain ones of what it leads to; of an object that may be of several types, its type. */
function selectionOf(field: Field): string {
  const type = getNamedType(field.type);
  if (isLeafType(type)) return field.name;
  if (isPage(field)) return `${field.name}(first: 20) { nodes { id } }`;
  if (!isObjectType(type)) return `${field.name} { ${isInterfaceType(type) ? 'id' : '__typename'} }`;
  return `${field.name} { ${fieldsOf(type)
    .filter(({ type: inner }) => isLeafType(getNamedType(inner)))
    .map(({ name }) => name)
    .join(' ')} }`;
}

function isPage(field: Field): boolean {
  const type = getNamedType(field.type);
  return isObjectType(type) && type.getFields()['nodes'] !== undefined && field.args.every(({ type: arg }) => !isNonNullType(arg));
}

function itemOf(list: Field): GraphQLObjectType {
  const type = getNamedType(list.type) as GraphQLObjectType;
  return getNamedType((type.getFields()['nodes'] as Field).type) as GraphQLObjectType;
}

function fieldsOf(type: GraphQLObjectType): Field[] {
  return Object.values(type.getFields()).filter(({ args }) => args.every(({ type: arg }) => !isNonNullType(arg) || isListType(arg)));
}
