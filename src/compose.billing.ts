import { AccessService } from './access/access.service.js';
import { AppResolver } from './access/app.resolver.js';
import { AppSettingsResolver } from './access/app-settings.resolver.js';
import { AppSettingsService } from './access/app-settings.service.js';
import type { Pages } from './access/pages.js';
import { FORGOTTEN_PERSON, placeOf } from './access/secret-places.js';
import { HistoryResolver } from './backoffice/history/history.resolver.js';
import { INTENT_KINDS } from './backoffice/open-intents/intent-kinds.js';
import { OpenIntentResolver, PaymentUnknownResolver, RefundUnknownResolver } from './backoffice/open-intents/open-intent.resolver.js';
import { Canary } from './backoffice/reconciliation/canary.js';
import { CustomerComparison } from './backoffice/reconciliation/customer.comparison.js';
import { DisputeComparison } from './backoffice/reconciliation/dispute.comparison.js';
import { DivergenceResolver } from './backoffice/reconciliation/divergence.resolver.js';
import { DivergenceService } from './backoffice/reconciliation/divergence.service.js';
import { ObjectExamination } from './backoffice/reconciliation/object-examination.js';
import { PaymentComparison } from './backoffice/reconciliation/payment.comparison.js';
import { PaymentMethodComparison } from './backoffice/reconciliation/payment-method.comparison.js';
import { EXAMINE_AGAIN, Reconciler } from './backoffice/reconciliation/reconciler.js';
import { ReconciledRepository } from './backoffice/reconciliation/reconciliation.repository.js';
import { RECONCILE, ReconciliationRun } from './backoffice/reconciliation/reconciliation.run.js';
import { RefundComparison } from './backoffice/reconciliation/refund.comparison.js';
import { SubscriptionComparison } from './backoffice/reconciliation/subscription.comparison.js';
import { RETENTION_SWEEP, type RetentionService } from './backoffice/retention/retention.js';
import { CustomerDeletion } from './billing/customers/customer.deletion.js';
import { CustomerResolver } from './billing/customers/customer.resolver.js';
import { CustomerSender } from './billing/customers/customer.sender.js';
import { CUSTOMER_PUSH, CustomerService } from './billing/customers/customer.service.js';
import { DisputeMirror } from './billing/disputes/dispute.mirror.js';
import { DisputeRepository } from './billing/disputes/dispute.repository.js';
import { DisputeResolver, PaymentDisputesResolver } from './billing/disputes/dispute.resolver.js';
import { DisputeService } from './billing/disputes/dispute.service.js';
import { Processor } from './billing/kit/processor.js';
import { PaymentMethodRepository } from './billing/payment-methods/payment-method.repository.js';
import { CustomerPaymentMethodsResolver, PaymentMethodResolver } from './billing/payment-methods/payment-method.resolver.js';
import { PaymentMethodService } from './billing/payment-methods/payment-method.service.js';
import { deletionObstacle } from './billing/payments/deletion-obstacle.js';
import { MissedPaymentResolver } from './billing/payments/missed-payment.resolver.js';
import { CustomerPaymentsResolver, PaymentResolver, SubscriptionPaymentsResolver } from './billing/payments/payment.resolver.js';
import { RefundMirror } from './billing/refunds/refund.mirror.js';
import { PaymentRefundsResolver, RefundResolver } from './billing/refunds/refund.resolver.js';
import { RefundService } from './billing/refunds/refund.service.js';
import { isMethodUsed } from './billing/subscriptions/method-use.js';
import { SubscriptionMirror } from './billing/subscriptions/subscription.mirror.js';
import { CustomerSubscriptionsResolver, SubscriptionResolver } from './billing/subscriptions/subscription.resolver.js';
import { SubscriptionSender } from './billing/subscriptions/subscription.sender.js';
import { SubscriptionService } from './billing/subscriptions/subscription.service.js';
import type { Deliveries } from './compose.deliveries.js';
import type { Foundation } from './compose.foundation.js';
import { composePayments } from './compose.payments.js';
import type { TilledConfig } from './config.js';
import { DELIVER } from './deliveries/deliverer.js';
import { EventResolver } from './events/event.resolver.js';
import { NodeResolver } from './nodes/node.resolver.js';
import { type Clock } from './platform/clock.js';
import { assert } from './platform/errors.js';
import { Intents } from './platform/idempotency/intents.js';
import { Ids } from './platform/ids.js';
import { Jobs } from './platform/jobs/jobs.js';
import type { Spread } from './platform/jobs/spread.js';
import { type JobHandler } from './platform/jobs/worker.js';
import type { Metrics } from './platform/metrics.js';
import type { Vault } from './platform/vault.js';
import { BACKFILL, WebhookBackfill } from './webhooks/webhook.backfill.js';
import { WebhookDirectory } from './webhooks/webhook.directory.js';
import { ENDPOINT_RETIREMENT, WebhookEndpoints } from './webhooks/webhook.endpoints.js';
import { ROUTE, WebhookInbox } from './webhooks/webhook.inbox.js';
import { WebhookIntake } from './webhooks/webhook.intake.js';
import { WebhookOwners } from './webhooks/webhook.owners.js';
import { WebhookService } from './webhooks/webhook.service.js';
import { WebhookSync } from './webhooks/webhook.sync.js';
import { PaymentFactsResolver, WebhookEventResolver } from './webhooks/webhook-event.resolver.js';

