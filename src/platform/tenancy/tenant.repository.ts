import { type EntityManager, LockMode, type RequiredEntityData } from '@mikro-orm/core';
import type { RawRow } from '../db/table.js';
import { NotFound } from '../errors.js';
import { type Condition, canonical, equals, olderThan, paddedToPowerOfTwo } from './conditions.js';
import { type CheckedPage, COUNT_MAX, checkedPage, type FoundPage, foundPage, groupByBranch, type Page, type PageRequest } from './page.js';
import type { Scope } from './scope.js';
import type { NewRow, TenantRow } from './tenant-row.js';

/** Rows whose properties equal these values. A list means any of them, null means empty. The scope says the app. */
export type Filter<Row> = { readonly [Property in keyof Row]?: Row[Property] | readonly Row[Property][] };

/** Makes a repository for a scope: `PaymentRepository.of(scope)`. */
interface RepositoryClass<Repository> {
  new (scope: Scope): Repository;
}

/**
 * All reading and writing of one table, confined to the app of its scope, and to one customer when the caller is one.
 * Reads return plain rows; `lock` and `add` return managed ones, whose changes the transaction writes at its end.
 */
export abstract class TenantRepository<Row extends TenantRow> {
  protected abstract readonly entity: new () => Row;
  /** How the noun is called in messages. */
  protected abstract readonly noun: string;
  /** The property that says which customer a row belongs to; without one a customer sees no row at all. */
  protected readonly customerProperty: (keyof Row & string) | null = null;

  /** False for tables that hold nothing about customers and that a customer's own requests need. */
  protected readonly isPersonal: boolean = true;

  constructor(protected readonly scope: Scope) {}

  static of<Repository>(this: RepositoryClass<Repository>, scope: Scope): Repository {
    return new this(scope);
  }

  /** The row with this id, or null. Loads of one tick share a query. */
  find(id: string): Promise<Row | null> {
    return this.findBy('id' as keyof Row & string, id);
  }

  /** The row with this id; throws NotFound. `field` is the input path to blame. */
  async get(id: string, field: readonly string[] = ['id']): Promise<Row> {
    const row = await this.find(id);
    if (row === null) throw new NotFound(this.noun, id, field);
    return row;
  }

  /** The row as this scope's last transaction committed it, without a query; as it is now if that did not touch it. */
  async findCommitted(id: string): Promise<Row | null> {
    return this.managedBy(this.scope.db.lastCommitted, id) ?? this.find(id);
  }

  /** The row locked against other transactions until this one ends, managed; throws NotFound. */
  async lock(id: string, field: readonly string[] = ['id']): Promise<Row> {
    const managed = this.managedBy(this.scope.db.entityManager(), id);
    const row = managed ?? (await this.lockBy({ id } as unknown as Filter<Row>));
    if (row === null) throw new NotFound(this.noun, id, field);
    return row;
  }

  /** Adds a row; it is written at the end of the transaction. */
  add(row: NewRow<Row>): Row {
    const em = this.scope.db.entityManager();
    const made = em.create(this.entity, { ...row, appId: this.scope.appId } as unknown as RequiredEntityData<Row>, { partial: true });
    em.persist(made);
    return made as Row;
  }

  /** A row that a transaction made or locked: it manages no others, since all other reads go around it. */
  private managedBy(transaction: EntityManager | null, id: string): Row | undefined {
    return transaction?.getUnitOfWork().getById<Row>(this.entity, [this.scope.appId, id] as never);
  }

  /** Removes a managed row at the end of the transaction. */
  remove(row: Row): void {
    this.scope.db.entityManager().remove(row);
  }

  /** One row by a unique property, or null. Loads of one tick share a query. */
  protected findBy(property: keyof Row & string, value: string): Promise<Row | null> {
    const loader = this.scope.db.loader(`${this.noun}.${property}`, async (values: readonly string[]) => {
      const rows = await this.rows({ [property]: paddedToPowerOfTwo(values) } as unknown as Filter<Row>);
      const found = new Map(rows.map((row) => [row[property] as string, row]));
      return values.map((value) => found.get(value) ?? null);
    });
    return loader.load(value);
  }

