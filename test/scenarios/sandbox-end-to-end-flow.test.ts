import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

/** The launch checklist, phase 2, "Sandbox end-to-end flow tested". */
describe('Sandbox end-to-end flow', () => {
  let world: World;
  let app: TestApp;
  let customerId: string;
  let subscriptionId: string;
  let paymentId: string;

  beforeAll(async () => {
    world = await World.create();
    app = await world.app();
  });
  afterAll(() => world.close());

  it('creates a customer, here and at Tilled', async () => {
    const customer = await world.customer(app, {
      email: 'Ann@Example.com',
      name: 'Ann Lee',
      externalId: 'user-7',
      metadata: { tier: 'gold' },
    });
    customerId = customer.id;
    expect(customer).toMatchObject({
      id: expect.stringMatching(/^cus_/),
      email: 'ann@example.com',
      externalId: 'user-7',
      metadata: { tier: 'gold' },
    });
    const [row] = await world.rows('billing_customers', app);
    expect(await world.tilled(app, 'GET', `/v1/customers/${row?.tilled_customer_id}`)).toMatchObject({
      email: 'ann@example.com',
      first_name: 'Ann',
      last_name: 'Lee',
    });
  });

  it('adds a card, which becomes the default', async () => {
    const card = await world.card(app, customerId);
    expect(card).toMatchObject({ type: 'CARD', brand: 'visa', last4: '1111', isDefault: true, detachedAt: null });
    const { customer } = await world.ask(app, ops.CustomerDocument, { id: customerId });
    expect(customer?.defaultPaymentMethod?.id).toBe(card.id);
  });

  it('creates a subscription that is pending until its first payment', async () => {
    const subscription = await world.subscription(app, customerId, { planCode: 'pro', planName: 'Pro' });
    subscriptionId = subscription.id;
    expect(subscription).toMatchObject({
      status: 'PENDING',
      planCode: 'pro',
      price: { amountMinor: 1_990, currency: 'usd', decimal: '19.90' },
    });
  });

  it('hears by webhook of the payment that Tilled takes when its time comes', async () => {
    await world.advance({ ms: 3_600_000 });
    const { subscription } = await world.ask(app, ops.SubscriptionDocument, { id: subscriptionId });
    expect(subscription).toMatchObject({
      status: 'ACTIVE',
      currentPeriodStart: '2026-03-01T12:00:00.000Z',
      currentPeriodEnd: '2026-04-01T12:00:00.000Z',
      nextPaymentAt: '2026-04-01T12:00:00.000Z',
    });
    expect(subscription?.payments.nodes).toMatchObject([
      { status: 'SUCCEEDED', captured: { amountMinor: 1_990 }, subscription: { id: subscriptionId } },
    ]);
    const events = await world.ask(app, ops.WebhookEventsDocument, { first: 100 });
    expect(events.webhookEvents.nodes.map((event) => event.status)).not.toContain('RECEIVED');
    expect(events.webhookEvents.nodes.map((event) => event.type)).toEqual(
      expect.arrayContaining(['subscription.created', 'payment_intent.succeeded']),
    );
  });

  it('takes a one-time payment', async () => {
    const payment = await world.payment(app, customerId, { amount: { amountMinor: 4_200, currency: 'usd' }, referenceId: 'order:789' });
    paymentId = payment.id;
    expect(payment).toMatchObject({ status: 'SUCCEEDED', captured: { decimal: '42.00' }, referenceId: 'order:789', failureCode: null });
  });

  it('says why a payment was declined', async () => {
    const input = { customerId, amount: { amountMinor: 777_701, currency: 'usd' } };
    const { paymentCreate } = await world.ask(app, ops.PaymentCreateDocument, { input });
    expect(paymentCreate.payment).toMatchObject({ status: 'FAILED', failureCode: 'insufficient_funds', captured: { amountMinor: 0 } });
    expect(paymentCreate.userErrors).toMatchObject([{ code: 'PAYMENT_DECLINED', declineCode: 'insufficient_funds', retryable: true }]);
  });

  it('cancels at the period end: nothing more is taken, and the end comes by itself', async () => {
    const cancel = await world.ask(app, ops.SubscriptionCancelDocument, { input: { id: subscriptionId, mode: 'AT_PERIOD_END' } });
    expect(cancel.subscriptionCancel.subscription).toMatchObject({
      status: 'ACTIVE',
      cancelAtPeriodEnd: true,
      cancelAt: '2026-04-01T12:00:00.000Z',
    });
    await world.advance({ days: 40 });
    const { subscription } = await world.ask(app, ops.SubscriptionDocument, { id: subscriptionId });
    expect(subscription).toMatchObject({ status: 'CANCELED', nextPaymentAt: null });
    expect(subscription?.payments.nodes).toHaveLength(1);
  });

  it('cancels another one at once', async () => {
    const tomorrow = new Date(world.sandbox.now().getTime() + 86_400_000).toISOString();
    const other = await world.subscription(app, customerId, { billingCycleAnchor: tomorrow });
    const cancel = await world.ask(app, ops.SubscriptionCancelDocument, { input: { id: other.id, mode: 'IMMEDIATELY' } });
    expect(cancel.subscriptionCancel).toMatchObject({ subscription: { status: 'CANCELED', nextPaymentAt: null }, userErrors: [] });
    await world.advance({ days: 40 });
    const { subscription } = await world.ask(app, ops.SubscriptionDocument, { id: other.id });
    expect(subscription?.payments.nodes).toEqual([]);
  });

  it('gives a payment back, in two parts and never more', async () => {
    const part = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId, amount: { amountMinor: 1_200, currency: 'usd' } } });
    expect(part.refundCreate).toMatchObject({ refund: { status: 'SUCCEEDED', amount: { decimal: '12.00' } }, userErrors: [] });
    const rest = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId, reason: 'REQUESTED_BY_CUSTOMER' } });
    expect(rest.refundCreate).toMatchObject({ refund: { status: 'SUCCEEDED', amount: { decimal: '30.00' } }, userErrors: [] });
    const more = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId, amount: { amountMinor: 1, currency: 'usd' } } });
    expect(more.refundCreate).toMatchObject({ refund: null, userErrors: [{ code: 'REFUND_TOO_LARGE' }] });
  });

  it('leaves every row as Tilled has it, and nothing to do', async () => {
    await world.settle();
    const rows = await Promise.all(
      ['customers', 'payment_methods', 'subscriptions', 'payments', 'refunds', 'jobs'].map((table) => world.rows(`billing_${table}`, app)),
    );
    const [customers = [], methods = [], subscriptions = [], payments = [], refunds = [], jobs = []] = rows;
    expect(customers).toHaveLength(1);
    expect(methods).toHaveLength(1);
    expect(methods[0]).toMatchObject({ customer_id: customerId, default_of: customerId, brand: 'visa', last4: '1111' });
    expect(subscriptions.map((row) => row.status)).toEqual(['CANCELED', 'CANCELED']);
    expect(payments.map((row) => [row.status, Number(row.amount_minor), Number(row.captured_minor), Number(row.refunded_minor)])).toEqual([
      ['SUCCEEDED', 1_990, 1_990, 0],
      ['SUCCEEDED', 4_200, 4_200, 4_200],
      ['FAILED', 777_701, 0, 0],
    ]);
    expect(refunds.map((row) => [row.status, Number(row.amount_minor)])).toEqual([
      ['SUCCEEDED', 1_200],
      ['SUCCEEDED', 3_000],
    ]);
    expect(jobs).toEqual([]);
    for (const payment of payments) {
      const intent = await world.tilled(app, 'GET', `/v1/payment-intents/${payment.tilled_payment_intent_id}`);
      expect(intent).toMatchObject({ amount: Number(payment.amount_minor), amount_received: Number(payment.captured_minor) });
    }
    const events = await world.rows('billing_webhooks', app);
    expect(new Set(events.map((event) => event.status))).toEqual(new Set(['PROCESSED']));
  });
});
