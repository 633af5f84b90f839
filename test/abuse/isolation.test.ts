import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type GraphQLObjectType, getNamedType, isEnumType, isInterfaceType, isLeafType, isNonNullType, isObjectType } from 'graphql';
import { SignJWT, UnsecuredJWT } from 'jose';
import { KEY_SCOPES } from '../../src/access/key-scopes.js';
import { CustomerRepository } from '../../src/billing/customers/customer.repository.js';
import { composeSchema } from '../../src/compose.js';
import { type Access, ROLES } from '../../src/graphql/access.js';
import { printedSchema } from '../../src/graphql/schema.js';
import { Cursor } from '../../src/platform/cursors.js';
import { Caller } from '../../src/platform/tenancy/caller.js';
import { cut } from '../support/at-tilled.js';
import { type Furniture, furnish } from '../support/furnish.js';
import * as ops from '../support/operations.generated.js';
import {
  type InputPlace,
  leastVariables,
  operationOf,
  placesOf,
  type RootField,
  rootFieldsOf,
  withValueAt,
} from '../support/schema-walk.js';
import { rowsOfApp } from '../support/tables.js';
import { type Answer, type TestApp, World } from '../support/world.js';

const schema = await composeSchema();
const roots = rootFieldsOf(schema);

/** Every type that has an id of its own. */
const NODES = schema.getPossibleTypes(schema.getType('Node') as GraphQLObjectType & never).map((type) => type.name);

/** Strings that name something, beside ids. */
const NAMES = ['externalId', 'referenceId', 'tilledPaymentMethodId', 'idempotencyKey', 'email', 'fileIds'] as const;

/** Root fields that take neither an id nor a name: whom they answer about is decided by the credential alone. */
const WITHOUT_NAMES = [
  'app',
  'appSettingsUpdate',
  'disputes',
  'divergences',
  'session',
  'webhookEndpoints',
  'webhookEvents',
  'webhookHealth',
];

/** Of what an id is that neither its name nor what is answered says. */
const IDS_OF: Readonly<Record<string, string>> = {
  endpointId: 'WebhookEndpoint',
  deliveryId: 'WebhookDelivery',
  'webhookEndpointTest.id': 'WebhookEndpoint',
};

/** What is told, and where: of one resource. */
const TELLING = ['Event', 'WebhookEndpoint', 'WebhookDelivery'];

/** Types of which customers see nothing. */
const FOR_OPERATORS = ['WebhookEvent', 'Divergence', ...TELLING];

/** Types with an id that only node() shows one by one. */
const WITHOUT_ROOT = ['WebhookEvent', ...TELLING];

/** What customer sessions may do, beside reading single objects. */
const FOR_CUSTOMERS = [
  'paymentMethodAttach',
  'paymentMethodDetach',
  'paymentMethodSetDefault',
  'subscriptionCancel',
  'subscriptionReactivate',
];

/** Input beside what is required, for requests that would otherwise use up what the next one is about. */
const BESIDE: Readonly<Record<string, object>> = { refundCreate: { amount: { amountMinor: 1, currency: 'usd' } } };

/** One value at one place, in two variants that must be answered alike. */
interface Probe {
  readonly root: RootField;
  readonly place: InputPlace;
  /** The type whose id stands there, or the name that does. */
  readonly kind: string;
}

const probes = roots.flatMap((root) => placesOf(root).flatMap((place) => kindsOf(root, place).map((kind) => ({ root, place, kind }))));

/** Fields with arguments of types that are reached through others. */
const nested = Object.values(schema.getTypeMap())
  .filter((type) => isObjectType(type) && !type.name.startsWith('__') && ![schema.getQueryType(), schema.getMutationType()].includes(type))
  .flatMap((type) => Object.values((type as GraphQLObjectType).getFields()).map((field) => ({ owner: type.name, field })))
  .filter(({ field }) => field.args.length > 0);

/** Arguments that take a place in a list. */
const CURSORS = ['after', 'before'];

/** Arguments that only narrow what the own list has, and the id that a list without pages goes on after. */
const PLACES = ['afterId', 'createdAt', 'updatedAt', 'metadata'];

/** A list that goes on from a cursor in both directions: of Query, or of a type with an id. The feed of events has cursors of its own. */
interface Pager {
  readonly owner: string;
  readonly field: string;
  /** The type of its rows. */
  readonly node: string;
  /** Whether it shows what is about one object only, which must be said. */
  readonly needsSubject: boolean;
}

const pagers: Pager[] = [...roots.map(({ field }) => ({ owner: 'Query', field })), ...nested]
  .filter(({ field }) => CURSORS.every((cursor) => field.args.some(({ name }) => name === cursor)))
  .map(({ owner, field }) => ({
    owner,
    field: field.name,
    node: getNamedType(field.type).name.replace('Connection', ''),
    needsSubject: field.args.some(({ name, type }) => name === 'objectId' && isNonNullType(type)),
  }));

