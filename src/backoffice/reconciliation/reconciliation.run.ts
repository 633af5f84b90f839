import { setTimeout as sleep } from 'node:timers/promises';
import { type Divergence, DivergenceKind } from '../../billing/kit/divergence.entity.js';
import { DivergenceRepository } from '../../billing/kit/divergence.repository.js';
import { plusMs } from '../../platform/clock.js';
import { ProcessorUnavailable } from '../../platform/errors.js';
import { takeOrGiveBack } from '../../platform/jobs/give-back.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import { type Lease, LeaseLost } from '../../platform/jobs/lease.js';
import { errorFields } from '../../platform/log.js';
import type { Metrics } from '../../platform/metrics.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { objectRefOf, type Reconciler } from './reconciler.js';
import type { Reconciliation } from './reconciliation.entity.js';
import { ReconciledRepository, ReconciliationRepository } from './reconciliation.repository.js';

/** Compares all that an app has with Tilled, a page a piece of work; reschedules itself. */
export const RECONCILE = 'reconcile';

interface RunParts {
  readonly reconciler: Reconciler;
  readonly jobs: Jobs;
  readonly metrics: Metrics;
  /** How long after the end of a run the next one begins, ms. */
  readonly everyMs: number;
}

/** How long something took, in ms, over a number of divergences. */
interface Times {
  readonly count: number;
  readonly p50: number | null;
  readonly max: number | null;
}

/** The result of a run. */
export interface ReconciliationReport {
  readonly appId: string;
  readonly runId: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly looked: number;
  readonly busy: number;
  /** Divergences that are open now. */
  readonly open: number;
  /** Those of them that are second objects at Tilled with the mark of one of ours. */
  readonly duplicates: number;
  /** Found and healed since the run began. */
  readonly found: number;
  readonly healed: number;
  /** Over the last seven days. */
  readonly timeToDetectMs: Times;
  readonly timeToHealMs: Times;
}

/** Part of a run: its result, and where the next part begins. */
interface Part {
  readonly looked: number;
  readonly busy: number;
  readonly next: string | null;
}

/** How long to wait after a page before the next, ms, and what it failed with; null if it did not. */
interface PartEnd {
  readonly pauseMs: number;
  readonly failure: unknown;
}

const OPEN_STEP = 'open';
/** Tilled's lists come first, so that afterwards only rows that no list named have to be asked for. */
const STEPS = [...Object.values(DivergenceKind).flatMap((kind) => [`${kind} there`, `${kind} here`]), OPEN_STEP];
const ASKED_ONE_BY_ONE = 20;
const AFTER_FAILURE_MS = 900_000;
const REPORTED_MS = 7 * 86_400_000;

/** Compares everything of an app. Each page is a job with its own lease that ends with the next position. */
export class ReconciliationRun {
  constructor(private readonly parts: RunParts) {}

  /** Makes sure that the run is scheduled for an app. */
  async schedule(scope: Scope): Promise<void> {
    const key = { kind: RECONCILE, subject: scope.appId };
    if (!(await this.parts.jobs.isWaiting(scope, key)))
      await scope.transaction((tx) => this.parts.jobs.enqueue(tx, { ...key, dueInMs: this.parts.everyMs }));
  }

  /** The handler of RECONCILE. Never given up: the longer Tilled was down, the more there is to compare. */
  async work(scope: Scope, lease: Lease): Promise<void> {
    await this.part(scope, lease);
  }

