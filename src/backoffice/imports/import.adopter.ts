import type { Scope } from '../../platform/tenancy/scope.js';
import type { ImportNoun } from './import.nouns.js';
import type { ImportRow } from './import.rows.js';
import type { NamedKeys } from './import.validation.js';
import type { ImportRun } from './import-run.entity.js';

/** Why a line cannot be imported. */
export interface Refusal {
  readonly kind: 'refused' | 'skipped';
  readonly reason: string;
}

/** What is to be done with a line. */
export type LineDecision =
  | Refusal
  | { readonly kind: 'existing'; readonly id: string }
  | { readonly kind: 'adopt' }
  | { readonly kind: 'create' };

/** A row of ours that came of a line. */
export interface Imported {
  readonly id: string;
  readonly tilledId: string | null;
  readonly version: number | null;
}

/** What a line is held against, beside the database. */
export interface ImportContext {
  readonly run: Pick<ImportRun, 'id' | 'createdAt'>;
  /** Whether an earlier process has begun the same run. */
  readonly isResumed: boolean;
  /** In a rehearsal, what the sources name counts as being there; else null. */
  readonly rehearsed: NamedKeys | null;
}

/** How objects of one noun are imported, through its own service and mirror. */
export interface Adopter<Noun extends ImportNoun, Snapshot> {
  /** Tilled's object of a line that names one; null if there is none, undefined if the line names none. */
  findAtTilled(scope: Scope, row: ImportRow<Noun>): Promise<Snapshot | null | undefined>;
  /** What is to be done with a line. Writes nothing. */
  judge(scope: Scope, row: ImportRow<Noun>, snapshot: Snapshot | null | undefined, context: ImportContext): Promise<LineDecision>;
  /** Records Tilled's object as ours, inside a transaction. */
  adopt(tx: Scope, row: ImportRow<Noun>, snapshot: Snapshot): Promise<Imported>;
  /** Makes at Tilled what is not there yet. Throws AppError. */
  create(scope: Scope, row: ImportRow<Noun>, context: ImportContext): Promise<Imported>;
  /** Writes our mark on Tilled's object, as it was just seen if it was; absent where Tilled's object carries none. */
  mark?(scope: Scope, tilledId: string, snapshot: Snapshot | undefined): Promise<void>;
}

/** A refusal with its reason. */
export function refused(reason: string): Refusal {
  return { kind: 'refused', reason };
}
