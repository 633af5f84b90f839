import { DivergenceClass, type DivergenceKind, type Facts } from '../../billing/kit/divergence.entity.js';
import type { ObjectRef } from '../../billing/kit/divergence.repository.js';
import type { Duplicate } from '../../billing/kit/duplicate.js';
import { type Holder, holderOf, type MirroredRows } from '../../billing/kit/holder.js';
import type { JobKey } from '../../platform/jobs/lease.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledList } from '../../tilled/tilled.shapes.js';
import type { MirroredTable } from './reconciliation.repository.js';

/** An object as both sides have it. */
export interface Sides {
  readonly objectId: string | null;
  readonly tilledId: string | null;
  /** Null where the side has no such object. */
  readonly ours: Facts | null;
  readonly theirs: Facts | null;
  /** Set for a second object at Tilled with the mark of one of ours, which has another already: our id of that. */
  readonly duplicateOf?: string;
  /** Whether it is a second one that we have as an object of its own: the same on both sides, but only a person says that it is well. */
  readonly isSecond?: boolean;
  /** Whether their state may follow ours. */
  readonly isLegal: boolean;
  /** Whether it is right that one side has nothing: what was deleted here, or took nothing there. */
  readonly mayBeMissing: boolean;
  readonly oursChangedAt: Date | null;
  readonly theirsChangedAt: Date | null;
  /** What jobs are about that may be changing the object. */
  readonly subjects: readonly string[];
  /** Work that puts it right, if the difference can be put right by looking. */
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
  /** Both sides of an object; null for one of Tilled's that is not ours. Only reads. */
  sides(tx: Scope, ref: ObjectRef, snapshot: Snapshot | null): Promise<Sides | null>;
}

/** How two sides differ. */
export interface Difference {
  readonly class: DivergenceClass;
  readonly fields: readonly string[];
}

/** What differs between two sides; null for nothing. */
export function differenceOf(sides: Sides): Difference | null {
  if (sides.duplicateOf !== undefined) return sides.mayBeMissing ? null : { class: DivergenceClass.DUPLICATE_AT_TILLED, fields: [] };
  const { ours, theirs } = sides;
  if (ours === null || theirs === null) {
    if (sides.mayBeMissing || ours === theirs) return null;
    return { class: ours === null ? DivergenceClass.MISSING_HERE : DivergenceClass.MISSING_AT_TILLED, fields: [] };
  }
  const fields = Object.keys({ ...ours, ...theirs }).filter((name) => ours[name] !== theirs[name]);
  if (fields.length === 0) return null;
  return { class: sides.isLegal ? DivergenceClass.FIELD : DivergenceClass.ILLEGAL_STATE, fields };
}

/** A second object with our mark. Nothing under way excuses it, and nothing makes it right but what a person does at Tilled. */
export function sidesOfDuplicate(duplicate: Duplicate, healing: readonly JobKey[] = []): Sides {
  const { of: duplicateOf, tilledId, theirs, isOver: mayBeMissing } = duplicate;
  const moments = { oursChangedAt: null, theirsChangedAt: null };
  return { objectId: null, tilledId, ours: null, theirs, duplicateOf, isLegal: true, mayBeMissing, ...moments, subjects: [], healing };
}

/** When the sides parted, as far as Tilled's own word tells: it changed the object after we last did. */
export function occurredAt(sides: Sides): Date | null {
  const { oursChangedAt: ours, theirsChangedAt: theirs } = sides;
  return theirs !== null && (ours === null || theirs > ours) ? theirs : null;
}

const PAGE = 100;

/** One page of a list of Tilled's; positions are offsets. What is made while pages are read shows some objects twice. */
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

/** The row that is meant: by its id, else by that of Tilled, else as the object at Tilled tells. */
export async function holderAt<Row>(
  tx: Scope,
  rows: MirroredRows<Row>,
  { ref, snapshot }: { readonly ref: ObjectRef; readonly snapshot: Parameters<typeof holderOf>[2] | null },
): Promise<Holder<Row> | null> {
  if (ref.objectId === null && snapshot !== null) return holderOf(tx, rows, snapshot);
  const row = ref.objectId !== null ? await rows.find(ref.objectId) : await rows.findByTilledId(ref.tilledId ?? '');
  return row === null ? null : { row, isDuplicate: false };
}

/** Those that are there. */
export function present(...ids: readonly (string | null | undefined)[]): string[] {
  return ids.filter((id): id is string => typeof id === 'string');
}
