import { type Divergence, DivergenceClass, DivergenceStatus } from '../../billing/kit/divergence.entity.js';
import { DivergenceRepository, type ObjectRef } from '../../billing/kit/divergence.repository.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import type { Lease } from '../../platform/jobs/lease.js';
import type { Metrics } from '../../platform/metrics.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { type Comparison, type Difference, differenceOf, occurredAt, type Sides } from './comparison.js';
import { ReconciledRepository } from './reconciliation.repository.js';

/** Looks at one object again: after healing, and where something was under way. */
export const LOOK = 'reconcile.look';

/** What a look at both sides of an object came to. `busy`: it is just being changed, so nothing can be said. */
export type Verdict = 'equal' | 'differs' | 'busy';

/** How closely is looked. */
interface Look {
  /** What either side changed less long ago is still on its way to the other, ms. */
  readonly graceMs: number;
  /** Whether a job looks again after a verdict that is not `equal`. */
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
const LOOKS_MAX = 3;

/** Compares objects with Tilled, records what differs, has it healed, and looks whether it was. */
export class Reconciler {
  constructor(private readonly parts: ReconcilerParts) {}

  /** How objects of a kind are compared. */
  comparisonOf(kind: string): Comparison<unknown> {
    const comparison = this.parts.comparisons.find((candidate) => candidate.kind === kind);
    if (comparison === undefined) throw new Error(`Nothing compares objects of the kind ${kind}.`);
    return comparison;
  }

  /** Compares a page of what Tilled lists; `only` leaves out all but one object. Objects that seem to differ are looked at one by one. */
  async comparePage(
    scope: Scope,
    page: { readonly kind: string; readonly position: string; readonly only?: string },
    look: Partial<Look> = {},
  ): Promise<{ looked: number; busy: number; next: string | null }> {
    const comparison = this.comparisonOf(page.kind);
    const part = await comparison.list(scope, page.position);
    const snapshots = part.snapshots.filter((snapshot) => page.only === undefined || comparison.idOf(snapshot) === page.only);
    const closer = await scope.transaction(async (tx) => {
      const refs = snapshots.map((snapshot) => ({ kind: comparison.kind, objectId: null, tilledId: comparison.idOf(snapshot) }));
      const found = await Promise.all(snapshots.map((snapshot, index) => comparison.sides(tx, refs[index] as ObjectRef, snapshot)));
      const sides = found.filter((candidate) => candidate !== null);
      await ReconciledRepository.of(tx).mark(sides.flatMap(({ objectId }) => (objectId === null ? [] : [objectId])));
      const open = await DivergenceRepository.of(tx).openOf(sides.map((candidate) => ({ ...candidate, kind: comparison.kind })));
      return sides.filter((candidate) => differenceOf(candidate) !== null || open.some((divergence) => isAbout(divergence, candidate)));
    });
    const busy = await this.examineAll(
      scope,
      closer.map(({ objectId, tilledId }) => ({ kind: comparison.kind, objectId, tilledId })),
      look,
    );
    return { looked: snapshots.length, busy, next: part.next };
  }

  /** Looks at objects one by one; returns how many were busy. */
  async examineAll(scope: Scope, refs: readonly ObjectRef[], look: Partial<Look> = {}): Promise<number> {
    let busy = 0;
    for (const ref of refs) if ((await this.examine(scope, ref, look)) === 'busy') busy += 1;
    return busy;
  }

  /**
   * Compares one object. Its row is read before and after Tilled is asked, and work about it is looked for: what changed
   * meanwhile, is being changed or changed a moment ago proves nothing and is looked at later. Equal sides close what is
   * open about the object, others open a divergence and ask for the work that heals it.
   */
  async examine(scope: Scope, ref: ObjectRef, look: Partial<Look> = {}): Promise<Verdict> {
    const { graceMs = GRACE_MS, isFollowedUp = true } = look;
    const comparison = this.comparisonOf(ref.kind);
    const before = await scope.transaction((tx) => comparison.sides(tx, ref, null));
    const tilledId = before?.tilledId ?? ref.tilledId;
    // Named one by one: `ref` may be a row that was read, and a spread leaves out its getters.
    const seen: ObjectRef = { kind: ref.kind, objectId: ref.objectId, tilledId };
    const snapshot = tilledId === null ? null : await comparison.fetch(scope, tilledId);
    return scope.transaction(async (tx) => {
      const sides = await comparison.sides(tx, seen, snapshot);
      if (before !== null && before.oursChangedAt?.getTime() !== sides?.oursChangedAt?.getTime()) return this.wait(tx, ref, isFollowedUp);
      if (await ReconciledRepository.of(tx).isUnderWay(sides?.subjects ?? [])) return this.wait(tx, ref, isFollowedUp);
      const difference = sides === null ? null : differenceOf(sides);
      if (sides === null || difference === null) return this.close(tx, { ...(sides ?? seen), kind: ref.kind }, standing(sides));
      if (isFresh(tx, sides, graceMs)) return this.wait(tx, ref, isFollowedUp);
      return this.open(tx, { ref: seen, sides, difference, isFollowedUp });
    });
  }

