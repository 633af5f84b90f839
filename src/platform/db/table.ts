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
   * The columns of these properties, named with commas between them, and the id; all columns where one of them is none,
   * or without names. A row that is read so throws when another property is read.
   */
  only(names: string | undefined): Columns<Row> {
    if (names === undefined) return this;
    const known = this.choices.get(names);
    if (known !== undefined) return known;
    const properties = new Set(['id', ...names.split(',')].filter((name) => name !== ''));
    const chosen = this.columns.filter(({ property }) => properties.has(property));
    if (this.choices.size >= CHOICES_MAX) this.choices.clear();
    const made = chosen.length < properties.size ? this : this.choose(chosen);
    this.choices.set(names, made);
    return made;
  }

  /** Every property of a row by name: a row that was read has getters, which a spread leaves out. */
  propertiesOf(row: Row): Record<string, unknown> {
    return Object.fromEntries([...this.columnByProperty.keys()].map((property) => [property, row[property as keyof Row]]));
  }

  /** The column of a property; throws for a property that is not a column. */
  columnOf(property: string): string {
    const name = this.columnByProperty.get(property);
    if (name === undefined) throw new Error(`${this.name} has no column for ${property}`);
    return name;
  }

  private choose(chosen: readonly Column[]): Columns<Row> {
    return {
      selectList: chosen.map((column) => `\`${column.name}\``).join(', '),
      fromRaw: compiled(this.entity, this.columns, new Set(chosen)),
    };
  }
}

/**
 * Compiles the reader of a table's rows: a class over the driver's row whose getters are the columns, written out from
 * the entity's own decorators. Getters read what is asked for when it is asked for; fields would be copied for every
 * column of every row, and the ORM turns an assignment to its classes into the bookkeeping of changes, at many times
 * the cost.
 */
function compiled<Row extends object>(
  entity: { prototype: Row },
  columns: readonly Column[],
  chosen: ReadonlySet<Column>,
): (raw: RawRow) => Row {
  const getters = columns.map((column, index) => {
    const value = `this.#raw[${JSON.stringify(column.name)}]`;
    const read = column.read === null ? `return ${value}` : `return read[${index}](${value})`;
    return `get ${column.property}() { ${chosen.has(column) ? read : `throw new Error('${column.name} was not read')`}; }`;
  });
  const Base = class {};
  Object.setPrototypeOf(Base.prototype, entity.prototype);
  const source = `return class Row extends Base { #raw; constructor(raw) { super(); this.#raw = raw; } ${getters.join(' ')} };`;
  const readers = columns.map((column) => column.read);
  const Made = new Function('Base', 'read', source)(Base, readers) as new (raw: RawRow) => Row;
  return (raw) => new Made(raw);
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
