import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { MIGRATIONS } from '../migrations/index.js';
import { AccessService } from './billing/access/access.service.js';
import { ApiKey } from './billing/access/api-key.entity.js';
import { App } from './billing/access/app.entity.js';
import { Customer } from './billing/customers/customer.entity.js';
import { Dispute } from './billing/disputes/dispute.entity.js';
import { ImportItem } from './billing/imports/import-item.entity.js';
import { ImportRun } from './billing/imports/import-run.entity.js';
import { Processor } from './billing/kit/processor.js';
import { PaymentMethod } from './billing/payment-methods/payment-method.entity.js';
import { Payment } from './billing/payments/payment.entity.js';
import { findViolations, INVARIANTS, type Violation } from './billing/reconciliation/invariants.js';
import { Refund } from './billing/refunds/refund.entity.js';
import { Subscription } from './billing/subscriptions/subscription.entity.js';
import { WebhookInbox } from './billing/webhooks/webhook.inbox.js';
import { WebhookSync } from './billing/webhooks/webhook.sync.js';
import { WebhookEvent } from './billing/webhooks/webhook-event.entity.js';
import { WebhookFact } from './billing/webhooks/webhook-fact.entity.js';
import { WebhookSecret } from './billing/webhooks/webhook-secret.entity.js';
import {
  composeOperations,
  composeServices,
  composeWebhooks,
  handlersOf,
  type Operations,
  resolversOf,
  type Webhooks,
} from './compose.billing.js';
import type { DatabaseConfig, TilledConfig } from './config.js';
import { createSchema } from './graphql/schema.js';
import { type Clock, systemClock } from './platform/clock.js';
import { Cursor } from './platform/cursors.js';
import { Database } from './platform/db/database.js';
import { SchemaMigrator } from './platform/db/migrator.js';
import { IdempotencyKey } from './platform/idempotency/idempotency-key.entity.js';
import { Intents } from './platform/idempotency/intents.js';
import { Ids } from './platform/ids.js';
import { Job } from './platform/jobs/job.entity.js';
import { Jobs } from './platform/jobs/jobs.js';
import { Worker } from './platform/jobs/worker.js';
import { createLog, errorFields, type Log } from './platform/log.js';
import { Metrics } from './platform/metrics.js';
import { OutboxEvent } from './platform/outbox/outbox-event.entity.js';
import type { Scope } from './platform/tenancy/scope.js';
import { TilledClient } from './tilled/tilled.client.js';
import { type Degradation, TilledHttp } from './tilled/tilled.http.js';

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
  WebhookEvent,
  WebhookFact,
  WebhookSecret,
  ImportRun,
  ImportItem,
];
const ENTITIES = [...BILLING_ENTITIES, IdempotencyKey, Job, OutboxEvent, Cursor];

const WORKER_IDLE_MS = 500;
const SCHEDULE_EVERY_MS = 300_000;

/** The database and who may use it: what the command line needs too. */
export interface Foundation {
  readonly database: Database;
  readonly migrator: SchemaMigrator;
  readonly access: AccessService;
  readonly metrics: Metrics;
  /** Checks what must hold of the books. */
  readonly verifyBooks: () => Promise<{ readonly checked: number; readonly violations: readonly Violation[] }>;
}

/** A gateway, made but not started. */
export interface Gateway extends Foundation, Operations {
  readonly schema: GraphQLSchema;
  readonly worker: Worker;
  /** Makes sure that what repeats is scheduled, and starts the worker. */
  readonly startWork: () => Promise<void>;
  readonly inbox: WebhookInbox;
  readonly webhooks: Webhooks;
  /** Whether the database answers and has the newest schema. */
  readonly isReady: () => Promise<boolean>;
  /** What is out of reach without which the gateway still serves: Tilled. Empty when all is well. */
  readonly degraded: () => readonly Degradation[];
  readonly log: Log;
}

/** What a process hands in. */
export interface Surroundings {
  readonly database: DatabaseConfig;
  readonly clock: Clock;
  readonly log: Log;
}

/** Opens the database, without looking at what is in it. */
export async function composeFoundation({ database: config, clock, log }: Surroundings): Promise<Foundation> {
  const database = await Database.open(config, ENTITIES);
  const migrator = new SchemaMigrator(database, MIGRATIONS);
  const access = new AccessService({ database, clock, ids: new Ids(clock), log });
  const verifyBooks = async () => ({ checked: INVARIANTS.length, violations: await findViolations(database) });
  return { database, migrator, access, metrics: new Metrics(), verifyBooks };
}

/** Makes everything the gateway is of, in the order of who needs whom. */
export async function composeGateway(
  parts: Surroundings & { readonly tilled: TilledConfig; readonly tilledTimeoutMs: number },
): Promise<Gateway> {
  const { clock, log, tilled } = parts;
  const foundation = await composeFoundation(parts);
  const { database, migrator, access } = foundation;
  const ids = new Ids(clock);
  const jobs = new Jobs(database, clock, ids);
  const intents = new Intents(jobs, clock);
  const http = new TilledHttp({ ...tilled, timeoutMs: parts.tilledTimeoutMs, log });
  const processor = new Processor(new TilledClient(http));
  const services = composeServices({ processor, intents, jobs, clock, ids });
  const operations = composeOperations({ processor, intents, jobs, clock, ids }, services);
  const webhooks = composeWebhooks({ processor, intents, jobs, clock, ids }, access, tilled);
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
  const worker = new Worker({
    jobs,
    handlers: handlersOf(intents, services, sync, webhooks, operations.retention),
    scopeFor: (appId) => access.scopeOf(appId, { kind: 'job' }, { requestId: ids.make('job') }),
    onFailure: (scope, lease, reason, isDead) => sync.noteFailure(scope, lease, reason, isDead),
    log,
    idleMs: WORKER_IDLE_MS,
  });
  const schema = await createSchema(resolversOf(services, access, webhooks.service));
  const isReady = () =>
    migrator.inspect().then(
      (state) => state.kind === 'ready',
      () => false,
    );
  const schedule = () => scheduleAll(access, [webhooks.backfill, operations.retention]);
  const startWork = async () => {
    await schedule();
    // Apps are made while we run, by the command line.
    setInterval(() => schedule().catch((error: unknown) => log.error('schedules not made', errorFields(error))), SCHEDULE_EVERY_MS).unref();
    worker.start();
  };
  const degraded = () => http.degradation();
  return { ...foundation, ...operations, schema, worker, startWork, inbox, webhooks, isReady, degraded, log };
}

/** Makes sure that what repeats is scheduled for every app. */
async function scheduleAll(access: AccessService, repeating: readonly { schedule(scope: Scope): Promise<void> }[]): Promise<void> {
  for (const app of await access.listApps()) {
    const scope = await access.scopeOf(app.id, { kind: 'job' }, { requestId: 'schedule' });
    if (scope === null) continue;
    for (const one of repeating) await one.schedule(scope);
  }
}

/** The schema alone, for writing it down; its resolvers are never called. */
export async function composeSchema(): Promise<GraphQLSchema> {
  const database: DatabaseConfig = { kind: 'embedded', location: ':memory:', poolSize: 1 };
  const tilled: TilledConfig = { baseUrl: 'http://127.0.0.1', secretKey: '', publicKey: '', webhookSecret: '', accountId: '' };
  const gateway = await composeGateway({ database, clock: systemClock, log: createLog('silent'), tilled, tilledTimeoutMs: 1 });
  await gateway.database.close();
  return gateway.schema;
}
