import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import type { GraphQLSchema } from 'graphql';
import { Operations } from './access/operation.service.js';
import { cardFieldsAt, Pages } from './access/pages.js';
import { exposeOperationalCounts } from './backoffice/gauges/operational-counts.gauges.js';
import { OperationalCountsReader } from './backoffice/gauges/operational-counts.js';
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
import { composeDeliveries, type DeliverySettings } from './compose.deliveries.js';
import { composeEvents } from './compose.events.js';
import { composeFoundation, type Foundation, type Surroundings } from './compose.foundation.js';
import { composeJobs, composeWorkers } from './compose.jobs.js';
import { composeProcessor, type TilledParts } from './compose.processor.js';
import { scheduleAll, startWorking } from './compose.work.js';
import type { DatabaseConfig, TilledConfig } from './config.js';
import type { EventPublisher } from './events/event.publisher.js';
import type { LimitEvents } from './events/limit-events.js';
import { countRootFields } from './graphql/operations.js';
import { createSchema } from './graphql/schema.js';
import { atMostEvery } from './platform/brief-cache.js';
import { systemClock } from './platform/clock.js';
import type { ClockWatch } from './platform/db/clock-watch.js';
import { hostDegradation } from './platform/db/host-reports.js';
import { STATEMENT_MS_MAX } from './platform/db/outage.js';
import { whyNotReady } from './platform/db/readiness.js';
import type { Degradation } from './platform/degradation.js';
import { Claims } from './platform/idempotency/claims.js';
import { Intents } from './platform/idempotency/intents.js';
import { Ids } from './platform/ids.js';
import { countJobs } from './platform/jobs/count-jobs.js';
import type { Jobs } from './platform/jobs/jobs.js';
import type { LeaseKeeper } from './platform/jobs/lease-keeper.js';
import type { Workers } from './platform/jobs/workers.js';
import { createLog } from './platform/log.js';
import { VERSION } from './platform/version.js';
import { jobKindOf, OBJECT_KINDS } from './webhooks/event-catalogue.js';
import { WebhookInbox } from './webhooks/webhook.inbox.js';

export { composeFoundation, type Foundation } from './compose.foundation.js';

const RECONCILE_EVERY_MS = 6 * 3_600_000;
const CANARY_PAUSE_MS = 250;
const QUIET_MS = 300_000;
/** How old the answer of /readyz may be, ms: anybody may ask for it, and each look is a query. */
const READY_EVERY_MS = 1_000;
const SYNCS = OBJECT_KINDS.map(jobKindOf);

/** A gateway, made but not started. */
export interface Gateway extends Foundation, AppWork {
  readonly schema: GraphQLSchema;
  readonly worker: Workers;
  /** Gives events their places in the feeds of their apps. */
  readonly publisher: EventPublisher;
  /** Tells apps that their requests are refused. */
  readonly limitEvents: LimitEvents;
  /** Makes sure that what repeats is scheduled, and starts the workers and the publisher. */
  readonly startWork: () => Promise<void>;
  readonly inbox: WebhookInbox;
  readonly operations: Operations;
  /** Where the pages for people are. */
  readonly pages: Pages;
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
  /** Where the world reaches the gateway, without a slash at its end; nobody knows if absent. */
  readonly publicUrl?: string | null;
  readonly reconcileEveryMs?: number;
  /** How apps are told their events; without networks of the operator's own if absent. */
  readonly deliveries?: DeliverySettings;
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
  const { jobs, spread, taking, ...held } = composeJobs(parts, foundation, { ids, pullBeside: () => pullBeside() });
  const { claims, intents } = composeIntents(parts, jobs, held.clocks);
  const { processor, degraded } = composeProcessor({ ...parts, log, metrics, vault });
  const tools = { processor, intents, jobs, clock, ids };
  const services = composeServices(tools, vault);
  const deliveries = composeDeliveries({ jobs, claims }, foundation, parts.deliveries ?? { networks: [] });
  const pullBeside = () => scheduleAll(access, [{ schedule: (scope) => deliveries.endpoints.pullForward(scope) }]);
  const webhooks = composeWebhooks({ ...tools, spread }, foundation, tilled);
  const reconciliation = composeReconciliation(tools, services.customers, {
    metrics,
    everyMs: parts.reconcileEveryMs ?? RECONCILE_EVERY_MS,
    canaryPauseMs: parts.canaryPauseMs ?? CANARY_PAUSE_MS,
    work: () => worker.drain(),
  });
  const sync = composeSync({ processor, jobs, clock }, services);
  const dataWork = composeDataWork(tools, services, vault);
  const handlers = handlersOf(intents, services, { sync, webhooks, reconciliation, retention: dataWork.retention, deliveries });
  const events = composeEvents(foundation, { ...parts, ...taking, ids, fanOut: (tx, published) => deliveries.fanOut.add(tx, published) });
  const worker: Workers = composeWorkers(foundation, {
    ...taking,
    ids,
    intake: () => webhooks.intake.take(),
    handlers: parts.purpose === 'catch-up' ? handlersThatRead(handlers, sync, jobs) : handlers,
    onFailure: sync.noteFailure.bind(sync),
  });
  const entrance = { access, pages: new Pages(parts.publicUrl ?? null, cardFieldsAt(tilled)) };
  const schema = shown(await createSchema([...resolversOf(services, entrance, webhooks.service), ...deliveries.resolvers]), foundation);
  const schedule = () => scheduleAll(access, [webhooks.backfill, reconciliation.run, dataWork.retention, deliveries.endpoints]);
  return {
    ...foundation,
    ...composeAppWork(dataWork, { schema, access, deletion: services.customerDeletion, endpoints: webhooks.endpoints }),
    ...{ schema, worker, pages: entrance.pages, ...events, schedule },
    startWork: () => startWorking({ worker, ...events }, schedule, { clocks: held.clocks, log }),
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

/** How mutations are run and repeated. */
function composeIntents({ clock, tilledQuietMs: quietMs = QUIET_MS }: GatewayParts, jobs: Jobs, clocks: ClockWatch) {
  const claims = new Claims(jobs, clock);
  return { claims, intents: new Intents({ claims, jobs, clocks, quietMs }) };
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