  /**
   * Goes through everything now, or finishes the run that was stopped; resolves with what came of it. What another
   * process does of it meanwhile is waited for. Throws what no waiting helps against.
   */
  async runNow(scope: Scope): Promise<ReconciliationReport> {
    const key = { kind: RECONCILE, subject: scope.appId };
    const finishedBefore = (await this.lastFinished(scope))?.id ?? '';
    await scope.transaction((tx) => this.parts.jobs.enqueue(tx, key));
    for (;;) {
      const lease = await takeOrGiveBack(this.parts.jobs, scope, key);
      // Null while another process is at a page of the same run.
      const { pauseMs, failure } = lease === null ? ELSEWHERE : await this.partUnlessLost(scope, lease);
      if (failure !== null && !(failure instanceof ProcessorUnavailable)) throw failure;
      const finished = await this.lastFinished(scope);
      if (finished !== null && finished.id > finishedBefore) return this.report(scope, finished);
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }

  /** One page, unless another process took it over meanwhile. */
  private async partUnlessLost(scope: Scope, lease: Lease): Promise<PartEnd> {
    try {
      return await this.part(scope, lease);
    } catch (error) {
      if (error instanceof LeaseLost) return ELSEWHERE;
      throw error;
    } finally {
      this.parts.jobs.letGo(lease);
    }
  }

  /** The result of the newest run; null if there was none. */
  async latest(scope: Scope): Promise<ReconciliationReport | null> {
    const run = await ReconciliationRepository.of(scope).latest();
    return run === null ? null : this.report(scope, run);
  }

  /** Does one page; returns how long to wait before the next, ms, and what it failed with. */
  private async part(scope: Scope, lease: Lease): Promise<PartEnd> {
    try {
      const run = await this.current(scope);
      const part = await this.compare(scope, run);
      return { pauseMs: await this.advance(scope, lease, { run, part }), failure: null };
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      const dueInMs = error instanceof ProcessorUnavailable ? error.retryAfterMs : AFTER_FAILURE_MS;
      scope.request.log.error('reconciliation interrupted', { dueInMs, ...errorFields(error) });
      await this.parts.jobs.release(scope, lease, { dueInMs });
      return { pauseMs: dueInMs, failure: error };
    }
  }

  /** The run that is not finished yet, or a new one. */
  private async current(scope: Scope): Promise<Reconciliation> {
    return scope.transaction(async (tx) => {
      const latest = await ReconciliationRepository.of(tx).latest();
      if (latest !== null && latest.finishedAt === null) return latest;
      const [step = OPEN_STEP] = STEPS;
      return ReconciliationRepository.of(tx).add({
        ...{ id: tx.newId('rec'), step, position: '', looked: 0, busy: 0, startedAt: tx.now(), finishedAt: null },
      });
    });
  }

  private async compare(scope: Scope, { step, position, startedAt }: Reconciliation): Promise<Part> {
    const { reconciler } = this.parts;
    if (step === OPEN_STEP) {
      const open = await DivergenceRepository.of(scope).openAfter(position, ASKED_ONE_BY_ONE);
      const unseen = open.filter(({ seenAt }) => seenAt < startedAt);
      return {
        looked: unseen.length,
        busy: await reconciler.examineAll(scope, unseen.map(objectRefOf)),
        next: nextAfter(open.map(({ id }) => id)),
      };
    }
    const [kind = '', side] = step.split(' ');
    if (side === 'there') return reconciler.comparePage(scope, { kind, position });
    const comparison = reconciler.comparisonOf(kind);
    const page = { afterId: position, limit: ASKED_ONE_BY_ONE };
    const ids = await ReconciledRepository.of(scope).unmarked(comparison, startedAt, page);
    const refs = ids.map((objectId) => ({ kind: comparison.kind, objectId, tilledId: null }));
    return { looked: ids.length, busy: await reconciler.examineAll(scope, refs), next: nextAfter(ids) };
  }

  /** Notes how far the run has come, in the transaction that gives the work back. Throws LeaseLost. */
  private async advance(scope: Scope, lease: Lease, { run, part }: { run: Reconciliation; part: Part }): Promise<number> {
    const step = part.next === null ? STEPS[STEPS.indexOf(run.step) + 1] : run.step;
    const dueInMs = step === undefined ? this.parts.everyMs : 0;
    await scope.transaction(async (tx) => {
      await this.parts.jobs.confirm(tx, lease);
      const row = await ReconciliationRepository.of(tx).lock(run.id);
      Object.assign(row, { looked: run.looked + part.looked, busy: run.busy + part.busy, position: part.next ?? '' });
      if (step === undefined) row.finishedAt = tx.now();
      else row.step = step;
      await this.parts.jobs.release(tx, lease, { dueInMs });
    });
    if (step === undefined) await this.finish(scope);
    return dueInMs;
  }

  private async finish(scope: Scope): Promise<void> {
    const report = await this.latest(scope);
    this.parts.metrics.reconciliations.inc();
    this.parts.metrics.reconciledAt.set(scope.now().getTime() / 1_000);
    scope.request.log.info('reconciliation finished', { ...report });
  }

  private async lastFinished(scope: Scope): Promise<Reconciliation | null> {
    const latest = await ReconciliationRepository.of(scope).latest();
    return latest?.finishedAt ? latest : null;
  }

  private async report(scope: Scope, run: Reconciliation): Promise<ReconciliationReport> {
    const { open, duplicates, found, healed } = await DivergenceRepository.of(scope).since(run.startedAt);
    const lately = await DivergenceRepository.of(scope).since(plusMs(scope.now(), -REPORTED_MS));
    return {
      appId: scope.appId,
      runId: run.id,
      startedAt: run.startedAt.toISOString(),
      finishedAt: run.finishedAt?.toISOString() ?? null,
      looked: run.looked,
      busy: run.busy,
      open,
      duplicates,
      found: found.length,
      healed: healed.length,
      timeToDetectMs: timesOf(lately.found, ({ occurredAt, detectedAt }) => elapsed(occurredAt, detectedAt)),
      timeToHealMs: timesOf(lately.healed, ({ detectedAt, closedAt }) => elapsed(detectedAt, closedAt)),
    };
  }
}

/** Another process does the page: it is waited for. */
const ELSEWHERE: PartEnd = { pauseMs: 250, failure: null };

function nextAfter(ids: readonly string[]): string | null {
  return ids.length < ASKED_ONE_BY_ONE ? null : (ids.at(-1) ?? null);
}

function elapsed(from: Date | null, until: Date | null): number | null {
  return from === null || until === null ? null : until.getTime() - from.getTime();
}

function timesOf(divergences: readonly Divergence[], measure: (divergence: Divergence) => number | null): Times {
  const times = divergences
    .map(measure)
    .filter((ms) => ms !== null)
    .sort((one, other) => one - other);
  return { count: times.length, p50: times[Math.trunc((times.length - 1) / 2)] ?? null, max: times.at(-1) ?? null };
}