/** How long a gateway that only reads puts work off that is not reading, ms: well past its own end. */
const PUT_OFF_MS = 60_000;

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
export function composeWebhooks(
  { processor, jobs, clock, ids, spread }: Tools & { readonly spread: Spread },
  foundation: Foundation,
  tilled: TilledConfig,
) {
  const { database, access, vault, log } = foundation;
  const directory = new WebhookDirectory(access, vault, tilled);
  const inbox = new WebhookInbox({ directory, owners: new WebhookOwners(processor), jobs, clock, ids });
  const endpoints = new WebhookEndpoints(processor, jobs, vault);
  const backfill = new WebhookBackfill({ processor, inbox, jobs });
  const scopeOf = (appId: string) => access.scopeOf(appId, { kind: 'job', id: 'webhook.intake' }, { requestId: ids.make('job') });
  const intake = new WebhookIntake({ database, jobs, spread, scopeOf, clock, log });
  return { inbox, directory, intake, endpoints, backfill, service: new WebhookService(jobs) };
}

/** Everything about comparing with Tilled. */
export type Reconciliations = ReturnType<typeof composeReconciliation>;

/** Comparing, healing, and proving that both work. */
export function composeReconciliation(
  { processor, jobs }: Tools,
  customers: CustomerService,
  how: { readonly metrics: Metrics; readonly everyMs: number; readonly canaryPauseMs: number; readonly work: () => Promise<unknown> },
) {
  const comparisons = [
    new CustomerComparison(processor),
    new PaymentMethodComparison(processor, (scope, afterId, limit) => ReconciledRepository.of(scope).customersAfter(afterId, limit)),
    new SubscriptionComparison(processor),
    new PaymentComparison(processor),
    new RefundComparison(processor),
    new DisputeComparison(processor),
  ];
  const reconciler = new Reconciler({ jobs, metrics: how.metrics, comparisons });
  const run = new ReconciliationRun({ reconciler, jobs, metrics: how.metrics, everyMs: how.everyMs });
  const canary = new Canary({ processor, customers, reconciler, work: how.work, pauseMs: how.canaryPauseMs });
  return { reconciler, run, canary, object: new ObjectExamination(reconciler) };
}

/** The nouns' services, lower before upper. What a noun must know of one above it is handed in as a function. */
export function composeServices(tools: Tools, vault: Vault) {
  const { clock, ids } = tools;
  const paymentMethods = new PaymentMethodService(tools, { isUsed: isMethodUsed });
  const sender = new CustomerSender(tools.processor);
  const customers = new CustomerService({ ...tools, sender });
  const customerDeletion = new CustomerDeletion({
    ...{ ...tools, sender, inTheWay: deletionObstacle },
    detachMethods: (scope, execution) => paymentMethods.detachAll(scope, execution),
    detachHere: async (tx, customerId) => {
      const methods = PaymentMethodRepository.of(tx);
      for (const { id } of await methods.attachedTo(customerId)) await paymentMethods.markDetached(tx, await methods.lock(id));
    },
    sealed: ({ appId }, id, person) => vault.seal(JSON.stringify(person), placeOf(FORGOTTEN_PERSON, appId, id)),
  });
  const subscriptionMirror = new SubscriptionMirror(clock);
  const subscriptions = new SubscriptionService({ ...tools, sender: new SubscriptionSender({ ...tools, mirror: subscriptionMirror }) });
  const paying = composePayments(tools, subscriptionMirror);
  const refundMirror = new RefundMirror(clock, ids);
  const refunds = new RefundService(
    { ...tools, mirror: refundMirror },
    { isDisputed: (scope, id) => DisputeRepository.of(scope).isDisputed(id) },
  );
  const disputeMirror = new DisputeMirror(clock, ids);
  const disputes = new DisputeService({ ...tools, mirror: disputeMirror });
  const mirrors = { subscriptionMirror, refundMirror, disputeMirror };
  return { customers, customerDeletion, paymentMethods, subscriptions, ...paying, refunds, disputes, ...mirrors };
}

