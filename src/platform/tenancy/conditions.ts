import { places } from '../db/sql.js';
import { HasEntries, Range } from './filters.js';

/** A part of a WHERE, with the values of its placeholders. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** The column is this value, one of these, in this range, or empty; or its JSON has these entries. */
export function conditionOn(column: string, value: unknown, isEmbedded: boolean): Condition {
  if (value === null) return { sql: `${column} is null`, parameters: [] };
  if (value instanceof Range) return inRange(column, value);
  if (value instanceof HasEntries) return hasEntries(column, value, isEmbedded);
  if (!Array.isArray(value)) return { sql: `${column} = ?`, parameters: [value] };
  if (value.length === 0) return { sql: '1 = 0', parameters: [] };
  return { sql: `${column} in (${places(value)})`, parameters: value };
}

function inRange(column: string, { from, to }: Range<unknown>): Condition {
  const parts = [from === null ? null : `${column} >= ?`, to === null ? null : `${column} < ?`];
  return { sql: parts.filter((part) => part !== null).join(' and '), parameters: [from, to].filter((bound) => bound !== null) };
}

function hasEntries(column: string, { entries }: HasEntries, isEmbedded: boolean): Condition {
  const text = isEmbedded ? `json_extract(${column}, ?)` : `json_unquote(json_extract(${column}, ?)) collate utf8mb4_bin`;
  const pairs = Object.entries(entries);
  return { sql: pairs.map(() => `${text} = ?`).join(' and '), parameters: pairs.flatMap(([key, value]) => [`$."${key}"`, value]) };
}

/** The same filter with each list of values sorted and without repetitions; a list of one value is that value. */
export function canonical<Filter extends object>(filter: Filter): Filter {
  const entries = Object.entries(filter).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([property, value]) => [property, Array.isArray(value) ? distinct(value) : value])) as Filter;
}

function distinct(values: readonly unknown[]): unknown {
  const found = [...new Set(values)].toSorted();
  return found.length === 1 ? found[0] : found;
}

/** Where a page lies: rows are listed newest first, by id. */
export function within({ afterId, beforeId }: { readonly afterId: string | null; readonly beforeId: string | null }): Condition {
  const sql = `${afterId === null ? '' : ' and id < ?'}${beforeId === null ? '' : ' and id > ?'}`;
  return { sql, parameters: [afterId, beforeId].filter((id) => id !== null) };
}

/** The values, the last one repeated up to a power of two: statements of few lengths stay prepared. */
export function paddedToPowerOfTwo(values: readonly string[]): readonly string[] {
  const length = 2 ** Math.ceil(Math.log2(values.length));
  return Array.from({ length }, (_, index) => values[Math.min(index, values.length - 1)] as string);
}
