import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledMetadata } from '../../tilled/tilled.shapes.js';
import { markedId } from './processor.js';

/** Rows of a noun that stand for objects at Tilled. */
export interface MirroredRows<Row> {
  findByTilledId(tilledId: string): Promise<Row | null>;
  find(id: string): Promise<Row | null>;
  /** The id at Tilled; null while the object is not known to be there. */
  tilledIdOf(row: Row): string | null;
}

interface LockableRows<Row> extends MirroredRows<Row> {
  lock(id: string): Promise<Row>;
}

/** What tells whose an object at Tilled is. */
interface ObjectAtTilled {
  readonly id: string;
  readonly metadata: TilledMetadata | null;
}

/** The row that an object at Tilled is about. */
export interface RowMatch<Row> {
  readonly row: Row;
  /** Whether the row has another object already, so that this is a second one with its mark. */
  readonly isDuplicate: boolean;
}

/**
 * The row of an object at Tilled: the one that has its id, else the one that its mark names. If that one has another id
 * already, the object is a second one and is never folded into the row. Null where no row is meant. Only reads.
 */
export async function matchRow<Row>(tx: Scope, rows: MirroredRows<Row>, object: ObjectAtTilled): Promise<RowMatch<Row> | null> {
  const known = await rows.findByTilledId(object.id);
  if (known !== null) return { row: known, isDuplicate: false };
  const marked = markedId(tx, object.metadata);
  const named = marked === null ? null : await rows.find(marked);
  return named === null ? null : matchOf(rows, named, object);
}

/** The same with the row locked, decided by what the row is under its lock. */
export async function matchAndLockRow<Row extends { readonly id: string }>(
  tx: Scope,
  rows: LockableRows<Row>,
  object: ObjectAtTilled,
): Promise<RowMatch<Row> | null> {
  const match = await matchRow(tx, rows, object);
  return match === null ? null : matchOf(rows, await rows.lock(match.row.id), object);
}

function matchOf<Row>(rows: MirroredRows<Row>, row: Row, { id }: ObjectAtTilled): RowMatch<Row> {
  const tilledId = rows.tilledIdOf(row);
  return { row, isDuplicate: tilledId !== null && tilledId !== id };
}
