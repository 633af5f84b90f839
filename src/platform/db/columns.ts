import { Type } from '@mikro-orm/core';
import { Property } from '@mikro-orm/decorators/legacy';

/**
 * The column kinds of this schema, as decorators. Each names its SQL type, so that migrations can be compared with
 * entities, and its JavaScript type, which TypeScript's metadata loses for `| null`.
 */
interface ColumnOptions {
  readonly nullable?: boolean;
  /** The column's name, where it is not that of the property. */
  readonly name?: string;
  /** What rows have that were there before the column; new rows always say it. */
  readonly before?: number;
}

const column = (columnType: string, type: string, options: ColumnOptions = {}): PropertyDecorator =>
  Property({
    ...{ columnType, type, runtimeType: type, nullable: options.nullable ?? false },
    ...(options.name === undefined ? {} : { fieldName: options.name }),
    ...(options.before === undefined ? {} : { default: options.before }),
  }) as PropertyDecorator;

/** Text of at most `length` characters; compared byte by byte. */
export const Text = (length: number, options?: ColumnOptions): PropertyDecorator => column(`varchar(${length})`, 'string', options);

/** Text of any length. */
export const LongText = (): PropertyDecorator => column('mediumtext', 'string');

/** One of our ids, or an id of the processor's (opaque, at most 64 characters). */
export const IdColumn = (options?: ColumnOptions): PropertyDecorator => Text(64, options);

/** An amount in a currency's minor unit, within ±(2^53-1). */
export const MinorColumn = (options?: ColumnOptions): PropertyDecorator => column('bigint', 'number', options);

/** A small whole number. */
export const IntColumn = (options?: ColumnOptions): PropertyDecorator => column('int', 'number', options);

/** A moment in UTC with millisecond precision. */
export const TimeColumn = (options?: ColumnOptions): PropertyDecorator => column('datetime(3)', 'Date', options);

/** Yes or no. */
export const FlagColumn = (): PropertyDecorator => column('boolean', 'boolean');

/** Counts the writes of a row, all made under its lock, so that decisions on an older count can be refused. */
export const VersionColumn = (): PropertyDecorator =>
  Property({
    columnType: 'int',
    type: 'number',
    runtimeType: 'number',
    onUpdate: (row: { version: number }) => row.version + 1,
  }) as PropertyDecorator;

/** A value stored as JSON text: the same column on MySQL, MariaDB and SQLite, whose JSON types differ. */
export const JsonColumn = (options: ColumnOptions = {}): PropertyDecorator =>
  Property({ type: JsonText, nullable: options.nullable ?? false }) as PropertyDecorator;

/** Maps a value to the text of its JSON. */
export class JsonText extends Type<unknown, string | null> {
  override convertToDatabaseValue(value: unknown): string | null {
    return value === null || value === undefined ? null : JSON.stringify(value);
  }

  override convertToJSValue(value: unknown): unknown {
    return typeof value === 'string' ? JSON.parse(value) : value;
  }

  override getColumnType(): string {
    return 'mediumtext';
  }

  override compareAsType(): string {
    return 'string';
  }

  override ensureComparable(): boolean {
    return true;
  }
}
