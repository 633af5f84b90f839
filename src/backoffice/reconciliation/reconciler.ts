import { type Divergence, DivergenceClass, DivergenceStatus } from '../../billing/kit/divergence.entity.js';
import { DivergenceRepository, type ObjectRef } from '../../billing/kit/divergence.repository.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import type { Lease } from '../../platform/jobs/lease.js';
import type { Metrics } from '../../platform/metrics.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { type ComparedObject, type Comparison, type Difference, differenceOf, occurredAt } from './comparison.js';
import { ReconciledRepository } from './reconciliation.repository.js';

/** The kind of the job that examines one object again: after healing, and where something was under way. */
export const EXAMINE_AGAIN = 'reconcile.look';

/** The result of comparing an object with Tilled's. `busy`: it is being changed, so nothing can be said. */
export type Verdict = 'equal' | 'differs' | 'busy';

/** How strictly an object is examined. */
interface ExamineOptions {
  /** What either side changed less long ago is still on its way to the other, ms. */
  readonly graceMs: number;
  /** Whether a job examines the object again after a verdict that is not `equal`. */
  readonly isFollowedUp: boolean;
}

interface ReconcilerParts {
  readonly jobs: Jobs;
  readonly metrics: Metrics;
  readonly comparisons: readonly Comparison<unknown>[];
}

/** A webhook takes seconds; Tilled's own retries of a delivery begin within minutes. */
const GRACE_MS = 300_000;
const AFTER_HEALING_MS = 60_000;
const EXAMINATIONS_MAX = 3;

/** Compares objects with Tilled, records what differs, has it healed, and checks that it was. */
export class Reconciler {
  constructor(private readonly parts: ReconcilerParts) {}

  /** How objects of a kind are compared. */
  comparisonOf(kind: string): Comparison<unknown> {
    const comparison = this.parts.comparisons.find((candidate) => candidate.kind === kind);
    if (comparison === undefined) throw new Error(`Nothing compares objects of the kind ${kind}.`);
    return comparison;
  }

  /** Compares a page of what Tilled lists, or only the object `only`. What seems to differ is examined one by one. */
  async comparePage(
    scope: Scope,
    page: { readonly kind: string; readonly position: string; readonly only?: string },
    options: Partial<ExamineOptions> = {},
  ): Promise<{ looked: number; busy: number; next: string | null }> {
    const comparison = this.comparisonOf(page.kind);
    const part = await comparison.list(scope, page.position);
    const snapshots = part.snapshots.filter((snapshot) => page.only === undefined || comparison.idOf(snapshot) === page.only);
    const closer = await scope.transaction(async (tx) => {
      const refs = snapshots.map((snapshot) => ({ kind: comparison.kind, objectId: null, tilledId: comparison.idOf(snapshot) }));
      const found = await Promise.all(snapshots.map((snapshot, index) => comparison.read(tx, refs[index] as ObjectRef, snapshot)));
      const compared = found.filter((candidate) => candidate !== null);
      await ReconciledRepository.of(tx).mark(compared.flatMap(({ objectId }) => (objectId === null ? [] : [objectId])));
      const open = await DivergenceRepository.of(tx).openOf(compared.map((candidate) => ({ ...candidate, kind: comparison.kind })));
      return compared.filter((candidate) => differenceOf(candidate) !== null || open.some((divergence) => isAbout(divergence, candidate)));
    });
    const busy = await this.examineAll(
      scope,
      closer.map(({ objectId, tilledId }) => ({ kind: comparison.kind, objectId, tilledId })),
      options,
    );
    return { looked: snapshots.length, busy, next: part.next };
  }

  /** Examines objects one by one; returns how many were busy. */
  async examineAll(scope: Scope, refs: readonly ObjectRef[], options: Partial<ExamineOptions> = {}): Promise<number> {
    let busy = 0;
    for (const ref of refs) if ((await this.examine(scope, ref, options)) === 'busy') busy += 1;
    return busy;
  }

  /**
   * Compares one object. Its row is read before and after Tilled is asked. An object that changed meanwhile or a moment
   * ago, or that a job is at, proves nothing and is examined later. If it is equal, its open divergences are closed;
   * if it differs, a divergence is opened and the jobs that heal it are queued.
   */
  async examine(scope: Scope, ref: ObjectRef, options: Partial<ExamineOptions> = {}): Promise<Verdict> {
    const { graceMs = GRACE_MS, isFollowedUp = true } = options;
    const comparison = this.comparisonOf(ref.kind);
    const before = await scope.transaction((tx) => comparison.read(tx, ref, null));
    const tilledId = before?.tilledId ?? ref.tilledId;
    // Named one by one: `ref` may be a row with more in it.
    const seen: ObjectRef = { kind: ref.kind, objectId: ref.objectId, tilledId };
    const snapshot = tilledId === null ? null : await comparison.fetch(scope, tilledId);
    return scope.transaction(async (tx) => {
      const compared = await comparison.read(tx, seen, snapshot);
      if (before !== null && before.oursChangedAt?.getTime() !== compared?.oursChangedAt?.getTime())
        return this.postpone(tx, ref, isFollowedUp);
      if (await ReconciledRepository.of(tx).isUnderWay(compared?.subjects ?? [])) return this.postpone(tx, ref, isFollowedUp);
      const difference = compared === null ? null : differenceOf(compared);
      if (compared === null || difference === null)
        return this.close(tx, { ...(compared ?? seen), kind: ref.kind }, openUntilClosedByPerson(compared));
      if (isFresh(tx, compared, graceMs)) return this.postpone(tx, ref, isFollowedUp);
      return this.open(tx, { ref: seen, compared, difference, isFollowedUp });
    });
  }

