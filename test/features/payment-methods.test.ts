import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { atTilled, cut, newBankAccount } from '../support/at-tilled.js';
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

async function attach(input: ops.PaymentMethodAttachInput) {
  return (await world.ask(app, ops.PaymentMethodAttachDocument, { input })).paymentMethodAttach;
}

async function detach(id: string) {
  return (await world.ask(app, ops.PaymentMethodDetachDocument, { input: { id } })).paymentMethodDetach;
}

async function setDefault(id: string) {
  return (await world.ask(app, ops.PaymentMethodSetDefaultDocument, { input: { id } })).paymentMethodSetDefault;
}

async function customerWithMethods(id: string) {
  return (await world.ask(app, ops.CustomerDocument, { id })).customer;
}

/** The one default of a customer by the rows; throws unless it is exactly one. */
async function onlyDefault(): Promise<unknown> {
  const defaults = (await world.rows('billing_payment_methods', app)).filter((row) => row.default_of !== null);
  if (defaults.length !== 1) throw new Error(`There are ${defaults.length} defaults.`);
  return defaults[0]?.id;
}

/** A card of a customer that may be used until the end of a month. */
async function cardUntil(customerId: string, month: number, year: number) {
  const billing = { name: 'Ann Lee', address: { street: '1 Main St', zip: '12345', country: 'US' } };
  const card = { number: '4111111111111111', exp_month: month, exp_year: year, cvc: '123' };
  const made = await world.tilled(app, 'POST', '/v1/payment-methods', { type: 'card', card, billing_details: billing });
  return world.card(app, customerId, { tilledPaymentMethodId: (made as { id: string }).id });
}

