import type { EntityClass, EntityMetadata, EntityProperty, MikroORM } from '@mikro-orm/core';
import { JsonText } from './columns.js';

/** A row as the driver hands it over. */
export type RawRow = Readonly<Record<string, unknown>>;

interface Column {
  readonly property: string;
  readonly name: string;
  /** Null where the driver's value is the property's. */
  readonly read: ((value: unknown) => unknown) | null;
}

/** Columns of a table, and how the rows of a SELECT of them are read. */
export interface Columns<Row extends object> {
  /** Column list for a SELECT, in a fixed order. */
  readonly selectList: string;
  /** A plain instance of the entity's class; it is not managed, and writing to it changes nothing. */
  readonly fromRaw: (raw: RawRow) => Row;
}

/** Choices of columns remembered for one table: clients ask for the same few again and again. */
const CHOICES_MAX = 100;

/**
 * How an entity class looks as a table, derived once from its decorators. Turns driver rows into plain instances of the
 * class without the unit of work, whose bookkeeping a read does not need.
 */
export class Table<Row extends object> implements Columns<Row> {
  readonly name: string;
  readonly selectList: string;
  readonly fromRaw: (raw: RawRow) => Row;
  private readonly columns: readonly Column[];
  private readonly columnByProperty: ReadonlyMap<string, string>;
  private readonly choices = new Map<string, Columns<Row>>();

  constructor(
    private readonly entity: EntityClass<Row> & { prototype: Row },
    metadata: EntityMetadata<Row>,
  ) {
    this.name = metadata.tableName;
    this.columns = metadata.props.filter((property) => property.fieldNames?.length === 1).map(columnOf);
    this.columnByProperty = new Map(this.columns.map((column) => [column.property, column.name]));
    const { selectList, fromRaw } = this.choose(this.columns);
    this.selectList = selectList;
    this.fromRaw = fromRaw;
  }

  static of<Row extends object>(orm: MikroORM, entity: EntityClass<Row>): Table<Row> {
    return new Table(entity as EntityClass<Row> & { prototype: Row }, orm.getMetadata().get(entity) as EntityMetadata<Row>);
  }

  /**
   * The columns of these properties, named with commas between them, and the id; all columns where one of them is
   * none, or without them. A row that is read so throws when another property is read.
   */
  selecting(properties: string | undefined): Columns<Row> {
    if (properties === undefined) return this;
    const known = this.choices.get(properties);
    if (known !== undefined) return known;
    const names = new Set(['id', ...properties.split(',')].filter((name) => name !== ''));
    const chosen = this.columns.filter(({ property }) => names.has(property));
    if (this.choices.size >= CHOICES_MAX) this.choices.clear();
    const made = chosen.length < names.size ? this : this.choose(chosen);
    this.choices.set(properties, made);
    return made;
  }

  /** The column of a property; throws for a property that is not a column. */
  columnOf(property: string): string {
    const name = this.columnByProperty.get(property);
    if (name === undefined) throw new Error(`${this.name} has no column for ${property}`);
    return name;
  }

  private choose(chosen: readonly Column[]): Columns<Row> {
    const PlainRow = plainClass(this.entity, this.columns, new Set(chosen));
    const fromRaw = (raw: RawRow) => {
      const row = new PlainRow();
      for (const { property, name, read } of chosen) row[property] = read === null ? raw[name] : read(raw[name]);
      return row as Row;
    };
    return { selectList: chosen.map((column) => `\`${column.name}\``).join(', '), fromRaw };
  }
}

/**
 * A class of plain rows: the methods of the entity, and the columns as fields. The ORM's own accessors are covered, and
 * a column that was not read throws instead of being undefined.
 */
function plainClass<Row extends object>(
  entity: { prototype: Row },
  columns: readonly Column[],
  chosen: ReadonlySet<Column>,
): new () => Record<string, unknown> {
  class PlainRow {}
  Object.setPrototypeOf(PlainRow.prototype, entity.prototype);
  for (const column of columns) {
    const unread = () => {
      throw new Error(`${column.name} was not read`);
    };
    Object.defineProperty(PlainRow.prototype, column.property, chosen.has(column) ? { value: undefined, writable: true } : { get: unread });
  }
  return PlainRow as new () => Record<string, unknown>;
}

function columnOf(property: EntityProperty): Column {
  const [name = property.name] = property.fieldNames;
  return { property: property.name, name, read: readerFor(property) };
}

function readerFor(property: EntityProperty): Column['read'] {
  if (property.customType instanceof JsonText) return jsonFrom;
  if (property.runtimeType === 'Date') return (value) => (value === null ? null : dateFrom(value));
  if (property.runtimeType === 'boolean') return (value) => Boolean(value);
  if (property.runtimeType === 'number') return (value) => (value === null ? null : Number(value));
  return null;
}

function jsonFrom(value: unknown): unknown {
  if (value === null) return null;
  return value === '{}' ? {} : JSON.parse(String(value));
}

/** The server's driver hands out dates; SQLite keeps epoch milliseconds. */
function dateFrom(value: unknown): Date {
  return value instanceof Date ? value : new Date(Number(value));
}
