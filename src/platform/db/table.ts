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

/**
 * How an entity class looks as a table, derived once from its decorators. Turns driver rows into plain instances of the
 * class without the unit of work, whose bookkeeping a read does not need.
 */
export class Table<Row extends object> {
  readonly name: string;
  /** Column list for a SELECT, in a fixed order. */
  readonly selectList: string;
  /** A plain instance of the entity's class; it is not managed, and writing to it changes nothing. */
  readonly fromRaw: (raw: RawRow) => Row;
  private readonly columnByProperty: ReadonlyMap<string, string>;

  constructor(entity: EntityClass<Row> & { prototype: Row }, metadata: EntityMetadata<Row>) {
    this.name = metadata.tableName;
    const columns = metadata.props.filter((property) => property.fieldNames?.length === 1).map(columnOf);
    this.columnByProperty = new Map(columns.map((column) => [column.property, column.name]));
    this.selectList = columns.map((column) => `\`${column.name}\``).join(', ');
    this.fromRaw = compiled(entity, columns);
  }

  static of<Row extends object>(orm: MikroORM, entity: EntityClass<Row>): Table<Row> {
    return new Table(entity as EntityClass<Row> & { prototype: Row }, orm.getMetadata().get(entity) as EntityMetadata<Row>);
  }

  /** The column of a property; throws for a property that is not a column. */
  columnOf(property: string): string {
    const name = this.columnByProperty.get(property);
    if (name === undefined) throw new Error(`${this.name} has no column for ${property}`);
    return name;
  }
}

/**
 * Compiles the reader of a table's rows: a class over the driver's row whose getters are the columns, written out from the entity's own
 * decorators. Getters read what is asked for when it is asked for; fields would be copied for every column of every row, and the ORM
 * turns an assignment to its classes into the bookkeeping of changes, at many times the cost.
 */
function compiled<Row extends object>(entity: { prototype: Row }, columns: readonly Column[]): (raw: RawRow) => Row {
  const getters = columns.map(({ property, name, read }, index) => {
    const value = `this.#raw[${JSON.stringify(name)}]`;
    return `get ${property}() { return ${read === null ? value : `read[${index}](${value})`}; }`;
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
