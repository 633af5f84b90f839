import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { print } from 'graphql';
import * as ops from '../support/operations.generated.js';
import { countsOfApp } from '../support/tables.js';
import { type TestApp, World } from '../support/world.js';

const USD = { amountMinor: 100, currency: 'usd' };

/** What no answer may contain: where our code stands, what it asks the database, or a card number that came in. */
const TELLTALE = /node_modules|\.[jt]s:\d+|\bat \w+.*\(|select .* from|insert into|billing_\w+|sqlite|mysql|kysely|mikro|4111111111111111/i;

let world: World;
let app: TestApp;
let customerId: string;
let subscriptionId: string;
let paymentId: string;
let counts: Awaited<ReturnType<typeof countsOfApp>>;
let posts: number;

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
  const { customer } = await world.payer(app);
  customerId = customer.id;
  subscriptionId = (await world.subscription(app, customerId)).id;
  paymentId = (await world.payment(app, customerId)).id;
  await world.settle();
});
afterAll(() => world.close());

beforeEach(async () => {
  counts = await countsOfApp(world, app);
  posts = writesSeen();
});

/** Whatever was sent: the server answers, nothing was stored, and the processor heard nothing of it. */
afterEach(async () => {
  expect(await world.ask(app, ops.AppDocument, {})).toEqual({ app: { id: app.id, name: 'App 1' } });
  expect(await countsOfApp(world, app)).toEqual(counts);
  expect(writesSeen()).toBe(posts);
});

