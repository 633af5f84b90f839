import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, cut, refuse } from '../support/at-tilled.js';
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

async function create(input: ops.CustomerCreateInput) {
  return (await world.ask(app, ops.CustomerCreateDocument, { input })).customerCreate;
}

async function update(input: ops.CustomerUpdateInput) {
  return (await world.ask(app, ops.CustomerUpdateDocument, { input })).customerUpdate;
}

async function remove(id: string) {
  return (await world.ask(app, ops.CustomerDeleteDocument, { input: { id } })).customerDelete;
}

async function read(id: string) {
  return (await world.ask(app, ops.CustomerDocument, { id })).customer;
}

describe('customerCreate', () => {
  it('stores the address in lower case, and finds it in any case', async () => {
    const made = await create({ email: 'Ann.Lee@Example.COM' });
    expect(made).toMatchObject({ customer: { email: 'ann.lee@example.com' }, userErrors: [], replayed: false });
    const { customers } = await world.ask(app, ops.CustomersDocument, { email: 'ANN.lee@example.com' });
    expect(customers.nodes.map((customer) => customer.id)).toEqual([made.customer?.id]);
  });

  it('takes off the blanks around every text, here, at Tilled and where it is looked for', async () => {
    const given = {
      email: ' Ann@Example.com ',
      name: '  Ann Lee\u00a0',
      externalId: 'user-1',
      metadata: { ' tier ': ' gold ', rest: 'a  b\nc' },
    };
    const { customer } = await create(given);
    expect(customer).toMatchObject({ email: 'ann@example.com', name: 'Ann Lee', externalId: 'user-1' });
    expect(customer?.metadata).toEqual({ tier: 'gold', rest: 'a  b\nc' });
    expect(await atTilled(world, app, 'customers')).toMatchObject([{ email: 'ann@example.com', first_name: 'Ann', last_name: 'Lee' }]);
    const { customerByExternalId } = await world.ask(app, ops.CustomerByExternalIdDocument, { externalId: ' user-1' });
    expect(customerByExternalId?.id).toBe(customer?.id);
    expect((await create(given)).userErrors).toMatchObject([{ code: 'DUPLICATE_EXTERNAL_ID' }]);
  });

  it('makes exactly one customer at Tilled, marked with our id', async () => {
    const { customer } = await create({ email: 'ann@example.com', name: 'Ann van Lee' });
    expect(await atTilled(world, app, 'customers')).toMatchObject([
      { email: 'ann@example.com', first_name: 'Ann', last_name: 'van Lee', metadata: { billing_app_id: app.id, billing_id: customer?.id } },
    ]);
  });

  it('allows two customers with one address', async () => {
    const first = await create({ email: 'ann@example.com' });
    const second = await create({ email: 'ann@example.com' });
    expect(second.userErrors).toEqual([]);
    expect(second.customer?.id).not.toBe(first.customer?.id);
  });

  it('makes one customer of ten concurrent requests with one external id', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => create({ email: 'ann@example.com', externalId: 'user-1' })));
    expect(answers.filter((answer) => answer.userErrors.length === 0)).toHaveLength(1);
    expect(answers.flatMap((answer) => answer.userErrors.map((error) => error.code))).toEqual(Array(9).fill('DUPLICATE_EXTERNAL_ID'));
    expect(await world.rows('billing_customers', app)).toHaveLength(1);
    expect(await atTilled(world, app, 'customers')).toHaveLength(1);
  });

  it('lets two apps use the same external id', async () => {
    await create({ email: 'ann@example.com', externalId: 'user-1' });
    const other = await world.app();
    const made = await world.customer(other, { externalId: 'user-1' });
    expect(made.externalId).toBe('user-1');
  });
});

describe('customerCreate DUPLICATE_EXTERNAL_ID', () => {
  it('names the field, and leaves the first customer as it was', async () => {
    const first = await create({ email: 'ann@example.com', externalId: 'user-1' });
    const second = await create({ email: 'bob@example.com', externalId: 'user-1' });
    expect(second).toMatchObject({ customer: null, userErrors: [{ code: 'DUPLICATE_EXTERNAL_ID', field: ['externalId'] }] });
    const { customerByExternalId } = await world.ask(app, ops.CustomerByExternalIdDocument, { externalId: 'user-1' });
    expect(customerByExternalId).toMatchObject({ id: first.customer?.id, email: 'ann@example.com' });
  });
});

