import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type GraphQLObjectType, getNamedType, isLeafType, isListType, isNonNullType, isObjectType } from 'graphql';
import { AUDITED, ENTITIES, TOLD } from '../../src/compose.entities.js';
import { composeSchema } from '../../src/compose.js';
import { EVENT_TYPES, type EventType } from '../../src/events/event.catalogue.js';
import { EXAMPLES } from '../../src/events/event.examples.js';
import { ToldRow } from '../../src/platform/outbox/told-row.js';
import { furnish } from '../support/furnish.js';
import { type TestApp, World } from '../support/world.js';
import { readSources } from '../tidy/source.js';

const schema = await composeSchema();
const types = Object.entries<EventType>(EVENT_TYPES);
const objects = [...new Set(types.map(([, { object }]) => object))];

/** Fields that a payload does not have: lists, and what is asked of somebody else or changes by itself. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  Customer: ['defaultPaymentMethod', 'paymentMethods', 'payments', 'subscriptions'],
  PaymentMethod: [],
  Subscription: ['payments'],
  Payment: ['disputes', 'facts', 'nextAction', 'refunds', 'unknownSince'],
  Refund: ['unknownSince'],
  Dispute: ['isEvidenceAccepted'],
  Divergence: ['facts'],
  App: [],
  WebhookEndpoint: ['types'],
};

describe('the catalogue of events', () => {
  it('has every entity that is audited and shown in the API, and every one that counts its events', () => {
    const shown = Object.keys(AUDITED).filter((name) => isObjectType(schema.getType(name)));
    // An app is not told what only it itself changes.
    expect(shown.filter((name) => TOLD[name] === undefined)).toEqual(['AppSettings']);
    const counting = ENTITIES.filter(({ prototype }) => prototype instanceof ToldRow).map(({ name }) => name);
    expect(Object.keys(TOLD).toSorted()).toEqual(counting.toSorted());
  });

  it('has for each object that is told of types, an example, and a list of what its payload leaves out', () => {
    for (const list of [EXAMPLES, LEFT_OUT]) expect(Object.keys(list).toSorted()).toEqual(objects.toSorted());
    expect(Object.values(TOLD).filter(({ object }) => !objects.includes(object))).toEqual([]);
    for (const { otherwise, removed } of Object.values(TOLD))
      for (const type of [otherwise, removed]) expect(type === null || type in EVENT_TYPES).toBe(true);
  });
});

describe('rows that are told of', () => {
  const tables = [...new Set(Object.values(AUDITED).map(({ noun }) => `billing_${noun}s`)), 'billing_divergences'].filter(
    (table) => table !== 'billing_api_keys',
  );
  const byHand = new RegExp(
    `(?:insert into|update|delete from) \`?(?:${tables.join('|')})\\b|inserting\\(\\s*'(?:${tables.join('|')})'`,
    'g',
  );

  it('are written by hand only where the API shows nothing of it, or the row is told of all the same', () => {
    const found = readSources()
      .map(({ path, text }) => [path, [...text.matchAll(byHand)].length] as const)
      .filter(([path, times]) => path.startsWith('src/') && times > 0);
    expect(Object.fromEntries(found)).toEqual({
      // Who holds a reference, and which intent at Tilled is the payment's: no field shows them.
      'src/billing/payments/payment.repository.ts': 2,
      // A row that several may add at once: its first sighting is counted on the managed row, which tells.
      'src/billing/kit/divergence.repository.ts': 1,
      // Since when an endpoint fails, and until when nothing is sent to it, which its own work counts: no field shows it.
      'src/deliveries/endpoint.repository.ts': 3,
    });
    expect('update billing_payments set x = 1'.match(byHand)).toHaveLength(1);
  });
});

describe('a payload', () => {
  let world: World;
  let app: TestApp;

  beforeAll(async () => {
    world = await World.create();
    app = await world.app();
    await furnish(world, app);
    await world.settle();
  });
  afterAll(() => world.close({ divergences: 1 }));

  // An app is found by its credential, and an endpoint is told of only when it is disabled.
  it.each(
    objects.filter((object) => !['App', 'WebhookEndpoint'].includes(object)),
  )('of a %s is what the API shows of it, but for what is left out', async (object) => {
    const type = schema.getType(object) as GraphQLObjectType;
    const names = Object.keys(type.getFields()).filter((name) => !LEFT_OUT[object]?.includes(name));
    const selection = names.map((name) => shown(type, name)).join(' ');
    const rows = (await world.rows('billing_app_events', app)).toSorted(
      (one, other) => Number(one['position']) - Number(other['position']),
    );
    const last = new Map(rows.map((row) => [String(row['object_id']), JSON.parse(String(row['payload'])) as { __typename: string }]));
    const told = [...last].filter(([, payload]) => payload.__typename === object);
    expect(told.length).toBeGreaterThan(0);
    for (const [id, payload] of told) {
      const query = `query ($id: ID!) { node(id: $id) { __typename ... on ${object} { ${selection} } } }`;
      const { data } = await world.post<{ node: object | null }>({ query, variables: { id } }, { credential: app.key });
      expect(payload).toEqual(data?.node);
    }
  });
});

/** How a field is asked for: an object of values whole, a link by its id. */
function shown(type: GraphQLObjectType, name: string): string {
  const field = type.getFields()[name];
  const named = field === undefined ? null : getNamedType(field.type);
  if (field === undefined || !isObjectType(named)) return name;
  const nullable = isNonNullType(field.type) ? field.type.ofType : field.type;
  if (isListType(nullable)) throw new Error(`${type.name}.${name} is a list: say that it is left out.`);
  const inside = Object.values(named.getFields());
  const isOfValues = inside.every((one) => isLeafType(getNamedType(one.type))) && !('id' in named.getFields());
  return isOfValues ? `${name} { ${inside.map((one) => one.name).join(' ')} }` : `${name} { __typename id }`;
}