describe('a value that breaks a rule is answered in userErrors with its path', () => {
  it.each([
    ['an unknown currency', { currency: 'xyz' }, ['amount', 'currency']],
    ['a currency that the processor does not take', { currency: 'inr' }, ['amount', 'currency']],
    ['zero', { amountMinor: 0 }, ['amount', 'amountMinor']],
    ['a negative amount', { amountMinor: -1 }, ['amount', 'amountMinor']],
    ['one minor unit above the limit', { amountMinor: 100_000_000 }, ['amount', 'amountMinor']],
    ['the largest safe integer', { amountMinor: Number.MAX_SAFE_INTEGER }, ['amount', 'amountMinor']],
  ])('%s, wherever money is taken', async (_, part, field) => {
    const amount = { ...USD, ...part };
    const asPrice = field.with(0, 'price');
    const { paymentCreate } = await world.ask(app, ops.PaymentCreateDocument, { input: { customerId, amount, idempotencyKey: 'k' } });
    expectInvalid(paymentCreate.userErrors, field);
    const { paymentCapture } = await world.ask(app, ops.PaymentCaptureDocument, { input: { id: paymentId, amount } });
    expectInvalid(paymentCapture.userErrors, field);
    const { refundCreate } = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId, amount, idempotencyKey: 'k' } });
    expectInvalid(refundCreate.userErrors, field);
    const { subscriptionCreate } = await world.ask(app, ops.SubscriptionCreateDocument, { input: { customerId, price: amount } });
    expectInvalid(subscriptionCreate.userErrors, asPrice);
    const { subscriptionUpdate } = await world.ask(app, ops.SubscriptionUpdateDocument, { input: { id: subscriptionId, price: amount } });
    expectInvalid(subscriptionUpdate.userErrors, asPrice);
  });

  it.each([
    '',
    'ann',
    'ann@',
    '@example.com',
    'ann example.com',
    'ann@example',
    'ann@@example.com',
    `${'a'.repeat(320)}@example.com`,
  ])('the e-mail address "%.20s"', async (email) => {
    const { customerCreate } = await world.ask(app, ops.CustomerCreateDocument, { input: { email } });
    expectInvalid(customerCreate.userErrors, ['email']);
    const { customerUpdate } = await world.ask(app, ops.CustomerUpdateDocument, { input: { id: customerId, email } });
    expectInvalid(customerUpdate.userErrors, ['email']);
  });

  it.each([
    ['of 256 characters', 'k'.repeat(256)],
    ['that is empty', ''],
    ['of blanks', '   '],
    ['with a blank before it', ' k'],
  ])('an idempotency key %s, in the input and in the header', async (_, idempotencyKey) => {
    const input = { email: 'bob@example.com' };
    const { customerCreate } = await world.ask(app, ops.CustomerCreateDocument, { input: { ...input, idempotencyKey } });
    expectInvalid(customerCreate.userErrors, ['idempotencyKey']);
    // A header neither is empty nor has blanks at its ends.
    if (!/^\S/.test(idempotencyKey)) return;
    const headers = { 'idempotency-key': idempotencyKey };
    const byHeader = await world.ask(app, ops.CustomerCreateDocument, { input }, { headers });
    expectInvalid(byHeader.customerCreate.userErrors, ['idempotencyKey']);
  });

  it.each([
    ['name', 'n'.repeat(256)],
    ['name', ''],
    ['externalId', 'e'.repeat(256)],
    ['externalId', ''],
    ['externalId', 'e '],
  ])('a %s that is too long, empty or ends with a blank', async (name, value) => {
    const { customerCreate } = await world.ask(app, ops.CustomerCreateDocument, { input: { email: 'bob@example.com', [name]: value } });
    expectInvalid(customerCreate.userErrors, [name]);
  });

  it.each([
    ['referenceId', 'r'.repeat(256)],
    ['referenceId', ''],
    ['referenceId', ' order:1'],
    ['description', 'd'.repeat(501)],
  ])('a %s of a payment that is too long or empty', async (name, value) => {
    const { paymentCreate } = await world.ask(app, ops.PaymentCreateDocument, { input: { customerId, amount: USD, [name]: value } });
    expectInvalid(paymentCreate.userErrors, [name]);
  });

  it.each([
    ['intervalCount', 0],
    ['intervalCount', -1],
    ['intervalCount', 366],
    ['planCode', 'p'.repeat(101)],
    ['planName', 'p'.repeat(256)],
  ])('a %s of %s of a subscription', async (name, value) => {
    const { subscriptionCreate } = await world.ask(app, ops.SubscriptionCreateDocument, {
      input: { customerId, price: USD, [name]: value },
    });
    expectInvalid(subscriptionCreate.userErrors, [name]);
  });

  it.each([
    '',
    'pm_',
    `pm_${'x'.repeat(62)}`,
    'pm_1/../../v1/refunds',
    'pm_1?x=1',
  ])('the payment method "%.24s", which is not one of Tilled.js', async (tilledPaymentMethodId) => {
    const { paymentMethodAttach } = await world.ask(app, ops.PaymentMethodAttachDocument, { input: { customerId, tilledPaymentMethodId } });
    expectInvalid(paymentMethodAttach.userErrors, ['tilledPaymentMethodId']);
  });

  it.each([59, 86_401, -1])('a session of %d seconds', async (ttlSeconds) => {
    const { customerSessionCreate } = await world.ask(app, ops.CustomerSessionCreateDocument, { input: { customerId, ttlSeconds } });
    expectInvalid(customerSessionCreate.userErrors, ['ttlSeconds']);
  });

  it('several at once, each by its own path', async () => {
    const input = { customerId, amount: { amountMinor: 0, currency: 'xyz' }, description: 'd'.repeat(501), referenceId: '' };
    const { paymentCreate } = await world.ask(app, ops.PaymentCreateDocument, { input });
    expect(paymentCreate.userErrors.map(({ code, field }) => [code, field?.join('.')])).toEqual(
      expect.arrayContaining([
        ['INVALID', 'amount.amountMinor'],
        ['INVALID', 'amount.currency'],
        ['INVALID', 'description'],
        ['INVALID', 'referenceId'],
      ]),
    );
  });

  it('an id with anything in it', async () => {
    for (const id of ['', "' or 1=1 --", 'x'.repeat(10_000), '\u0000', 'a\u0000b', '🙂', 'pay_%', '../..']) {
      const { paymentCancel } = await world.ask(app, ops.PaymentCancelDocument, { input: { id } });
      expect(paymentCancel.userErrors).toMatchObject([
        { code: id === '' || id.includes('\u0000') ? 'INVALID' : 'NOT_FOUND', field: ['id'] },
      ]);
      expect(await world.ask(app, ops.PaymentDocument, { id })).toEqual({ payment: null });
      expect(await world.ask(app, ops.NodeDocument, { id })).toEqual({ node: null });
    }
  });
});

