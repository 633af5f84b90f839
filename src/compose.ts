import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import type { GraphQLSchema } from 'graphql';
import { Operations } from './access/operation.service.js';
import { exposeOperationalCounts } from './backoffice/gauges/operational-counts.gauges.js';
import { OperationalCountsReader } from './backoffice/gauges/operational-counts.js';
import { INTENT_KINDS } from './backoffice/open-intents/intent-kinds.js';
import { RECONCILE } from './backoffice/reconciliation/reconciliation.run.js';
import { RETENTION_SWEEP } from './backoffice/retention/retention.js';
import type { Processor } from './billing/kit/processor.js';
import {
  composeReconciliation,
  composeServices,
  composeSync,
  composeWebhooks,
  handlersOf,
  handlersThatRead,
  type Reconciliations,
  resolversOf,
  type Webhooks,
} from './compose.billing.js';
import { type AppWork, composeAppWork, composeDataWork } from './compose.data-work.js';
import { composeEvents } from './compose.events.js';
import { composeFoundation, type Foundation, type Surroundings } from './compose.foundation.js';
import { composeProcessor, type TilledParts } from './compose.processor.js';
import { scheduleAll, startWorking, takeIn } from './compose.work.js';
import type { DatabaseConfig, TilledConfig } from './config.js';
import type { EventPublisher } from './events/event.publisher.js';
import { countRootFields } from './graphql/operations.js';
import { createSchema } from './graphql/schema.js';
import { atMostEvery } from './platform/brief-cache.js';
import { systemClock, systemTicks } from './platform/clock.js';
import { exposeClockSkew } from './platform/db/clock.metrics.js';
import { ClockWatch } from './platform/db/clock-watch.js';
import { hostDegradation } from './platform/db/host-reports.js';
import { STATEMENT_MS_MAX } from './platform/db/outage.js';
import { whyNotReady } from './platform/db/readiness.js';
import type { Degradation } from './platform/degradation.js';
import { Claims } from './platform/idempotency/claims.js';
import { Intents } from './platform/idempotency/intents.js';
import { Ids } from './platform/ids.js';
import { Claimer } from './platform/jobs/claimer.js';
import { countJobs } from './platform/jobs/count-jobs.js';
import { DueWorkReport } from './platform/jobs/due-work.js';
import { JobPriority } from './platform/jobs/job.entity.js';
import { JobSql } from './platform/jobs/job.sql.js';
import { Jobs } from './platform/jobs/jobs.js';
import { stopwatchStarter } from './platform/jobs/lease.js';
import { LeaseKeeper } from './platform/jobs/lease-keeper.js';
import { Spread } from './platform/jobs/spread.js';
import { Worker } from './platform/jobs/worker.js';
import { createLog } from './platform/log.js';
import { VERSION } from './platform/version.js';
import { jobKindOf, OBJECT_KINDS } from './webhooks/event-catalogue.js';
import { BACKFILL } from './webhooks/webhook.backfill.js';
import { WebhookInbox } from './webhooks/webhook.inbox.js';

export { composeFoundation, type Foundation } from './compose.foundation.js';

const WORKER_IDLE_MS = 500;
const RECONCILE_EVERY_MS = 6 * 3_600_000;
const CANARY_PAUSE_MS = 250;
const QUIET_MS = 300_000;
/** How old the answer of /readyz may be, ms: anybody may ask for it, and each look is a query. */
const READY_EVERY_MS = 1_000;
const SYNCS = OBJECT_KINDS.map(jobKindOf);