/** Looks at objects of Tilled again, and records them with the nouns' mirrors. */
export function composeSync(tools: Pick<Tools, 'processor' | 'jobs' | 'clock'>, services: Services): WebhookSync {
  const { subscriptionMirror: subscriptions, paymentMirror: payments, refundMirror: refunds, disputeMirror: disputes } = services;
  return new WebhookSync({ ...tools, ...services, subscriptions, payments, refunds, disputes });
}

/** Who does work that is no mutation's. */
interface Workers {
  readonly sync: WebhookSync;
  readonly webhooks: Webhooks;
  readonly reconciliation: Reconciliations;
  readonly retention: RetentionService;
  readonly deliveries: Deliveries;
}

/** Who does which kind of job. */
export function handlersOf(
  intents: Intents,
  services: Services,
  { sync, webhooks, reconciliation, retention, deliveries }: Workers,
): ReadonlyMap<string, JobHandler> {
  const { customers, customerDeletion, paymentMethods, subscriptions, payments, missedPayments, refunds, disputes } = services;
  const mutations = [
    intents.jobHandlers(customers.creation, customerDeletion.mutation),
    intents.jobHandlers(paymentMethods.attachment, paymentMethods.detachment),
    intents.jobHandlers(...subscriptions.mutations),
    intents.jobHandlers(missedPayments.retrying),
    intents.jobHandlers(payments.creation, payments.capturing, payments.cancellation),
    intents.jobHandlers(refunds.creation),
    intents.jobHandlers(disputes.answering),
  ].flat();
  const kinds = mutations.map(([kind]) => kind);
  assert(kinds.toSorted().join() === INTENT_KINDS.toSorted().join(), `INTENT_KINDS is not ${kinds.join()}`);
  return new Map<string, JobHandler>([
    ...mutations,
    [CUSTOMER_PUSH, (scope, lease) => customers.push(scope, lease)],
    [ENDPOINT_RETIREMENT, (scope, lease) => webhooks.endpoints.retire(scope, lease)],
    [ROUTE, (scope, lease) => webhooks.inbox.route(scope, lease)],
    [RETENTION_SWEEP, (scope, lease) => retention.sweep(scope, lease)],
    [BACKFILL, (scope, lease) => webhooks.backfill.backfill(scope, lease)],
    [DELIVER, (scope, lease, isEnding) => deliveries.deliverer.deliver(scope, lease, isEnding)],
    [RECONCILE, (scope, lease) => reconciliation.run.work(scope, lease)],
    [EXAMINE_AGAIN, (scope, lease) => reconciliation.reconciler.runExamination(scope, lease)],
    ...sync.handlers(),
  ]);
}

/**
 * The jobs of a gateway that catches up: it looks at objects again. What would ask Tilled for something, such as an
 * unfinished mutation, is put off: its turn comes after the catching up, which may show that it was done long ago.
 */
export function handlersThatRead(all: ReadonlyMap<string, JobHandler>, sync: WebhookSync, jobs: Jobs): ReadonlyMap<string, JobHandler> {
  const later: JobHandler = (scope, lease) => jobs.release(scope, lease, { dueInMs: PUT_OFF_MS });
  return new Map([...[...all.keys()].map((kind): [string, JobHandler] => [kind, later]), ...sync.handlers()]);
}

/** Who gets in, and where. */
interface Entrance {
  readonly access: AccessService;
  readonly pages: Pages;
}

/** Every resolver, with the service it calls. */
export function resolversOf(services: Services, { access, pages }: Entrance, webhooks: WebhookService): readonly object[] {
  return [
    new AppResolver(access, pages),
    new AppSettingsResolver(new AppSettingsService()),
    new NodeResolver(),
    new CustomerResolver(services.customers, services.customerDeletion),
    new PaymentMethodResolver(services.paymentMethods),
    new CustomerPaymentMethodsResolver(),
    new SubscriptionResolver(services.subscriptions),
    new CustomerSubscriptionsResolver(),
    new PaymentResolver(services.payments),
    new CustomerPaymentsResolver(),
    new SubscriptionPaymentsResolver(),
    new MissedPaymentResolver(services.missedPayments),
    new RefundResolver(services.refunds),
    new PaymentRefundsResolver(),
    new DisputeResolver(services.disputes),
    new PaymentDisputesResolver(),
    new WebhookEventResolver(webhooks),
    new PaymentFactsResolver(),
    new DivergenceResolver(new DivergenceService()),
    new EventResolver(),
    new HistoryResolver(),
    new OpenIntentResolver(),
    new PaymentUnknownResolver(),
    new RefundUnknownResolver(),
  ];
}