describe('customerCreate INVALID', () => {
  it.each([
    ['an address without @', { email: 'ann.example.com' }, ['email']],
    ['an empty name', { email: 'ann@example.com', name: '' }, ['name']],
    ['an empty external id', { email: 'ann@example.com', externalId: '' }, ['externalId']],
    ['an external id of 256 characters', { email: 'ann@example.com', externalId: 'x'.repeat(256) }, ['externalId']],
  ])('refuses %s, stores nothing and asks Tilled nothing', async (_, input, field) => {
    expect(await create(input)).toMatchObject({ customer: null, userErrors: [{ code: 'INVALID', field }] });
    expect(await world.rows('billing_customers', app)).toEqual([]);
    expect(await atTilled(world, app, 'customers')).toEqual([]);
  });
});

describe('customerCreate, refused by the processor', () => {
  it('leaves no customer behind, so that the external id is free for a corrected request', async () => {
    await refuse(world, 'POST /v1/customers', 400, { body: { statusCode: 400, message: ['email must be an email'] } });
    const refused = await create({ email: 'ann@example.com', externalId: 'user-1' });
    expect(refused).toMatchObject({ customer: null, userErrors: [{ code: 'INVALID', field: ['email'] }] });
    expect(await world.rows('billing_customers', app)).toEqual([]);
    const corrected = await create({ email: 'ann@example.org', externalId: 'user-1' });
    expect(corrected).toMatchObject({ customer: { externalId: 'user-1' }, userErrors: [] });
  });
});

describe('customerUpdate', () => {
  it('takes metadata that a document writes with variables in it', async () => {
    const query =
      'mutation ($tier: String) { customerCreate(input: { email: "ann@example.com", metadata: { tier: $tier, region: "eu" } }) { customer { metadata } } }';
    const answer = await world.post({ query, variables: { tier: 'gold' } }, { credential: app.key });
    expect(answer).toMatchObject({ data: { customerCreate: { customer: { metadata: { tier: 'gold', region: 'eu' } } } }, errors: [] });
  });

  it('changes what is given, keeps the rest, and merges metadata key by key', async () => {
    const customer = await world.customer(app, { name: 'Ann', metadata: { tier: 'gold', region: 'eu' } });
    const changed = await update({ id: customer.id, email: 'Ann@example.org', metadata: { tier: null, seats: '3' } });
    expect(changed).toMatchObject({
      customer: { email: 'ann@example.org', name: 'Ann', metadata: { region: 'eu', seats: '3' }, version: customer.version + 1 },
      userErrors: [],
    });
    expect(changed.customer?.metadata).toEqual({ region: 'eu', seats: '3' });
    expect(await atTilled(world, app, 'customers')).toMatchObject([{ email: 'ann@example.org', first_name: 'Ann' }]);
  });

  it('removes the name when it is null, at Tilled too', async () => {
    const customer = await world.customer(app, { name: 'Ann Lee' });
    expect(await update({ id: customer.id, name: null })).toMatchObject({ customer: { name: null } });
    expect(await atTilled(world, app, 'customers')).toMatchObject([{ first_name: null, last_name: null }]);
  });

  it('is carried to Tilled later when Tilled fails now', async () => {
    const customer = await world.customer(app);
    await refuse(world, 'PATCH /v1/customers/:id', 503);
    expect(await update({ id: customer.id, email: 'new@example.com' })).toMatchObject({
      customer: { email: 'new@example.com' },
      userErrors: [],
    });
    expect(await atTilled(world, app, 'customers')).toMatchObject([{ email: 'ann@example.com' }]);
    await world.advance({ ms: 120_000 });
    expect(await atTilled(world, app, 'customers')).toMatchObject([{ email: 'new@example.com' }]);
    // Once more when the first is dead: a 503 does not say that it was not carried out.
    await world.advance({ ms: 600_000 });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });

  it('leaves the newest of ten concurrent changes at Tilled too', async () => {
    const customer = await world.customer(app);
    await Promise.all(Array.from({ length: 10 }, (_, index) => update({ id: customer.id, email: `ann${index}@example.com` })));
    await world.settle();
    const row = await read(customer.id);
    expect(row?.version).toBe(customer.version + 10);
    expect(await atTilled(world, app, 'customers')).toMatchObject([{ email: row?.email }]);
  });

  it('answers NOT_FOUND for an id nobody has', async () => {
    expect(await update({ id: 'cus_00000000000000000000000000', name: 'X' })).toMatchObject({
      customer: null,
      userErrors: [{ code: 'NOT_FOUND', field: ['id'] }],
    });
  });
});