  /** All rows whose `property` is `value`, oldest first. Loads of one tick share a query. */
  protected allBy(property: keyof Row & string, value: string): Promise<Row[]> {
    const loader = this.scope.db.loader(`${this.noun}.all.${property}`, async (values: readonly string[]) => {
      const rows = await this.rows({ [property]: paddedToPowerOfTwo(values) } as unknown as Filter<Row>);
      const groups = new Map<unknown, Row[]>(values.map((value) => [value, []]));
      for (const row of rows) groups.get(row[property])?.push(row);
      return values.map((value) => groups.get(value) ?? []);
    });
    return loader.load(value);
  }

  /** Rows that match, oldest first. Only for sets known to be small. */
  protected async rows(filter: Filter<Row>): Promise<Row[]> {
    const table = this.scope.db.table(this.entity);
    const where = this.where(filter);
    const raws = await this.scope.db.query(
      `select ${table.selectList} from ${table.name} where ${where.sql} order by id`,
      where.parameters,
    );
    return raws.map((raw) => table.fromRaw(raw));
  }

  /** The one matching row, locked and managed, or null. */
  protected async lockBy(filter: Filter<Row>): Promise<Row | null> {
    const confined = { $and: [{ appId: this.scope.appId }, this.customerFilter(), filter] };
    const em = this.scope.db.entityManager();
    return (await em.findOne(this.entity, confined as never, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true })) as Row | null;
  }

  /** A page of the rows that match, newest first. */
  protected async page(filter: Filter<Row>, request: PageRequest): Promise<Page<Row>> {
    const [found] = await this.pages([canonical(filter)], request);
    if (found === undefined) throw new Error('A page was asked for and none came.');
    return this.counted(found, filter);
  }

  /** The same page of each parent's rows. Loads of one tick with equal arguments share one query. */
  protected pageOf(property: keyof Row & string, parentId: string, asked: Filter<Row>, request: PageRequest): Promise<Page<Row>> {
    const filter = canonical(asked);
    const key = `${this.noun}.page.${property}.${JSON.stringify([filter, request])}`;
    const loader = this.scope.db.loader(key, (parentIds: readonly string[]) => this.pagesOf(property, parentIds, filter, request));
    // What was found may be shared with other requests; who counts the whole list is this one.
    return loader.load(parentId).then((found) => this.counted(found, { ...filter, [property]: parentId }));
  }

  private counted(found: FoundPage<Row>, filter: Filter<Row>): Page<Row> {
    return { ...found, totalCount: () => this.count(filter) };
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
    request: PageRequest,
  ): Promise<FoundPage<Row>[]> {
    const page = checkedPage({ ...request, columns: request.columns === undefined ? undefined : `${request.columns},${property}` });
    const columns = this.scope.db.table(this.entity).selecting(page.columns);
    const filterOf = (id: string) => ({ ...filter, [property]: id }) as Filter<Row>;
    const read = parentIds.length === 1 ? null : await this.readInOneGo(property, parentIds, filter, page);
    const left = parentIds.filter((id) => read?.get(id) === undefined);
    const rest = await this.pages(left.map(filterOf), request);
    return parentIds.map((id) => {
      const rows = read?.get(id);
      return rows === undefined ? (rest[left.indexOf(id)] as FoundPage<Row>) : foundPage(rows, page, columns);
    });
  }

  /** The newest first + 1 rows of each parent, for those parents of which that many, or all, were read. */
  private async readInOneGo(
    property: keyof Row & string,
    parentIds: readonly string[],
    filter: Filter<Row>,
    page: CheckedPage,
  ): Promise<Map<string, RawRow[]>> {
    const table = this.scope.db.table(this.entity);
    const column = table.columnOf(property);
    const padded = paddedToPowerOfTwo(parentIds);
    const limit = padded.length * (page.first + 1);
    const where = this.where({ ...filter, [property]: padded } as unknown as Filter<Row>);
    const after = olderThan(page.afterId);
    const raws = await this.scope.db.query(
      `select ${table.selecting(page.columns).selectList} from ${table.name} where ${where.sql}${after.sql} order by ${column} desc, id desc limit ${limit}`,
      [...where.parameters, ...after.parameters],
    );
    const found = new Map<string, RawRow[]>(parentIds.map((id) => [id, []]));
    for (const raw of raws) found.get(String(raw[column]))?.push(raw);
    const last = raws.length < limit ? null : String(raws.at(-1)?.[column]);
    // Where the limit ended the reading: the last parent may have more rows, and those after it were not reached.
    if (last !== null) for (const [id, rows] of found) if (id <= last && rows.length <= page.first) found.delete(id);
    return found;
  }

  /**
   * One page for each filter, in one statement: each branch reads `first` + 1 rows along an index, so the cost does not
   * grow with what lies behind the page.
   */
  private async pages(filters: readonly Filter<Row>[], request: PageRequest): Promise<FoundPage<Row>[]> {
    if (filters.length === 0) return [];
    const page = checkedPage(request);
    const table = this.scope.db.table(this.entity);
    const columns = table.selecting(page.columns);
    const after = olderThan(page.afterId);
    const branches = filters.map((filter, index) => {
      const where = this.where(filter);
      const one = `select ${filters.length === 1 ? '' : `${index} as branch, `}${columns.selectList} from ${table.name} where ${where.sql}${after.sql} order by id desc limit ${page.first + 1}`;
      return {
        sql: filters.length === 1 ? one : `select * from (${one}) as b${index}`,
        parameters: [...where.parameters, ...after.parameters],
      };
    });
    const raws = await this.scope.db.query(
      branches.map((branch) => branch.sql).join(' union all '),
      branches.flatMap((branch) => branch.parameters),
    );
    return groupByBranch(raws, filters.length).map((mine) => foundPage(mine, page, columns));
  }

  private count(filter: Filter<Row>): Promise<number | null> {
    const loader = this.scope.db.loader(`${this.noun}.count`, async (filters: readonly string[]) => {
      const branches = filters.map((text, index) => {
        const where = this.where(JSON.parse(text) as Filter<Row>);
        const limited = `select 1 as n from ${this.scope.db.table(this.entity).name} where ${where.sql} limit ${COUNT_MAX + 1}`;
        return { sql: `select ${index} as branch, count(*) as counted from (${limited}) as b${index}`, parameters: where.parameters };
      });
      const rows = await this.scope.db.query(
        branches.map((branch) => branch.sql).join(' union all '),
        branches.flatMap((branch) => branch.parameters),
      );
      const counts = new Map(rows.map((row) => [Number(row.branch), Number(row.counted)]));
      return filters.map((_, index) => {
        const counted = counts.get(index) ?? 0;
        return counted > COUNT_MAX ? null : counted;
      });
    });
    return loader.load(JSON.stringify(filter));
  }

  /** The app first, then the customer if the caller is one, then what was asked. */
  protected where(filter: Filter<Row>): Condition {
    const table = this.scope.db.table(this.entity);
    const conditions: Condition[] = [{ sql: 'app_id = ?', parameters: [this.scope.appId] }];
    for (const [property, value] of [...Object.entries(this.customerFilter()), ...Object.entries(filter)]) {
      if (value !== undefined) conditions.push(equals(table.columnOf(property), value));
    }
    return {
      sql: conditions.map((condition) => condition.sql).join(' and '),
      parameters: conditions.flatMap((condition) => condition.parameters),
    };
  }

  private customerFilter(): Record<string, string | readonly string[]> {
    const customerId = this.scope.caller.onlyCustomerId;
    if (customerId === null || !this.isPersonal) return {};
    return this.customerProperty === null ? { id: [] } : { [this.customerProperty]: customerId };
  }
}