/** Lists without pages, that go on after an id. */
const parts = nested.filter(({ field }) => field.args.some(({ name }) => name === 'afterId'));

let world: World;
let a: TestApp;
let b: TestApp;
let ofA: Furniture;
let ofB: Furniture;
/** Ids of rows of A that only lists show, by their type. */
let rowsOfA: Readonly<Record<string, string>>;

beforeAll(async () => {
  world = await World.create();
  [a, b] = [await world.app(), await world.app()];
  [ofA, ofB] = [await furnish(world, a), await furnish(world, b)];
  await leaveOpen(b, ofB);
  // What A does next has a millisecond to itself: no id of B lies between one of these and the one besides it.
  await world.advance({ ms: 1 });
  const opened = await leaveOpen(a, ofA);
  await world.advance({ ms: 1 });
  rowsOfA = { AuditEvent: String((await world.rows('billing_events', a)).at(-1)?.['id']), OpenIntent: opened };
});
afterAll(() => world.close({ divergences: 2 }));

describe('what is tried', () => {
  it('is the schema that the gateway serves', () => {
    expect(printedSchema(world.gateway.schema)).toBe(printedSchema(schema));
  });

  it('covers every root field but those that take no id and no name', () => {
    const covered = new Set(probes.map(({ root }) => root.name));
    expect(
      roots
        .map(({ name }) => name)
        .filter((name) => !covered.has(name))
        .toSorted(),
    ).toEqual(WITHOUT_NAMES);
  });

  it('covers every type that has an id, where any id may stand and where one of its own kind may', () => {
    const tried = (name: string) => new Set(probes.filter(({ root }) => root.name === name).map(({ kind }) => kind));
    expect([...tried('node')].toSorted()).toEqual(NODES.toSorted());
    const single = roots.filter((root) => NODES.includes(getNamedType(root.field.type).name) && root.field.args[0]?.name === 'id');
    const byKind = new Set(single.flatMap((root) => [...tried(root.name)]));
    expect([...byKind, ...WITHOUT_ROOT].toSorted()).toEqual(NODES.toSorted());
    expect(NODES.filter((node) => ofA.ids[node] === undefined || ofB.ids[node] === undefined)).toEqual([]);
  });

  it('covers every argument of every list, however deep: those that are not a cursor can name nothing', () => {
    const rest = nested
      .flatMap(({ owner, field }) => field.args.map((argument) => ({ owner, field, argument })))
      .filter(
        ({ argument }) =>
          ![...CURSORS, ...PLACES].includes(argument.name) &&
          getNamedType(argument.type).name !== 'Int' &&
          !isEnumType(getNamedType(argument.type)),
      );
    expect(rest.map(({ owner, field, argument }) => `${owner}.${field.name}(${argument.name})`)).toEqual([]);
    expect(nested.map(({ owner }) => owner).filter((owner) => !NODES.includes(owner))).toEqual([]);
    expect(pagers.length).toBeGreaterThan(nested.length);
  });

  it('knows a real value of the other app for every id and name', () => {
    for (const { kind } of probes) expect([kind, known(ofA, kind)]).toEqual([kind, expect.stringMatching(/\S/)]);
  });
});

describe('without a scope', () => {
  /** Every kind of read and write a repository has. */
  class Customers extends CustomerRepository {
    readonly tries: readonly (() => Promise<unknown>)[] = [
      () => this.find('cus_1'),
      () => this.lock('cus_1'),
      () => this.list({ first: 1 }, null),
      () => this.rows({}),
      async () => this.add({ id: 'cus_1' } as never),
    ];
  }

  it('nothing is asked of the database: it throws', async () => {
    const statements = await world.statements(async () => {
      for (const ask of new Customers(undefined as never).tries) await expect((async () => ask())()).rejects.toThrow();
    });
    expect(statements).toEqual([]);
  });

  it('or without an app in it, there is none', () => {
    const parts = { app: { id: '', name: '', processorAccountId: '' }, actor: { kind: 'command' }, requestId: '' };
    expect(() => new Caller(parts as never)).toThrow('A caller needs an app.');
  });

  it('or with the scope of another app, no row is written, nor outside of a transaction', async () => {
    const before = await rowsOfApp(world, a);
    const scope = await world.scope(b);
    const foreign = { id: 'cur_1', appId: a.id, position: '1', updatedAt: new Date() };
    const write = scope.transaction(async (tx) => tx.db.entityManager().persist(tx.db.entityManager().create(Cursor, foreign)));
    await expect(write).rejects.toThrow(`of app ${a.id} was about to be written in the scope of ${b.id}`);
    expect(() => scope.db.entityManager()).toThrow('Writing needs a transaction');
    expect(await rowsOfApp(world, a)).toEqual(before);
  });
});

