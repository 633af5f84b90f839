import { AccessService } from './billing/access/access.service.js';
import { AppResolver } from './billing/access/app.resolver.js';
import { CustomerAdoption } from './billing/customers/customer.adoption.js';
import { CustomerResolver } from './billing/customers/customer.resolver.js';
import { CUSTOMER_PUSH, CustomerService } from './billing/customers/customer.service.js';
import { DisputeMirror } from './billing/disputes/dispute.mirror.js';
import { DisputeResolver, PaymentDisputesResolver } from './billing/disputes/dispute.resolver.js';
import { parseMapping } from './billing/imports/import.mapping.js';
import { ImportRollback } from './billing/imports/import.rollback.js';
import { ImportService } from './billing/imports/import.service.js';
import { ImportVerification } from './billing/imports/import.verification.js';
import { InspectionService } from './billing/inspection/inspection.service.js';
import { Processor } from './billing/kit/processor.js';
import { NodeResolver } from './billing/nodes/node.resolver.js';
import { CustomerPaymentMethodsResolver, PaymentMethodResolver } from './billing/payment-methods/payment-method.resolver.js';
import { PaymentMethodService } from './billing/payment-methods/payment-method.service.js';
import { PaymentMirror } from './billing/payments/payment.mirror.js';
import { CustomerPaymentsResolver, PaymentResolver, SubscriptionPaymentsResolver } from './billing/payments/payment.resolver.js';
import { PaymentSender } from './billing/payments/payment.sender.js';
import { PaymentService } from './billing/payments/payment.service.js';
import { PrivacyService } from './billing/privacy/privacy.service.js';
import { RefundMirror } from './billing/refunds/refund.mirror.js';
import { PaymentRefundsResolver, RefundResolver } from './billing/refunds/refund.resolver.js';
import { RefundService } from './billing/refunds/refund.service.js';
import { RETENTION_SWEEP, RetentionService } from './billing/retention/retention.js';
import { SubscriptionAdoption } from './billing/subscriptions/subscription.adoption.js';
import { SubscriptionMirror } from './billing/subscriptions/subscription.mirror.js';
import { SubscriptionRepository } from './billing/subscriptions/subscription.repository.js';
import { CustomerSubscriptionsResolver, SubscriptionResolver } from './billing/subscriptions/subscription.resolver.js';
import { SubscriptionService } from './billing/subscriptions/subscription.service.js';
import { BACKFILL, WebhookBackfill } from './billing/webhooks/webhook.backfill.js';
import { WebhookDirectory } from './billing/webhooks/webhook.directory.js';
import { ENDPOINT_RETIREMENT, WebhookEndpoints } from './billing/webhooks/webhook.endpoints.js';
import { WebhookInbox } from './billing/webhooks/webhook.inbox.js';
import { WebhookService } from './billing/webhooks/webhook.service.js';
import { WebhookSync } from './billing/webhooks/webhook.sync.js';
import { PaymentFactsResolver, WebhookEventResolver } from './billing/webhooks/webhook-event.resolver.js';
import type { TilledConfig } from './config.js';
import { type Clock } from './platform/clock.js';
import { Intents } from './platform/idempotency/intents.js';
import { Ids } from './platform/ids.js';
import { Jobs } from './platform/jobs/jobs.js';
import { type JobHandler } from './platform/jobs/worker.js';

