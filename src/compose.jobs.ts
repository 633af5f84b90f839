import { INTENT_KINDS } from './backoffice/open-intents/intent-kinds.js';
import { RECONCILE } from './backoffice/reconciliation/reconciliation.run.js';
import { RETENTION_SWEEP } from './backoffice/retention/retention.js';
import type { Foundation, Surroundings } from './compose.foundation.js';
import { DELIVER } from './deliveries/deliverer.js';
import { systemTicks } from './platform/clock.js';
import { exposeClockSkew } from './platform/db/clock.metrics.js';
import { ClockWatch } from './platform/db/clock-watch.js';
import type { Ids } from './platform/ids.js';
import { Claimer } from './platform/jobs/claimer.js';
import { DueWorkReport } from './platform/jobs/due-work.js';
import { JobPriority } from './platform/jobs/job.entity.js';
import { JobSql } from './platform/jobs/job.sql.js';
import { Jobs } from './platform/jobs/jobs.js';
import { stopwatchStarter } from './platform/jobs/lease.js';
import { LeaseKeeper } from './platform/jobs/lease-keeper.js';
import { Spread } from './platform/jobs/spread.js';
import { DELIVERY_SLOTS, type Slots, WORK_SLOTS } from './platform/jobs/turns.js';
import { Worker } from './platform/jobs/worker.js';
import { Workers } from './platform/jobs/workers.js';
import { BACKFILL } from './webhooks/webhook.backfill.js';

const WORKER_IDLE_MS = 500;

/** What goes first: finishing mutations, then news of the processor, then recurring work. Deliveries go beside. */
function priorityOf(kind: string): JobPriority {
  if (INTENT_KINDS.includes(kind)) return JobPriority.INTENT;
  if (kind === DELIVER) return JobPriority.DELIVERY;
  return [RETENTION_SWEEP, BACKFILL, RECONCILE].includes(kind) ? JobPriority.SWEEP : JobPriority.NEWS;
}

/**
 * The queue, how work is taken from it, and the watch over the clocks that its leases live by. Once the database's time
 * went back, `pullBeside` is called for what waits elsewhere, and after that the work is due.
 */
export function composeJobs(
  { clock, ticks = systemTicks }: Pick<Surroundings, 'clock' | 'ticks'>,
  { database, log, metrics }: Foundation,
  { ids, pullBeside }: { readonly ids: Ids; readonly pullBeside: () => Promise<void> },
) {
  const startStopwatch = stopwatchStarter(clock, ticks);
  const sql: JobSql = new JobSql(database, () => clocks.apartMs);
  const leases = new LeaseKeeper({ database, sql, startStopwatch, log });
  const jobs: Jobs = new Jobs({ database, sql, ids, keeper: leases, startStopwatch, priorityOf });
  const spread = new Spread();
  const claimerFor = (slots: Slots, apart = new Spread()) => {
    const due = new DueWorkReport(database, ticks, Object.keys(slots.from).map(Number));
    return new Claimer({ database, sql, keeper: leases, due, spread: apart, slots, startStopwatch });
  };
  const clocks = new ClockWatch({ database, clock, ticks, log, onSetBack: () => pullBeside().then(() => jobs.pullForward()) });
  exposeClockSkew(metrics, clocks);
  const claimers = { work: claimerFor(WORK_SLOTS, spread), deliveries: claimerFor(DELIVERY_SLOTS) };
  return { jobs, spread, clocks, leases, taking: { jobs, claimers, mayWork: () => clocks.mayWork() } };
}

/** What the workers of a gateway need beside what all processes have. */
interface WorkersParts
  extends Pick<ConstructorParameters<typeof Worker>[0], 'jobs' | 'mayWork' | 'intake' | 'handlers' | 'onFailure'>,
    Pick<ReturnType<typeof composeJobs>['taking'], 'claimers'> {
  readonly ids: Ids;
}

/** The worker of all that is asked for and heard, and beside it one that delivers, whom receivers may keep waiting. */
export function composeWorkers(
  { access, log, metrics }: Foundation,
  { ids, onFailure, claimers, intake, ...parts }: WorkersParts,
): Workers {
  const shared: Omit<ConstructorParameters<typeof Worker>[0], 'claimer' | 'slots' | 'intake'> = {
    ...parts,
    priorityOf,
    scopeFor: ({ appId, kind, jobId }) => access.scopeOf(appId, { kind: 'job', id: `${kind} ${jobId}` }, { requestId: ids.make('job') }),
    onFailure: async (scope, lease, reason, isDead) => {
      metrics.jobFailures.inc({ kind: lease.kind, fate: isDead ? 'dead' : 'retry' });
      await onFailure(scope, lease, reason, isDead);
    },
    isNeverGivenUp: (kind) => kind === DELIVER || INTENT_KINDS.includes(kind),
    log,
    metrics,
    idleMs: WORKER_IDLE_MS,
  };
  return new Workers(
    new Worker({ ...shared, claimer: claimers.work, slots: WORK_SLOTS, intake }),
    new Worker({ ...shared, claimer: claimers.deliveries, slots: DELIVERY_SLOTS, intake: async () => undefined }),
  );
}
