import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { refuse } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
});
afterEach(() => world.control('faults', { clear: true }));
afterAll(() => world.close());

const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

/** The app's events in the order of their feed. */
async function events() {
  await world.settle();
  const rows = await world.rows('billing_app_events', app);
  return rows
    .map((row) => ({
      type: String(row['type']),
      objectId: String(row['object_id']),
      sequence: Number(row['sequence']),
      cause: String(row['cause']),
      position: Number(row['position']),
      payload: JSON.parse(String(row['payload'])) as Record<string, unknown>,
    }))
    .toSorted((one, other) => one.position - other.position);
}

async function typesOf(objectId: string): Promise<string[]> {
  return (await events()).filter((event) => event.objectId === objectId).map(({ type }) => type);
}

describe('events', () => {
  it('of a payment that succeeded are two, numbered, with what its mutation was called', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id);
    const mine = (await events()).filter(({ objectId }) => objectId === id);
    expect(mine).toMatchObject([
      { type: 'payment.created', sequence: 1, cause: expect.stringMatching(/^mutation:paymentCreate \S+$/) },
      { type: 'payment.succeeded', sequence: 2 },
    ]);
  });

  it('have places from 1 without gaps, those of an object in the order of their numbers', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id);
    await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: id, amount: usd(1_000) } });
    const all = await events();
    expect(all.map(({ position }) => position)).toEqual(all.map((_, index) => index + 1));
    for (const mine of Map.groupBy(all, ({ objectId }) => objectId).values())
      expect(mine.map(({ sequence }) => sequence)).toEqual(mine.map((_, index) => index + 1));
  });

  it('show what the API shows of the object', async () => {
    const { customer, card } = await world.payer(app);
    const { id } = await world.payment(app, customer.id, { referenceId: 'order:1', metadata: { a: 'b' } });
    const { data } = await world.post<{ node: object }>(
      {
        query: `query ($id: ID!) { node(id: $id) { __typename ... on Payment {
          id status captureMethod referenceId description failureCode failureMessage metadata createdAt updatedAt
          amount { amountMinor currency decimal } captured { amountMinor currency decimal } refunded { amountMinor currency decimal }
          platformFee { amountMinor currency decimal } customer { __typename id } paymentMethod { __typename id } subscription { __typename id } } } }`,
        variables: { id },
      },
      { credential: app.key },
    );
    const payload = (await events()).find(({ type }) => type === 'payment.succeeded')?.payload;
    expect(payload).toEqual(data?.node);
    expect(payload).toMatchObject({ paymentMethod: { id: card.id } });
  });

  it('of a row that was withdrawn are none', async () => {
    const { customer } = await world.payer(app);
    await refuse(world, 'POST /v1/payment-intents', 429);
    const { paymentCreate } = await world.ask(app, ops.PaymentCreateDocument, { input: { customerId: customer.id, amount: usd(100) } });
    expect(paymentCreate).toMatchObject({ payment: null, userErrors: [{ code: 'PROCESSOR_UNAVAILABLE' }] });
    expect((await events()).filter(({ type }) => type.startsWith('payment.'))).toEqual([]);
  });

  it('tell that a refund gave back a part of its payment', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id);
    await world.advance({ days: 1 });
    const { refundCreate } = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: id, amount: usd(1_000) } });
    expect(await typesOf(refundCreate.refund?.id ?? '')).toEqual(['refund.created', 'refund.succeeded']);
    expect(await typesOf(id)).toEqual(['payment.created', 'payment.succeeded', 'payment.refunded']);
  });
});

