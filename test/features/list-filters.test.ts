import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import { type Answer, type TestApp, World } from '../support/world.js';

const HOUR = 3_600_000;
/** Lists that take a range of time, and the argument that says it. */
const RANGED: readonly (readonly [string, string])[] = [
  ...['customers', 'subscriptions', 'payments', 'refunds', 'disputes'].flatMap((list) => [
    [list, 'createdAt'] as const,
    [list, 'updatedAt'] as const,
  ]),
  ['webhookEvents', 'receivedAt'],
];
const LABELLED = ['customers', 'subscriptions', 'payments', 'refunds'];

interface Made {
  readonly id: string;
  readonly createdAt: string;
}

let world: World;
let app: TestApp;
let customerId: string;
/** Payments of one customer, one an hour, oldest first. */
let payments: Made[];

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
  payments = [];
  for (const number of [0, 1, 2, 3, 4]) {
    const metadata = { order: String(number), half: number < 3 ? 'first' : 'Second' };
    const { id } = await world.payment(app, customerId, { metadata });
    payments.push((await list<Made>('payments', `first: 1, customerId: "${customerId}"`, 'id createdAt'))[0] ?? { id, createdAt: '' });
    await world.advance({ ms: HOUR });
  }
});
afterAll(() => world.close());

async function ask(
  field: string,
  args: string,
  selection = 'id',
): Promise<Answer<Record<string, { nodes: unknown[]; totalCount?: number }>>> {
  return world.post(
    { query: `{ ${field}(${args}) { totalCount nodes { ${selection} } pageInfo { endCursor } } }` },
    { credential: app.key },
  );
}

async function list<Node>(field: string, args: string, selection?: string): Promise<Node[]> {
  const answer = await ask(field, args, selection);
  expect([args, answer.errors]).toEqual([args, []]);
  const nodes = answer.data?.[field]?.nodes ?? [];
  expect(answer.data?.[field]?.totalCount).toBeGreaterThanOrEqual(nodes.length);
  return nodes as Node[];
}

/** Which of the payments a list shows, by their numbers, in its order. */
async function numbers(args: string): Promise<number[]> {
  const found = await list<{ id: string }>('payments', args);
  return found.map(({ id }) => payments.findIndex((payment) => payment.id === id));
}

const at = (number: number, ms = 0) => new Date(Date.parse(payments[number]?.createdAt ?? '') + ms).toISOString();