describe('customerUpdate STALE_VERSION', () => {
  it('refuses the second of two changes made from one reading', async () => {
    const { id, version } = await world.customer(app);
    const answers = await Promise.all([
      update({ id, name: 'First', expectedVersion: version }),
      update({ id, name: 'Second', expectedVersion: version }),
    ]);
    expect(answers.flatMap((answer) => answer.userErrors)).toMatchObject([{ code: 'STALE_VERSION', field: ['expectedVersion'] }]);
    expect((await read(id))?.version).toBe(version + 1);
  });
});

describe('a customer whom somebody deleted at Tilled', () => {
  async function missing() {
    const { customer, card } = await world.payer(app);
    const [known] = await atTilled(world, app, 'customers');
    await world.tilled(app, 'DELETE', `/v1/customers/${known?.id}`);
    await world.settle();
    return { id: customer.id, cardId: card.id };
  }
  const conflict = (field: string) => ({
    userErrors: [{ code: 'CONFLICT', field: [field], message: expect.stringContaining('recreate') }],
  });

  it('is shown as missing, and neither a change nor a card is taken for them', async () => {
    const { id } = await missing();
    expect(await read(id)).toMatchObject({ missingSince: expect.any(String) });
    expect(await update({ id, name: 'Ann Lee' })).toMatchObject({ customer: null, ...conflict('id') });
    expect((await read(id))?.name).toBeNull();
    const tilledPaymentMethodId = await world.newCard(app);
    const { paymentMethodAttach } = await world.ask(app, ops.PaymentMethodAttachDocument, {
      input: { customerId: id, tilledPaymentMethodId },
    });
    expect(paymentMethodAttach).toMatchObject({ paymentMethod: null, ...conflict('customerId') });
  });

  it('is found out by a change too, whose event never came', async () => {
    const { id } = await world.customer(app);
    const [known] = await atTilled(world, app, 'customers');
    await world.holdDeliveries();
    await world.tilled(app, 'DELETE', `/v1/customers/${known?.id}`);
    expect(await update({ id, name: 'Ann Lee' })).toMatchObject({ customer: { missingSince: expect.any(String) } });
    await world.resumeDeliveries();
    await world.settle();
  });

  it('is made anew by customerUpdate with recreate, once, with its changes, and may have cards again', async () => {
    const { id } = await missing();
    const version = (await read(id))?.version ?? 0;
    const made = await update({ id, name: 'Ann Lee', recreate: true, expectedVersion: version });
    expect(made).toMatchObject({ customer: { id, name: 'Ann Lee', missingSince: null }, userErrors: [] });
    expect(await update({ id, recreate: true })).toMatchObject({ userErrors: [] });
    await world.settle();
    const anew = await atTilled(world, app, 'customers');
    expect(anew).toMatchObject([{ first_name: 'Ann', last_name: 'Lee', metadata: { billing_id: id } }]);
    expect(await world.card(app, id)).toMatchObject({ isDefault: true });
    expect((await world.payment(app, id)).status).toBe('SUCCEEDED');
  });

  it('is made anew by itself when Tilled did not answer, and stays missing when it refuses', async () => {
    const { id } = await missing();
    await refuse(world, 'POST /v1/customers', 400, { body: { statusCode: 400, message: ['no'] } });
    expect(await update({ id, recreate: true })).toMatchObject({ userErrors: [{ code: 'PROCESSOR_REJECTED' }] });
    expect(await read(id)).toMatchObject({ missingSince: expect.any(String) });
    await refuse(world, 'POST /v1/customers', 429);
    expect(await update({ id, recreate: true })).toMatchObject({ userErrors: [{ code: 'PROCESSOR_UNAVAILABLE' }] });
    expect(await read(id)).toMatchObject({ missingSince: expect.any(String) });
    await cut(world, 'POST /v1/customers', 'after');
    expect(await update({ id, recreate: true })).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await world.advance({ ms: 600_000 });
    expect(await read(id)).toMatchObject({ missingSince: null });
    expect(await atTilled(world, app, 'customers')).toHaveLength(1);
  });

  it('is let go by customerDelete', async () => {
    const { id } = await missing();
    expect(await remove(id)).toMatchObject({ userErrors: [] });
    expect(await read(id)).toBeNull();
  });
});

