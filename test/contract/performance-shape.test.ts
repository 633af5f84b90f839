import { createHash } from 'node:crypto';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LOCK_TABLE } from '../../src/platform/db/migration-lock.js';
import { SHARED_TABLES } from '../../src/platform/db/tenancy.check.js';
import { furnish } from '../support/furnish.js';
import * as ops from '../support/operations.generated.js';
import { tableNames } from '../support/tables.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let small: TestApp;
let large: TestApp;

beforeAll(async () => {
  // Limits that nothing meets, so that they are counted.
  world = await World.create({ limits: { requestsPerWindow: 1_000_000, sessionRequestsPerWindow: 1_000_000 } });
  [small, large] = [await world.app(), await world.app()];
  await populate(small, 2);
  await populate(large, 30);
  await world.advance({ ms: 3_600_000 });
});
afterAll(() => world.close({ divergences: 1 }));

describe('the number of statements', () => {
  it('of customers with their methods, subscriptions, payments, refunds and disputes is the same for 2 and for 30', async () => {
    await expectSameCount(ops.CustomersDeepDocument, { first: 50 }, (data) => data.customers.nodes.length);
  });

  it('of payments with what they point to is the same for few and for many', async () => {
    await expectSameCount(ops.PaymentsDocument, { first: 100 }, (data) => data.payments.nodes.length);
  });

  it('of subscriptions with what they point to is the same for few and for many', async () => {
    await expectSameCount(ops.SubscriptionsDocument, { first: 100 }, (data) => data.subscriptions.nodes.length);
  });

  it('of a page of customers is the same as of the next page', async () => {
    const { customers } = await world.ask(large, ops.CustomersDocument, { first: 10 });
    const [first, second] = [
      await selects(large, ops.CustomersDocument, { first: 10 }),
      await selects(large, ops.CustomersDocument, { first: 10, after: customers.pageInfo.endCursor }),
    ];
    expect(second.length).toBe(first.length);
  });

  it('counts a list only when its length is asked for', async () => {
    const withCount = await selects(large, ops.CustomersDocument, { first: 10 });
    const without = await world.statements(() =>
      world.post({ query: '{ customers(first: 10) { nodes { id } } }' }, { credential: large.key }),
    );
    expect(withCount.filter((sql) => /count\(/i.test(sql))).toHaveLength(1);
    expect(without.filter((sql) => /count\(/i.test(sql))).toEqual([]);
  });

  it.each([
    ['Customers', ops.CustomersDocument],
    ['CustomersDeep', ops.CustomersDeepDocument],
    ['Payments', ops.PaymentsDocument],
    ['Subscriptions', ops.SubscriptionsDocument],
    ['Refunds', ops.RefundsDocument],
    ['Disputes', ops.DisputesDocument],
    ['WebhookEvents', ops.WebhookEventsDocument],
  ])('of %s is the same whether it is interpreted or compiled: the answer of compiled code was not thrown away', async (_, document) => {
    const answers: unknown[] = [];
    const counts: number[] = [];
    for (let time = 0; time < 4; time += 1) {
      counts.push((await statementsOf(async () => answers.push(await world.ask(large, document as never, { first: 7 } as never)))).length);
    }
    expect(new Set(counts).size).toBe(1);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  it('of a paymentCreate with a key and a reference is at most 13, in at most 3 commits', async () => {
    const app = await world.app();
    const { customer } = await world.payer(app);
    await world.settle();
    await world.holdDeliveries();
    const query = 'mutation ($input: PaymentCreateInput!) { paymentCreate(input: $input) { payment { id status } userErrors { code } } }';
    const input = { customerId: customer.id, amount: { amountMinor: 1234, currency: 'usd' }, referenceId: 'one', idempotencyKey: 'one' };
    const statements = await statementsOf(async () => {
      const answer = await world.post({ query, variables: { input } }, { credential: app.key });
      expect(answer).toMatchObject({ data: { paymentCreate: { payment: { status: 'SUCCEEDED' }, userErrors: [] } } });
    });
    await world.resumeDeliveries();
    await world.advance({ ms: 3_600_000 });
    const commits = statements.filter((sql) => sql === 'commit');
    expect(commits).toHaveLength(3);
    expect(statements.length - commits.length).toBeLessThanOrEqual(13);
  });

  async function expectSameCount<Data, Variables>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    sizeOf: (data: Data) => number,
  ): Promise<void> {
    const sizes = [sizeOf(await world.ask(small, document, variables)), sizeOf(await world.ask(large, document, variables))];
    expect(sizes[1]).toBe((sizes[0] ?? 0) * 15);
    const [few, many] = [await selects(small, document, variables), await selects(large, document, variables)];
    expect(many.map(shapeOf).toSorted()).toEqual(few.map(shapeOf).toSorted());
    // The credential, its app, and one statement for each kind of thing: more would be a loader that was forgotten.
    expect(many.length).toBeLessThan(14);
  }
});

describe('every statement', () => {
  /** Tables without app_id, and statements that look for an app or across apps, each with its reason. */
  const EXCEPTIONS: readonly [RegExp, string][] = [
    [/\bbilling_apps\b/, 'the directory of apps itself'],
    [
      /^select .* from billing_api_keys where hash in \((\?|, )+\) and revoked_at is null/,
      'which app a credential belongs to is what is being asked',
    ],
    [
      /^select priority, app_id, .* from billing_jobs where due_at <= \S.* group by priority, app_id/,
      'a worker looks which apps have work that is due',
    ],
    [
      /^select app_id, id from billing_webhooks where unqueued_since is not null( and app_id not in \([?, ]+\))? order by/,
      'a worker queues what arrived first, of all apps',
    ],
    [
      /^select app_id from billing_app_events where unpublished_since is not null( and app_id not in \([?, ]+\))? order by/,
      'a worker publishes what was written first, of all apps',
    ],
    [/\bbilling_migrations\b/, 'the list of applied migrations'],
  ];

  it('on a table of apps names one app, and is given that one', async () => {
    const tables = (await tableNames(world.gateway.database)).filter((table) => !(table in SHARED_TABLES) && table !== LOCK_TABLE);
    const seen: { sql: string; parameters: readonly unknown[] }[] = [];
    const app = await world.app();
    const stop = world.gateway.database.listen((sql, parameters) => seen.push({ sql: plain(sql), parameters }));
    await broadFlow(app);
    stop();
    const onTables = seen.filter(({ sql }) => /\bbilling_\w+/.test(sql));
    const reached = new Set(onTables.flatMap(({ sql }) => [...sql.matchAll(/\bbilling_[a-z_]+/g)].map(([name]) => name)));
    expect(tables.filter((name) => !reached.has(name))).toEqual([]);
    const checked = onTables.filter(({ sql }) => !EXCEPTIONS.some(([pattern]) => pattern.test(sql)));
    expect(checked.length).toBeGreaterThan(300);
    expect(checked.filter(({ sql }) => !isConfined(sql)).map(({ sql }) => sql)).toEqual([]);
    const strays = checked.filter(({ sql, parameters }) => !parameters.includes(app.id) && !isOfAnAddress(sql, parameters));
    expect(strays.map(({ sql }) => sql)).toEqual([]);
    expect(checked.filter(({ parameters }) => [small.id, large.id].some((id) => parameters.includes(id)))).toEqual([]);
  });

  it.each([
    ['select * from billing_customers where id = ?', false],
    ['select app_id, id from billing_customers where id = ?', false],
    ['select app_id from billing_customers where app_id = ? and id = ? union all select app_id from billing_customers where id = ?', false],
    ['update billing_customers set app_id = ? where id = ?', false],
    ['delete from billing_customers', false],
    ['insert into billing_customers (id) values (?)', false],
    ['select * from billing_customers where app_id = ? or id = ?', false],
    ['select * from billing_customers where app_id = ? and (id = ? or email in (?)) or name = ?', false],
    ['select * from billing_customers where app_id = ? and id = ?', true],
    ['select * from billing_customers where app_id = ? and (id = ? or email in (?))', true],
    ['select c0.* from billing_customers as c0 where c0.app_id = ? and c0.id = ? limit ? for update', true],
    ['select * from (select 0 as branch from billing_jobs where app_id = ? limit 3) as b0', true],
    ['update billing_customers set email = ? where (app_id, id) in ((?, ?))', true],
    ['insert into billing_customers (app_id, id) values (?, ?)', true],
  ])('is judged rightly: %s', (sql, expected) => {
    expect(isConfined(sql)).toBe(expected);
  });
});

/** Customers, each with a card, a subscription and a payment. */
async function populate(app: TestApp, customers: number): Promise<void> {
  for (let made = 0; made < customers; made += 1) {
    const { customer } = await world.payer(app);
    await Promise.all([world.subscription(app, customer.id), world.payment(app, customer.id)]);
  }
}

/** Something of everything: made, changed, heard of, read and thrown away. */
async function broadFlow(app: TestApp): Promise<void> {
  const { ids } = await furnish(world, app);
  const [customerId = '', subscriptionId = '', paymentMethodId = ''] = [ids['Customer'], ids['Subscription'], ids['PaymentMethod']];
  await world.ask(app, ops.CustomerUpdateDocument, { input: { id: customerId, name: 'Ann', metadata: { a: 'b' } } });
  await world.ask(app, ops.SubscriptionUpdateDocument, { input: { id: subscriptionId, planName: 'Pro', paymentMethodId } });
  await world.ask(app, ops.SubscriptionPauseDocument, { input: { id: subscriptionId } });
  await world.ask(app, ops.SubscriptionResumeDocument, { input: { id: subscriptionId } });
  await world.ask(app, ops.SubscriptionCancelDocument, { input: { id: subscriptionId, mode: 'AT_PERIOD_END' } });
  await world.ask(app, ops.SubscriptionReactivateDocument, { input: { id: subscriptionId } });
  await world.ask(app, ops.SubscriptionCancelDocument, { input: { id: subscriptionId, mode: 'IMMEDIATELY' } });
  await world.ask(app, ops.PaymentMethodSetDefaultDocument, { input: { id: paymentMethodId } });
  await world.ask(app, ops.PaymentMethodDetachDocument, { input: { id: paymentMethodId } });
  await world.gateway.reconciliation.run.runNow(await world.scope(app));
  await world.ask(app, ops.DivergencesDocument, { status: ['OPEN'], kind: ['CUSTOMER'] });
  await world.ask(app, ops.WebhookEventReplayDocument, { input: { id: ids['WebhookEvent'] ?? '' } });
  await world.settle();
  for (const id of Object.values(ids)) await world.ask(app, ops.NodeDocument, { id });
  await world.ask(app, ops.CustomersDeepDocument, { first: 5 });
  await world.ask(app, ops.CustomersDocument, { email: 'ann@example.com' });
  await world.ask(app, ops.PaymentsDocument, { customerId, status: ['SUCCEEDED'] });
  await world.ask(app, ops.RefundsDocument, {});
  await world.ask(app, ops.DisputesDocument, {});
  await world.ask(app, ops.WebhookEventsDocument, { status: ['PROCESSED'] });
  await world.ask(app, ops.CustomerByExternalIdDocument, { externalId: 'x' });
  await world.ask(app, ops.PaymentByReferenceIdDocument, { referenceId: 'x' });
  const { customerSessionCreate } = await world.ask(app, ops.CustomerSessionCreateDocument, { input: { customerId } });
  await world.ask(app, ops.CustomerDocument, { id: customerId }, { credential: customerSessionCreate.token });
  await world.key(app, 'read_only');
  const document = 'query Mine { app { id } }';
  const hash = createHash('sha256').update(document).digest('hex');
  await world.gateway.operations.register(await world.scope(app), [{ hash, name: 'Mine', document }]);
  await world.gateway.limitService.limitApp(app.id, 1_000_000);
  await world.gateway.webhooks.backfill.run(await world.scope(app));
  await world.ask(app, ops.CustomerDeleteDocument, { input: { id: customerId } });
  await world.gateway.retention.run(await world.scope(app));
  await world.settle();
}

function selects<Data, Variables>(app: TestApp, document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<string[]> {
  return statementsOf(() => world.ask(app, document, variables));
}

/** The limits of an app are read again when they are five seconds old, whoever asks what then. */
async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  return (await world.statements(work)).filter((sql) => !/\bbilling_limits\b/.test(sql));
}

/** A statement without how many values it was given and how many rows they may have: its table and what it asks for. */
function shapeOf(sql: string): string {
  const [branch = ''] = sql.split(' union all ');
  return branch.replace(/\(\?(, \?)*\)/g, '(?)').replace(/limit \d+$/, 'limit');
}

function plain(sql: string): string {
  return sql.replace(/[`"]/g, '').replace(/\s+/g, ' ').trim();
}

/** Whether all that a statement reads or writes is limited to one app: in each branch of it, and not only in one part of an "or". */
function isConfined(sql: string): boolean {
  if (/^insert into/i.test(sql)) return /^insert into \w+ \([^)]*\bapp_id\b/i.test(sql);
  return sql.split(/ union all /i).every((branch) => {
    const where = / where (.*)$/i.exec(branch)?.[1] ?? '';
    return !/ or /i.test(outsideBrackets(where)) && /(^|\W)(\w+\.)?app_id(, (\w+\.)?id\))? (=|in) /.test(where);
  });
}

/** What an address did before it said for which app it asks is counted under no app. */
function isOfAnAddress(sql: string, parameters: readonly unknown[]): boolean {
  return sql.includes(' billing_limit_counters ') && parameters[0] === '';
}

function outsideBrackets(text: string): string {
  const without = text.replace(/\([^()]*\)/g, '');
  return without === text ? text : outsideBrackets(without);
}
