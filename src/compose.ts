import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import type { GraphQLSchema } from 'graphql';
import { MIGRATIONS } from '../migrations/index.js';
import { AccessService } from './billing/access/access.service.js';
import { ApiKey } from './billing/access/api-key.entity.js';
import { App } from './billing/access/app.entity.js';
import { LimitService } from './billing/access/limit.service.js';
import { Operation } from './billing/access/operation.entity.js';
import { Operations } from './billing/access/operation.service.js';
import { placeOf, TILLED_SECRET_KEY } from './billing/access/secret-places.js';
import { Secrets } from './billing/access/secrets.service.js';
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
import type { DatabaseConfig, EncryptionConfig, TilledConfig } from './config.js';
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
import { LimitCounter } from './platform/limits/limit-counter.entity.js';
import { LimitSetting } from './platform/limits/limit-setting.entity.js';
import { LimitSettings } from './platform/limits/limit-settings.js';
import { createLog, errorFields, type Log, watchedLog } from './platform/log.js';
import { Metrics } from './platform/metrics.js';
import { OutboxEvent } from './platform/outbox/outbox-event.entity.js';
import type { Scope } from './platform/tenancy/scope.js';
import { Vault } from './platform/vault.js';
import { Attestation } from './preflight/attestation.entity.js';
import { Attestations } from './preflight/attestations.js';
import { TILLED_OPERATIONS, TilledClient } from './tilled/tilled.client.js';
import { TILLED_FAILURES } from './tilled/tilled.errors.js';
import { TilledHttp } from './tilled/tilled.http.js';

