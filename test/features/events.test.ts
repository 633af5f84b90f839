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
