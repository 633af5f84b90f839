import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { MIGRATIONS } from '../migrations/index.js';
import { AccessService } from './billing/access/access.service.js';
import { ApiKey } from './billing/access/api-key.entity.js';
import { App } from './billing/access/app.entity.js';
import { Customer } from './billing/customers/customer.entity.js';
import { Dispute } from './billing/disputes/dispute.entity.js';
import { Divergence } from './billing/kit/divergence.entity.js';
import { Processor } from './billing/kit/processor.js';
import { PaymentMethod } from './billing/payment-methods/payment-method.entity.js';
import { Payment } from './billing/payments/payment.entity.js';
import { findViolations, INVARIANTS, type Violation } from './billing/reconciliation/invariants.js';
import { countOpenDivergences } from './billing/reconciliation/open-divergences.js';
import { Reconciled, Reconciliation } from './billing/reconciliation/reconciliation.entity.js';
import { Refund } from './billing/refunds/refund.entity.js';
import { showStanding } from './billing/reports/standing.gauges.js';
import { StandingReport } from './billing/reports/standing.js';
import { Subscription } from './billing/subscriptions/subscription.entity.js';
import { WebhookInbox } from './billing/webhooks/webhook.inbox.js';
import { WebhookSync } from './billing/webhooks/webhook.sync.js';
import { WebhookEvent } from './billing/webhooks/webhook-event.entity.js';
import { WebhookFact } from './billing/webhooks/webhook-fact.entity.js';
import { WebhookSecret } from './billing/webhooks/webhook-secret.entity.js';
import {
  composeReconciliation,
  composeServices,
  composeWebhooks,
  handlersOf,
  type Reconciliations,
  resolversOf,
  type Webhooks,
} from './compose.billing.js';
import type { DatabaseConfig, TilledConfig } from './config.js';
import { countRootFields } from './graphql/operations.js';
import { createSchema } from './graphql/schema.js';
import { type Clock, systemClock } from './platform/clock.js';
import { Cursor } from './platform/cursors.js';
import { Database } from './platform/db/database.js';
import { SchemaMigrator } from './platform/db/migrator.js';
import { watchedDatabase } from './platform/db/observer.js';
import { IdempotencyKey } from './platform/idempotency/idempotency-key.entity.js';
import { Intents } from './platform/idempotency/intents.js';
import { Ids } from './platform/ids.js';
import { Job } from './platform/jobs/job.entity.js';
import { Jobs } from './platform/jobs/jobs.js';
import { Worker } from './platform/jobs/worker.js';
import { createLog, errorFields, type Log, watchedLog } from './platform/log.js';
import { Metrics } from './platform/metrics.js';
import { OutboxEvent } from './platform/outbox/outbox-event.entity.js';
import { Attestation } from './preflight/attestation.entity.js';
import { Attestations } from './preflight/attestations.js';
import { TILLED_OPERATIONS, TilledClient } from './tilled/tilled.client.js';
import { TILLED_FAILURES } from './tilled/tilled.errors.js';
import { TilledHttp } from './tilled/tilled.http.js';

/** Every table, as the classes that are its rows. */
const BILLING_ENTITIES = [
  App,
  ApiKey,
  Customer,
  PaymentMethod,
  Subscription,
  Payment,
  Refund,
  Dispute,
  Divergence,
  Reconciled,
  Reconciliation,
  WebhookEvent,
  WebhookFact,
  WebhookSecret,
];
const ENTITIES = [...BILLING_ENTITIES, IdempotencyKey, Job, OutboxEvent, Cursor, Attestation];

const WORKER_IDLE_MS = 500;
const SCHEDULE_EVERY_MS = 300_000;
const RECONCILE_EVERY_MS = 6 * 3_600_000;

/** The database and who may use it: what the command line needs too. */
export interface Foundation {
  readonly database: Database;
  readonly migrator: SchemaMigrator;
  readonly access: AccessService;
  readonly metrics: Metrics;
  readonly log: Log;
  /** What people and programs attested of this deployment. */
  readonly attestations: Attestations;
  /** Checks what must hold of the books. */
  readonly verifyBooks: () => Promise<{ readonly checked: number; readonly violations: readonly Violation[] }>;
  /** How many divergences are open in all apps, by class. */
  readonly openDivergences: () => ReturnType<typeof countOpenDivergences>;
}

/** A gateway, made but not started. */
export interface Gateway extends Foundation {
  readonly schema: GraphQLSchema;
  readonly worker: Worker;
  /** Makes sure that what repeats is scheduled, and starts the worker. */
  readonly startWork: () => Promise<void>;
  readonly inbox: WebhookInbox;
  readonly webhooks: Webhooks;
  readonly processor: Processor;
  readonly reconciliation: Reconciliations;
  /** Whether the database answers and has the newest schema. */
  readonly isReady: () => Promise<boolean>;
}

