import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newBankAccount } from '../support/at-tilled.js';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let customerId: string;
/** A US bank account, a Canadian one and a card of one customer. */
let methods: Record<'ach' | 'eft' | 'card', string>;

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
  const { customer, card } = await world.payer(app);
  customerId = customer.id;
  const eft = { account_holder_name: 'Ann Lee', account_number: '1234567', institution_id: '003', transit_number: '12345' };
  const { id: eftId } = (await world.tilled(app, 'POST', '/v1/payment-methods', { type: 'eft_debit', eft_debit: eft })) as { id: string };
  const attached = (tilledPaymentMethodId: string) => world.card(app, customerId, { tilledPaymentMethodId });
  methods = { card: card.id, ach: (await attached(await newBankAccount(world, app))).id, eft: (await attached(eftId)).id };
});
afterAll(() => world.close());

describe('a bank debit', () => {
  it.each([
    ['ach', 'eur'],
    ['ach', 'jpy'],
    ['ach', 'cad'],
    ['eft', 'usd'],
    ['eft', 'eur'],
  ] as const)('by %s in %s is refused before anything is asked of Tilled', async (kind, currency) => {
    const before = world.sandbox.requests().length;
    const input = { customerId, paymentMethodId: methods[kind] };
    const { paymentCreate } = await world.ask(app, ops.PaymentCreateDocument, {
      input: { ...input, amount: { amountMinor: 5_000, currency } },
    });
    expect(paymentCreate).toMatchObject({ payment: null, userErrors: [{ code: 'INVALID', field: ['amount', 'currency'] }] });
    const price = { amountMinor: 5_000, currency };
    const { subscriptionCreate } = await world.ask(app, ops.SubscriptionCreateDocument, { input: { ...input, price } });
    expect(subscriptionCreate).toMatchObject({ subscription: null, userErrors: [{ code: 'INVALID', field: ['price', 'currency'] }] });
    expect(world.sandbox.requests().length).toBe(before);
  });

  it.each([
    ['ach', 'usd', 'PROCESSING'],
    ['eft', 'cad', 'PROCESSING'],
    ['card', 'eur', 'SUCCEEDED'],
  ] as const)('by %s in %s is taken', async (kind, currency, status) => {
    const payment = await world.payment(app, customerId, { paymentMethodId: methods[kind], amount: { amountMinor: 5_000, currency } });
    expect(payment.status).toBe(status);
  });

  it('takes over no subscription in another currency', async () => {
    const { id } = await world.subscription(app, customerId, {
      paymentMethodId: methods.card,
      price: { amountMinor: 900, currency: 'eur' },
    });
    const update = async (paymentMethodId: string) =>
      (await world.ask(app, ops.SubscriptionUpdateDocument, { input: { id, paymentMethodId } })).subscriptionUpdate.userErrors;
    expect(await update(methods.ach)).toMatchObject([{ code: 'INVALID', field: ['paymentMethodId'] }]);
    expect(await update(methods.eft)).toMatchObject([{ code: 'INVALID', field: ['paymentMethodId'] }]);
    expect(await update(methods.card)).toEqual([]);
  });
});