describe('a text that is none is answered INVALID with its field, wherever texts are taken', () => {
  const FAULTS = {
    ...{ 'blanks only': ' \t\u00a0 ', 'half of a character': 'A\ud800B', 'a null': 'A\u0000B', 'an escape': 'A\u001b[2JB' },
    ...{ 'a control sequence of one character': 'A\u009b2JB', 'a backspace': 'A\bB' },
  };
  const LINES = { 'a line break': 'A\nB', 'a carriage return': 'A\rB', 'a line separator': 'A\u2028B' };
  const TAKEN: Readonly<Record<string, (text: string) => Promise<readonly Fault[]>>> = {
    'customerCreate.email': async (email) =>
      (await world.ask(app, ops.CustomerCreateDocument, { input: { email } })).customerCreate.userErrors,
    'customerCreate.name': (name) => creating({ name }),
    'customerCreate.externalId': (externalId) => creating({ externalId }),
    'customerCreate.idempotencyKey': (idempotencyKey) => creating({ idempotencyKey }),
    'customerUpdate.name': async (name) =>
      (await world.ask(app, ops.CustomerUpdateDocument, { input: { id: customerId, name } })).customerUpdate.userErrors,
    'paymentCreate.referenceId': (referenceId) => paying({ referenceId }),
    'paymentCreate.customerId': (id) => paying({ customerId: id }),
    'refundCreate.referenceId': async (referenceId) =>
      (await world.ask(app, ops.RefundCreateDocument, { input: { paymentId, referenceId } })).refundCreate.userErrors,
    'subscriptionCreate.planCode': (planCode) => subscribing({ planCode }),
    'subscriptionCreate.planName': (planName) => subscribing({ planName }),
  };
  const LONG: typeof TAKEN = {
    'paymentCreate.description': (description) => paying({ description }),
    'customerCreate.metadata.note': (note) => creating({ metadata: { note } }),
    'divergenceResolve.note': async (note) =>
      (await world.ask(app, ops.DivergenceResolveDocument, { input: { id: 'dv_1', note } })).divergenceResolve.userErrors,
  };

  it.each(Object.keys(TAKEN))('%s', async (path) => {
    for (const [fault, text] of Object.entries({ ...FAULTS, ...LINES })) await expectFault(TAKEN[path], { path, fault, text });
  });

  it.each(Object.keys(LONG))('%s, which may have several lines', async (path) => {
    for (const [fault, text] of Object.entries(FAULTS)) await expectFault(LONG[path], { path, fault, text });
  });

  it('a key of metadata', async () => {
    for (const text of Object.values({ ...FAULTS, ...LINES })) {
      const faults = await creating({ metadata: { [text]: 'v' } });
      expect([JSON.stringify(text), faults]).toMatchObject([JSON.stringify(text), [{ code: 'INVALID', field: ['metadata'] }]]);
    }
    expect(await creating({ metadata: { tier: 'gold', ' tier ': 'silver' } })).toMatchObject([{ code: 'INVALID', field: ['metadata'] }]);
  });

  it('a text by which something is looked for, with 400', async () => {
    const query =
      'query ($email: String, $id: String!) { customers(email: $email) { nodes { id } } customerByExternalId(externalId: $id) { id } }';
    for (const variables of [
      { email: 'A\ud800B@example.com', id: 'x' },
      { email: null, id: 'A\udc00B' },
    ]) {
      const body = JSON.stringify({ query, variables });
      expect((await raw({ body })).codes).toEqual(['BAD_USER_INPUT']);
    }
    expect((await raw({ body: JSON.stringify({ query, variables: { email: 'a\u0000', id: '\u001b' } }) })).status).toBe(200);
  });

  async function creating(part: Partial<ops.CustomerCreateInput>): Promise<readonly Fault[]> {
    return (await world.ask(app, ops.CustomerCreateDocument, { input: { email: 'bob@example.com', ...part } })).customerCreate.userErrors;
  }
  async function paying(part: Partial<ops.PaymentCreateInput>): Promise<readonly Fault[]> {
    return (await world.ask(app, ops.PaymentCreateDocument, { input: { customerId, amount: USD, ...part } })).paymentCreate.userErrors;
  }
  async function subscribing(part: Partial<ops.SubscriptionCreateInput>): Promise<readonly Fault[]> {
    return (await world.ask(app, ops.SubscriptionCreateDocument, { input: { customerId, price: USD, ...part } })).subscriptionCreate
      .userErrors;
  }
  async function expectFault(
    take: ((text: string) => Promise<readonly Fault[]>) | undefined,
    { path, fault, text }: { readonly path: string; readonly fault: string; readonly text: string },
  ): Promise<void> {
    const field = path.split('.').slice(1);
    const message = expect.stringMatching(new RegExp(`^${field.join('.')}: must .+\\.$`));
    expect([fault, await take?.(text)]).toEqual([fault, [expect.objectContaining({ code: 'INVALID', field, message })]]);
  }
});

