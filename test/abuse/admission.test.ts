import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { takenAtTilled } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { leastVariables, rootFieldsOf } from '../support/schema-walk.js';
import { rowsOfApp } from '../support/tables.js';
import { type Answer, type TestApp, World } from '../support/world.js';

type Data = Record<string, unknown>;

let world: World;
let app: TestApp;
let customerId: string;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
  customerId = (await world.payer(app)).customer.id;
});
afterAll(() => world.close());

/** paymentCreate of 1.00 usd with its arguments. */
const pay = (key = 'a', amountMinor = 100) =>
  `paymentCreate(input: { customerId: "${customerId}", amount: { amountMinor: ${amountMinor}, currency: "usd" }, idempotencyKey: "${key}" })`;
const rename = () => `customerUpdate(input: { id: "${customerId}", name: "Bo" }) { replayed }`;

function post(query: string, { credential = app.key, variables = {} }: { credential?: string; variables?: object } = {}) {
  return world.post<Data>({ query, variables }, { credential });
}

const confined = (...scopes: string[]) => world.key(app, 'service', { scopes });

/** Expects that `asking` is refused with this code and status, and that nothing came of it, here or at Tilled. */
async function expectNothingDone(asking: () => Promise<Answer<Data>>, status: number, code: string): Promise<Answer<Data>> {
  await world.settle();
  const [before, calls] = [await rowsOfApp(world, app), world.sandbox.requests().length];
  const answer = await asking();
  await world.settle();
  expect(answer).toMatchObject({ status, data: null, errors: [{ extensions: { code } }] });
  expect(answer.errors).toHaveLength(1);
  expect(answer.extensions).not.toHaveProperty('outcome');
  expect(await rowsOfApp(world, app)).toEqual(before);
  expect(world.sandbox.requests()).toHaveLength(calls);
  return answer;
}

const forbidden = (asking: () => Promise<Answer<Data>>) => expectNothingDone(asking, 403, 'FORBIDDEN');