  /** The handler of LOOK. What still differs after some looks stays open for a person and for the next comparison of everything. */
  async look(scope: Scope, lease: Lease): Promise<void> {
    const verdict = await this.examine(scope, lease.payload as ObjectRef, { isFollowedUp: false });
    if (verdict === 'busy') return this.parts.jobs.release(scope, lease, { dueInMs: GRACE_MS });
    if (verdict === 'differs' && lease.attempts < LOOKS_MAX)
      return this.parts.jobs.release(scope, lease, { dueInMs: AFTER_HEALING_MS * 5 ** lease.attempts, error: 'It still differs.' });
    return scope.transaction((tx) => this.parts.jobs.complete(tx, lease));
  }

  private async wait(tx: Scope, ref: ObjectRef, isFollowedUp: boolean): Promise<Verdict> {
    if (isFollowedUp) await this.lookAgain(tx, ref, GRACE_MS);
    return 'busy';
  }

  private async open(
    tx: Scope,
    { ref, sides, difference, isFollowedUp }: { ref: ObjectRef; sides: Sides; difference: Difference; isFollowedUp: boolean },
  ): Promise<Verdict> {
    const { objectId, tilledId, ours, theirs } = sides;
    await this.close(tx, { kind: ref.kind, objectId, tilledId }, [difference.class, ...standing(sides)]);
    const sighting = {
      kind: ref.kind,
      objectId: sides.duplicateOf ?? objectId,
      tilledId,
      ours,
      theirs,
      ...difference,
      occurredAt: occurredAt(sides),
    };
    const isNew = await DivergenceRepository.of(tx).see(sighting);
    await this.parts.jobs.enqueueAll(tx, sides.healing);
    if (isFollowedUp) await this.lookAgain(tx, { kind: ref.kind, objectId, tilledId }, AFTER_HEALING_MS);
    const facts = { kind: ref.kind, class: difference.class, objectId: sighting.objectId, tilledId, fields: difference.fields };
    tx.log.error(isNew ? 'divergence found' : 'divergence seen again', { ...facts, divergence_risk: true });
    if (isNew) tx.afterCommit(() => this.parts.metrics.divergencesFound.inc({ class: difference.class }));
    return 'differs';
  }

  /** Closes as healed what is open about an object, but for classes that still hold. */
  private async close(tx: Scope, ref: ObjectRef, holding: readonly Difference['class'][]): Promise<Verdict> {
    const divergences = DivergenceRepository.of(tx);
    for (const { id, class: found } of await divergences.openOf([ref])) {
      if (holding.includes(found) || !(await divergences.close(id, DivergenceStatus.HEALED, null))) continue;
      tx.log.info('divergence healed', { divergenceId: id, class: found, objectId: ref.objectId, tilledId: ref.tilledId });
      tx.afterCommit(() => this.parts.metrics.divergencesHealed.inc({ class: found }));
    }
    return 'equal';
  }

  private lookAgain(tx: Scope, ref: ObjectRef, dueInMs: number): Promise<void> {
    const { kind, objectId, tilledId } = ref;
    const payload: ObjectRef = { kind, objectId, tilledId };
    return this.parts.jobs.enqueue(tx, { kind: LOOK, subject: objectId ?? tilledId ?? '', payload, dueInMs });
  }
}

/** What stays open until a person closes it. */
function standing(sides: Sides | null): Difference['class'][] {
  return sides?.isSecond === true ? [DivergenceClass.DUPLICATE_AT_TILLED] : [];
}

/** What a divergence is about, as an object to be looked at: of a duplicate that is the second one, not ours. */
export function aboutOf({ kind, class: found, objectId, tilledId }: Divergence): ObjectRef {
  return { kind, objectId: found === DivergenceClass.DUPLICATE_AT_TILLED ? null : objectId, tilledId };
}

function isFresh(tx: Scope, sides: Sides, graceMs: number): boolean {
  const freshFrom = tx.now().getTime() - graceMs;
  return [sides.oursChangedAt, sides.theirsChangedAt].some((changedAt) => changedAt !== null && changedAt.getTime() > freshFrom);
}

function isAbout(divergence: Divergence, sides: Sides): boolean {
  const isSame = (one: string | null, other: string | null) => one !== null && one === other;
  return isSame(divergence.objectId, sides.objectId) || isSame(divergence.tilledId, sides.tilledId);
}
