import type { Columns, RawRow } from '../db/table.js';
import { InvalidInput } from '../errors.js';

/** Which part of a list is asked for: `first` rows after the row `after`. */
export interface PageRequest {
  readonly first: number;
  /** A cursor from an earlier page. */
  readonly after?: string | null;
  /** The columns that are read of its rows, by property and with commas between them; all without it. */
  readonly columns?: string | undefined;
}

/** A part of a list as it was read, newest first. */
export interface FoundPage<Row> {
  readonly rows: Row[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** A part of a list. */
export interface Page<Row> extends FoundPage<Row> {
  /** How many rows the whole list has; null beyond COUNT_MAX. Costs a query, so it is a function. */
  readonly totalCount: () => Promise<number | null>;
}

/** Lists longer than this are not counted: the cost grows with the list, and nobody reads the number. */
export const COUNT_MAX = 10_000;

const PAGE_MAX = 100;
const CURSOR_VERSION = 'v1:';

/** The cursor of a row, opaque to clients. It is a position and no credential: reading on stays in the scope. */
export function cursorOf(row: { readonly id: string }): string {
  return Buffer.from(CURSOR_VERSION + row.id).toString('base64url');
}

/** The id a cursor stands for; throws InvalidInput for anything that is not a cursor of ours. */
function idOfCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!/^v1:[a-z]{2,5}_[0-9a-z]{26}$/.test(text))
    throw InvalidInput.because(['after'], 'after is not a cursor: use endCursor of an earlier page.');
  return text.slice(CURSOR_VERSION.length);
}

/** A page request whose parts are sound. */
export interface CheckedPage {
  readonly first: number;
  readonly afterId: string | null;
  readonly columns: string | undefined;
}

/** Throws InvalidInput unless 1 ≤ first ≤ 100 and the cursor is one of ours. */
export function checkedPage(page: PageRequest): CheckedPage {
  if (!Number.isInteger(page.first) || page.first < 1 || page.first > PAGE_MAX) {
    throw InvalidInput.because(['first'], `first must be from 1 to ${PAGE_MAX}.`);
  }
  return { first: page.first, afterId: page.after ? idOfCursor(page.after) : null, columns: page.columns };
}

/** The page of which one row more was read than it shows, if there is one. */
export function foundPage<Row extends object>(
  raws: readonly RawRow[],
  { first, afterId }: CheckedPage,
  columns: Columns<Row>,
): FoundPage<Row> {
  return {
    rows: raws.slice(0, first).map((raw) => columns.fromRaw(raw)),
    hasNextPage: raws.length > first,
    hasPreviousPage: afterId !== null,
  };
}

/** The rows of a statement of many pages, each in its own list, newest first. */
export function groupByBranch(raws: readonly RawRow[], branches: number): RawRow[][] {
  if (branches === 1) return [[...raws]];
  const groups: RawRow[][] = Array.from({ length: branches }, () => []);
  for (const raw of raws) groups[Number(raw.branch)]?.push(raw);
  // UNION ALL promises no order between or within its branches.
  for (const group of groups) group.sort((one, other) => (String(one.id) < String(other.id) ? 1 : -1));
  return groups;
}