describe('customerDelete', () => {
  it('removes personal data here and at Tilled, and keeps the payments', async () => {
    const { id } = await world.customer(app, {
      email: 'ann@example.com',
      name: 'Ann Lee',
      externalId: 'user-1',
      metadata: { tier: 'gold' },
    });
    await world.card(app, id);
    const payment = await world.payment(app, id);
    expect(await remove(id)).toMatchObject({ userErrors: [] });
    await world.settle();
    const [row] = await world.rows('billing_customers', app);
    expect(JSON.stringify(row)).not.toMatch(/ann|lee|user-1|gold/i);
    expect(await atTilled(world, app, 'customers')).toEqual([]);
    expect((await world.ask(app, ops.PaymentDocument, { id: payment.id })).payment).toMatchObject({
      status: 'SUCCEEDED',
      customer: { id },
    });
  });

  it('hides the customer from every way of reading it', async () => {
    const { id } = await world.customer(app, { externalId: 'user-1' });
    await remove(id);
    expect(await read(id)).toBeNull();
    expect((await world.ask(app, ops.NodeDocument, { id })).node).toBeNull();
    expect((await world.ask(app, ops.CustomerByExternalIdDocument, { externalId: 'user-1' })).customerByExternalId).toBeNull();
    expect((await world.ask(app, ops.CustomersDocument, {})).customers).toMatchObject({ nodes: [], totalCount: 0 });
  });

  it('detaches the payment methods, here and at Tilled', async () => {
    const { customer } = await world.payer(app);
    await remove(customer.id);
    expect(await world.rows('billing_payment_methods', app)).toMatchObject([{ default_of: null, detached_at: expect.anything() }]);
    expect(await atTilled(world, app, 'payment_methods')).toMatchObject([{ customer_id: null }]);
  });

  it('frees the external id', async () => {
    const first = await world.customer(app, { externalId: 'user-1' });
    await remove(first.id);
    const second = await create({ email: 'ann@example.com', externalId: 'user-1' });
    expect(second.userErrors).toEqual([]);
    expect(second.customer?.id).not.toBe(first.id);
  });

  it('refuses every change afterwards with NOT_FOUND', async () => {
    const { id } = await world.customer(app);
    await remove(id);
    const notFound = { userErrors: [{ code: 'NOT_FOUND' }] };
    expect(await update({ id, name: 'X' })).toMatchObject(notFound);
    expect(await remove(id)).toMatchObject(notFound);
    const amount = { amountMinor: 100, currency: 'usd' };
    const { paymentCreate } = await world.ask(app, ops.PaymentCreateDocument, { input: { customerId: id, amount } });
    expect(paymentCreate).toMatchObject({ payment: null, ...notFound });
  });

  it('is finished by itself when Tilled does not answer', async () => {
    const { id } = await world.customer(app);
    await cut(world, 'DELETE /v1/customers/:id', 'after');
    expect(await remove(id)).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await world.advance({ ms: 60_000 });
    expect(await read(id)).toBeNull();
    expect(await atTilled(world, app, 'customers')).toEqual([]);
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('customerDelete CONFLICT', () => {
  it('keeps a customer whose subscription is live, until it is canceled', async () => {
    const { customer } = await world.payer(app);
    const subscription = await world.subscription(app, customer.id);
    expect(await remove(customer.id)).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
    expect((await read(customer.id))?.email).toBe('ann@example.com');
    await world.ask(app, ops.SubscriptionCancelDocument, { input: { id: subscription.id, mode: 'IMMEDIATELY' } });
    expect(await remove(customer.id)).toMatchObject({ userErrors: [] });
  });
});