describe("another app's", () => {
  // What a delivery makes the gateway do meanwhile is no part of an answer.
  beforeAll(() => world.holdDeliveries());
  afterAll(() => world.resumeDeliveries());

  it.each(probes.map((probe) => [titleOf(probe), probe] as const))('%s is answered like one that does not exist', async (_, probe) => {
    const before = await rowsOfApp(world, a);
    const calls = callsFor(a);
    const theirs = await ask(b, probe, known(ofA, probe.kind));
    const random = await ask(b, probe, sameForm(known(ofA, probe.kind)));
    await world.settle();
    expect(theirs).toEqual(random);
    expect(JSON.stringify(theirs)).not.toContain('INTERNAL');
    expect(await rowsOfApp(world, a)).toEqual(before);
    expect(callsFor(a)).toBe(calls);
  });

  it.each(
    pagers.flatMap((pager) => CURSORS.map((cursor) => [`${pager.owner}.${pager.field}`, cursor, pager] as const)),
  )('%s goes on %s a row of another app as with one that does not exist', async (_, name, pager) => {
    const theirs = rowsOfA[pager.node] ?? known(ofA, pager.node);
    expect(theirs).toMatch(/^[a-z]{2,3}_\w{26}$/);
    const own = { id: ofB.ids[pager.owner], objectId: known(ofB, 'Customer') };
    const [, cursor = ''] = /"cursor":"([^"]+)"/.exec(JSON.stringify(await post(b.key, pageOf(pager, name), own))) ?? [];
    const [version, tag, ownId] = Buffer.from(cursor, 'base64url').toString().split(':');
    expect(ownId).toMatch(/^[a-z]{2,3}_\w{26}$/);
    // A cursor of another app's list is refused, so the place of their row is put into one of the own list.
    const [real, random] = [theirs, besides(theirs)].map((id) => Buffer.from(`${version}:${tag}:${id}`).toString('base64url'));
    const asking = (after: string) => shapeOf(() => post(b.key, pageOf(pager, name), { ...own, [name]: after }), after);
    const answer = await asking(real ?? '');
    expect(answer).toEqual(await asking(random ?? ''));
    expect(answer).toMatchObject({ status: 200, errors: [] });
  });

  it.each(
    parts.map(({ owner, field }) => [`${owner}.${field.name}`, owner, field] as const),
  )('%s goes on after an id of another app as after one that does not exist', async (_, owner, field) => {
    const theirs = known(ofA, getNamedType(field.type).name === 'WebhookFact' ? 'WebhookEvent' : getNamedType(field.type).name);
    const query = `query ($id: ID!, $afterId: ID) { node(id: $id) { ... on ${owner} { ${field.name}(afterId: $afterId) { id } } } }`;
    const asking = (afterId: string) => shapeOf(() => post(b.key, query, { id: ofB.ids[owner], afterId }), afterId);
    const answer = await asking(theirs);
    expect(answer).toEqual(await asking(besides(theirs)));
    expect(answer).toMatchObject({ status: 200, errors: [] });
  });

  it('own ids are found by itself, so that "not found" above means something', async () => {
    for (const kind of NODES) {
      const answer = await world.ask(a, ops.NodeDocument, { id: known(ofA, kind) });
      expect(answer.node).toEqual({ __typename: kind, id: known(ofA, kind) });
    }
  });

  it('rows are in no list, however deep', async () => {
    const idsOfA = new Set(Object.values(await rowsOfApp(world, a)).flatMap((rows) => rows.map((row) => String(row['id']))));
    // No key asks what a session says of itself; whom it reaches is tried with sessions below.
    for (const root of roots.filter(({ operation, name }) => operation === 'query' && name !== 'session')) {
      const variables = leastVariables(root, ({ path }) => ofB.ids[kindsOf(root, { path, type: typeAt(root, path) })[0] ?? ''] ?? 'none');
      const text = JSON.stringify(await post(b.key, operationOf(root, 4), variables));
      expect(text).not.toMatch(/"errors":\[\{/);
      expect([...text.matchAll(/[a-z]{2,3}_[0-9a-z]{26}/g)].map(([id]) => id).filter((id) => idsOfA.has(id))).toEqual([]);
      expect(text).not.toMatch(/"owner":"app-1"|App 1/);
    }
  });

  it('cursors lead nowhere but through the own list', async () => {
    const page = await world.ask(a, ops.CustomersDocument, { first: 1 });
    const after = page.customers.pageInfo.endCursor;
    const { data, errors } = await world.send(b, ops.CustomersDocument, { first: 100, after });
    expect([data, errors]).toMatchObject([null, [{ extensions: { code: 'BAD_USER_INPUT' } }]]);
  });

  it('X-App-Id is refused, and the own one is not', async () => {
    const [foreign, own] = await Promise.all([a, b].map((app) => world.send(b, ops.AppDocument, {}, { headers: { 'x-app-id': app.id } })));
    expect(foreign).toMatchObject({ status: 403, data: null, errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    expect(own).toMatchObject({ status: 200, data: { app: { id: b.id } } });
  });
});

describe('a credential that opens nothing', () => {
  it.each([
    ['none', () => ({})],
    ['an empty one', () => ({ authorization: 'Bearer ' })],
    ['another scheme', () => ({ authorization: `Basic ${a.key}` })],
    ['a key without a scheme', () => ({ authorization: a.key })],
    ['an unknown key', () => bearer(`bg_svc_${randomBytes(32).toString('base64url')}`)],
    ['a key with one more character', () => bearer(`${a.key}x`)],
    ['a key with one character less', () => bearer(a.key.slice(0, -1))],
    ['a key in other case', () => bearer(a.key.toUpperCase())],
    ['a key with the prefix of another role', () => bearer(a.key.replace('bg_svc_', 'bg_ops_'))],
    ["a key's hash", () => bearer('5'.repeat(64))],
    ['SQL', () => bearer("'or'1'='1")],
    ['a session without a token', () => bearer('bg_ses_')],
    ['a session that is no token', () => bearer('bg_ses_a.b.c')],
    ['a very long one', () => bearer('x'.repeat(8_000))],
    ['a session with a number for its app', () => bearer(`bg_ses_e30.${Buffer.from('{"app":1}').toString('base64url')}.e30`)],
  ])('%s: 401 and nothing said about why', async (_, headersOf: () => Record<string, string>) => {
    const answer = await world.post({ query: '{ app { id } }' }, { headers: headersOf() });
    expect(answer).toMatchObject({ status: 401, data: null, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('a revoked key: 401', async () => {
    const key = await world.key(a, 'service');
    expect((await world.send(a, ops.AppDocument, {}, { credential: key })).status).toBe(200);
    const revoke = 'update billing_api_keys set revoked_at = created_at where app_id = ? and hint = ?';
    expect(await world.gateway.database.run(revoke, [a.id, key.slice(0, 12)])).toBe(1);
    await world.advance({ ms: 5_000 });
    expect(await world.send(a, ops.AppDocument, {}, { credential: key })).toMatchObject({
      status: 401,
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
  });

  it('is found out before the document is looked at', async () => {
    expect(await world.post({ query: '{ nonsense' }, { credential: 'bg_svc_unknown' })).toMatchObject({ status: 401 });
  });
});

describe('node()', () => {
  /** The scope that reads objects of a type, and the kinds of key that may. */
  const accessOf = (kind: string) => (schema.getType(kind)?.extensions as { access: Access }).access;
  const node = (credential: string, kind: string) => world.send(a, ops.NodeDocument, { id: known(ofA, kind) }, { credential });
  /** The same, asking for what objects of that kind alone have. */
  const ownFields = (credential: string, kind: string) => {
    const [own] = Object.values((schema.getType(kind) as GraphQLObjectType).getFields()).filter(
      ({ name, type }) => name !== 'id' && isLeafType(getNamedType(type)),
    );
    return post(credential, `query ($id: ID!) { node(id: $id) { id ... on ${kind} { ${own?.name} } } }`, { id: known(ofA, kind) });
  };

  it('says of every type by which scope it is read', () => {
    expect(NODES.filter((kind) => accessOf(kind).scope === null)).toEqual([]);
    expect(new Set(NODES.map((kind) => accessOf(kind).scope)).size).toBe(NODES.length - TELLING.length + 1);
  });

  it.each(KEY_SCOPES)('shows a key that is confined to %s what it may read, and says no word of all else', async (scope) => {
    // An event is read by who may read what it tells of, too: the one here is of a customer.
    const scopes = scope === 'events:read' ? [scope, 'customers:read'] : [scope];
    const credential = await world.key(a, 'service', { scopes });
    for (const kind of NODES) {
      const isForIt = scopes.includes(accessOf(kind).scope ?? '');
      const { data } = await node(credential, kind);
      expect([kind, data?.node]).toEqual([kind, isForIt ? { __typename: kind, id: known(ofA, kind) } : null]);
      const asked = await ownFields(credential, kind);
      expect([kind, codesOf(asked), asked.data !== null]).toEqual([kind, isForIt ? [] : ['FORBIDDEN'], isForIt]);
    }
  });

  it.each(ROLES)('shows %s what is for it, and says no word of all else', async (role) => {
    const credential = role === 'customer' ? await sessionOf(a, known(ofA, 'Customer')) : await world.key(a, role);
    for (const kind of NODES) {
      const isForIt = accessOf(kind).roles.includes(role);
      const { data } = await node(credential, kind);
      expect([kind, data?.node]).toEqual([kind, isForIt ? { __typename: kind, id: known(ofA, kind) } : null]);
      expect([kind, codesOf(await ownFields(credential, kind))]).toEqual([kind, isForIt ? [] : ['FORBIDDEN']]);
    }
    expect(accessOf('Divergence').roles).toEqual(['service', 'operator']);
  });
});

describe('a key that may only read', () => {
  it.each(['read_only', 'operator'] as const)('%s runs no mutation that is not for it', async (role) => {
    const credential = await world.key(a, role);
    const before = await rowsOfApp(world, a);
    for (const root of roots.filter(({ operation }) => operation === 'mutation')) {
      const answer = await post(credential, operationOf(root, 1), leastVariables(root, validValue(root, ofA)));
      const isAllowed = role === 'operator' && ['webhookEventReplay', 'webhookDeliveryResend', 'divergenceResolve'].includes(root.name);
      expect([root.name, codesOf(answer)]).toEqual([root.name, isAllowed ? [] : ['FORBIDDEN']]);
    }
    await world.settle();
    // What operators may do is seen on the event that was replayed and on the divergence that was resolved.
    const {
      billing_webhooks: _,
      billing_divergences: __,
      billing_cursors: ___,
      billing_events: events,
      billing_app_events: told,
      ...after
    } = await rowsOfApp(world, a);
    expect(before).toMatchObject(after);
    expect(events?.filter(({ type }) => type !== 'divergence.resolved')).toEqual(before['billing_events']);
    expect(told?.filter(({ type }) => type !== 'divergence.closed')).toEqual(before['billing_app_events']);
  });

  it('reads', async () => {
    const credential = await world.key(a, 'read_only');
    const answer = await world.send(a, ops.CustomerDocument, { id: known(ofA, 'Customer') }, { credential });
    expect(answer.data?.customer?.id).toBe(ofA.ids['Customer']);
  });
});

describe('a customer session', () => {
  let session: string;
  let neighbour: Furniture['ids'];

  beforeAll(async () => {
    session = await sessionOf(a, known(ofA, 'Customer'));
    neighbour = await furnishNeighbour();
  });

  it('reads its own customer and everything of it', async () => {
    for (const kind of NODES.filter((node) => !FOR_OPERATORS.includes(node))) {
      const answer = await world.send(a, ops.NodeDocument, { id: known(ofA, kind) }, { credential: session });
      expect(answer.data?.node).toEqual({ __typename: kind, id: ofA.ids[kind] });
    }
    const answer = await world.send(a, ops.CustomerDocument, { id: known(ofA, 'Customer') }, { credential: session });
    expect(answer.data?.customer?.paymentMethods).toHaveLength(2);
    expect(answer.data?.customer?.payments.nodes.length).toBeGreaterThan(2);
    expect(answer.data?.customer?.subscriptions.nodes.length).toBe(2);
  });

  it.each(FOR_OPERATORS)('sees no %s', async (kind) => {
    expect((await world.send(a, ops.NodeDocument, { id: known(ofA, kind) }, { credential: session })).data).toEqual({ node: null });
  });

  const forCustomers = probes.filter(
    ({ root, kind }) => kind in { Customer: 1, PaymentMethod: 1, Subscription: 1, Payment: 1 } && isForCustomers(root),
  );

  it.each(
    forCustomers.map((probe) => [titleOf(probe), probe] as const),
  )("is answered about another customer's %s like about one that does not exist", async (_, probe) => {
    const before = await neighbourRows();
    const theirs = await ask(a, probe, neighbour[probe.kind] ?? '', session);
    const random = await ask(a, probe, sameForm(neighbour[probe.kind] ?? ''), session);
    expect(theirs).toEqual(random);
    expect(JSON.stringify(theirs)).not.toContain('FORBIDDEN');
    expect(await neighbourRows()).toEqual(before);
  });

  it("is not answered with what another customer's idempotency key stands for", async () => {
    const theirs = neighbour['Customer'] ?? '';
    const attachAs = async (credential: string, input: ops.PaymentMethodAttachInput) =>
      (await world.ask(a, ops.PaymentMethodAttachDocument, { input }, { credential })).paymentMethodAttach;
    const theirSession = await sessionOf(a, theirs);
    const [first, second] = [
      { customerId: theirs, tilledPaymentMethodId: await world.newCard(a), idempotencyKey: 'first key' },
      { customerId: theirs, tilledPaymentMethodId: await world.newCard(a), idempotencyKey: 'second key' },
    ];
    for (const input of [first, second]) expect(await attachAs(theirSession, input)).toMatchObject({ replayed: false, userErrors: [] });
    expect(await attachAs(session, first)).toMatchObject({ paymentMethod: null, replayed: false, userErrors: [{ code: 'NOT_FOUND' }] });
    const own = { ...second, customerId: known(ofA, 'Customer'), tilledPaymentMethodId: await world.newCard(a) };
    expect(await attachAs(session, own)).toMatchObject({ replayed: false, userErrors: [] });
  });

  it('is refused every list and every mutation but those for customers', async () => {
    const before = await rowsOfApp(world, a);
    for (const root of roots.filter((candidate) => !isForCustomers(candidate))) {
      const answer = await post(session, operationOf(root, 1), leastVariables(root, validValue(root, ofA)));
      expect([root.name, shown(answer, root), codesOf(answer)]).toEqual([root.name, null, ['FORBIDDEN']]);
    }
    expect(await rowsOfApp(world, a)).toEqual(before);
  });

  it('attaches, chooses and detaches cards of its own customer', async () => {
    const customerId = known(ofA, 'Customer');
    const options = { credential: session };
    const attach = { customerId, tilledPaymentMethodId: await world.newCard(a) };
    const { paymentMethodAttach } = await world.ask(a, ops.PaymentMethodAttachDocument, { input: attach }, options);
    const id = paymentMethodAttach.paymentMethod?.id ?? '';
    const { paymentMethodSetDefault } = await world.ask(a, ops.PaymentMethodSetDefaultDocument, { input: { id } }, options);
    expect(paymentMethodSetDefault).toMatchObject({ paymentMethod: { id, isDefault: true }, userErrors: [] });
    const { paymentMethodDetach } = await world.ask(a, ops.PaymentMethodDetachDocument, { input: { id } }, options);
    expect(paymentMethodDetach).toMatchObject({ paymentMethod: { id, isDefault: false }, userErrors: [] });
  });

  it('of another app reaches nothing here', async () => {
    const foreign = await sessionOf(b, known(ofB, 'Customer'));
    const answer = await world.send(a, ops.CustomerDocument, { id: known(ofA, 'Customer') }, { credential: foreign });
    expect(answer.data).toEqual({ customer: null });
    expect(await world.send(a, ops.AppDocument, {}, { credential: foreign, headers: { 'x-app-id': a.id } })).toMatchObject({ status: 403 });
  });

  it.each([
    ['with a signature of another app', async () => signed({ app: a.id }, await secretOf(b))],
    ['with a signature of nobody', async () => signed({ app: a.id }, randomBytes(32))],
    ['with an empty secret', async () => signed({ app: a.id }, new Uint8Array(32))],
    ['that says it needs no signature', async () => new UnsecuredJWT({ app: a.id }).setSubject(known(ofA, 'Customer')).encode()],
    ['of no app', async () => signed({}, await secretOf(a))],
    ['of another issuer', async () => signed({ app: a.id, iss: 'somebody-else' }, await secretOf(a))],
    ['of no issuer', async () => signed({ app: a.id, iss: undefined }, await secretOf(a))],
    ['for another app', async () => signed({ app: a.id, aud: b.id }, await secretOf(a))],
    ['for nobody', async () => signed({ app: a.id, aud: undefined }, await secretOf(a))],
    ['of an app that is not there', async () => signed({ app: 'nobody' }, await secretOf(a))],
    ['of an app that is a list', async () => signed({ app: [a.id] }, await secretOf(a))],
    ['signed with another algorithm', async () => signed({ app: a.id }, Buffer.concat([await secretOf(a), Buffer.alloc(32)]), 'HS512')],
  ])('%s: 401', async (_, make) => {
    const answer = await world.send(a, ops.AppDocument, {}, { credential: `bg_ses_${await make()}` });
    expect(answer).toMatchObject({ status: 401, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });

  it('with all of that is one: the refusals above are those of what each lacks', async () => {
    const credential = `bg_ses_${await signed({ app: a.id }, await secretOf(a))}`;
    expect(await world.send(a, ops.AppDocument, {}, { credential })).toMatchObject({ status: 200, errors: [] });
  });

  it('without an end or without a customer: 401', async () => {
    const secret = await secretOf(a);
    const claims = { app: a.id, iss: 'billing-gateway', aud: a.id };
    const eternal = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setSubject(known(ofA, 'Customer')).sign(secret);
    const nobody = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(soon()).sign(secret);
    for (const token of [eternal, nobody]) {
      expect(await world.send(a, ops.AppDocument, {}, { credential: `bg_ses_${token}` })).toMatchObject({ status: 401 });
    }
  });

  it('with a tampered head, body or signature: 401', async () => {
    const parts = session.slice('bg_ses_'.length).split('.');
    for (const index of [0, 1, 2]) {
      const tampered = parts.map((part, at) => (at === index ? flipped(part) : part)).join('.');
      const answer = await world.send(a, ops.AppDocument, {}, { credential: `bg_ses_${tampered}` });
      expect([index, answer.status]).toEqual([index, 401]);
    }
  });

  it('ends when it said it would', async () => {
    const { customerSessionCreate } = await world.ask(a, ops.CustomerSessionCreateDocument, {
      input: { customerId: known(ofA, 'Customer'), ttlSeconds: 60 },
    });
    const credential = customerSessionCreate.token ?? '';
    expect(Date.parse(customerSessionCreate.expiresAt ?? '') - world.sandbox.now().getTime()).toBeLessThanOrEqual(60_000);
    await world.advance({ ms: 58_000 });
    expect((await world.send(a, ops.AppDocument, {}, { credential })).status).toBe(200);
    await world.advance({ ms: 2_000 });
    expect(await world.send(a, ops.AppDocument, {}, { credential })).toMatchObject({
      status: 401,
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
  });

  it('is not made for a customer of another app', async () => {
    const { customerSessionCreate } = await world.ask(b, ops.CustomerSessionCreateDocument, {
      input: { customerId: known(ofA, 'Customer') },
    });
    expect(customerSessionCreate).toMatchObject({
      token: null,
      expiresAt: null,
      userErrors: [{ code: 'NOT_FOUND', field: ['customerId'] }],
    });
  });

  it('of a customer whose data was removed shows nothing of them', async () => {
    const forgotten = await world.customer(a, { email: 'forgotten@example.com' });
    const credential = await sessionOf(a, forgotten.id);
    await world.ask(a, ops.CustomerDeleteDocument, { input: { id: forgotten.id } });
    const answer = await world.send(a, ops.CustomerDocument, { id: forgotten.id }, { credential });
    expect(answer.data ?? { customer: null }).toEqual({ customer: null });
  });

  async function furnishNeighbour(): Promise<Furniture['ids']> {
    const { customer, card } = await world.payer(a);
    const payment = await world.payment(a, customer.id);
    const subscription = await world.subscription(a, customer.id);
    return { Customer: customer.id, PaymentMethod: card.id, Payment: payment.id, Subscription: subscription.id };
  }

  async function neighbourRows() {
    const rows = await rowsOfApp(world, a);
    return ['billing_customers', 'billing_payment_methods', 'billing_payments', 'billing_subscriptions'].map((table) =>
      rows[table]?.filter((row) => [row['id'], row['customer_id']].includes(neighbour['Customer'])),
    );
  }
});

/** What stands at a place: the types whose id it takes, or the name it takes; nothing for other values. Throws for an id of an unknown type. */
function kindsOf({ name, field, operation }: RootField, { path, type }: InputPlace): string[] {
  const last = path.at(-1) ?? '';
  const named = NAMES.find((candidate) => candidate === last);
  if (named !== undefined) return [named];
  if (getNamedType(type).name !== 'ID') return [];
  if (last === 'objectId') return [...NODES];
  const told = IDS_OF[`${name}.${last}`] ?? IDS_OF[last];
  if (told !== undefined) return [told];
  const shown = getNamedType(field.type);
  const subject =
    operation === 'query' ? shown : Object.values((shown as GraphQLObjectType).getFields()).map((of) => getNamedType(of.type));
  const types = [subject].flat().filter((candidate) => isObjectType(candidate) || isInterfaceType(candidate));
  const fromName = NODES.filter((node) => `${node}Id`.toLowerCase() === last.toLowerCase());
  const fromType = types.flatMap((candidate) => (candidate.name === 'Node' ? NODES : NODES.filter((node) => node === candidate.name)));
  const found = last === 'id' ? fromType : fromName;
  if (found.length === 0) throw new Error(`Say in isolation.test.ts of what ${name}.${path.join('.')} is the id.`);
  return found;
}

function typeAt(root: RootField, path: readonly string[]): InputPlace['type'] {
  const place = placesOf(root).find((candidate) => candidate.path.join('.') === path.join('.'));
  if (place === undefined) throw new Error(`${root.name} takes nothing at ${path.join('.')}.`);
  return place.type;
}

function titleOf({ root, place, kind }: Probe): string {
  return `${kind} in ${root.name}(${place.path.join('.')})`;
}

function known(furniture: Furniture, kind: string): string {
  return furniture.ids[kind] ?? furniture.strings[kind as keyof Furniture['strings']] ?? '';
}

/** A random value of the same form, which stands for nothing. */
function sameForm(value: string): string {
  const [, prefix = '', tail = ''] = /^([a-z]{2,4}_)(\w+)$/.exec(value) ?? [];
  if (prefix !== '') return prefix + randomBytes(32).toString('hex').slice(0, tail.length);
  return value.replace(/app-\d/, randomBytes(4).toString('hex'));
}

/** A row that was touched in this very millisecond need not say so again. */
const plain = (sql: string): string => sql.replace('`updated_at` = ?, ', '');

/** An id right beside another in every order, which stands for nothing. */
function besides(id: string): string {
  return id.slice(0, -1) + (id.endsWith('0') ? '1' : '0');
}

/** Leaves a payment whose outcome is unknown, because Tilled was never reached; answers the id of the work that will find it out. */
async function leaveOpen(app: TestApp, { ids }: Furniture): Promise<string> {
  await cut(world, 'POST /v1/payment-intents', 'before');
  const input = { customerId: ids['Customer'] ?? '', amount: { amountMinor: 700, currency: 'usd' } };
  await world.ask(app, ops.PaymentCreateDocument, { input });
  return String((await world.rows('billing_jobs', app)).find((job) => job['kind'] === 'paymentCreate')?.['id']);
}

/** The operation that asks for a list of the own app after a cursor. */
function pageOf({ owner, field, needsSubject }: Pager, cursor: string): string {
  const list = `${field}(${needsSubject ? 'objectId: $objectId, ' : ''}first: 5, ${cursor}: $${cursor}) { totalCount pageInfo { hasNextPage hasPreviousPage } edges { cursor } nodes { id } }`;
  if (owner === 'Query') return `query (${needsSubject ? '$objectId: ID!, ' : ''}$${cursor}: String) { ${list} }`;
  return `query ($id: ID!, $${cursor}: String) { node(id: $id) { ... on ${owner} { ${list} } } }`;
}

/** Asks as an app with everything its own but the value at one place. */
async function ask(app: TestApp, { root, place, kind }: Probe, value: string, credential = app.key): Promise<unknown> {
  const filled = validValue(root, app.id === a.id ? ofA : ofB);
  // A used idempotency key may only be told from a new one: so the request itself is one that nothing comes of.
  const fill = (at: InputPlace) => (kind === 'idempotencyKey' && kindsOf(root, at).length > 0 ? sameForm(String(filled(at))) : filled(at));
  const least = leastVariables(root, fill);
  const base = root.name in BESIDE ? { input: { ...(least['input'] as object), ...BESIDE[root.name] } } : least;
  // Of a session nothing runs that asks for what is not for sessions.
  const isChosen = (field: { extensions: object }) => credential === app.key || isForSessions(field);
  return shapeOf(() => post(credential, operationOf(root, 2, isChosen), withValueAt(base, place.path, value)), value);
}

/** An answer and the statements it took, with the value that was asked with, all ids and versions taken out. */
async function shapeOf(asking: () => Promise<Answer<unknown>>, value: string): Promise<unknown> {
  let answer: Answer<unknown> | undefined;
  // What takes another statement can be told by its time. Their order is not compared: fields of one level are resolved at once.
  const statements = await world.statements(async () => {
    answer = await asking();
  });
  const text = JSON.stringify({
    status: answer?.status,
    data: answer?.data,
    errors: answer?.errors,
    statements: statements.map(plain).toSorted(),
  });
  const withoutValue = text.replaceAll(value, '<value>');
  const withoutIds = withoutValue.replace(/\b(cus|pm|sub|pay|re|dp|dv|we|wd|ev|whe|key|job)_[0-9a-zA-Z]{14,}/g, '<id>');
  return JSON.parse(withoutIds.replace(/"version":\d+/g, '"version":0'));
}

/** A value an app may use at a place: an id of its own, or something of the type. */
function validValue(root: RootField, furniture: Furniture) {
  return (place: InputPlace): unknown => {
    const [kind] = kindsOf(root, place);
    if (kind === 'email') return 'somebody@example.com';
    if (kind === 'tilledPaymentMethodId') return 'pm_0123456789abcdef';
    if (kind !== undefined) return known(furniture, kind);
    const type = getNamedType(place.type).name;
    return type === 'MinorUnits' ? 100 : type === 'CurrencyCode' ? 'usd' : 'text';
  };
}

function isForCustomers(root: RootField): boolean {
  if (FOR_CUSTOMERS.includes(root.name) || ['app', 'session', 'node'].includes(root.name)) return true;
  if (FOR_OPERATORS.includes(getNamedType(root.field.type).name)) return false;
  return root.operation === 'query' && root.field.args.length === 1 && root.field.args[0]?.name === 'id';
}

function isForSessions({ extensions }: { readonly extensions: { readonly access?: Access } }): boolean {
  return extensions.access?.roles.includes('customer') !== false;
}

function post(credential: string, query: string, variables: Record<string, unknown>): Promise<Answer<unknown>> {
  return world.post({ query, variables }, { credential });
}

/** What a root field answered; null for nothing. */
function shown(answer: Answer<unknown>, root: RootField): unknown {
  return (answer.data as Record<string, unknown> | null)?.[root.name] ?? null;
}

function codesOf(answer: Answer<unknown>): string[] {
  return answer.errors.map((error) => error.extensions.code);
}

function callsFor(app: TestApp): number {
  return world.sandbox.requests().filter((request) => request.account === app.accountId).length;
}

function bearer(credential: string): Record<string, string> {
  return { authorization: `Bearer ${credential}` };
}

async function sessionOf(app: TestApp, customerId: string): Promise<string> {
  const { customerSessionCreate } = await world.ask(app, ops.CustomerSessionCreateDocument, { input: { customerId } });
  return customerSessionCreate.token ?? '';
}

async function secretOf(app: TestApp): Promise<Uint8Array> {
  const { apps } = world.gateway.access;
  const row = await apps.find(app.id);
  if (row === null) throw new Error(`There is no app ${app.id}.`);
  return apps.sessionSecretOf(row);
}

function signed(claims: Record<string, unknown>, secret: Uint8Array, alg = 'HS256'): Promise<string> {
  const named = new SignJWT({ iss: 'billing-gateway', aud: a.id, ...claims }).setProtectedHeader({ alg });
  return named.setSubject(known(ofA, 'Customer')).setExpirationTime(soon()).sign(secret);
}

function soon(): number {
  return Math.floor(world.sandbox.now().getTime() / 1_000) + 600;
}

/** Base64url text with one of its bits changed, near its middle. */
function flipped(text: string): string {
  const bytes = Buffer.from(text, 'base64url');
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  return bytes.toString('base64url');
}