describe('a value of another type is refused before anything runs', () => {
  it.each([
    ['a fractional amount', { amount: { ...USD, amountMinor: 19.9 } }],
    ['2^53', { amount: { ...USD, amountMinor: 2 ** 53 } }],
    ['-2^53', { amount: { ...USD, amountMinor: -(2 ** 53) } }],
    ['an amount in a string', { amount: { ...USD, amountMinor: '100' } }],
    ['an amount that is true', { amount: { ...USD, amountMinor: true } }],
    ['an amount that is null', { amount: { ...USD, amountMinor: null } }],
    ['an amount that is a list', { amount: { ...USD, amountMinor: [100] } }],
    ['an amount without a currency', { amount: { amountMinor: 100 } }],
    ['a currency in upper case', { amount: { ...USD, currency: 'USD' } }],
    ['a currency that is a number', { amount: { ...USD, currency: 840 } }],
    ['a currency of four letters', { amount: { ...USD, currency: 'usdt' } }],
    ['no amount', { amount: undefined }],
    ['51 metadata keys', { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`key${n}`, 'v'])) }],
    ['a metadata key of 41 characters', { metadata: { ['k'.repeat(41)]: 'v' } }],
    ['an empty metadata key', { metadata: { '': 'v' } }],
    ['a metadata value of 501 characters', { metadata: { key: 'v'.repeat(501) } }],
    ['nested metadata', { metadata: { key: { deeper: 'v' } } }],
    ['a metadata value that is a number', { metadata: { key: 1 } }],
    ['metadata that is a list', { metadata: ['v'] }],
    ['metadata that is text', { metadata: '{}' }],
    ['an id that is an object', { customerId: { $ne: null } }],
    ['an unknown field', { capture: true }],
    ['an unknown enum value', { captureMethod: 'LATER' }],
  ])('%s', async (_, part) => {
    const query = print(ops.PaymentCreateDocument);
    const answer = await raw({ body: JSON.stringify({ query, variables: { input: { customerId, amount: USD, ...part } } }) });
    expectRefusal(answer, 400, ['BAD_USER_INPUT']);
  });

  it.each([
    ['a fractional amount', 'amount: { amountMinor: 19.9, currency: "usd" }'],
    ['an amount with an exponent', 'amount: { amountMinor: 1e2, currency: "usd" }'],
    ['2^53', 'amount: { amountMinor: 9007199254740992, currency: "usd" }'],
    ['an amount in a string', 'amount: { amountMinor: "100", currency: "usd" }'],
    ['a currency that is an enum value', 'amount: { amountMinor: 100, currency: usd }'],
    ['nested metadata', 'amount: { amountMinor: 100, currency: "usd" }, metadata: { key: { deeper: "v" } }'],
  ])('%s, written into the document', async (_, part) => {
    const query = `mutation { paymentCreate(input: { customerId: "${customerId}", ${part} }) { payment { id } } }`;
    expectRefusal(await raw({ body: JSON.stringify({ query }) }), 400, ['GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']);
  });

  it.each([
    ['not a date', 'tomorrow'],
    ['a day that is not', '2026-02-30T00:00:00Z'],
    ['a number', 1_772_366_400_000],
  ])('a billingCycleAnchor that is %s', async (_, billingCycleAnchor) => {
    const query = print(ops.SubscriptionCreateDocument);
    const input = { customerId, price: USD, billingCycleAnchor };
    expectRefusal(await raw({ body: JSON.stringify({ query, variables: { input } }) }), 400, ['BAD_USER_INPUT']);
  });

  it.each([0, -1, 101, 2 ** 31])('a page of %d', async (first) => {
    const answer = await raw({
      body: JSON.stringify({ query: 'query($first: Int) { customers(first: $first) { nodes { id } } }', variables: { first } }),
    });
    expect(answer.text).not.toMatch(TELLTALE);
    expect(answer.codes).toEqual(['BAD_USER_INPUT']);
  });

  it.each(['', 'x', 'djE6', Buffer.from("v2:0123456789abcdef:cus_' or 1=1").toString('base64url')])('the cursor "%s"', async (after) => {
    const answer = await raw({
      body: JSON.stringify({ query: 'query($after: String) { customers(after: $after) { nodes { id } } }', variables: { after } }),
    });
    expect(answer.text).not.toMatch(TELLTALE);
    expect(after === '' ? [] : answer.codes).toEqual(after === '' ? [] : ['BAD_USER_INPUT']);
  });
});