/** Every table, as the classes that are its rows. */
const BILLING_ENTITIES = [
  App,
  ApiKey,
  Operation,
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
const ENTITIES = [...BILLING_ENTITIES, IdempotencyKey, Job, OutboxEvent, Cursor, LimitCounter, LimitSetting, Attestation];

const WORKER_IDLE_MS = 500;
const SCHEDULE_EVERY_MS = 300_000;
const RECONCILE_EVERY_MS = 6 * 3_600_000;

/** The database and who may use it: what the command line needs too. */
export interface Foundation {
  readonly database: Database;
  readonly migrator: SchemaMigrator;
  readonly access: AccessService;
  readonly vault: Vault;
  readonly secrets: Secrets;
  readonly metrics: Metrics;
  readonly log: Log;
  /** What people and programs attested of this deployment. */
  readonly attestations: Attestations;
  /** Limits that were set for apps and keys, and how they are set. */
  readonly limitSettings: LimitSettings;
  readonly limitService: LimitService;
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
  readonly operations: Operations;
  readonly webhooks: Webhooks;
  readonly processor: Processor;
  readonly reconciliation: Reconciliations;
  /** Whether the database answers and has the newest schema. */
  readonly isReady: () => Promise<boolean>;
}

/** What a process hands in. */
export interface Surroundings {
  readonly database: DatabaseConfig;
  readonly encryption: EncryptionConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** A statement that takes at least so long is logged, ms. */
  readonly slowQueryMs?: number;
}

const SLOW_QUERY_MS = 500;

interface TilledParts {
  readonly tilled: TilledConfig;
  readonly tilledTimeoutMs: number;
}

/** Opens the database, without looking at what is in it. */
export async function composeFoundation(surroundings: Surroundings): Promise<Foundation> {
  const { database: config, encryption, clock, slowQueryMs = SLOW_QUERY_MS } = surroundings;
  const metrics = new Metrics();
  const log = watchedLog(surroundings.log, metrics);
  const database = await Database.open(config, ENTITIES);
  database.observe(watchedDatabase(metrics, log, database.tableNames, slowQueryMs));
  const migrator = new SchemaMigrator(database, MIGRATIONS);
  const vault = new Vault(encryption);
  const access = new AccessService({ database, clock, ids: new Ids(clock), log, metrics, vault });
  const limitSettings = new LimitSettings(database, clock);
  const limitService = new LimitService({ database, access, settings: limitSettings });
  const verifyBooks = async () => ({ checked: INVARIANTS.length, violations: await findViolations(database) });
  const attestations = new Attestations(database, clock, new Ids(clock));
  const secrets = new Secrets(database, vault);
  const openDivergences = () => countOpenDivergences(database);
  return {
    database,
    migrator,
    access,
    vault,
    secrets,
    log,
    metrics,
    limitSettings,
    limitService,
    attestations,
    verifyBooks,
    openDivergences,
  };
}

/** Makes everything the gateway is of, in the order of who needs whom. */
export async function composeGateway(parts: Surroundings & TilledParts & { readonly reconcileEveryMs?: number }): Promise<Gateway> {
  const { clock, tilled } = parts;
  const foundation = await composeFoundation(parts);
  const { database, migrator, access, log, metrics, vault } = foundation;
  watch(foundation, clock);
  const ids = new Ids(clock);
  const jobs = new Jobs(database, clock, ids);
  const intents = new Intents(jobs, clock);
  const processor = composeProcessor({ ...parts, log, metrics, vault });
  const tools = { processor, intents, jobs, clock, ids };
  const services = composeServices(tools);
  const webhooks = composeWebhooks(tools, access, tilled, vault);
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
  const schedule = () => scheduleAll(access, [webhooks.backfill, reconciliation.run]);
  const startWork = async () => {
    await schedule();
    // Apps are made while we run, by the command line.
    setInterval(() => schedule().catch((error: unknown) => log.error('schedules not made', errorFields(error))), SCHEDULE_EVERY_MS).unref();
    worker.start();
  };
  const operations = new Operations(clock);
  return {
    ...foundation,
    schema,
    worker,
    startWork,
    inbox,
    operations,
    webhooks,
    processor,
    reconciliation,
    isReady: () => isReady(migrator),
  };
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

/** What repeats by itself in every app, once it is scheduled. */
interface Repeating {
  schedule(scope: Scope): Promise<void>;
}

async function scheduleAll(access: AccessService, repeating: readonly Repeating[]): Promise<void> {
  for (const app of await access.listApps()) {
    const scope = await access.scopeOf(app.id, { kind: 'job' }, { requestId: 'schedule' });
    if (scope !== null) for (const one of repeating) await one.schedule(scope);
  }
}

/** Asks Tilled with the deployment's key, or with an app's own; the client of an app is made again when its key changes. */
function composeProcessor(parts: TilledParts & Pick<Foundation, 'log' | 'metrics' | 'vault'>): Processor {
  const { tilled, tilledTimeoutMs: timeoutMs, log, metrics, vault } = parts;
  metrics.expectTilledCalls(TILLED_OPERATIONS, ['ok', ...TILLED_FAILURES]);
  const onTry = metrics.timeTilledCall.bind(metrics);
  const clientWith = (secretKey: string) => new TilledClient(new TilledHttp({ ...tilled, secretKey, timeoutMs, log, onTry }));
  const own = new Map<string, { readonly credential: string; readonly client: TilledClient }>();
  return new Processor(clientWith(tilled.secretKey), ({ id, processorCredential: credential }) => {
    const known = own.get(id);
    if (known?.credential === credential) return known.client;
    const client = clientWith(vault.open(credential, placeOf(TILLED_SECRET_KEY, id, id)));
    own.set(id, { credential, client });
    return client;
  });
}

/** The schema alone, for writing it down; its resolvers are never called. */
export async function composeSchema(): Promise<GraphQLSchema> {
  const database: DatabaseConfig = { kind: 'embedded', location: ':memory:', poolSize: 1 };
  const tilled: TilledConfig = { baseUrl: 'http://127.0.0.1', secretKey: '', publicKey: '', webhookSecret: '', accountId: '' };
  const encryption = { key: randomBytes(32), previous: null };
  const gateway = await composeGateway({ database, encryption, clock: systemClock, log: createLog('silent'), tilled, tilledTimeoutMs: 1 });
  await gateway.database.close();
  return gateway.schema;
}
