import { DivergenceClass, type DivergenceKind, type Facts } from '../../billing/kit/divergence.entity.js';
import type { ObjectRef } from '../../billing/kit/divergence.repository.js';
import type { Duplicate } from '../../billing/kit/duplicate.js';
import { type MirroredRows, matchRow, type RowMatch } from '../../billing/kit/row-match.js';
import type { JobKey } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledList } from '../../tilled/tilled.shapes.js';
import type { MirroredTable } from './reconciliation.repository.js';

/** One object as our books have it and as Tilled has it. */
export interface ComparedObject {
  readonly objectId: string | null;
  readonly tilledId: string | null;
  /** Null where our books, or Tilled, have no such object. */
  readonly ours: Facts | null;
  readonly theirs: Facts | null;
  /** Set for a second object at Tilled with the mark of one of ours, which has another already: our id of that. */
  readonly duplicateOf?: string;
  /** Whether it is a second object that has a row of its own here: equal, but only a person may say that it is well. */
  readonly isSecond?: boolean;
  /** Whether their state may follow ours. */
  readonly isLegal: boolean;
  /** Whether one of them may have nothing: what was deleted here, or took nothing there. */
  readonly mayBeMissing: boolean;
  readonly oursChangedAt: Date | null;
  readonly theirsChangedAt: Date | null;
  /** What jobs are about that may be changing the object. */
  readonly subjects: readonly string[];
  /** Jobs that put it right, if mirroring the object again can. */
  readonly healing: readonly JobKey[];
}

/** A part of what Tilled lists, and where the next part begins; null after the last one. */
export interface ListedPart<Snapshot> {
  readonly snapshots: readonly Snapshot[];
  readonly next: string | null;
}

/** How the objects of one kind are compared. */
export interface Comparison<Snapshot> extends MirroredTable {
  readonly kind: DivergenceKind;
  idOf(snapshot: Snapshot): string;
  /** What Tilled lists from a position on. */
  list(scope: Scope, position: string): Promise<ListedPart<Snapshot>>;
  /** One object as Tilled has it, null if it has none. */
  fetch(scope: Scope, tilledId: string): Promise<Snapshot | null>;
  /** Reads our row beside Tilled's object; null for an object of Tilled that is not ours. */
  read(tx: Scope, ref: ObjectRef, snapshot: Snapshot | null): Promise<ComparedObject | null>;
}

/** How the two differ. */
export interface Difference {
  readonly class: DivergenceClass;
  readonly fields: readonly string[];
}

/** What differs; null for nothing. */
export function differenceOf(compared: ComparedObject): Difference | null {
  if (compared.duplicateOf !== undefined) return compared.mayBeMissing ? null : { class: DivergenceClass.DUPLICATE_AT_TILLED, fields: [] };
  const { ours, theirs } = compared;
  if (ours === null || theirs === null) {
    if (compared.mayBeMissing || ours === theirs) return null;
    return { class: ours === null ? DivergenceClass.MISSING_HERE : DivergenceClass.MISSING_AT_TILLED, fields: [] };
  }
  const fields = Object.keys({ ...ours, ...theirs }).filter((name) => ours[name] !== theirs[name]);
  if (fields.length === 0) return null;
  return { class: compared.isLegal ? DivergenceClass.FIELD : DivergenceClass.ILLEGAL_STATE, fields };
}

/** A second object with our mark, as a difference. Only what a person does at Tilled ends it. */
export function comparedDuplicate(duplicate: Duplicate, healing: readonly JobKey[] = []): ComparedObject {
  const { originalId: duplicateOf, tilledId, theirs, isOver: mayBeMissing } = duplicate;
  const moments = { oursChangedAt: null, theirsChangedAt: null };
  return { objectId: null, tilledId, ours: null, theirs, duplicateOf, isLegal: true, mayBeMissing, ...moments, subjects: [], healing };
}

/** When the difference began, as far as Tilled tells: it changed the object after we last did. */
export function occurredAt(compared: ComparedObject): Date | null {
  const { oursChangedAt: ours, theirsChangedAt: theirs } = compared;
  return theirs !== null && (ours === null || theirs > ours) ? theirs : null;
}

const PAGE = 100;

/** One page of a list; positions are offsets. Objects made while pages are read may be seen twice. */
export async function listedPage<Item>(
  position: string,
  ask: (query: { readonly limit: number; readonly offset: number }) => Promise<TilledList<Item>>,
): Promise<ListedPart<Item>> {
  const offset = Number(position);
  const { items, has_more: hasMore } = await ask({ limit: PAGE, offset });
  return { snapshots: items, next: hasMore ? String(offset + PAGE) : null };
}

/** A moment as a fact. */
export function timeFact(value: Date | string | null): string | null {
  return value === null ? null : new Date(value).toISOString();
}

/** A date of Tilled's. */
export function dateOf(snapshot: { readonly updated_at: string } | null): Date | null {
  return snapshot === null ? null : new Date(snapshot.updated_at);
}

/** The row that is compared: by its id, else by Tilled's id, else by the mark on Tilled's object. */
export async function findMatch<Row>(
  tx: Scope,
  rows: MirroredRows<Row>,
  { ref, snapshot }: { readonly ref: ObjectRef; readonly snapshot: Parameters<typeof matchRow>[2] | null },
): Promise<RowMatch<Row> | null> {
  if (ref.objectId === null && snapshot !== null) return matchRow(tx, rows, snapshot);
  const row = ref.objectId !== null ? await rows.find(ref.objectId) : await rows.findByTilledId(ref.tilledId ?? '');
  return row === null ? null : { row, isDuplicate: false };
}

/** Those that are there. */
export function withoutMissing(...ids: readonly (string | null | undefined)[]): string[] {
  return ids.filter((id): id is string => typeof id === 'string');
}