describe('paymentMethodAttach', () => {
  it('keeps only masked facts of a card', async () => {
    const customer = await world.customer(app);
    const card = await world.card(app, customer.id, { tilledPaymentMethodId: await world.newCard(app, '5555555555554444') });
    expect(card).toMatchObject({ type: 'CARD', brand: 'mastercard', last4: '4444', expMonth: 12, expYear: 2031, bankName: null });
    expect(JSON.stringify(await world.rows('billing_payment_methods', app))).not.toContain('5555555555554444');
  });

  it('keeps the bank and last digits of a bank account', async () => {
    const customer = await world.customer(app);
    const account = await world.card(app, customer.id, { tilledPaymentMethodId: await newBankAccount(world, app) });
    expect(account).toMatchObject({ type: 'ACH_DEBIT', bankName: 'BANK OF AMERICA', bankLast: '90', brand: null, last4: null });
  });

  it('makes the first method the default and leaves it so when a second comes', async () => {
    const { customer, card } = await world.payer(app);
    const second = await world.card(app, customer.id);
    expect(second.isDefault).toBe(false);
    expect((await customerWithMethods(customer.id))?.defaultPaymentMethod?.id).toBe(card.id);
    expect((await customerWithMethods(customer.id))?.paymentMethods.map((method) => method.id)).toEqual([card.id, second.id]);
  });

  it('makes a method the default when it is attached with setAsDefault', async () => {
    const { customer } = await world.payer(app);
    const second = await world.card(app, customer.id, { setAsDefault: true });
    expect(second.isDefault).toBe(true);
    expect(await onlyDefault()).toBe(second.id);
  });

  it('answers the same method when it is attached to the same customer again', async () => {
    const customer = await world.customer(app);
    const tilledPaymentMethodId = await world.newCard(app);
    const first = await attach({ customerId: customer.id, tilledPaymentMethodId });
    const again = await attach({ customerId: customer.id, tilledPaymentMethodId });
    expect(again).toMatchObject({ paymentMethod: { id: first.paymentMethod?.id }, userErrors: [] });
    expect(await world.rows('billing_payment_methods', app)).toHaveLength(1);
  });

  it('leaves exactly one default of ten concurrent attachments', async () => {
    const customer = await world.customer(app);
    const cards = await Promise.all(Array.from({ length: 10 }, () => world.newCard(app)));
    const answers = await Promise.all(
      cards.map((tilledPaymentMethodId, index) =>
        attach({ customerId: customer.id, tilledPaymentMethodId, setAsDefault: index % 2 === 0 }),
      ),
    );
    expect(answers.flatMap((answer) => answer.userErrors)).toEqual([]);
    expect(await world.rows('billing_payment_methods', app)).toHaveLength(10);
    expect(await onlyDefault()).toBe((await customerWithMethods(customer.id))?.defaultPaymentMethod?.id);
  });

  it('attaches once when ten requests attach one card at the same time', async () => {
    const customer = await world.customer(app);
    const tilledPaymentMethodId = await world.newCard(app);
    const answers = await Promise.all(Array.from({ length: 10 }, () => attach({ customerId: customer.id, tilledPaymentMethodId })));
    const codes = answers.flatMap((answer) => answer.userErrors.map((error) => error.code));
    expect(codes.every((code) => code === 'CONFLICT')).toBe(true);
    expect(answers.some((answer) => answer.paymentMethod !== null)).toBe(true);
    await world.settle();
    expect(await world.rows('billing_payment_methods', app)).toHaveLength(1);
  });

  it('makes one row when the webhook and the answer of an attachment are recorded at the same time', async () => {
    const customer = await world.customer(app);
    const cards = await Promise.all(Array.from({ length: 10 }, () => world.newCard(app)));
    world.gateway.worker.start();
    const answers = await Promise.all(cards.map((tilledPaymentMethodId) => attach({ customerId: customer.id, tilledPaymentMethodId })));
    await world.gateway.worker.stop();
    await world.settle();
    expect(answers.flatMap((answer) => answer.userErrors)).toEqual([]);
    expect(await world.rows('billing_payment_methods', app)).toHaveLength(10);
    await onlyDefault();
  });

  it('appears when somebody attaches a method at Tilled by hand', async () => {
    const customer = await world.customer(app);
    const [atHand] = await atTilled(world, app, 'customers');
    await world.tilled(app, 'PUT', `/v1/payment-methods/${await world.newCard(app)}/attach`, { customer_id: atHand?.id });
    await world.settle();
    expect((await customerWithMethods(customer.id))?.defaultPaymentMethod).toMatchObject({ last4: '1111', isDefault: true });
  });

  it('happened once when the connection breaks after Tilled attached: OUTCOME_UNKNOWN first, the method by itself later', async () => {
    const customer = await world.customer(app);
    await cut(world, 'PUT /v1/payment-methods/:id/attach', 'after');
    const input = { customerId: customer.id, tilledPaymentMethodId: await world.newCard(app), idempotencyKey: 'attach-1' };
    expect(await attach(input)).toMatchObject({ userErrors: [{ code: 'OUTCOME_UNKNOWN' }] });
    await world.advance({ ms: 10_000 });
    expect((await customerWithMethods(customer.id))?.paymentMethods).toHaveLength(1);
    expect(await attach(input)).toMatchObject({ paymentMethod: { isDefault: true }, userErrors: [], replayed: true });
    expect(await world.rows('billing_jobs', app)).toEqual([]);
  });
});

