import { plusMs } from '../clock.js';
import type { Columns, RawRow } from '../db/table.js';
import { InvalidInput } from '../errors.js';
import { firstIdAt, type IdPrefix } from '../ids.js';
import { type Condition, canonical, paddedToPowerOfTwo, within } from './conditions.js';
import { type Filter, Range } from './filters.js';
import {
  type CheckedPage,
  COUNT_MAX,
  checkedPage,
  checkedPart,
  cursorIn,
  type FoundPage,
  listTag,
  type Page,
  type PageRequest,
  type Part,
} from './page.js';
import type { Scope } from './scope.js';
import type { TenantRow } from './tenant-row.js';

/** What ids begin with, and the property that says when a row and its id were made. */
export interface Made {
  readonly prefix: IdPrefix;
  readonly property: string;
}

/**
 * How far the time in an id may be from the one in its row, which the same process takes within the same transaction:
 * a process whose clock is 30 s away from the database's takes no work, so a clock may jump by twice that.
 */
const ID_SLACK_MS = 120_000;
/** Metadata is looked for in rows one by one: in those of one object, or of so long a time. */
const METADATA_RANGE_MS_MAX = 31 * 86_400_000;

/** A table as its repository shows it: `where` confines every statement to what the scope may see. */
interface Listed<Row extends TenantRow> {
  readonly scope: Scope;
  readonly entity: new () => Row;
  readonly noun: string;
  readonly made: Made | null;
  readonly where: (filter: Filter<Row>) => Condition;
}

/** Reads a repository's rows page by page, newest first. */
export class PageReader<Row extends TenantRow> {
  constructor(private readonly of: Listed<Row>) {}

  /** A page of the rows that match. */
  async page(asked: Filter<Row>, request: PageRequest): Promise<Page<Row>> {
    const filter = this.matching(asked, request);
    const page = checkedPage(request, () => this.tagOf(filter));
    const [found] = await this.pages([filter], page);
    if (found === undefined) throw new Error('A page was asked for and none came.');
    return this.whole(
      found,
      () => this.tagOf(filter),
      async () => (await this.counts([filter]))[0] ?? null,
    );
  }

  /** The same page of each parent's rows. Loads of one tick with equal arguments share one query. */
  async pageOf(property: keyof Row & string, parentId: string, asked: Filter<Row>, request: PageRequest): Promise<Page<Row>> {
    const filter = this.matching(asked, request, property);
    // Only for cursors: a page of fifty customers has fifty such lists.
    const tag = () => this.tagOf({ ...filter, [property]: parentId });
    const page = checkedPage(request, tag);
    // What was found may be shared with other requests; who counts the whole list is this one.
    return this.whole(await this.load(property, parentId, filter, page), tag, () => this.countOf(property, parentId, filter));
  }

  /** A part of each parent's rows, oldest first. Loads of one tick with equal arguments share one query. */
  async partOf(property: keyof Row & string, parentId: string, filter: Filter<Row>, part: Part): Promise<Row[]> {
    const { rows } = await this.load(property, parentId, canonical(filter), checkedPart(part));
    return rows.toReversed();
  }

  private load(property: keyof Row & string, parentId: string, filter: Filter<Row>, page: CheckedPage): Promise<FoundPage<Row>> {
    const key = `${this.of.noun}.page.${property}.${JSON.stringify([filter, page])}`;
    const loader = this.of.scope.db.loader(key, (parentIds: readonly string[]) => this.pagesOf(property, parentIds, filter, page));
    return loader.load(parentId);
  }

  private whole(found: FoundPage<Row>, tagOf: () => string, totalCount: () => Promise<number | null>): Page<Row> {
    let tag: string | null = null;
    const cursorOf = (row: { readonly id: string }) => {
      tag ??= tagOf();
      return cursorIn(tag, row);
    };
    return { ...found, totalCount, cursorOf };
  }