/** What a process hands in. */
export interface Surroundings {
  readonly database: DatabaseConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** A statement that takes at least so long is logged, ms. */
  readonly slowQueryMs?: number;
}

const SLOW_QUERY_MS = 500;

/** Opens the database, without looking at what is in it. */
export async function composeFoundation(surroundings: Surroundings): Promise<Foundation> {
  const { database: config, clock, slowQueryMs = SLOW_QUERY_MS } = surroundings;
  const metrics = new Metrics();
  const log = watchedLog(surroundings.log, metrics);
  const database = await Database.open(config, ENTITIES);
  database.observe(watchedDatabase(metrics, log, database.tableNames, slowQueryMs));
  const migrator = new SchemaMigrator(database, MIGRATIONS);
  const access = new AccessService({ database, clock, ids: new Ids(clock), log, metrics });
  const verifyBooks = async () => ({ checked: INVARIANTS.length, violations: await findViolations(database) });
  const attestations = new Attestations(database, clock, new Ids(clock));
  return { database, migrator, access, log, metrics, attestations, verifyBooks, openDivergences: () => countOpenDivergences(database) };
}

/** Makes everything the gateway is of, in the order of who needs whom. */
export async function composeGateway(
  parts: Surroundings & { readonly tilled: TilledConfig; readonly tilledTimeoutMs: number; readonly reconcileEveryMs?: number },
): Promise<Gateway> {
  const { clock, tilled } = parts;
  const foundation = await composeFoundation(parts);
  const { database, migrator, access, log, metrics } = foundation;
  watch(foundation, clock);
  const ids = new Ids(clock);
  const jobs = new Jobs(database, clock, ids);
  const intents = new Intents(jobs, clock);
  metrics.expectTilledCalls(TILLED_OPERATIONS, ['ok', ...TILLED_FAILURES]);
  const onTry = metrics.timeTilledCall.bind(metrics);
  const processor = new Processor(new TilledClient(new TilledHttp({ ...tilled, timeoutMs: parts.tilledTimeoutMs, log, onTry })));
  const tools = { processor, intents, jobs, clock, ids };
  const services = composeServices(tools);
  const webhooks = composeWebhooks(tools, access, tilled);
  const reconciliation = composeReconciliation(tools, services.customers, {
    metrics,
    everyMs: parts.reconcileEveryMs ?? RECONCILE_EVERY_MS,
    work: () => worker.drain(),
  });
  const { inbox } = webhooks;
  const sync = new WebhookSync({
    processor,
    jobs,
    clock,
    ...services,
    subscriptions: services.subscriptionMirror,
    payments: services.paymentMirror,
    refunds: services.refundMirror,
    disputes: services.disputeMirror,
  });
  const worker: Worker = new Worker({
    jobs,
    handlers: handlersOf(intents, services, { sync, webhooks, reconciliation }),
    scopeFor: (appId) => access.scopeOf(appId, { kind: 'job' }, { requestId: ids.make('job') }),
    onFailure: (scope, lease, reason, isDead) => sync.noteFailure(scope, lease, reason, isDead),
    log,
    metrics,
    idleMs: WORKER_IDLE_MS,
  });
  const schema = await createSchema(resolversOf(services, access, webhooks.service));
  countRootFields(schema, metrics);
  const schedule = async () => {
    for (const app of await access.listApps()) {
      const scope = await access.scopeOf(app.id, { kind: 'job' }, { requestId: 'schedule' });
      if (scope !== null) await Promise.all([webhooks.backfill.schedule(scope), reconciliation.run.schedule(scope)]);
    }
  };
  const startWork = async () => {
    await schedule();
    // Apps are made while we run, by the command line.
    setInterval(() => schedule().catch((error: unknown) => log.error('schedules not made', errorFields(error))), SCHEDULE_EVERY_MS).unref();
    worker.start();
  };
  return { ...foundation, schema, worker, startWork, inbox, webhooks, processor, reconciliation, isReady: () => isReady(migrator) };
}

function isReady(migrator: SchemaMigrator): Promise<boolean> {
  return migrator.inspect().then(
    (state) => state.kind === 'ready',
    () => false,
  );
}

/** Has the metrics show, beside what is counted on the way, the process itself and what stands in the books. */
function watch({ database, log, metrics }: Foundation, clock: Clock): void {
  metrics.watchProcess();
  showStanding(metrics, new StandingReport(database, clock), database, log);
}

/** The schema alone, for writing it down; its resolvers are never called. */
export async function composeSchema(): Promise<GraphQLSchema> {
  const database: DatabaseConfig = { kind: 'embedded', location: ':memory:', poolSize: 1 };
  const tilled: TilledConfig = { baseUrl: 'http://127.0.0.1', secretKey: '', publicKey: '', webhookSecret: '', accountId: '' };
  const gateway = await composeGateway({ database, clock: systemClock, log: createLog('silent'), tilled, tilledTimeoutMs: 1 });
  await gateway.database.close();
  return gateway.schema;
}
