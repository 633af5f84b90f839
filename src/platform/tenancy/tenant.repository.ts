import { type EntityManager, LockMode, type RequiredEntityData } from '@mikro-orm/core';
import { NotFound } from '../errors.js';
import { type Condition, conditionOn, paddedToPowerOfTwo } from './conditions.js';
import type { Filter } from './filters.js';
import type { Page, PageRequest, Part } from './page.js';
import { type Made, PageReader } from './page-reader.js';
import type { Scope } from './scope.js';
import type { NewRow, TenantRow } from './tenant-row.js';

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

  /** What its ids begin with, and the property that says when a row and its id were made; null: no list asks for it. */
  protected readonly made: Made | null = null;

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

  /** A page of the rows that match, newest first. Throws InvalidInput for a cursor of another list. */
  protected page(filter: Filter<Row>, request: PageRequest): Promise<Page<Row>> {
    return this.reader().page(filter, request);
  }

  /** The same page of each parent's rows. Loads of one tick with equal arguments share one query. */
  protected pageOf(property: keyof Row & string, parentId: string, filter: Filter<Row>, request: PageRequest): Promise<Page<Row>> {
    return this.reader().pageOf(property, parentId, filter, request);
  }

  /** A part of each parent's rows, oldest first. Loads of one tick with equal arguments share one query. */
  protected partOf(property: keyof Row & string, parentId: string, filter: Filter<Row>, part: Part): Promise<Row[]> {
    return this.reader().partOf(property, parentId, filter, part);
  }

  private reader(): PageReader<Row> {
    const { scope, entity, noun, made } = this;
    return new PageReader({ scope, entity, noun, made, where: (filter) => this.where(filter) });
  }

  /** The app first, then the customer if the caller is one, then what was asked. */
  protected where(filter: Filter<Row>): Condition {
    const table = this.scope.db.table(this.entity);
    const conditions: Condition[] = [{ sql: 'app_id = ?', parameters: [this.scope.appId] }];
    for (const [property, value] of [...Object.entries(this.customerFilter()), ...Object.entries(filter)]) {
      if (value !== undefined) conditions.push(conditionOn(table.columnOf(property), value, this.scope.db.isEmbedded));
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