  /**
   * What a request asks for beside its list's own filter and parent; throws InvalidInput where too much would have to
   * be read.
   */
  private matching(filter: Filter<Row>, { ranges, metadata = null }: PageRequest, parent = ''): Filter<Row> {
    if (ranges === undefined && metadata === null) return canonical(filter);
    const { made } = this.of;
    const range = made === null ? undefined : ranges?.[made.property];
    if (metadata !== null && ![...Object.keys(filter), parent].some((property) => /Id$|^email$/.test(property)) && !isShort(range))
      throw InvalidInput.because(
        ['metadata'],
        `metadata is looked for in the rows of one customer or payment, or in those made within ${METADATA_RANGE_MS_MAX / 86_400_000} days: give createdAt {from, to} too.`,
      );
    // Ids begin with the time they were made at, so rows of a time lie together in the order of the list.
    const ids = made === null || range === undefined ? {} : { id: idsOf(made.prefix, range) };
    return canonical({ ...filter, ...ranges, ...ids, ...(metadata === null ? {} : { metadata }) } as Filter<Row>);
  }

  private tagOf(filter: Filter<Row>): string {
    return listTag([this.of.scope.appId, this.of.noun, canonical(filter)]);
  }

  /**
   * One page for each parent. Most parents have few rows, so all are read along the index in one go that ends where
   * their pages would be full; parents that this did not reach, because others have many rows, are read one by one in a
   * second statement.
   */
  private async pagesOf(
    property: keyof Row & string,
    parentIds: readonly string[],
    filter: Filter<Row>,
    page: CheckedPage,
  ): Promise<FoundPage<Row>[]> {
    const asked = { ...page, columns: page.columns === undefined ? undefined : `${page.columns},${property}` };
    const columns = this.of.scope.db.table(this.of.entity).selecting(asked.columns);
    const filterOf = (id: string) => ({ ...filter, [property]: id }) as Filter<Row>;
    const read = parentIds.length === 1 ? null : await this.readInOneGo(property, parentIds, filter, asked);
    const left = parentIds.filter((id) => read?.get(id) === undefined);
    const rest = await this.pages(left.map(filterOf), page);
    return parentIds.map((id) => {
      const rows = read?.get(id);
      if (rows === undefined) return rest[left.indexOf(id)] as FoundPage<Row>;
      // They were read along the list, from one end or the other.
      return foundPage(page.isFromEnd ? rows.toReversed() : rows, page, columns);
    });
  }

  /** The size + 1 rows at one end of each parent's list, for those parents of which that many, or all, were read. */
  private async readInOneGo(
    property: keyof Row & string,
    parentIds: readonly string[],
    filter: Filter<Row>,
    page: CheckedPage,
  ): Promise<Map<string, RawRow[]>> {
    const { db } = this.of.scope;
    const table = db.table(this.of.entity);
    const column = table.columnOf(property);
    const padded = paddedToPowerOfTwo(parentIds);
    const limit = padded.length * (page.size + 1);
    const where = this.of.where({ ...filter, [property]: padded } as unknown as Filter<Row>);
    const between = within(page);
    const order = page.isFromEnd ? 'asc' : 'desc';
    const raws = await db.query(
      `select ${table.selecting(page.columns).selectList} from ${table.name} where ${where.sql}${between.sql} order by ${column} ${order}, id ${order} limit ${limit}`,
      [...where.parameters, ...between.parameters],
    );
    const found = new Map<string, RawRow[]>(parentIds.map((id) => [id, []]));
    for (const raw of raws) found.get(String(raw[column]))?.push(raw);
    if (raws.length < limit) return found;
    // Where the limit ended the reading: the last parent may have more rows, and those after it were not reached.
    const last = String(raws.at(-1)?.[column]);
    const isReached = (id: string) => (page.isFromEnd ? id < last : id > last);
    for (const [id, rows] of found) if (!isReached(id) && rows.length <= page.size) found.delete(id);
    return found;
  }