/** A gateway, made but not started. */
export interface Gateway extends Foundation, AppWork {
  readonly schema: GraphQLSchema;
  readonly worker: Worker;
  /** Gives events their places in the feeds of their apps. */
  readonly publisher: EventPublisher;
  /** Makes sure that what repeats is scheduled, and starts the worker and the publisher. */
  readonly startWork: () => Promise<void>;
  readonly inbox: WebhookInbox;
  readonly operations: Operations;
  readonly webhooks: Webhooks;
  readonly processor: Processor;
  readonly reconciliation: Reconciliations;
  /** Makes sure that what repeats is scheduled for every app. */
  readonly schedule: () => Promise<void>;
  /** How many objects wait to be looked at again at Tilled. */
  readonly unsynced: () => Promise<number>;
  /** Watches the clocks of this process and of the database, once it is started. */
  readonly clocks: ClockWatch;
  /** What is out of order while the gateway still serves: Tilled, clocks, database hosts. Empty when all is well. */
  readonly degraded: () => readonly Degradation[];
  /** What this process has in hand. */
  readonly leases: Pick<LeaseKeeper, 'whenFree' | 'giveBack'>;
  /** Why the database cannot be worked with, for operators; null when it can. */
  readonly whyNotReady: () => Promise<string | null>;
}

/** What a process that serves or works hands in. */
interface GatewayParts extends Surroundings, TilledParts {
  readonly reconcileEveryMs?: number;
  /** How long a request without an answer may still be carried out at Tilled, ms; five minutes if absent. */
  readonly tilledQuietMs?: number;
  /** How long a canary waits after its first look, ms; after each further one that much longer. */
  readonly canaryPauseMs?: number;
}

/** Makes everything the gateway is of, in the order of who needs whom. */
export async function composeGateway(parts: GatewayParts): Promise<Gateway> {
  const { clock, tilled } = parts;
  const foundation = await composeFoundation({ statementMsMax: STATEMENT_MS_MAX, ...parts });
  const { database, replicas, migrator, access, log, metrics, vault } = foundation;
  watch(foundation);
  const ids = new Ids(clock);
  const { jobs, spread, taking, ...held } = composeJobs(parts, foundation, ids);
  const intents = new Intents({ claims: new Claims(jobs, clock), jobs, clocks: held.clocks, quietMs: parts.tilledQuietMs ?? QUIET_MS });
  const { processor, degraded } = composeProcessor({ ...parts, log, metrics, vault });
  const tools = { processor, intents, jobs, clock, ids };
  const services = composeServices(tools, vault);
  const webhooks = composeWebhooks({ ...tools, spread }, foundation, tilled);
  const reconciliation = composeReconciliation(tools, services.customers, {
    metrics,
    everyMs: parts.reconcileEveryMs ?? RECONCILE_EVERY_MS,
    canaryPauseMs: parts.canaryPauseMs ?? CANARY_PAUSE_MS,
    work: () => worker.drain(),
  });
  const sync = composeSync({ processor, jobs, clock }, services);
  const dataWork = composeDataWork(tools, services, vault);
  const handlers = handlersOf(intents, services, { sync, webhooks, reconciliation, retention: dataWork.retention });
  const publisher = composeEvents(foundation, { clock, ids, fanOut: async () => undefined });
  const worker: Worker = composeWorker(foundation, {
    ...taking,
    ids,
    intake: () => takeIn(webhooks, publisher),
    handlers: parts.purpose === 'catch-up' ? handlersThatRead(handlers, sync, jobs) : handlers,
    onFailure: sync.noteFailure.bind(sync),
  });
  const schema = shown(await createSchema(resolversOf(services, access, webhooks.service)), foundation);
  const schedule = () => scheduleAll(access, [webhooks.backfill, reconciliation.run, dataWork.retention]);
  return {
    ...foundation,
    ...composeAppWork(dataWork, { schema, access, deletion: services.customerDeletion, endpoints: webhooks.endpoints }),
    schema,
    worker,
    publisher,
    schedule,
    startWork: () => startWorking({ worker, publisher }, schedule, { clocks: held.clocks, log }),
    inbox: webhooks.inbox,
    operations: new Operations(clock),
    webhooks,
    processor,
    reconciliation,
    ...held,
    degraded: () => [...degraded(), ...held.clocks.degradation(), ...hostDegradation(database, clock), ...(replicas?.degradation() ?? [])],
    unsynced: async () => (await countJobs(database, SYNCS)) + (await webhooks.intake.waiting()),
    whyNotReady: atMostEvery(READY_EVERY_MS, () => whyNotReady(database, migrator)),
  };
}