describe('a payment whose answer asks for what the key may not read', () => {
  const FRAGMENT = 'fragment F on Payment { customer { id } }';

  it.each<[string, () => string]>([
    ['in the open', () => `mutation { ${pay()} { payment { id customer { id } } } }`],
    ['behind aliases', () => `mutation { one: ${pay()} { two: payment { id email: customer { id } } } }`],
    ['in a named fragment', () => `mutation { ${pay()} { payment { id ...F } } } ${FRAGMENT}`],
    ['in a fragment of a fragment', () => `mutation { ...A } fragment A on Mutation { ${pay()} { payment { ...F } } } ${FRAGMENT}`],
    ['in an inline fragment', () => `mutation { ${pay()} { payment { id ... on Payment { customer { id } } } } }`],
    ['in a fragment without a type', () => `mutation { ${pay()} { payment { id ... { customer { id } } } } }`],
    ['below an interface', () => `mutation { ${pay()} { payment { ... on Node { id ... on Payment { customer { id } } } } } }`],
    ['that is included', () => `mutation { ${pay()} { payment { id customer @include(if: true) { id } } } }`],
    ['in the second of two places', () => `mutation { ${pay()} { payment { id } payment { customer { id } } } }`],
    ['further down', () => `mutation { ${pay()} { payment { refunds { payment { customer { id } } } } } }`],
  ])('is not made: %s', async (_, query) => {
    const credential = await confined('payments:write', 'refunds:read', 'payments:read');
    const { errors } = await forbidden(() => post(query(), { credential }));
    expect(errors[0]?.message).toBe('Payment.customer is not for a key without the scope customers:read. Nothing was done.');
    expect(errors[0]).toHaveProperty('locations.0.line', 1);
  });

  it('is made by a key that may read it, and by one that does not ask for it', async () => {
    const readers = await confined('payments:write', 'customers:read');
    const whole = await post(`mutation { ${pay()} { payment { id customer { id } } } }`, { credential: readers });
    expect(whole).toMatchObject({ status: 200, data: { paymentCreate: { payment: { customer: { id: customerId } } } }, errors: [] });
    const part = await post(
      `mutation { ${pay('b')} { payment { id status } userErrors { code ... on PaymentDeclined { declineCode } } } }`,
      {
        credential: await confined('payments:write'),
      },
    );
    expect(part).toMatchObject({ status: 200, data: { paymentCreate: { payment: { status: 'SUCCEEDED' } } }, errors: [] });
    expect(await takenAtTilled(world, app)).toEqual([100, 100]);
  });

  it('is made or not as its variables include that, whatever was decided before', async () => {
    const credential = await confined('payments:write');
    const query = (key: string) => `mutation ($v: Boolean!) { ${pay(key)} { payment { id ... @include(if: $v) { customer { id } } } } }`;
    const skipping = `mutation ($v: Boolean!) { ${pay('b')} { payment { id customer @skip(if: $v) { id } } } }`;
    await forbidden(() => post(query('a'), { credential, variables: { v: true } }));
    expect(await post(query('a'), { credential, variables: { v: false } })).toMatchObject({ status: 200, errors: [] });
    await forbidden(() => post(query('c'), { credential, variables: { v: true } }));
    await forbidden(() => post(skipping, { credential, variables: { v: false } }));
    expect(await post(skipping, { credential, variables: { v: true } })).toMatchObject({ status: 200, errors: [] });
    expect(await takenAtTilled(world, app)).toEqual([100, 100]);
  });

  it('is not made with null for a variable that decides what is included, which would be found out only below it', async () => {
    const query = `mutation ($v: Boolean = true) { ${pay()} { payment @include(if: $v) { id } } }`;
    await expectNothingDone(() => post(query, { variables: { v: null } }), 400, 'BAD_USER_INPUT');
    expect(await post(query)).toMatchObject({ status: 200, errors: [] });
  });

  it('is not made by a registered document either', async () => {
    const query = `mutation { ${pay()} { payment { customer { id } } } }`;
    const hash = createHash('sha256').update(query).digest('hex');
    await world.gateway.operations.register(await world.scope(app), [{ hash, document: query, name: 'Pay' }]);
    const extensions = { persistedQuery: { version: 1, sha256Hash: hash } };
    const credential = await confined('payments:write');
    await forbidden(() => world.post<Data>({ extensions }, { credential }));
    expect(await world.post({ extensions }, { credential: app.key })).toMatchObject({ status: 200, errors: [] });
  });

  it('is not made beside a field that is not for the key', async () => {
    const credential = await confined('payments:write');
    await forbidden(() => post(`mutation { ${pay()} { payment { id } } ${rename()} }`, { credential }));
  });
});

describe('a customer session', () => {
  it('changes nothing if the answer leads to what is not for sessions', async () => {
    const { customerSessionCreate } = await world.ask(app, ops.CustomerSessionCreateDocument, { input: { customerId } });
    const credential = customerSessionCreate.token ?? '';
    const { id } = await world.card(app, customerId);
    const choose = (selection: string) => `mutation { paymentMethodSetDefault(input: { id: "${id}" }) { paymentMethod { ${selection} } } }`;
    const facts = choose('customer { payments { nodes { facts { type } } } }');
    expect(await post(facts)).toMatchObject({ status: 200, errors: [] });
    const { errors } = await forbidden(() => post(facts, { credential }));
    expect(errors[0]?.message).toBe('Payment.facts is not for customer sessions. Nothing was done.');
    await forbidden(() => post(`mutation { ${pay()} { payment { id } } }`, { credential }));
    expect(await post(choose('isDefault customer { payments { nodes { id } } }'), { credential })).toMatchObject({
      data: { paymentMethodSetDefault: { paymentMethod: { isDefault: true } } },
      errors: [],
    });
  });
});