describe('createdAt', () => {
  it('has its first moment in it and not its last, to the millisecond', async () => {
    expect(await numbers(`createdAt: { from: "${at(1)}", to: "${at(3)}" }`)).toEqual([2, 1]);
    expect(await numbers(`createdAt: { from: "${at(1, 1)}", to: "${at(3, 1)}" }`)).toEqual([3, 2]);
    expect(await numbers(`createdAt: { from: "${at(3)}" }`)).toEqual([4, 3]);
    expect(await numbers(`createdAt: { to: "${at(1)}" }`)).toEqual([0]);
    expect(await numbers('createdAt: {}')).toEqual([4, 3, 2, 1, 0]);
  });

  it('narrows what other filters leave, and is paged through both ways', async () => {
    const range = `createdAt: { from: "${at(1)}", to: "${at(4)}" }, customerId: "${customerId}", status: [SUCCEEDED]`;
    expect(await numbers(range)).toEqual([3, 2, 1]);
    expect(await numbers(`${range}, last: 1`)).toEqual([1]);
    const { data } = await world.post<{ payments: { pageInfo: { endCursor: string } } }>(
      { query: `{ payments(first: 2, ${range}) { pageInfo { endCursor } } }` },
      { credential: app.key },
    );
    const after = data?.payments.pageInfo.endCursor;
    expect(await numbers(`${range}, after: "${after}"`)).toEqual([1]);
    const other = await ask('payments', `createdAt: { from: "${at(0)}", to: "${at(4)}" }, after: "${after}"`);
    expect(other.errors).toMatchObject([{ message: expect.stringContaining('another list'), extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  it('narrows the lists of a customer, each on its own', async () => {
    const query = `{ customers { nodes { payments(createdAt: { from: "${at(3)}" }) { totalCount nodes { id } } } } }`;
    const { data } = await world.post<{ customers: { nodes: unknown[] } }>({ query }, { credential: app.key });
    expect(data?.customers.nodes).toEqual([{ payments: { totalCount: 2, nodes: [{ id: payments[4]?.id }, { id: payments[3]?.id }] } }]);
  });

  it('finds a row whose id was made while the clock stood apart by less than it may', async () => {
    const row = `app_id = ? and id = ?`;
    const moved = new Date(Date.parse(at(2)) - 60_000);
    const { database } = world.gateway;
    await database.query(`update billing_payments set created_at = ? where ${row}`, [moved, app.id, payments[2]?.id]);
    expect(await numbers(`createdAt: { from: "${moved.toISOString()}", to: "${at(2)}" }`)).toEqual([2]);
    await database.query(`update billing_payments set created_at = ? where ${row}`, [new Date(at(2)), app.id, payments[2]?.id]);
  });
});

describe('updatedAt', () => {
  it('has what changed last within it, whenever that was made', async () => {
    const before = world.sandbox.now().toISOString();
    await world.advance({ ms: HOUR });
    await world.ask(app, ops.RefundCreateDocument, {
      input: { paymentId: payments[1]?.id ?? '', amount: { amountMinor: 1, currency: 'usd' } },
    });
    expect(await numbers(`updatedAt: { from: "${before}" }`)).toEqual([1]);
    expect(await numbers(`updatedAt: { from: "${before}" }, createdAt: { to: "${at(1)}" }`)).toEqual([]);
    expect(await numbers(`updatedAt: { to: "${before}" }`)).not.toContain(1);
  });
});

describe('metadata', () => {
  const inTime = () => `createdAt: { from: "${at(0)}", to: "${at(4, HOUR)}" }`;

  it('finds what has all of the entries, byte by byte', async () => {
    const of = (metadata: string) => numbers(`customerId: "${customerId}", metadata: ${metadata}`);
    expect(await of('{ half: "first" }')).toEqual([2, 1, 0]);
    expect(await of('{ half: "first", order: "1" }')).toEqual([1]);
    expect(await of('{ half: "First" }')).toEqual([]);
    expect(await of('{ half: "second" }')).toEqual([]);
    expect(await of('{ order: "first" }')).toEqual([]);
    expect(await of('{ half: "fir" }')).toEqual([]);
    expect(await of('{}')).toEqual([4, 3, 2, 1, 0]);
  });

  it('is looked for in a time, too, and finds keys and texts of any characters', async () => {
    const metadata = { "a.b $[0]'é🙂": 'x"y\\z\'%_' };
    const other = await world.customer(app, { metadata });
    const query =
      'query ($metadata: Metadata, $from: DateTime, $to: DateTime) { customers(metadata: $metadata, createdAt: { from: $from, to: $to }) { nodes { id } } }';
    const variables = { metadata, from: at(0), to: new Date(world.sandbox.now().getTime() + HOUR).toISOString() };
    expect(await world.post({ query, variables }, { credential: app.key })).toMatchObject({
      data: { customers: { nodes: [{ id: other.id }] } },
    });
    expect(await numbers(`metadata: { order: "4" }, ${inTime()}`)).toEqual([4]);
  });

  it.each(LABELLED)('of %s is not looked for in all rows of an app', async (field) => {
    for (const args of [
      '',
      ', createdAt: { from: "2026-01-01T00:00:00Z" }',
      ', createdAt: { from: "2026-01-01T00:00:00Z", to: "2026-03-01T00:00:00Z" }',
    ]) {
      const { data, errors } = await ask(field, `metadata: { a: "b" }${args}`);
      expect([data, errors]).toMatchObject([
        null,
        [{ message: expect.stringContaining('31 days'), extensions: { code: 'BAD_USER_INPUT' } }],
      ]);
    }
  });

  it.each(['{ a: null }', '{ a: "1", b: "1", c: "1", d: "1", e: "1", f: "1" }'])('%s is refused', async (metadata) => {
    const { errors } = await ask('payments', `customerId: "${customerId}", metadata: ${metadata}`);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});

describe('a range of time', () => {
  it.each(RANGED)('of %s: %s is refused where it ends before it begins, and is read along an index', async (field, name) => {
    const { errors } = await ask(field, `${name}: { from: "2026-02-01T00:00:00Z", to: "2026-02-01T00:00:00Z" }`);
    expect(errors).toMatchObject([{ message: `${name}: from must be before to.`, extensions: { code: 'BAD_USER_INPUT' } }]);
    const seen: { sql: string; parameters: readonly unknown[] }[] = [];
    const stop = world.gateway.database.listen((sql, parameters) => seen.push({ sql, parameters }));
    await list(field, `${name}: { from: "2026-02-01T00:00:00Z", to: "2026-02-02T00:00:00Z" }`);
    stop();
    const table = field === 'webhookEvents' ? 'billing_webhooks' : `billing_${field}`;
    const reading = seen.filter(({ sql }) => new RegExp(`^select .* from .?${table}\\b.* order by`).test(sql));
    expect(reading).toHaveLength(1);
    const [{ sql, parameters } = { sql: '', parameters: [] }] = reading;
    const isEmbedded = world.gateway.database.isEmbedded;
    const plan = JSON.stringify(await world.gateway.database.query(`explain ${isEmbedded ? 'query plan ' : ''}${sql}`, parameters));
    const index = name === 'updatedAt' ? `${table}_updated` : isEmbedded ? 'id>? AND id<?' : 'PRIMARY';
    expect(plan).toContain(index);
    expect(plan).not.toMatch(/SCAN billing|"type":"ALL"/);
  });
});