  /** The handler of EXAMINE_AGAIN. What still differs after some tries waits for a person or the next run. */
  async runExamination(scope: Scope, lease: Lease): Promise<void> {
    const verdict = await this.examine(scope, lease.payload as ObjectRef, { isFollowedUp: false });
    if (verdict === 'busy') return this.parts.jobs.release(scope, lease, { dueInMs: GRACE_MS });
    if (verdict === 'differs' && lease.attempts < EXAMINATIONS_MAX)
      return this.parts.jobs.release(scope, lease, { dueInMs: AFTER_HEALING_MS * 5 ** lease.attempts, error: 'It still differs.' });
    return scope.transaction((tx) => this.parts.jobs.complete(tx, lease));
  }

  private async postpone(tx: Scope, ref: ObjectRef, isFollowedUp: boolean): Promise<Verdict> {
    if (isFollowedUp) await this.examineLater(tx, ref, GRACE_MS);
    return 'busy';
  }

  private async open(
    tx: Scope,
    {
      ref,
      compared,
      difference,
      isFollowedUp,
    }: { ref: ObjectRef; compared: ComparedObject; difference: Difference; isFollowedUp: boolean },
  ): Promise<Verdict> {
    const { objectId, tilledId, ours, theirs } = compared;
    await this.close(tx, { kind: ref.kind, objectId, tilledId }, [difference.class, ...openUntilClosedByPerson(compared)]);
    const sighting = {
      kind: ref.kind,
      objectId: compared.duplicateOf ?? objectId,
      tilledId,
      ours,
      theirs,
      ...difference,
      occurredAt: occurredAt(compared),
    };
    const isNew = await DivergenceRepository.of(tx).recordSighting(sighting);
    await this.parts.jobs.enqueueAll(tx, compared.healing);
    if (isFollowedUp) await this.examineLater(tx, { kind: ref.kind, objectId, tilledId }, AFTER_HEALING_MS);
    const facts = { kind: ref.kind, class: difference.class, objectId: sighting.objectId, tilledId, fields: difference.fields };
    tx.request.log.error(isNew ? 'divergence found' : 'divergence seen again', { ...facts, divergence_risk: true });
    if (isNew) tx.db.afterCommit(() => this.parts.metrics.divergencesFound.inc({ class: difference.class }));
    return 'differs';
  }

  /** Closes as healed what is open about an object, but for classes that still hold. */
  private async close(tx: Scope, ref: ObjectRef, holding: readonly Difference['class'][]): Promise<Verdict> {
    const divergences = DivergenceRepository.of(tx);
    for (const { id, class: found } of await divergences.openOf([ref])) {
      if (holding.includes(found) || !(await divergences.close(id, DivergenceStatus.HEALED, null))) continue;
      tx.request.log.info('divergence healed', { divergenceId: id, class: found, objectId: ref.objectId, tilledId: ref.tilledId });
      tx.db.afterCommit(() => this.parts.metrics.divergencesHealed.inc({ class: found }));
    }
    return 'equal';
  }

  private examineLater(tx: Scope, ref: ObjectRef, dueInMs: number): Promise<void> {
    const { kind, objectId, tilledId } = ref;
    const payload: ObjectRef = { kind, objectId, tilledId };
    return this.parts.jobs.enqueue(tx, { kind: EXAMINE_AGAIN, subject: objectId ?? tilledId ?? '', payload, dueInMs });
  }
}

/** Classes of divergence that only a person closes. */
function openUntilClosedByPerson(compared: ComparedObject | null): Difference['class'][] {
  return compared?.isSecond === true ? [DivergenceClass.DUPLICATE_AT_TILLED] : [];
}

/** The object a divergence is about. Of a duplicate that is the second object, not ours. */
export function objectRefOf({ kind, class: found, objectId, tilledId }: Divergence): ObjectRef {
  return { kind, objectId: found === DivergenceClass.DUPLICATE_AT_TILLED ? null : objectId, tilledId };
}

function isFresh(tx: Scope, compared: ComparedObject, graceMs: number): boolean {
  const freshFrom = tx.now().getTime() - graceMs;
  return [compared.oursChangedAt, compared.theirsChangedAt].some((changedAt) => changedAt !== null && changedAt.getTime() > freshFrom);
}

function isAbout(divergence: Divergence, compared: ComparedObject): boolean {
  const isSame = (one: string | null, other: string | null) => one !== null && one === other;
  return isSame(divergence.objectId, compared.objectId) || isSame(divergence.tilledId, compared.tilledId);
}