describe('a query that asks for what the key may not read', () => {
  it('is answered with nothing, however often others were answered and by whatever way it is sent', async () => {
    const { id } = await world.payment(app, customerId);
    const credential = await confined('payments:read');
    const query = `{ payment(id: "${id}") { id customer { id } } }`;
    // By the second time it is compiled.
    for (const _ of [1, 2, 3]) {
      expect(await post(query)).toMatchObject({ data: { payment: { customer: { id: customerId } } }, errors: [] });
      await forbidden(() => post(query, { credential }));
    }
    const headers = { authorization: `Bearer ${credential}`, 'apollo-require-preflight': 'true' };
    const get = await fetch(`${world.url}/graphql?query=${encodeURIComponent(query)}`, { headers });
    expect([get.status, await get.text()]).toEqual([403, expect.not.stringContaining(customerId)]);
  });

  it('is refused by node() where it asks for what only objects of that kind have', async () => {
    const { id } = await world.payment(app, customerId);
    const credential = await confined('customers:read');
    const node = (of: string, selection: string) => post(`{ node(id: "${of}") { id ${selection} } }`, { credential });
    expect(await node(customerId, '... on Customer { email }')).toMatchObject({ data: { node: { id: customerId } }, errors: [] });
    expect(await node(id, '__typename ... on Node { id }')).toMatchObject({ status: 200, data: { node: null }, errors: [] });
    const { errors } = await forbidden(() => node(customerId, '... on Customer { email } ... on Payment { status }'));
    expect(errors[0]?.message).toBe('Payment.status is not for a key without the scope payments:read. Nothing was done.');
    await forbidden(() => node(customerId, '... on Customer { payments { nodes { id } } }'));
    const both = await confined('customers:read', 'payments:read');
    const ofBoth = `{ node(id: "${id}") { ... on Customer { email } ... on Payment { status refunds { id } } } }`;
    expect((await forbidden(() => post(ofBoth, { credential: both }))).errors[0]?.message).toMatch(/^Payment.refunds is not for/);
  });
});

describe('a mutation that moves money', () => {
  const refused = (query: string, variables = {}) => expectNothingDone(() => post(query, { variables }), 400, 'BAD_USER_INPUT');

  it.each<[string, () => string]>([
    ['another, by alias', () => `mutation { one: ${pay('a')} { replayed } two: ${pay('b')} { replayed } }`],
    [
      'one of another kind, in an inline fragment',
      () => `mutation { ${pay()} { replayed } ... on Mutation { refundCreate(input: { paymentId: "pay_x" }) { replayed } } }`,
    ],
    [
      'another, both in fragments',
      () =>
        `mutation { ...A } fragment A on Mutation { one: ${pay('a')} { replayed } ...B } fragment B on Mutation { ${pay('b')} { replayed } }`,
    ],
    ['one that moves none', () => `mutation { ${rename()} ${pay()} { replayed } }`],
    ['one that moves none, in a fragment', () => `mutation { ...A ${pay()} { replayed } } fragment A on Mutation { ${rename()} }`],
  ])('does nothing beside %s', async (_, query) => {
    const { errors } = await refused(query());
    expect(errors[0]?.message).toMatch(/^paymentCreate moves money, or may: it stands alone in its operation.* Nothing was done\.$/);
    expect(await takenAtTilled(world, app)).toEqual([]);
  });

  it('is each of those that say so', async () => {
    const moving = rootFieldsOf(world.gateway.schema).filter(({ field }) => field.extensions['movesMoney'] === true);
    expect(moving).toHaveLength(14);
    for (const root of moving) {
      const type = String(root.field.args[0]?.type);
      const variables = leastVariables(root, (place) => (/MinorUnits/.test(String(place.type)) ? 100 : 'usd'));
      await refused(`mutation ($input: ${type}) { ${root.name}(input: $input) { userErrors { code } } ${rename()} }`, variables);
    }
  });

  it('stands beside its own name, itself once more, and what is left out', async () => {
    const query = `mutation ($v: Boolean!) { __typename ${pay()} { replayed } ${pay()} { payment { status } } two: ${pay('b')} @include(if: $v) { replayed } }`;
    expect(await post(query, { variables: { v: false } })).toMatchObject({
      status: 200,
      data: { __typename: 'Mutation', paymentCreate: { replayed: false, payment: { status: 'SUCCEEDED' } } },
      errors: [],
    });
    await refused(query, { v: true });
    expect(await takenAtTilled(world, app)).toEqual([100]);
  });

  it('is not needed to refuse others: those that move none run side by side', async () => {
    expect(await post(`mutation { ${rename()} two: ${rename()} }`)).toMatchObject({ status: 200, errors: [] });
  });
});