describe('paymentMethodAttach, refused by the processor', () => {
  it('refuses a card that belongs to another customer, who keeps it', async () => {
    const [ann, bob] = [await world.customer(app), await world.customer(app)];
    const tilledPaymentMethodId = await world.newCard(app);
    await attach({ customerId: ann.id, tilledPaymentMethodId });
    expect(await attach({ customerId: bob.id, tilledPaymentMethodId })).toMatchObject({
      userErrors: [{ code: 'NOT_FOUND', field: ['tilledPaymentMethodId'] }],
    });
    expect((await customerWithMethods(ann.id))?.paymentMethods).toHaveLength(1);
    expect((await customerWithMethods(bob.id))?.paymentMethods).toEqual([]);
  });

  it("does not show a card of another customer in the refusal's payload", async () => {
    const [ann, bob] = [await world.customer(app), await world.customer(app)];
    const tilledPaymentMethodId = await world.newCard(app);
    await attach({ customerId: ann.id, tilledPaymentMethodId });
    expect((await attach({ customerId: bob.id, tilledPaymentMethodId })).paymentMethod).toBeNull();
  });

  it('refuses a card that waited longer than Tilled keeps it', async () => {
    const customer = await world.customer(app);
    const tilledPaymentMethodId = await world.newCard(app);
    await world.advance({ ms: 16 * 60_000 });
    expect(await attach({ customerId: customer.id, tilledPaymentMethodId })).toMatchObject({
      paymentMethod: null,
      userErrors: [{ code: 'PROCESSOR_REJECTED', field: ['tilledPaymentMethodId'] }],
    });
    expect(await world.rows('billing_payment_methods', app)).toEqual([]);
  });

  it('refuses an id that Tilled does not know', async () => {
    const customer = await world.customer(app);
    const answer = await attach({ customerId: customer.id, tilledPaymentMethodId: 'pm_nobody' });
    expect(answer).toMatchObject({ paymentMethod: null, userErrors: [{ code: 'NOT_FOUND', field: ['tilledPaymentMethodId'] }] });
  });
});

describe('paymentMethodAttach INVALID', () => {
  it.each(['tok_123', '', 'pm_', 'pm_../customers'])('refuses %j as an id', async (tilledPaymentMethodId) => {
    const customer = await world.customer(app);
    const answer = await attach({ customerId: customer.id, tilledPaymentMethodId });
    expect(answer).toMatchObject({ paymentMethod: null, userErrors: [{ code: 'INVALID', field: ['tilledPaymentMethodId'] }] });
    expect(world.sandbox.requests(`* /v1/payment-methods/${tilledPaymentMethodId}/attach`)).toEqual([]);
  });
});

describe('paymentMethodSetDefault', () => {
  it('moves the default, and is the same when repeated', async () => {
    const { customer } = await world.payer(app);
    const second = await world.card(app, customer.id);
    expect(await setDefault(second.id)).toMatchObject({ paymentMethod: { id: second.id, isDefault: true }, userErrors: [] });
    expect(await setDefault(second.id)).toMatchObject({ paymentMethod: { isDefault: true }, userErrors: [] });
    expect(await onlyDefault()).toBe(second.id);
  });

  it('decides which card the next payment takes', async () => {
    const { customer } = await world.payer(app);
    const second = await world.card(app, customer.id);
    await setDefault(second.id);
    expect((await world.payment(app, customer.id)).paymentMethod?.id).toBe(second.id);
  });

  it('leaves exactly one default of ten concurrent changes', async () => {
    const { customer, card } = await world.payer(app);
    const second = await world.card(app, customer.id);
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => setDefault(index % 2 === 0 ? card.id : second.id)));
    expect(answers.flatMap((answer) => answer.userErrors)).toEqual([]);
    expect([card.id, second.id]).toContain(await onlyDefault());
  });

  it('refuses a detached method with ILLEGAL_TRANSITION', async () => {
    const { customer, card } = await world.payer(app);
    await world.card(app, customer.id);
    await detach(card.id);
    expect(await setDefault(card.id)).toMatchObject({ paymentMethod: null, userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
  });
});