describe('the feed', () => {
  const read = async (variables: ops.EventsQueryVariables = {}, credential = app.key) =>
    (await world.ask(app, ops.EventsDocument, variables, { credential })).events;

  /** Everything, read page by page from a cursor on. */
  async function readOn(after: string | null, first: number): Promise<string[]> {
    const { nodes, pageInfo } = await read({ after, first });
    const ids = nodes.map(({ id }) => id);
    return nodes.length === 0 ? ids : [...ids, ...(await readOn(pageInfo.endCursor ?? null, first))];
  }

  it('has what was published and nothing else, oldest first, whatever the size of its pages and wherever one begins', async () => {
    const { customer } = await world.payer(app);
    await world.payment(app, customer.id);
    expect((await read()).nodes).toEqual([]);
    await world.settle();
    const { edges, nodes } = await read();
    const ids = nodes.map(({ id }) => id);
    expect(nodes.map(({ type }) => type)).toEqual([
      ...['customer.created', 'payment_method.attached', 'payment.created', 'payment.succeeded'],
    ]);
    for (const first of [1, 2, 100]) expect(await readOn(null, first)).toEqual(ids);
    for (const [index, { cursor }] of edges.entries()) expect(await readOn(cursor, 2)).toEqual(ids.slice(index + 1));
  });

  it('ends in an empty page whose endCursor is its after, and goes on from there', async () => {
    await world.customer(app);
    await world.settle();
    const { pageInfo } = await read();
    const after = pageInfo.endCursor ?? '';
    const empty = await read({ after });
    expect(empty).toMatchObject({ nodes: [], pageInfo: { hasNextPage: false, endCursor: after, startCursor: null } });
    const { id } = await world.customer(app, { email: 'bob@example.com' });
    await world.settle();
    expect((await read({ after })).nodes).toMatchObject([{ type: 'customer.created', objectId: id, sequence: 1 }]);
  });

  it('is filtered by object, by type and by the beginning of a type; a type that there is not is refused', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id);
    await world.settle();
    const types = async (variables: ops.EventsQueryVariables) => (await read(variables)).nodes.map(({ type }) => type);
    expect(await types({ objectId: id })).toEqual(['payment.created', 'payment.succeeded']);
    expect(await types({ type: ['payment.*'] })).toEqual(['payment.created', 'payment.succeeded']);
    expect(await types({ type: ['payment.succeeded', 'customer.created'] })).toEqual(['customer.created', 'payment.succeeded']);
    const wrong = await world.send(app, ops.EventsDocument, { type: ['payment.vanished'] });
    expect(wrong.errors).toMatchObject([{ message: expect.stringContaining('payment.vanished'), extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  it('refuses a cursor of another list, and one of a database that was put back', async () => {
    await world.customer(app);
    await world.settle();
    const after = (await read()).pageInfo.endCursor ?? '';
    const other = await world.send(app, ops.EventsDocument, { after, type: ['customer.*'] });
    expect(other.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    const [, tag, , id] = Buffer.from(after, 'base64url').toString().split(':');
    const ahead = Buffer.from(`f1:${tag}:999:${id}`).toString('base64url');
    expect((await world.send(app, ops.EventsDocument, { after: ahead })).errors).toMatchObject([
      { message: expect.stringContaining('put back'), extensions: { code: 'BAD_USER_INPUT' } },
    ]);
  });

  it('of another app is not read with a cursor of this one', async () => {
    await world.customer(app);
    await world.settle();
    const { pageInfo } = await read();
    const other = await world.app();
    await world.customer(other);
    await world.settle();
    const answer = await world.send(other, ops.EventsDocument, { after: pageInfo.endCursor ?? null });
    expect(answer).toMatchObject({ data: null, errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    const [mine] = (await read()).nodes;
    expect((await world.ask(other, ops.EventsDocument, { objectId: mine?.objectId ?? '' })).events.nodes).toEqual([]);
  });

  it('shows a confined key the events of what it may read, and no other', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id);
    await world.settle();
    const [event] = (await read({ objectId: id })).nodes;
    const confined = await world.key(app, 'service', { scopes: ['events:read', 'customers:read'] });
    expect((await read({}, confined)).nodes.map(({ type }) => type)).toEqual(['customer.created']);
    const node = (credential: string) => world.post({ query: `{ node(id: "${event?.id}") { id } }` }, { credential });
    expect((await node(app.key)).data).toEqual({ node: { id: event?.id } });
    expect((await node(confined)).data).toEqual({ node: null });
    const without = await world.key(app, 'service', { scopes: ['customers:read'] });
    expect((await world.send(app, ops.EventsDocument, {}, { credential: without })).errors).toMatchObject([
      { extensions: { code: 'FORBIDDEN' } },
    ]);
  });

  it('loses its beginning after 90 days, and says so to whoever is further back', async () => {
    const { id } = await world.customer(app);
    await world.settle();
    const begun = (await read()).pageInfo.endCursor ?? '';
    await world.advance({ days: 91 });
    await world.ask(app, ops.CustomerUpdateDocument, { input: { id, name: 'Ann Later' } });
    await world.settle();
    await world.gateway.retention.run(await world.scope(app));
    expect((await read()).nodes).toMatchObject([{ type: 'customer.updated', sequence: 2 }]);
    expect((await world.send(app, ops.EventsDocument, { after: begun })).errors).toMatchObject([
      { message: expect.stringContaining('older than the events that are kept'), extensions: { code: 'BAD_USER_INPUT' } },
    ]);
  });

  it('keeps of somebody who was erased what happened and when, and nothing that was said of them', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id, { description: 'for Ann' });
    await world.settle();
    await world.gateway.privacy.erase(await world.scope(app), customer.id);
    await world.settle();
    const { nodes } = await read();
    expect(nodes.map(({ type }) => type)).toEqual([
      ...['customer.created', 'payment_method.attached', 'payment.created', 'payment.succeeded'],
      ...['payment_method.detached', 'customer.deleted'],
    ]);
    for (const { payload } of nodes) expect(Object.keys(JSON.parse(payload) as object)).toEqual(['__typename', 'id', 'erased']);
    expect(JSON.parse(nodes[2]?.payload ?? '')).toEqual({ __typename: 'Payment', id, erased: true });
  });
});