describe('what fails below a mutation that was carried out', () => {
  const payload = (answer: Answer<Data>) => Object.values(answer.data ?? {})[0];

  /** Asks while the reads of a table fail that begin after Tilled was asked something with this method. */
  async function whileReadsFail(table: string, method: string, asking: () => Promise<Answer<Data>>): Promise<Answer<Data>> {
    const calls = () => world.sandbox.requests().filter((request) => request.account === app.accountId && request.method === method).length;
    const before = calls();
    const isRead = new RegExp(`^select .* from .?${table}`, 'is');
    const stop = world.gateway.database.listen((sql) => {
      // Even a failure that names a status of its own.
      const extensions = { http: { status: 503 } };
      if (calls() > before && isRead.test(sql)) throw Object.assign(new Error('The database is away.'), { extensions });
    });
    try {
      return await asking();
    } finally {
      stop();
    }
  }

  it('leaves told what became of a payment whose row it takes away', async () => {
    const query = `mutation { ${pay()} { payment { id customer { email } } } }`;
    const answer = await whileReadsFail('billing_customers', 'POST', () => post(query));
    expect(answer).toMatchObject({
      status: 200,
      errors: [{ path: ['paymentCreate', 'payment', 'customer'], extensions: { code: 'INTERNAL' } }],
    });
    expect(payload(answer)).toEqual({ payment: null });
    const [row] = await world.rows('billing_payments', app);
    expect(answer.extensions['outcome']).toEqual({ operation: 'paymentCreate', id: row?.['id'], status: 'SUCCEEDED', userErrors: [] });
  });

  it('leaves told why a payment was declined, in code and words', async () => {
    const query = `mutation { ${pay('a', 777_701)} { payment { customer { email } } userErrors { code } } }`;
    const answer = await whileReadsFail('billing_customers', 'POST', () => post(query));
    const [row] = await world.rows('billing_payments', app);
    const userErrors = [{ code: 'PAYMENT_DECLINED', message: expect.stringMatching(/\w/) }];
    expect(answer).toMatchObject({ status: 200, errors: [{ extensions: { code: 'INTERNAL' } }] });
    expect(answer.extensions['outcome']).toEqual({ operation: 'paymentCreate', id: row?.['id'], status: 'FAILED', userErrors });
  });

  it('leaves told that a customer was deleted, who has no status', async () => {
    const query = `mutation { customerDelete(input: { id: "${customerId}" }) { customer { payments { nodes { id } } } } }`;
    const answer = await whileReadsFail('billing_payments', 'DELETE', () => post(query));
    expect(answer).toMatchObject({ status: 200, errors: [{ extensions: { code: 'INTERNAL' } }] });
    expect(answer.extensions['outcome']).toEqual({ operation: 'customerDelete', id: customerId, status: null, userErrors: [] });
  });

  it('is nothing otherwise: an answer that is whole is told once', async () => {
    const answer = await post(`mutation { ${pay()} { payment { customer { id } } } }`);
    expect(answer).toMatchObject({ status: 200, data: { paymentCreate: { payment: { customer: { id: customerId } } } }, errors: [] });
    expect(answer.extensions).not.toHaveProperty('outcome');
  });
});
