import { listen } from './listening.js';
import * as ops from './operations.generated.js';
import type { TestApp, World } from './world.js';

/** What a furnished app has: ids by the GraphQL type they name, and the strings by which it calls things itself. */
export interface Furniture {
  readonly ids: Readonly<Record<string, string>>;
  readonly strings: Readonly<
    Record<'externalId' | 'referenceId' | 'tilledPaymentMethodId' | 'idempotencyKey' | 'email' | 'fileIds', string>
  >;
}

/** Gives an app at least one row of everything: a live subscription, payments in several states, a refund, a dispute, events, an open divergence. */
export async function furnish(world: World, app: TestApp): Promise<Furniture> {
  const idempotencyKey = `key of ${app.id}`;
  const [externalId, referenceId, email] = [`external-${app.id}`, `reference-${app.id}`, `${app.id}@example.com`];
  await world.ask(app, ops.AppSettingsUpdateDocument, {
    input: { brandName: `Shop of ${app.id}`, portal: { mayCancel: ['AT_PERIOD_END', 'IMMEDIATELY'] } },
  });
  // Nobody listens there: what is delivered fails.
  const endpoint = await listen(world, app, 'http://127.0.0.1:9/nobody');
  const { id: customerId } = await world.customer(app, { externalId, email, metadata: { owner: app.id }, idempotencyKey });
  const { id: firstCard } = await world.card(app, customerId, { idempotencyKey });
  const { id: secondCard } = await world.card(app, customerId);
  const { id: ended } = await world.subscription(app, customerId);
  await world.ask(app, ops.SubscriptionCancelDocument, { input: { id: ended, mode: 'IMMEDIATELY', idempotencyKey } });
  const subscription = await world.subscription(app, customerId, { paymentMethodId: firstCard, idempotencyKey });
  const missingHere = await unknownCustomer(world, app);
  await world.advance({ ms: 3_600_000 });
  const payment = await world.payment(app, customerId, { referenceId, paymentMethodId: firstCard, idempotencyKey });
  const { refundCreate } = await world.ask(app, ops.RefundCreateDocument, {
    input: { paymentId: payment.id, referenceId, idempotencyKey, metadata: { owner: app.id } },
  });
  await hold(world, app, customerId, idempotencyKey);
  const disputed = await world.payment(app, customerId);
  await dispute(world, app, disputed.id);
  await world.settle();
  // From here on it is quiet: nothing is tried again.
  await world.ask(app, ops.WebhookEndpointUpdateDocument, { input: { id: endpoint.id, isEnabled: false } });
  await world.settle();
  const [disputeRow] = await world.rows('billing_disputes', app);
  const [event] = await world.rows('billing_webhooks', app);
  const [told] = await world.rows('billing_app_events', app);
  const [delivery] = await world.rows('billing_webhook_deliveries', app);
  const { open } = await world.gateway.reconciliation.object.examine(await world.scope(app), missingHere);
  return {
    ids: {
      Customer: customerId,
      PaymentMethod: secondCard,
      Subscription: subscription.id,
      Payment: disputed.id,
      Refund: refundCreate.refund?.id ?? '',
      Dispute: String(disputeRow?.['id']),
      WebhookEvent: String(event?.['id']),
      WebhookEndpoint: endpoint.id,
      WebhookDelivery: String(delivery?.['id']),
      Divergence: open[0]?.id ?? '',
      Event: String(told?.['id']),
    },
    strings: {
      ...{ externalId, referenceId, idempotencyKey, email },
      tilledPaymentMethodId: await world.newCard(app),
      fileIds: await evidenceFile(world, app),
    },
  };
}

/** A customer at Tilled that says it is ours, and that we know nothing of. */
async function unknownCustomer(world: World, app: TestApp): Promise<string> {
  const metadata = { billing_app_id: app.id, billing_id: 'cus_unknown' };
  return ((await world.tilled(app, 'POST', '/v1/customers', { email: 'unknown@example.com', metadata })) as { id: string }).id;
}

/** A file at Tilled that evidence may name. */
async function evidenceFile(world: World, app: TestApp): Promise<string> {
  const body = { purpose: 'dispute_evidence', file: { filename: 'receipt.pdf', size: 1_000 } };
  return ((await world.tilled(app, 'POST', '/v1/files', body)) as { id: string }).id;
}

/** One held payment that is captured, and one that is let go. */
async function hold(world: World, app: TestApp, customerId: string, idempotencyKey: string): Promise<void> {
  const captured = await world.payment(app, customerId, { captureMethod: 'MANUAL' });
  await world.ask(app, ops.PaymentCaptureDocument, { input: { id: captured.id, idempotencyKey } });
  const canceled = await world.payment(app, customerId, { captureMethod: 'MANUAL' });
  await world.ask(app, ops.PaymentCancelDocument, { input: { id: canceled.id, idempotencyKey } });
}

async function dispute(world: World, app: TestApp, paymentId: string): Promise<void> {
  const payments = await world.rows('billing_payments', app);
  const { tilled_payment_intent_id: paymentIntentId } = payments.find((row) => row['id'] === paymentId) ?? {};
  await world.control('disputes', { paymentIntentId });
}
