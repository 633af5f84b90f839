import { type Divergence, DivergenceKind } from '../../billing/kit/divergence.entity.js';
import { DivergenceRepository, type ObjectRef } from '../../billing/kit/divergence.repository.js';
import { NotFound } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import { objectRefOf, type Reconciler, type Verdict } from './reconciler.js';

/** The result of examining one object. */
export interface ObjectReport {
  readonly appId: string;
  readonly verdict: Verdict;
  readonly open: readonly Divergence[];
}

/** Kinds by the prefixes of ids, ours and Tilled's. */
const KINDS: Readonly<Record<string, DivergenceKind>> = {
  cus: DivergenceKind.CUSTOMER,
  pm: DivergenceKind.PAYMENT_METHOD,
  sub: DivergenceKind.SUBSCRIPTION,
  pay: DivergenceKind.PAYMENT,
  pi: DivergenceKind.PAYMENT,
  re: DivergenceKind.REFUND,
  dp: DivergenceKind.DISPUTE,
};

/** Compares one object on demand. */
export class ObjectExamination {
  constructor(private readonly reconciler: Reconciler) {}

  /** Compares the object with this id, ours or Tilled's, and its duplicates. Throws NotFound for an unknown id. */
  async examine(scope: Scope, id: string): Promise<ObjectReport> {
    const ref = await this.refOf(scope, id);
    const verdict = await this.reconciler.examine(scope, ref);
    await this.reconciler.examineAll(scope, (await this.duplicatesOf(scope, ref)).map(objectRefOf));
    const duplicates = await this.duplicatesOf(scope, ref);
    const open = [...(await scope.transaction((tx) => DivergenceRepository.of(tx).openOf([ref]))), ...duplicates];
    return { appId: scope.appId, verdict: duplicates.length > 0 ? 'differs' : verdict, open };
  }

  private async duplicatesOf(scope: Scope, { objectId }: ObjectRef): Promise<Divergence[]> {
    return objectId === null ? [] : scope.transaction((tx) => DivergenceRepository.of(tx).openDuplicatesOf(objectId));
  }

  private async refOf(scope: Scope, id: string): Promise<ObjectRef> {
    const kind = Object.hasOwn(KINDS, id.split('_')[0] ?? '') ? KINDS[id.split('_')[0] ?? ''] : undefined;
    if (kind === undefined) throw new NotFound('object', id);
    const comparison = this.reconciler.comparisonOf(kind);
    const ours = { kind, objectId: id, tilledId: null };
    const known = await scope.transaction((tx) => comparison.read(tx, ours, null));
    if (known !== null) return { ...ours, tilledId: known.tilledId };
    const theirs = { kind, objectId: null, tilledId: id };
    const snapshot = await comparison.fetch(scope, id);
    const compared = await scope.transaction((tx) => comparison.read(tx, theirs, snapshot));
    if (compared === null) throw new NotFound('object', id);
    return { kind, objectId: compared.objectId, tilledId: id };
  }
}
