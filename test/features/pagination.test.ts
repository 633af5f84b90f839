import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
/** The ids of 25 customers in the order they were made. */
let madeIds: string[];

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
  madeIds = [];
  for (let number = 1; number <= 25; number += 1) madeIds.push((await world.customer(app, { email: `ann${number % 2}@example.com` })).id);
});
afterAll(() => world.close());

async function page(variables: ops.CustomersQueryVariables) {
  return (await world.ask(app, ops.CustomersDocument, variables)).customers;
}

/** The ids of every page, page by page. */
async function pages(first: number, between: () => Promise<unknown> = async () => undefined): Promise<string[][]> {
  const found: string[][] = [];
  for (let after: string | null | undefined; ; ) {
    const { nodes, pageInfo } = await page({ first, after });
    found.push(nodes.map((node) => node.id));
    if (!pageInfo.hasNextPage) return found;
    after = pageInfo.endCursor;
    await between();
  }
}

const LISTS = ['customers', 'subscriptions', 'payments', 'refunds', 'disputes', 'webhookEvents'];

describe('a list', () => {
  it.each([1, 7, 24, 25, 26, 100])('visits every row once, newest first, in pages of %i', async (first) => {
    const found = await pages(first);
    expect(found.flat()).toEqual(madeIds.toReversed());
    expect(found.every((ids) => ids.length <= first)).toBe(true);
    expect(found).toHaveLength(Math.ceil(25 / first));
  });

  it('says 20 rows, what comes before and after, and counts all', async () => {
    const first = await page({});
    expect(first.nodes).toHaveLength(20);
    expect(first).toMatchObject({ totalCount: 25, pageInfo: { hasNextPage: true, hasPreviousPage: false } });
    const second = await page({ after: first.pageInfo.endCursor });
    expect(second).toMatchObject({ totalCount: 25, pageInfo: { hasNextPage: false, hasPreviousPage: true } });
    expect(second.nodes).toHaveLength(5);
  });

  it('has the cursor of each row on its edge, and the first and last in pageInfo', async () => {
    const { edges, nodes, pageInfo } = await page({ first: 5 });
    expect(edges.map((edge) => edge.node.id)).toEqual(nodes.map((node) => node.id));
    expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([edges[0]?.cursor, edges[4]?.cursor]);
    const rest = await page({ first: 2, after: edges[2]?.cursor });
    expect(rest.nodes.map((node) => node.id)).toEqual([nodes[3]?.id, nodes[4]?.id]);
  });

  it('visits every old row once while new ones are made', async () => {
    const other = await world.app();
    const own = app;
    app = other;
    const ids: string[] = [];
    for (let number = 0; number < 6; number += 1) ids.push((await world.customer(app)).id);
    const found = await pages(2, () => world.customer(app));
    app = own;
    expect(found.flat()).toEqual(ids.toReversed());
  });

  it('pages and counts within a filter', async () => {
    const filtered = await page({ first: 5, email: 'ann1@example.com' });
    expect(filtered.totalCount).toBe(13);
    expect(filtered.nodes.every((node) => node.email === 'ann1@example.com')).toBe(true);
    const next = await page({ first: 100, email: 'ann1@example.com', after: filtered.pageInfo.endCursor });
    expect(next.nodes).toHaveLength(8);
  });

  it('is empty beyond the last row and where there are none', async () => {
    const last = await page({ first: 100 });
    expect(await page({ after: last.pageInfo.endCursor })).toMatchObject({
      nodes: [],
      edges: [],
      pageInfo: { hasNextPage: false, endCursor: null },
    });
    expect(await page({ email: 'nobody@example.com' })).toMatchObject({ nodes: [], totalCount: 0, pageInfo: { startCursor: null } });
  });

  it('is read back from any place by last and before, in the same order', async () => {
    const newestFirst = madeIds.toReversed();
    const oldest = await page({ last: 4 });
    expect(oldest.nodes.map(({ id }) => id)).toEqual(newestFirst.slice(-4));
    expect(oldest.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const found: string[][] = [];
    for (let before = oldest.pageInfo.startCursor; ; ) {
      const { nodes, pageInfo } = await page({ last: 6, before });
      found.unshift(nodes.map(({ id }) => id));
      expect(pageInfo.hasNextPage).toBe(true);
      if (!pageInfo.hasPreviousPage) break;
      before = pageInfo.startCursor;
    }
    expect(found.flat()).toEqual(newestFirst.slice(0, -4));
    expect(found.map((ids) => ids.length)).toEqual([3, 6, 6, 6]);
  });

  it('lies between two cursors where both are given', async () => {
    const { edges } = await page({ first: 10 });
    const [after, before] = [edges[2]?.cursor, edges[7]?.cursor];
    const between = edges.slice(3, 7).map(({ node }) => node.id);
    expect((await page({ first: 100, after, before })).nodes.map(({ id }) => id)).toEqual(between);
    expect((await page({ last: 100, after, before })).nodes.map(({ id }) => id)).toEqual(between);
    expect((await page({ last: 2, after, before })).nodes.map(({ id }) => id)).toEqual(between.slice(-2));
  });

  it('refuses the cursor of another list: of another app, another noun, another parent, or of itself with another filter', async () => {
    const other = await world.app();
    const { pageInfo, nodes } = await page({ first: 1 });
    const [cursor, filtered] = [pageInfo.endCursor, (await page({ first: 1, email: 'ann1@example.com' })).pageInfo.endCursor];
    const inCustomer = (id: string | undefined) =>
      world.post(
        { query: `{ node(id: "${id}") { ... on Customer { payments(after: "${cursor}") { nodes { id } } } } }` },
        { credential: app.key },
      );
    const answers = [
      await world.send(other, ops.CustomersDocument, { after: cursor }),
      await world.send(app, ops.CustomersDocument, { after: cursor, email: 'ann1@example.com' }),
      await world.send(app, ops.CustomersDocument, { after: filtered, email: 'ann0@example.com' }),
      await world.send(app, ops.CustomersDocument, { after: filtered }),
      await world.send(app, ops.CustomersDocument, { last: 1, before: filtered }),
      await world.send(app, ops.PaymentsDocument, { after: cursor }),
      await inCustomer(nodes[0]?.id),
    ];
    for (const { errors } of answers)
      expect(errors).toMatchObject([
        { message: expect.stringContaining('cursor of another list'), extensions: { code: 'BAD_USER_INPUT' } },
      ]);
    expect((await page({ after: filtered, email: 'ANN1@example.com' })).nodes).toHaveLength(12);
  });

  it('is the same list whatever order and how often the values of a filter are given in', async () => {
    const own = await world.app();
    const { customer } = await world.payer(own);
    for (let made = 0; made < 3; made += 1) await world.payment(own, customer.id);
    const { payments } = await world.ask(own, ops.PaymentsDocument, { first: 1, status: ['SUCCEEDED', 'FAILED'] });
    const status: ops.PaymentStatus[] = ['FAILED', 'SUCCEEDED', 'FAILED'];
    const rest = await world.ask(own, ops.PaymentsDocument, { first: 5, status, after: payments.pageInfo.endCursor });
    expect(rest.payments.nodes).toHaveLength(2);
  });

  it.each(LISTS)('of %s refuses pages of 0, of -1 and of 101 rows, and takes 100', async (list) => {
    for (const size of [0, -1, 101].flatMap((count) => [`first: ${count}`, `last: ${count}`])) {
      const answer = await world.post({ query: `{ ${list}(${size}) { nodes { id } } }` }, { credential: app.key });
      expect(answer).toMatchObject({
        data: null,
        errors: [{ message: expect.stringContaining('100'), extensions: { code: 'BAD_USER_INPUT' } }],
      });
    }
    const most = await world.post({ query: `{ ${list}(first: 100) { nodes { id } totalCount } }` }, { credential: app.key });
    expect(most.errors).toEqual([]);
  });

  it.each(LISTS)('of %s refuses what is not a cursor', async (list) => {
    const bad = ['x', 'null', 'djE6', Buffer.from(`v1:${madeIds[0]}`).toString('base64url'), madeIds[0] ?? '', 'a'.repeat(5_000)];
    for (const after of bad) {
      for (const name of ['after', 'before']) {
        const query = `query ($cursor: String) { ${list}(${name}: $cursor) { nodes { id } } }`;
        const answer = await world.post({ query, variables: { cursor: after } }, { credential: app.key });
        expect(answer).toMatchObject({
          data: null,
          errors: [{ message: expect.stringContaining(`${name} is not a cursor`), extensions: { code: 'BAD_USER_INPUT' } }],
        });
      }
    }
  });
});

describe('a list inside a customer', () => {
  it('is read back of each customer on its own', async () => {
    const own = await world.app();
    const [ann, bob] = [await world.payer(own), await world.payer(own)];
    const ids: Record<string, string[]> = { [ann.customer.id]: [], [bob.customer.id]: [] };
    for (const { customer } of [ann, bob, ann, ann]) ids[customer.id]?.unshift((await world.payment(own, customer.id)).id);
    const query = '{ customers { nodes { id payments(last: 2) { nodes { id } pageInfo { hasNextPage hasPreviousPage } } } } }';
    const { data } = await world.post<{ customers: { nodes: { id: string }[] } }>({ query }, { credential: own.key });
    const shown = (id: string, hasPreviousPage: boolean) => ({
      id,
      payments: { nodes: ids[id]?.slice(-2).map((payment) => ({ id: payment })), pageInfo: { hasNextPage: false, hasPreviousPage } },
    });
    expect(data?.customers.nodes).toEqual([shown(bob.customer.id, false), shown(ann.customer.id, true)]);
  });

  it('pages the payments of each customer on its own', async () => {
    const own = await world.app();
    const [ann, bob] = [await world.payer(own), await world.payer(own)];
    const ids: Record<string, string[]> = { [ann.customer.id]: [], [bob.customer.id]: [] };
    for (const { customer } of [ann, bob, ann, ann, bob]) ids[customer.id]?.unshift((await world.payment(own, customer.id)).id);
    const query = '{ customers { nodes { id payments(first: 2) { nodes { id } totalCount pageInfo { hasNextPage endCursor } } } } }';
    type Nested = {
      id: string;
      payments: { nodes: { id: string }[]; totalCount: number; pageInfo: { hasNextPage: boolean; endCursor: string } };
    };
    const { data } = await world.post<{ customers: { nodes: Nested[] } }>({ query }, { credential: own.key });
    const shown = data?.customers.nodes ?? [];
    expect(shown.map((node) => [node.payments.nodes.map((payment) => payment.id), node.payments.totalCount])).toEqual([
      [ids[bob.customer.id], 2],
      [ids[ann.customer.id]?.slice(0, 2), 3],
    ]);
    expect(shown.map((node) => node.payments.pageInfo.hasNextPage)).toEqual([false, true]);
  });
});

describe('a list without pages', () => {
  let own: TestApp;
  let paymentId: string;
  let refundIds: string[];

  beforeAll(async () => {
    own = await world.app();
    const { customer } = await world.payer(own);
    paymentId = (await world.payment(own, customer.id)).id;
    await world.payment(own, customer.id);
    await world.advance({ ms: 3_600_000 });
    refundIds = [];
    for (let made = 0; made < 4; made += 1) {
      const { refundCreate } = await world.ask(own, ops.RefundCreateDocument, {
        input: { paymentId, amount: { amountMinor: 1, currency: 'usd' } },
      });
      refundIds.push(refundCreate.refund?.id ?? '');
    }
  });

  const refunds = async (args: string) => {
    const query = `{ payment(id: "${paymentId}") { refunds${args} { id } } payments { nodes { refunds${args} { id } } } }`;
    type Refunds = { refunds: { id: string }[] };
    const answer = await world.post<{ payment: Refunds; payments: { nodes: Refunds[] } }>({ query }, { credential: own.key });
    // Alone, and beside others in one statement.
    expect(answer.data?.payments.nodes.map((payment) => payment.refunds)).toEqual([[], answer.data?.payment.refunds]);
    return answer.data?.payment.refunds.map(({ id }) => id);
  };

  it('shows the oldest of them, as many as are asked for, and goes on after any', async () => {
    expect(await refunds('')).toEqual(refundIds);
    expect(await refunds('(first: 3)')).toEqual(refundIds.slice(0, 3));
    expect(await refunds(`(first: 3, afterId: "${refundIds[2]}")`)).toEqual(refundIds.slice(3));
    expect(await refunds(`(first: 2, afterId: "${refundIds[0]}")`)).toEqual(refundIds.slice(1, 3));
  });

  it('reads no more rows than it shows, and one', async () => {
    const query = `{ payment(id: "${paymentId}") { refunds(first: 2) { id } disputes { id } facts { id } customer { paymentMethods { id } } } }`;
    const statements = await world.statements(() => world.post({ query }, { credential: own.key }));
    const lists = statements.filter((sql) => /billing_(refunds|disputes|webhook_facts|payment_methods)/.test(sql));
    expect(lists).toHaveLength(4);
    expect(lists.map((sql) => /limit (\d+)$/.exec(sql)?.[1]).toSorted()).toEqual(['11', '11', '11', '3']);
  });

  it.each([0, -1, 101])('refuses a part of %d', async (first) => {
    const query = `{ payment(id: "${paymentId}") { refunds(first: ${first}) { id } } }`;
    expect((await world.post({ query }, { credential: own.key })).errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});
