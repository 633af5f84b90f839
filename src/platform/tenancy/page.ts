import { createHash } from 'node:crypto';
import { InvalidInput } from '../errors.js';
import type { HasEntries, Range } from './filters.js';

/** Which part of a list is asked for: the `first` rows after the row `after`, or the `last` ones before `before`. */
export interface PageRequest {
  readonly first: number;
  /** Given, the page is counted from its end, and `first` is not looked at. */
  readonly last?: number | null;
  /** Cursors from earlier pages. */
  readonly after?: string | null;
  readonly before?: string | null;
  /** Only rows with these properties in these ranges of time. */
  readonly ranges?: Readonly<Record<string, Range<Date>>>;
  /** Only rows whose metadata has these entries. */
  readonly metadata?: HasEntries | null;
  /** The columns that are read of its rows, by property and with commas between them; all without it. */
  readonly columns?: string | undefined;
}

/** Which part of a list without pages is asked for: the `first` rows, oldest first, after the row with this id. */
export interface Part {
  readonly first: number;
  readonly afterId: string | null;
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
  /** The cursor of one of its rows, opaque to clients. A position and no credential: reading on stays in the scope. */
  readonly cursorOf: (row: { readonly id: string }) => string;
}

/** Lists longer than this are not counted: the cost grows with the list, and nobody reads the number. */
export const COUNT_MAX = 10_000;

const PAGE_MAX = 100;
const CURSOR_VERSION = 'v2';
const CURSOR = /^v2:([\w-]{16}):([a-z]{2,5}_[0-9a-z]{26})$/;

/** What a list is known by in its cursors: a short text that differs for every other list, or filter of it. */
export function listTag(list: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(list)).digest('base64url').slice(0, 16);
}

/** The cursor of a row in the list of a tag. */
export function cursorIn(tag: string, { id }: { readonly id: string }): string {
  return Buffer.from(`${CURSOR_VERSION}:${tag}:${id}`).toString('base64url');
}

/** A page request whose parts are sound. */
export interface CheckedPage {
  readonly size: number;
  readonly isFromEnd: boolean;
  /** Rows are older than the one and newer than the other. */
  readonly afterId: string | null;
  readonly beforeId: string | null;
  readonly columns: string | undefined;
}

/** Throws InvalidInput unless its size is from 1 to 100 and its cursors are of this list. */
export function checkedPage({ first, last, after, before, columns }: PageRequest, tag: () => string): CheckedPage {
  const isFromEnd = typeof last === 'number';
  const cursorId = (name: string, cursor: string | null | undefined) => (cursor ? idOfCursor(name, cursor, tag()) : null);
  return {
    size: checkedSize(isFromEnd ? 'last' : 'first', isFromEnd ? last : first),
    isFromEnd,
    afterId: cursorId('after', after),
    beforeId: cursorId('before', before),
    columns,
  };
}

/** The same for a part of a list without pages, which is read from its end. */
export function checkedPart({ first, afterId }: Part): CheckedPage {
  return { size: checkedSize('first', first), isFromEnd: true, afterId: null, beforeId: afterId, columns: undefined };
}

function checkedSize(name: string, size: number): number {
  if (Number.isInteger(size) && size >= 1 && size <= PAGE_MAX) return size;
  throw InvalidInput.because([name], `${name} must be from 1 to ${PAGE_MAX}.`);
}

function idOfCursor(name: string, cursor: string, tag: string): string {
  const [, ofList, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (ofList === undefined || id === undefined)
    throw InvalidInput.because([name], `${name} is not a cursor: use endCursor or startCursor of an earlier page.`);
  if (ofList !== tag) throw InvalidInput.because([name], `${name} is a cursor of another list, or of this one with other filters.`);
  return id;
}