describe('a variable that is right by itself is refused where it cannot stand, in the words of GraphQL', () => {
  it.each<[string, string, object, RegExp]>([
    ['in @include', 'query ($v: Boolean = true) { app { id } customers @include(if: $v) { nodes { id } } }', { v: null }, /"if"/],
    ['in @skip', 'query ($v: Boolean = true) { app { id } customers @skip(if: $v) { nodes { id } } }', { v: null }, /"if"/],
    ['in @include of a fragment', 'query ($v: Boolean = true) { app { id ... @include(if: $v) { name } } }', { v: null }, /"if"/],
    ['in @skip below a page', 'query ($v: Boolean = true) { customers { nodes { id email @skip(if: $v) } } }', { v: null }, /"if"/],
    ['in an argument', 'query ($v: ID = "cus_1") { customer(id: $v) { id } }', { v: null }, /"id" of non-null type "ID!" must not be null/],
    ['in node(id)', 'query ($v: ID = "cus_1") { app { id } node(id: $v) { id } }', { v: null }, /"id"/],
    [
      'in a list',
      'query ($v: PaymentStatus = SUCCEEDED) { payments(status: [$v]) { nodes { id } } }',
      { v: null },
      /"status" has invalid value/,
    ],
    [
      'in a list of a list',
      'query ($v: PaymentStatus = FAILED) { customers { nodes { payments(status: [$v]) { nodes { id } } } } }',
      { v: null },
      /"status"/,
    ],
    [
      'in an input',
      'mutation ($v: String = "a@example.com") { customerCreate(input: { email: $v }) { userErrors { code } } }',
      { v: null },
      /"input"/,
    ],
    [
      'in metadata',
      'mutation ($v: Int) { customerCreate(input: { email: "a@example.com", metadata: { key: $v } }) { userErrors { code } } }',
      { v: 1 },
      /"input" has invalid value/,
    ],
    [
      'as the whole input',
      'mutation ($v: WebhookEventReplayInput = { id: "a" }) { webhookEventReplay(input: $v) { userErrors { code } } }',
      { v: null },
      /"input"/,
    ],
  ])('%s, however often the right value was sent', async (_, query, wrong, words) => {
    for (const variables of [wrong, wrong, wrong]) {
      const answer = await raw({ body: JSON.stringify({ query, variables }) });
      expectRefusal(answer, 400, ['BAD_USER_INPUT']);
      expect(JSON.parse(answer.text)).toMatchObject({ errors: [{ message: expect.stringMatching(words) }] });
      if (query.startsWith('query')) expect((await raw({ body: JSON.stringify({ query }) })).codes).toEqual([]);
    }
  });

  it('but not where it is left out', async () => {
    const query = 'query ($v: ID = "cus_1", $yes: Boolean!) { app { id } customer(id: $v) @include(if: $yes) { id } }';
    expect(await raw({ body: JSON.stringify({ query, variables: { v: null, yes: false } }) })).toMatchObject({ status: 200, codes: [] });
    expectRefusal(await raw({ body: JSON.stringify({ query, variables: { v: null, yes: true } }) }), 400, ['BAD_USER_INPUT']);
  });
});

