import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createClient, type FeedEvent } from '../../client/src/index.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
});
afterAll(() => world.close());

function open() {
  return createClient({ url: world.url, credential: app.key });
}

async function allOf<Entry>(list: AsyncIterable<Entry>): Promise<Entry[]> {
  const read: Entry[] = [];
  for await (const entry of list) read.push(entry);
  return read;
}

/** A customer with a card who paid, and what was told of it. */
async function paid(): Promise<string> {
  const { customer } = await world.payer(app);
  const { id } = await world.payment(app, customer.id);
  await world.settle();
  return id;
}

describe('the events of the client', () => {
  it('are read to their end, typed, with the object as the API shows it', async () => {
    const id = await paid();
    const events = await allOf(open().events());
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['customer.created', 'payment_method.attached', 'payment.succeeded']),
    );
    const succeeded = events.find((event) => event.type === 'payment.succeeded');
    expect(succeeded).toMatchObject({ data: { sequence: 2, cause: expect.stringMatching(/^mutation:paymentCreate/) }, schemaVersion: '1' });
    expect(await open().payment({ id })).toMatchObject(succeeded?.data.object ?? {});
    expect(succeeded?.data.object).toMatchObject({ __typename: 'Payment', id, amount: { amountMinor: 5_000 } });
  });

  it('go on behind any of them, by page and for one object or type', async () => {
    const id = await paid();
    const all = await allOf(open().events({ first: 2 }));
    for (const [index, { cursor }] of all.entries())
      expect((await allOf(open().events({ first: 1, after: cursor }))).map((event) => event.id)).toEqual(
        all.slice(index + 1).map((event) => event.id),
      );
    expect((await allOf(open().events({ objectId: id }))).map((event) => event.data.sequence)).toEqual([1, 2]);
    expect((await allOf(open().events({ type: ['payment.*'] }))).every(({ type }) => type.startsWith('payment.'))).toBe(true);
    expect(await open().events().end()).toBe(all.at(-1)?.cursor);
  });

  it('are followed, those that come later too, each once and until it is aborted', async () => {
    await paid();
    const ending = new AbortController();
    const seen: FeedEvent[] = [];
    const following = (async () => {
      for await (const event of open().events({ first: 2 }, { signal: ending.signal }).follow({ pollMs: 5 })) seen.push(event);
    })();
    await world.until(async () => seen.some(({ type }) => type === 'payment.succeeded'));
    const before = seen.length;
    await paid();
    await world.until(async () => seen.slice(before).some(({ type }) => type === 'payment.succeeded'));
    ending.abort();
    await following;
    expect(seen.map((event) => event.id)).toEqual((await allOf(open().events())).map((event) => event.id));
  });

  it('are followed on once the limit of requests lets them be, and none is missed', async () => {
    await paid();
    const all = await allOf(open().events());
    const ending = new AbortController();
    let asked = 0;
    const limited: typeof fetch = async (...request) => {
      asked += 1;
      if (asked % 2 === 0) return fetch(...request);
      const extensions = { code: 'RATE_LIMITED', rateLimit: { retryAfterMs: 150 } };
      return Response.json({ errors: [{ message: 'Too many requests.', extensions }] }, { status: 429 });
    };
    const billing = createClient({ url: world.url, credential: app.key, fetch: limited });
    const seen: string[] = [];
    for await (const { id } of billing.events({ first: 2 }, { signal: ending.signal, deadlineMs: 100 }).follow({ pollMs: 5 })) {
      seen.push(id);
      if (seen.length === all.length) ending.abort();
    }
    expect(seen).toEqual(all.map(({ id }) => id));
  });
});
