import type { ToldRow } from '../platform/outbox/told-row.js';
import type { EventTypeName } from './event.catalogue.js';

/** A row as it was read before it was changed: dates and JSON are in the database's form. */
export type RowBefore<Row> = { readonly [Property in keyof Row]: Row[Property] extends Date | null ? unknown : Row[Property] };

/** How changes of an entity are told to its app. */
export interface Told<Row extends ToldRow = ToldRow> {
  /** Its GraphQL type, whose fields the payload has. */
  readonly object: string;
  /**
   * Whether it is there for good. What an intent made and may still withdraw is not told of; it is once this holds, and
   * from then on whatever becomes of it.
   */
  stands(row: Row | RowBefore<Row>): boolean;
  /** What happened, in order, beside fields that changed. `before` is null for one that was not told of before. */
  changes(before: RowBefore<Row> | null, after: Row): readonly EventTypeName[];
  /** What is told when fields of the API changed and nothing else is said; null: nothing. */
  readonly otherwise: EventTypeName | null;
  /** What is told when a row that was told of is deleted; null: nothing. */
  readonly removed: EventTypeName | null;
  /** Whose person its payload tells of. */
  personOf(row: Row): string | null;
}