describe('a key called __proto__', () => {
  it.each([
    ['metadata', '{"email":"bob@example.com","metadata":{"__proto__":{"polluted":"yes"}}}'],
    ['the input', '{"email":"bob@example.com","__proto__":{"polluted":"yes"}}'],
    ['a constructor', '{"email":"bob@example.com","metadata":{"constructor":{"prototype":{"polluted":"yes"}}}}'],
  ])('in %s is refused, and changes no object', async (_, input) => {
    const body = `{"query":${JSON.stringify(print(ops.CustomerCreateDocument))},"variables":{"input":${input}}}`;
    expectRefusal(await raw({ body }), 400, ['BAD_REQUEST', 'BAD_USER_INPUT']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('in a document is refused where it is nested, and changes no object', async () => {
    const query =
      'mutation { customerCreate(input: { email: "bob@example.com", metadata: { __proto__: { polluted: "yes" } } }) { customer { id } } }';
    expectRefusal(await raw({ body: JSON.stringify({ query }) }), 400, ['GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('a request that is not GraphQL over HTTP', () => {
  const query = '{ app { id } }';
  const form = 'application/x-www-form-urlencoded';

  it.each([
    ['malformed GraphQL', { body: JSON.stringify({ query: '{ app { id }' }) }, 400, ['GRAPHQL_PARSE_FAILED']],
    ['an unknown field', { body: JSON.stringify({ query: '{ nonsense }' }) }, 400, ['GRAPHQL_VALIDATION_FAILED']],
    ['an unknown argument', { body: JSON.stringify({ query: '{ app(appId: "app-2") { id } }' }) }, 400, ['GRAPHQL_VALIDATION_FAILED']],
    ['an unknown operation', { body: JSON.stringify({ query, operationName: 'Other' }) }, 400, ['OPERATION_RESOLUTION_FAILURE']],
    ['no query', { body: '{}' }, 400, ['BAD_REQUEST']],
    ['a query that is no text', { body: '{"query":{}}' }, 400, ['BAD_REQUEST']],
    ['variables that are text', { body: JSON.stringify({ query, variables: '{}' }) }, 400, ['BAD_REQUEST']],
    ['broken JSON', { body: '{"query": "{ app' }, 400, ['BAD_REQUEST']],
    ['JSON that is no object', { body: '"query"' }, 400, ['BAD_REQUEST']],
    ['null', { body: 'null' }, 400, ['BAD_REQUEST']],
    ['an empty body', { body: '' }, 400, ['BAD_REQUEST']],
    ['a body that is not UTF-8', { body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) }, 400, ['BAD_REQUEST']],
    ['a list of operations', { body: JSON.stringify([{ query }, { query }]) }, 400, ['BAD_REQUEST']],
    ['an empty list', { body: '[]' }, 400, ['BAD_REQUEST']],
    ['text, as a page of another site could send it', { body: JSON.stringify({ query }), type: 'text/plain' }, 400, ['BAD_REQUEST']],
    ['a form', { body: `query=${encodeURIComponent(query)}`, type: form }, 415, ['UNSUPPORTED_MEDIA_TYPE']],
    ['a form of parts', { body: '--x--', type: 'multipart/form-data; boundary=x' }, 415, ['UNSUPPORTED_MEDIA_TYPE']],
    ['a content type that is none', { body: JSON.stringify({ query }), type: 'json' }, 415, ['UNSUPPORTED_MEDIA_TYPE']],
    ['a subscription', { body: JSON.stringify({ query: 'subscription { app { id } }' }) }, 400, ['GRAPHQL_VALIDATION_FAILED']],
  ])('%s', async (_, sent, status, codes) => {
    expectRefusal(await raw(sent), status, codes);
  });

  it('a mutation by GET', async () => {
    const mutation = 'mutation { customerCreate(input: { email: "bob@example.com" }) { customer { id } } }';
    const path = `/graphql?query=${encodeURIComponent(mutation)}`;
    for (const [name, value] of [
      ['accept', '*/*'],
      ['content-type', 'application/json'],
      ['apollo-require-preflight', '1'],
    ] as const) {
      const answer = await raw({ method: 'GET', path, headers: { [name]: value } });
      expect([400, 405]).toContain(answer.status);
      expect(answer.codes).toEqual(['BAD_REQUEST']);
    }
  });

  it('a query by GET that a page of another site could send', async () => {
    // It cannot send a credential along.
    const headers = { authorization: '' };
    expectRefusal(await raw({ method: 'GET', path: `/graphql?query=${encodeURIComponent(query)}`, headers }), 401, ['UNAUTHENTICATED']);
  });

  it.each([
    ['GET', '/'],
    ['GET', '/nowhere'],
    ['POST', '/GRAPHQL'],
    ['GET', '/graphql/explorer/../../package.json'],
    ['GET', '/%2e%2e/%2e%2e/etc/passwd'],
    ['GET', '/%ff'],
  ])('%s %s', async (method, path) => {
    const answer = await raw({ method, path, body: JSON.stringify({ query }) });
    expectRefusal(answer, path === '/%ff' ? 400 : 404, [path === '/%ff' ? 'BAD_REQUEST' : 'NOT_FOUND']);
  });

  it('a body of 10 MB', async () => {
    const body = JSON.stringify({ query, variables: { filler: 'x'.repeat(10_000_000) } });
    expectRefusal(await raw({ body }), 413, ['PAYLOAD_TOO_LARGE']);
  });

  it('a body of 10 MB in pieces, whose length nobody knows', async () => {
    const body = JSON.stringify({ query, variables: { filler: 'x'.repeat(10_000_000) } });
    expectRefusal(await raw({ body, isChunked: true }), 413, ['PAYLOAD_TOO_LARGE']);
  });

  it('a document nested thousands deep', async () => {
    const deep = `{ app { id } ${'... { '.repeat(14_000)}app { id }${' }'.repeat(14_000)} }`;
    const answer = await raw({ body: JSON.stringify({ query: deep }) });
    expect(answer.status).toBe(400);
    expect(answer.text).not.toMatch(TELLTALE);
  });

  it('JSON nested thousands deep', async () => {
    const deep = `${'['.repeat(60_000)}${']'.repeat(60_000)}`;
    const answer = await raw({ body: `{"query":"query($m: Metadata) { app { id } }","variables":{"m":${deep}}}` });
    expect(answer.status).toBe(400);
    expect(answer.text).not.toMatch(TELLTALE);
  });
});

interface Fault {
  readonly code: string;
  readonly message: string;
  readonly field: readonly string[] | null;
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string | Buffer;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isChunked?: boolean;
}

interface Received {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly codes: readonly unknown[];
}

/** Sends exactly this, as fetch would not, with the app's key; what came back. */
function raw({
  method = 'POST',
  path = '/graphql',
  body = '',
  type = 'application/json',
  headers,
  isChunked = false,
}: Sent): Promise<Received> {
  const { hostname, port } = new URL(world.url);
  const length = isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(Buffer.byteLength(body)) };
  const withBody = method === 'GET' ? {} : { 'content-type': type, ...length };
  const allHeaders = { authorization: `Bearer ${app.key}`, ...withBody, ...headers };
  return new Promise((resolve, reject) => {
    const sending = request({ hostname, port, method, path, headers: allHeaders }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const { errors = [] } = JSON.parse(text) as { errors?: { extensions?: { code?: unknown } }[] };
        const codes = errors.map((error) => error.extensions?.code);
        resolve({ status: response.statusCode ?? 0, type: String(response.headers['content-type']), text, codes });
      });
      response.on('error', reject);
    });
    sending.on('error', reject);
    sending.end(method === 'GET' ? undefined : body);
  });
}

function expectRefusal(answer: Received, status: number, codes: readonly string[]): void {
  expect(answer).toMatchObject({ status, type: expect.stringMatching(/^application\/(json|graphql-response\+json)/) });
  expect(answer.codes.length).toBeGreaterThan(0);
  for (const code of answer.codes) expect(codes).toContain(code);
  expect(answer.text).not.toMatch(TELLTALE);
  expect(JSON.parse(answer.text)).not.toHaveProperty('data');
}

function expectInvalid(
  userErrors: readonly { code: string; message: string; field: readonly string[] | null }[],
  field: readonly string[],
): void {
  expect(userErrors).toMatchObject([{ code: 'INVALID', field, message: expect.stringMatching(/^[^\n]{10,300}$/) }]);
  expect(JSON.stringify(userErrors)).not.toMatch(TELLTALE);
}

function writesSeen(): number {
  return world.sandbox.requests().filter((seen) => seen.method !== 'GET').length;
}