/** What every service is made of. */
export interface Tools {
  readonly processor: Processor;
  readonly intents: Intents;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** The nouns' services and mirrors. */
export type Services = ReturnType<typeof composeServices>;

/** Everything about webhooks but the inbox's door, which is HTTP. */
export type Webhooks = ReturnType<typeof composeWebhooks>;

/** Receiving, registering, backfilling and replaying. */
export function composeWebhooks({ processor, jobs, clock, ids }: Tools, access: AccessService, tilled: TilledConfig) {
  const directory = new WebhookDirectory(access, tilled.webhookSecret);
  const inbox = new WebhookInbox({ directory, jobs, clock, ids });
  const endpoints = new WebhookEndpoints(processor, jobs);
  const backfill = new WebhookBackfill({ processor, inbox, jobs });
  return { inbox, endpoints, backfill, service: new WebhookService(jobs) };
}

/** The nouns' services, lower before upper. What a noun must know of one above it is handed in as a function. */
export function composeServices(tools: Tools) {
  const { clock, ids } = tools;
  const paymentMethods: PaymentMethodService = new PaymentMethodService(tools, () => ({
    isUsed: (scope, id) => SubscriptionRepository.of(scope).isAnyLiveWith(id),
  }));
  const customers = new CustomerService(tools, () => ({
    isBilled: (scope, id) => SubscriptionRepository.of(scope).isAnyLiveOf(id),
    detachMethods: (scope, id) => paymentMethods.detachAll(scope, id),
  }));
  const subscriptionMirror = new SubscriptionMirror(clock);
  const subscriptions = new SubscriptionService({ ...tools, mirror: subscriptionMirror });
  const paymentMirror = new PaymentMirror(clock, ids);
  const sender = new PaymentSender({ ...tools, mirror: paymentMirror });
  const payments = new PaymentService({ ...tools, sender });
  const refundMirror = new RefundMirror(clock, ids);
  const refunds = new RefundService({ ...tools, mirror: refundMirror });
  const disputeMirror = new DisputeMirror(clock, ids);
  return { customers, paymentMethods, subscriptionMirror, subscriptions, paymentMirror, payments, refundMirror, refunds, disputeMirror };
}

/** What operators and the law ask for: imports, looking at one object, personal data, and what is not kept for ever. */
export type Operations = ReturnType<typeof composeOperations>;

/** Everything an operator does to data, above the nouns. */
export function composeOperations(tools: Tools, services: Services) {
  const privacy = new PrivacyService(services.customers);
  const retention = new RetentionService({ jobs: tools.jobs, privacy });
  return { imports: composeImports(tools, services), inspection: new InspectionService(tools.processor), privacy, retention };
}

/** Bringing in what was billed elsewhere before, for the command line. */
function composeImports({ processor }: Tools, { customers, paymentMethods, subscriptions, subscriptionMirror }: Services) {
  const customerAdoption = new CustomerAdoption({ processor, customers });
  const subscriptionAdoption = new SubscriptionAdoption({ processor, mirror: subscriptionMirror });
  const parts = { processor, customers, customerAdoption, paymentMethods, subscriptions, subscriptionAdoption };
  return {
    service: new ImportService(parts),
    rollback: new ImportRollback(parts),
    verification: new ImportVerification(processor),
    parseMapping,
  };
}

/** Who does which kind of job. */
export function handlersOf(
  intents: Intents,
  services: Services,
  sync: WebhookSync,
  webhooks: Webhooks,
  retention: RetentionService,
): ReadonlyMap<string, JobHandler> {
  const { customers, paymentMethods, subscriptions, payments, refunds } = services;
  const stories = [
    intents.finisher(customers.creation, customers.deletion),
    intents.finisher(paymentMethods.attachment, paymentMethods.detachment),
    intents.finisher(...subscriptions.stories),
    intents.finisher(payments.creation, payments.capturing, payments.cancellation),
    intents.finisher(refunds.creation),
  ].flat();
  return new Map<string, JobHandler>([
    ...stories,
    [CUSTOMER_PUSH, (scope, lease) => customers.push(scope, lease)],
    [ENDPOINT_RETIREMENT, (scope, lease) => webhooks.endpoints.retire(scope, lease)],
    [RETENTION_SWEEP, (scope, lease) => retention.sweep(scope, lease)],
    [BACKFILL, (scope, lease) => webhooks.backfill.look(scope, lease)],
    ...sync.handlers(),
  ]);
}

/** Every resolver, with the service it calls. */
export function resolversOf(services: Services, access: AccessService, webhooks: WebhookService): readonly object[] {
  return [
    new AppResolver(access),
    new NodeResolver(),
    new CustomerResolver(services.customers),
    new PaymentMethodResolver(services.paymentMethods),
    new CustomerPaymentMethodsResolver(),
    new SubscriptionResolver(services.subscriptions),
    new CustomerSubscriptionsResolver(),
    new PaymentResolver(services.payments),
    new CustomerPaymentsResolver(),
    new SubscriptionPaymentsResolver(),
    new RefundResolver(services.refunds),
    new PaymentRefundsResolver(),
    new DisputeResolver(),
    new PaymentDisputesResolver(),
    new WebhookEventResolver(webhooks),
    new PaymentFactsResolver(),
  ];
}
