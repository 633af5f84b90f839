import type { EntityClass, EntityMetadata, EntityProperty, MikroORM } from '@mikro-orm/core';
import { JsonText } from './columns.js';

/** A row as the driver hands it over. */
export type RawRow = Readonly<Record<string, unknown>>;

interface Column {
  readonly property: string;
  readonly name: string;
  readonly read: (value: unknown) => unknown;
}

/**
 * How an entity class looks as a table, derived once from its decorators. Turns driver rows into plain instances of the
 * class without the unit of work, whose bookkeeping a read does not need.
 */
export class Table<Row extends object> {
  readonly name: string;
  /** Column list for a SELECT, in a fixed order. */
  readonly selectList: string;
  private readonly columns: readonly Column[];
  private readonly columnByProperty: ReadonlyMap<string, string>;

  constructor(
    private readonly entity: EntityClass<Row> & { prototype: Row },
    metadata: EntityMetadata<Row>,
  ) {
    this.name = metadata.tableName;
    this.columns = metadata.props.filter((property) => property.fieldNames?.length === 1).map(columnOf);
    this.columnByProperty = new Map(this.columns.map((column) => [column.property, column.name]));
    this.selectList = this.columns.map((column) => `\`${column.name}\``).join(', ');
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

  /** A plain instance of the entity's class; it is not managed, and writing to it changes nothing. */
  fromRaw(raw: RawRow): Row {
    const row = Object.create(this.entity.prototype) as Record<string, unknown>;
    for (const column of this.columns) row[column.property] = column.read(raw[column.name]);
    return row as Row;
  }
}

function columnOf(property: EntityProperty): Column {
  const [name = property.name] = property.fieldNames;
  return { property: property.name, name, read: readerFor(property) };
}

function readerFor(property: EntityProperty): (value: unknown) => unknown {
  if (property.customType instanceof JsonText) return (value) => (value === null ? null : JSON.parse(String(value)));
  if (property.runtimeType === 'Date') return (value) => (value === null ? null : dateFrom(value));
  if (property.runtimeType === 'boolean') return (value) => Boolean(value);
  if (property.runtimeType === 'number') return (value) => (value === null ? null : Number(value));
  return (value) => value;
}

/** MySQL hands out `2026-03-01 12:00:00.000` (UTC session); SQLite keeps epoch milliseconds. */
function dateFrom(value: unknown): Date {
  return typeof value === 'string' ? new Date(`${value.replace(' ', 'T')}Z`) : new Date(Number(value));
}