  /**
   * One page for each filter, in one statement: each branch reads `size` + 1 rows along an index, so the cost does not
   * grow with what lies behind the page.
   */
  private async pages(filters: readonly Filter<Row>[], page: CheckedPage): Promise<FoundPage<Row>[]> {
    if (filters.length === 0) return [];
    const { db } = this.of.scope;
    const table = db.table(this.of.entity);
    const columns = table.selecting(page.columns);
    const between = within(page);
    const branches = filters.map((filter, index) => {
      const where = this.of.where(filter);
      const one = `select ${filters.length === 1 ? '' : `${index} as branch, `}${columns.selectList} from ${table.name} where ${where.sql}${between.sql} order by id ${page.isFromEnd ? 'asc' : 'desc'} limit ${page.size + 1}`;
      return {
        sql: filters.length === 1 ? one : `select * from (${one}) as b${index}`,
        parameters: [...where.parameters, ...between.parameters],
      };
    });
    const raws = await db.query(
      branches.map((branch) => branch.sql).join(' union all '),
      branches.flatMap((branch) => branch.parameters),
    );
    return groupByBranch(raws, filters.length).map((mine) => foundPage(mine, page, columns));
  }

  private countOf(property: keyof Row & string, parentId: string, filter: Filter<Row>): Promise<number | null> {
    const loader = this.of.scope.db.loader(`${this.of.noun}.count.${property}.${JSON.stringify(filter)}`, (ids: readonly string[]) =>
      this.counts(ids.map((id) => ({ ...filter, [property]: id }) as Filter<Row>)),
    );
    return loader.load(parentId);
  }

  /** How many rows match each filter; null beyond COUNT_MAX. */
  private async counts(filters: readonly Filter<Row>[]): Promise<(number | null)[]> {
    const { db } = this.of.scope;
    const branches = filters.map((filter, index) => {
      const where = this.of.where(filter);
      const limited = `select 1 as n from ${db.table(this.of.entity).name} where ${where.sql} limit ${COUNT_MAX + 1}`;
      return { sql: `select ${index} as branch, count(*) as counted from (${limited}) as b${index}`, parameters: where.parameters };
    });
    const rows = await db.query(
      branches.map((branch) => branch.sql).join(' union all '),
      branches.flatMap((branch) => branch.parameters),
    );
    const counts = new Map(rows.map((row) => [Number(row.branch), Number(row.counted)]));
    return filters.map((_, index) => {
      const counted = counts.get(index) ?? 0;
      return counted > COUNT_MAX ? null : counted;
    });
  }
}

function isShort(range: Range<Date> | undefined): boolean {
  return range?.from != null && range.to != null && range.to.getTime() - range.from.getTime() <= METADATA_RANGE_MS_MAX;
}

/** The ids that rows made within a range can have, and few others. */
function idsOf(prefix: IdPrefix, { from, to }: Range<Date>): Range<string> {
  const at = (moment: Date | null, slackMs: number) => (moment === null ? null : firstIdAt(prefix, plusMs(moment, slackMs)));
  return new Range(at(from, -ID_SLACK_MS), at(to, ID_SLACK_MS));
}

/** The page of which one row more was read than it shows, if there is one: the oldest, or the newest from the end. */
function foundPage<Row extends object>(raws: readonly RawRow[], page: CheckedPage, columns: Columns<Row>): FoundPage<Row> {
  const hasMore = raws.length > page.size;
  const shown = page.isFromEnd ? raws.slice(-page.size) : raws.slice(0, page.size);
  return {
    rows: shown.map((raw) => columns.fromRaw(raw)),
    hasNextPage: page.isFromEnd ? page.beforeId !== null : hasMore,
    hasPreviousPage: page.isFromEnd ? hasMore : page.afterId !== null,
  };
}

/** The rows of a statement of many pages, each in its own list, newest first. */
function groupByBranch(raws: readonly RawRow[], branches: number): RawRow[][] {
  const groups: RawRow[][] = Array.from({ length: branches }, () => []);
  for (const raw of raws) groups[branches === 1 ? 0 : Number(raw.branch)]?.push(raw);
  // UNION ALL promises no order between or within its branches.
  return groups.map((rows) => rows.toSorted((one, other) => (String(one.id) < String(other.id) ? 1 : -1)));
}