/** What goes first: finishing mutations, then news of the processor, then recurring work. */
function priorityOf(kind: string): JobPriority {
  if (INTENT_KINDS.includes(kind)) return JobPriority.INTENT;
  return [RETENTION_SWEEP, BACKFILL, RECONCILE].includes(kind) ? JobPriority.SWEEP : JobPriority.NEWS;
}

/** The queue, and the watch over the clocks that its leases live by. */
function composeJobs({ clock, ticks = systemTicks }: GatewayParts, { database, log, metrics }: Foundation, ids: Ids) {
  const startStopwatch = stopwatchStarter(clock, ticks);
  const sql: JobSql = new JobSql(database, () => clocks.apartMs);
  const leases = new LeaseKeeper({ database, sql, startStopwatch, log });
  const jobs: Jobs = new Jobs({ database, sql, ids, keeper: leases, startStopwatch, priorityOf });
  const [due, spread] = [new DueWorkReport(database, ticks), new Spread()];
  const claimer = new Claimer({ database, sql, keeper: leases, due, spread, startStopwatch });
  const clocks = new ClockWatch({ database, clock, ticks, log, onSetBack: () => jobs.pullForward() });
  exposeClockSkew(metrics, clocks);
  return { jobs, spread, clocks, leases, taking: { jobs, claimer, mayWork: () => clocks.mayWork() } };
}

/** What the worker of a gateway needs beside what all processes have. */
interface WorkerParts
  extends Pick<ConstructorParameters<typeof Worker>[0], 'jobs' | 'claimer' | 'mayWork' | 'intake' | 'handlers' | 'onFailure'> {
  readonly ids: Ids;
}

function composeWorker({ access, log, metrics }: Foundation, { ids, onFailure, ...parts }: WorkerParts): Worker {
  return new Worker({
    ...parts,
    priorityOf,
    scopeFor: ({ appId, kind, jobId }) => access.scopeOf(appId, { kind: 'job', id: `${kind} ${jobId}` }, { requestId: ids.make('job') }),
    onFailure: async (scope, lease, reason, isDead) => {
      metrics.jobFailures.inc({ kind: lease.kind, fate: isDead ? 'dead' : 'retry' });
      await onFailure(scope, lease, reason, isDead);
    },
    isNeverGivenUp: (kind) => INTENT_KINDS.includes(kind),
    log,
    metrics,
    idleMs: WORKER_IDLE_MS,
  });
}

/** The schema, for those who follow its fields: how often each is asked, and how events show objects. */
function shown(schema: GraphQLSchema, { eventTrail, metrics }: Foundation): GraphQLSchema {
  eventTrail.learn(schema);
  countRootFields(schema, metrics);
  return schema;
}

/** Adds gauges of the process, and of what is in the database, to the metrics that are counted on the way. */
function watch(foundation: Foundation): void {
  const { database, log, metrics } = foundation;
  metrics.watchProcess();
  const build = { name: 'billing_build_info', help: 'Always 1: which version runs here.', labelNames: ['version'] };
  metrics.gauge(build).set({ version: VERSION }, 1);
  exposeOperationalCounts(metrics, new OperationalCountsReader(foundation), database, log);
}

/** The schema alone, for writing it down; its resolvers are never called. */
export async function composeSchema(): Promise<GraphQLSchema> {
  const database: DatabaseConfig = { kind: 'embedded', location: ':memory:', hosts: null, poolSize: 1, tls: null };
  const tilled: TilledConfig = { baseUrl: 'http://127.0.0.1', secretKey: '', publicKey: '', webhookSecret: '', accountId: '' };
  const encryption = { key: randomBytes(32), previous: null };
  const gateway = await composeGateway({ database, encryption, clock: systemClock, log: createLog('silent'), tilled, tilledTimeoutMs: 1 });
  await gateway.database.close();
  return gateway.schema;
}
