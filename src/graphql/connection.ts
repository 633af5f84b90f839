import { ArgsType, type ClassType, Field, ID, Int, ObjectType } from 'type-graphql';
import type { Page, PageRequest, Part } from '../platform/tenancy/page.js';
import type { SelectedColumns } from './reads/selected-columns.js';

/** Where a page lies in its list. */
@ObjectType({ simpleResolvers: true, description: 'Where a page lies in its list, and how to read on.' })
export class PageInfo {
  @Field({ description: 'Whether there is more after this page. Read on with `after: endCursor` while it is true.' })
  hasNextPage!: boolean;

  @Field({
    description:
      'Whether something stands before this page, as it does on every page that was asked for with `after`. Read back with `last` and `before: startCursor`.',
  })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'The cursor of the first entry; null on an empty page.' })
  startCursor!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The cursor of the last entry: pass it as `after` to read on. Null on an empty page.',
  })
  endCursor!: string | null;
}

/** Arguments of every list. */
@ArgsType()
export class PageArgs implements PageRequest {
  @Field(() => Int, { nullable: true, defaultValue: 20, description: 'How many entries the page has at most, from 1 to 100.' })
  first!: number;

  @Field(() => String, {
    nullable: true,
    description:
      'The endCursor of the page before. Absent: the first page. A text that is no cursor of this list, with these filters, is BAD_USER_INPUT.',
  })
  after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'From 1 to 100, in place of `first`: the entries right before `before`, or the last of the list; in the same order.',
  })
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'The startCursor of the page after it, to read back with `last`.' })
  before?: string | null;
}

/** Arguments of a plain list in an object, which has no pages: most have one entry or two. */
@ArgsType()
export class PartArgs {
  @Field(() => Int, { nullable: true, defaultValue: 10, description: 'How many entries are shown at most, from 1 to 100.' })
  first!: number;

  @Field(() => ID, { nullable: true, description: 'The id of the last entry that you have: shows those after it.' })
  afterId?: string | null;
}

/** Which part of a plain list is asked for. */
export function partOf({ first, afterId }: PartArgs): Part {
  return { first: first ?? 10, afterId: afterId ?? null };
}

/** The page arguments without a list's own filters, and the columns that are selected where the items are rows. */
export function pageOf(args: PageArgs, columns?: SelectedColumns): PageRequest {
  return { first: args.first ?? 20, last: args.last, after: args.after, before: args.before, columns };
}

/** A list of a node class without its length: `class EventConnection extends listType(AppEvent, 'Event') {}`. */
export function listType<Item extends { id: string }>(item: ClassType<Item>, name: string) {
  @ObjectType(`${name}Edge`, { simpleResolvers: true, description: `One ${name} and its place in a list.` })
  abstract class Edge {
    @Field({ description: 'The place of this entry: pass it as `after` to read on behind it.' })
    cursor!: string;

    @Field(() => item, { description: `The ${name} at this place.` })
    node!: Item;
  }

  @ObjectType({ simpleResolvers: true })
  abstract class List {
    @Field(() => [Edge], { description: 'The entries with their cursors. `nodes` has the same entries without them.' })
    edges!: Edge[];

    @Field(() => [item], { description: 'The entries of this page.' })
    nodes!: Item[];

    @Field(() => PageInfo, { description: 'Where the page lies in the list, and whether there is more.' })
    pageInfo!: PageInfo;
  }
  return List;
}

/** The connection type of a node class: `class PaymentConnection extends connectionType(Payment) {}`. */
export function connectionType<Item extends { id: string }>(item: ClassType<Item>, name: string) {
  @ObjectType({ simpleResolvers: true })
  abstract class Connection extends listType(item, name) {
    count!: () => Promise<number | null>;

    @Field(() => Int, { nullable: true, description: 'How many there are in all; null beyond 10,000. Counted only when asked for.' })
    totalCount(): Promise<number | null> {
      return this.count();
    }
  }
  return Connection;
}

/** A connection as resolvers return it. */
export interface ConnectionValue<Item> {
  readonly edges: { cursor: string; node: Item }[];
  readonly nodes: Item[];
  readonly pageInfo: PageInfo;
  readonly count: () => Promise<number | null>;
}

/** Shows a page of rows as a connection. */
export function connection<Row extends { id: string }>(found: Promise<Page<Row>>): Promise<ConnectionValue<Row>> {
  return found.then((page) => new ShownPage(page));
}

/** What is not asked for is not made: a list may have a hundred of these. */
class ShownPage<Row extends { id: string }> implements ConnectionValue<Row> {
  readonly nodes: Row[];
  readonly count: () => Promise<number | null>;
  readonly #page: Page<Row>;

  constructor(page: Page<Row>) {
    this.#page = page;
    this.nodes = page.rows;
    this.count = page.totalCount;
  }

  get edges() {
    return this.nodes.map((node) => ({ cursor: this.#page.cursorOf(node), node }));
  }

  get pageInfo(): PageInfo {
    const { hasNextPage, hasPreviousPage } = this.#page;
    const [first, last] = [this.nodes[0], this.nodes.at(-1)];
    const cursorOf = (row: Row | undefined) => (row === undefined ? null : this.#page.cursorOf(row));
    return { hasNextPage, hasPreviousPage, startCursor: cursorOf(first), endCursor: cursorOf(last) };
  }
}
