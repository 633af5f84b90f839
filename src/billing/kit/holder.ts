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

/** The row that an object at Tilled is about. `isDuplicate`: the row has another object already, and this is a second one with its mark. */
export interface Holder<Row> {
  readonly row: Row;
  readonly isDuplicate: boolean;
}

/**
 * Whose an object at Tilled is: the row's that has its id; else the row's that its mark names, if that one has no id yet; else it is a second
 * object with our mark, which is never folded into the row. Null where no row is meant. Only reads.
 */
export async function holderOf<Row>(tx: Scope, rows: MirroredRows<Row>, object: ObjectAtTilled): Promise<Holder<Row> | null> {
  const known = await rows.findByTilledId(object.id);
  if (known !== null) return { row: known, isDuplicate: false };
  const marked = markedId(tx, object.metadata);
  const wanted = marked === null ? null : await rows.find(marked);
  return wanted === null ? null : held(rows, wanted, object);
}

/** The same with the row locked, decided by what it is under its lock. */
export async function lockHolderOf<Row extends { readonly id: string }>(
  tx: Scope,
  rows: LockableRows<Row>,
  object: ObjectAtTilled,
): Promise<Holder<Row> | null> {
  const holder = await holderOf(tx, rows, object);
  return holder === null ? null : held(rows, await rows.lock(holder.row.id), object);
}

function held<Row>(rows: MirroredRows<Row>, row: Row, { id }: ObjectAtTilled): Holder<Row> {
  const tilledId = rows.tilledIdOf(row);
  return { row, isDuplicate: tilledId !== null && tilledId !== id };
}