describe('paymentMethodDetach', () => {
  it('hands the default to the newest other method', async () => {
    const { customer, card } = await world.payer(app);
    await world.card(app, customer.id);
    const newest = await world.card(app, customer.id);
    expect(await detach(card.id)).toMatchObject({ paymentMethod: { isDefault: false, detachedAt: expect.any(String) }, userErrors: [] });
    expect(await onlyDefault()).toBe(newest.id);
  });

  it('hands the default to the newest that has not expired, at the end of its month', async () => {
    const [last, first] = ['2026-03-31T23:59:59.999Z', '2026-04-01T00:00:00.000Z'].map((time) => new Date(time).getTime());
    const customer = await world.customer(app);
    const early = await cardUntil(customer.id, 12, 2035);
    const march = await cardUntil(customer.id, 3, 2026);
    const chosen = await cardUntil(customer.id, 12, 2034);
    await setDefault(chosen.id);
    await world.advance({ ms: Number(last) - world.sandbox.now().getTime() });
    await detach(chosen.id);
    expect(await onlyDefault()).toBe(march.id);
    await setDefault(early.id);
    const another = await cardUntil(customer.id, 1, 2030);
    await setDefault(another.id);
    await world.advance({ ms: Number(first) - world.sandbox.now().getTime() });
    await detach(another.id);
    expect(await onlyDefault()).toBe(early.id);
    // Nothing better is left.
    await detach(early.id);
    expect(await onlyDefault()).toBe(march.id);
  });

  it('hands the default to none that is being detached, if another stays', async () => {
    const { customer, card } = await world.payer(app);
    const staying = await world.card(app, customer.id);
    const leaving = await world.card(app, customer.id);
    await cut(world, 'PUT /v1/payment-methods/:id/detach', 'before');
    await detach(leaving.id);
    await detach(card.id);
    expect(await onlyDefault()).toBe(staying.id);
    await world.advance({ ms: 60_000 });
    expect(await onlyDefault()).toBe(staying.id);
  });

  it('leaves a customer without methods and without a default', async () => {
    const { customer, card } = await world.payer(app);
    await detach(card.id);
    expect(await customerWithMethods(customer.id)).toMatchObject({ defaultPaymentMethod: null, paymentMethods: [] });
    expect(await atTilled(world, app, 'payment_methods')).toMatchObject([{ customer_id: null }]);
  });

  it('leaves exactly one default when the default is detached while another is attached', async () => {
    const { customer, card } = await world.payer(app);
    const tilledPaymentMethodId = await world.newCard(app);
    await Promise.all([detach(card.id), attach({ customerId: customer.id, tilledPaymentMethodId })]);
    await world.settle();
    expect(await onlyDefault()).toBe((await customerWithMethods(customer.id))?.paymentMethods[0]?.id);
  });

  it('is seen when somebody detaches at Tilled by hand, and hands the default on', async () => {
    const { customer, card } = await world.payer(app);
    const second = await world.card(app, customer.id);
    const row = (await world.rows('billing_payment_methods', app)).find((method) => method.id === card.id);
    await world.tilled(app, 'PUT', `/v1/payment-methods/${row?.tilled_payment_method_id}/detach`);
    await world.settle();
    expect((await customerWithMethods(customer.id))?.paymentMethods.map((method) => method.id)).toEqual([second.id]);
    expect(await onlyDefault()).toBe(second.id);
  });

  it('refuses to detach twice with ILLEGAL_TRANSITION', async () => {
    const { card } = await world.payer(app);
    await detach(card.id);
    expect(await detach(card.id)).toMatchObject({ userErrors: [{ code: 'ILLEGAL_TRANSITION' }] });
  });

  it('refuses to attach a detached method again with ILLEGAL_TRANSITION', async () => {
    const customer = await world.customer(app);
    const tilledPaymentMethodId = await world.newCard(app);
    const { paymentMethod } = await attach({ customerId: customer.id, tilledPaymentMethodId });
    await detach(paymentMethod?.id ?? '');
    expect(await attach({ customerId: customer.id, tilledPaymentMethodId })).toMatchObject({
      userErrors: [{ code: 'ILLEGAL_TRANSITION' }],
    });
  });
});

describe('paymentMethodDetach PAYMENT_METHOD_IN_USE', () => {
  it('keeps a method that a live subscription is paid with, until the subscription has another', async () => {
    const { customer, card } = await world.payer(app);
    const subscription = await world.subscription(app, customer.id);
    expect(await detach(card.id)).toMatchObject({ userErrors: [{ code: 'PAYMENT_METHOD_IN_USE', field: ['id'] }] });
    expect(await atTilled(world, app, 'payment_methods')).toMatchObject([{ customer_id: expect.any(String) }]);
    const second = await world.card(app, customer.id);
    await world.ask(app, ops.SubscriptionUpdateDocument, { input: { id: subscription.id, paymentMethodId: second.id } });
    expect(await detach(card.id)).toMatchObject({ userErrors: [] });
  });
});
