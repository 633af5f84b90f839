import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { MIGRATIONS } from '../migrations/index.js';
import { reportBackups } from './backup/backup.metrics.js';
import { BackupRecords } from './backup/backup-records.js';
import { BackupRun } from './backup/backup-run.entity.js';
import { AccessService } from './billing/access/access.service.js';
import { ApiKey } from './billing/access/api-key.entity.js';
import { App } from './billing/access/app.entity.js';
import { Customer } from './billing/customers/customer.entity.js';
import { Dispute } from './billing/disputes/dispute.entity.js';
import { Processor } from './billing/kit/processor.js';
import { PaymentMethod } from './billing/payment-methods/payment-method.entity.js';
import { Payment } from './billing/payments/payment.entity.js';
import { findViolations, INVARIANTS, type Violation } from './billing/reconciliation/invariants.js';
import { Refund } from './billing/refunds/refund.entity.js';
import { Subscription } from './billing/subscriptions/subscription.entity.js';
import { jobKindOf, OBJECT_KINDS } from './billing/webhooks/event-catalogue.js';
import { WebhookInbox } from './billing/webhooks/webhook.inbox.js';
import { WebhookSync } from './billing/webhooks/webhook.sync.js';
import { WebhookEvent } from './billing/webhooks/webhook-event.entity.js';
import { WebhookFact } from './billing/webhooks/webhook-fact.entity.js';
import { WebhookSecret } from './billing/webhooks/webhook-secret.entity.js';
import { composeServices, composeWebhooks, handlersOf, handlersThatRead, resolversOf, type Webhooks } from './compose.billing.js';
import type { DatabaseConfig, TilledConfig } from './config.js';
import { createSchema } from './graphql/schema.js';
import { type Clock, systemClock } from './platform/clock.js';
import { Cursor } from './platform/cursors.js';
import { Database } from './platform/db/database.js';
import { SchemaMigrator } from './platform/db/migrator.js';
import { IdempotencyKey } from './platform/idempotency/idempotency-key.entity.js';
import { Intents } from './platform/idempotency/intents.js';
import { Ids } from './platform/ids.js';
import { countJobs } from './platform/jobs/count-jobs.js';
import { Job } from './platform/jobs/job.entity.js';
import { Jobs } from './platform/jobs/jobs.js';
import { Worker } from './platform/jobs/worker.js';
import { createLog, errorFields, type Log } from './platform/log.js';
import { Metrics } from './platform/metrics.js';
import { OutboxEvent } from './platform/outbox/outbox-event.entity.js';
import { TilledClient } from './tilled/tilled.client.js';
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
  WebhookEvent,
  WebhookFact,
  WebhookSecret,
];
const ENTITIES = [...BILLING_ENTITIES, IdempotencyKey, Job, OutboxEvent, Cursor, BackupRun];

const SYNCS = OBJECT_KINDS.map(jobKindOf);
const WORKER_IDLE_MS = 500;
const SCHEDULE_EVERY_MS = 300_000;

/** The database and who may use it: what the command line needs too. */
export interface Foundation {
  readonly database: Database;
  readonly migrator: SchemaMigrator;
  readonly access: AccessService;
  readonly metrics: Metrics;
  readonly backups: BackupRecords;
  /** Checks what must hold of the books. */
  readonly verifyBooks: () => Promise<{ readonly checked: number; readonly violations: readonly Violation[] }>;
}

/** A gateway, made but not started. */
export interface Gateway extends Foundation {
  readonly schema: GraphQLSchema;
  readonly worker: Worker;
  /** Makes sure that what repeats is scheduled, and starts the worker. */
  readonly startWork: () => Promise<void>;
  readonly inbox: WebhookInbox;
  readonly webhooks: Webhooks;
  /** How many objects wait to be looked at again at Tilled. */
  readonly unsynced: () => Promise<number>;
  /** Whether the database answers and has the newest schema. */
  readonly isReady: () => Promise<boolean>;
  readonly log: Log;
}

/** What a process hands in. */
export interface Surroundings {
  readonly database: DatabaseConfig;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a process that serves or works hands in too. */
interface GatewayParts extends Surroundings {
  readonly tilled: TilledConfig;
  readonly tilledTimeoutMs: number;
  readonly purpose?: 'catch-up';
}

/** Opens the database, without looking at what is in it. */
export async function composeFoundation({ database: config, clock, log }: Surroundings): Promise<Foundation> {
  const database = await Database.open(config, ENTITIES);
  const migrator = new SchemaMigrator(database, MIGRATIONS);
  const ids = new Ids(clock);
  const access = new AccessService({ database, clock, ids, log });
  const metrics = new Metrics();
  const backups = new BackupRecords(database, ids);
  reportBackups(metrics.registry, backups);
  const verifyBooks = async () => ({ checked: INVARIANTS.length, violations: await findViolations(database) });
  return { database, migrator, access, metrics, backups, verifyBooks };
}

/**
 * Makes everything the gateway is of, in the order of who needs whom. For the purpose of catching up, on a database that was
 * just restored, it asks Tilled and never tells it anything.
 */
export async function composeGateway(parts: GatewayParts): Promise<Gateway> {
  const { clock, log, tilled } = parts;
  const foundation = await composeFoundation(parts);
  const { database, migrator, access } = foundation;
  const ids = new Ids(clock);
  const jobs = new Jobs(database, clock, ids);
  const intents = new Intents(jobs, clock);
  const processor = processorOf(parts);
  const services = composeServices({ processor, intents, jobs, clock, ids });
  const webhooks = composeWebhooks({ processor, intents, jobs, clock, ids }, access, tilled);
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
  const handlers = handlersOf(intents, services, sync, webhooks);
  const worker = new Worker({
    jobs,
    handlers: parts.purpose === 'catch-up' ? handlersThatRead(handlers, sync, jobs) : handlers,
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
  const schedule = async () => {
    for (const app of await access.listApps()) {
      const scope = await access.scopeOf(app.id, { kind: 'job' }, { requestId: 'schedule' });
      if (scope !== null) await webhooks.backfill.schedule(scope);
    }
  };
  const startWork = async () => {
    await schedule();
    // Apps are made while we run, by the command line.
    setInterval(() => schedule().catch((error: unknown) => log.error('schedules not made', errorFields(error))), SCHEDULE_EVERY_MS).unref();
    worker.start();
  };
  const unsynced = () => countJobs(database, SYNCS);
  return { ...foundation, schema, worker, startWork, inbox: webhooks.inbox, webhooks, unsynced, isReady, log };
}

function processorOf({ tilled, tilledTimeoutMs: timeoutMs, log, purpose }: GatewayParts): Processor {
  const allowed = purpose === 'catch-up' ? ({ allows: 'reads' } as const) : {};
  return new Processor(new TilledClient(new TilledHttp({ ...tilled, timeoutMs, log, ...allowed })));
}

/** The schema alone, for writing it down; its resolvers are never called. */
export async function composeSchema(): Promise<GraphQLSchema> {
  const database: DatabaseConfig = { kind: 'embedded', location: ':memory:', poolSize: 1 };
  const tilled: TilledConfig = { baseUrl: 'http://127.0.0.1', secretKey: '', publicKey: '', webhookSecret: '', accountId: '' };
  const gateway = await composeGateway({ database, clock: systemClock, log: createLog('silent'), tilled, tilledTimeoutMs: 1 });
  await gateway.database.close();
  return gateway.schema;
}
