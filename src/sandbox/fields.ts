import type { TilledMetadata, TilledMetadataParams } from '../tilled/tilled.shapes.js';
import { InvalidRequest } from './http-error.js';

/** Bounds of a number or of the length of a text, both inclusive. */
export interface Bounds {
  min?: number;
  max?: number;
}

/** Bounds and form of a text; `form` says the pattern in words for the message. */
export interface TextRules extends Bounds {
  pattern?: RegExp;
  form?: string;
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads a JSON body field by field. Unknown fields are ignored, as Tilled does; wrong ones are collected
 * and refused together by assertValid(), which must be called before any value is used.
 * Optional readers give undefined for a field not sent and null for one sent as null.
 */
export class Fields {
  private readonly values: Record<string, unknown>;

  constructor(
    body: unknown,
    private readonly path = '',
    private readonly problems: string[] = [],
  ) {
    if (body !== undefined && !isObject(body)) this.problems.push(`${path === '' ? 'the body' : path} must be an object`);
    this.values = isObject(body) ? body : {};
  }

  /** Throws a 400 that names everything wrong. */
  assertValid(): void {
    if (this.problems.length > 0) throw new InvalidRequest(this.problems.join('; '));
  }

  /** Adds a problem found outside. */
  refuse(problem: string): void {
    this.problems.push(problem);
  }

  text(name: string, rules: TextRules = {}): string | null | undefined {
    return this.optional(name, (value) => this.checkedText(name, value, rules));
  }

  requiredText(name: string, rules: TextRules = {}): string {
    return this.checkedText(name, this.required(name), rules) ?? '';
  }

  integer(name: string, bounds: Bounds = {}): number | null | undefined {
    return this.optional(name, (value) => this.checkedNumber(name, value, bounds, true));
  }

  requiredInteger(name: string, bounds: Bounds = {}): number {
    return this.checkedNumber(name, this.required(name), bounds, true) ?? 0;
  }

  requiredDecimal(name: string, bounds: Bounds = {}): number {
    return this.checkedNumber(name, this.required(name), bounds, false) ?? 0;
  }

  boolean(name: string): boolean | null | undefined {
    return this.optional(name, (value) => {
      if (typeof value === 'boolean') return value;
      this.problem(name, 'must be a boolean value');
      return undefined;
    });
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | null | undefined {
    return this.optional(name, (value) => this.checkedChoice(name, value, allowed));
  }

  requiredOneOf<T extends string>(name: string, allowed: readonly [T, ...T[]]): T {
    return this.checkedChoice(name, this.required(name), allowed) ?? allowed[0];
  }

  /** A list of allowed words, at least one. */
  listOf<T extends string>(name: string, allowed: readonly T[]): T[] | undefined {
    const value = this.values[name];
    return value === undefined || value === null ? undefined : this.requiredListOf(name, allowed);
  }

  requiredListOf<T extends string>(name: string, allowed: readonly T[]): T[] {
    return this.requiredItems(name, { min: 1 }).flatMap((item) => this.checkedChoice(`each value in ${name}`, item, allowed) ?? []);
  }

  /** A list of anything. */
  requiredItems(name: string, bounds: Bounds): unknown[] {
    const value = this.required(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.problem(name, 'must be an array');
      return [];
    }
    if (value.length < (bounds.min ?? 0)) this.problem(name, 'should not be empty');
    if (value.length > (bounds.max ?? Number.POSITIVE_INFINITY)) this.problem(name, `must contain no more than ${bounds.max} elements`);
    return value;
  }

  /** A list of objects. */
  requiredObjects(name: string, bounds: Bounds): Fields[] {
    return this.requiredItems(name, bounds).map((item, position) => new Fields(item, this.pathOf(`${name}.${position}`), this.problems));
  }

  /** A list of objects, when sent. */
  objects(name: string): Fields[] | undefined {
    const value = this.values[name];
    return value === undefined || value === null ? undefined : this.requiredObjects(name, {});
  }

  /** A list of any words, when sent. */
  textList(name: string): string[] | undefined {
    const value = this.values[name];
    if (value === undefined || value === null) return undefined;
    return this.requiredItems(name, {}).flatMap((item) => this.checkedText(`each value in ${name}`, item, {}) ?? []);
  }

  /** A time as ISO text, read from a date, an offset form or a Z form. */
  time(name: string): string | null | undefined {
    return this.optional(name, (value) => this.checkedTime(name, value));
  }

  requiredTime(name: string): string {
    return this.checkedTime(name, this.required(name)) ?? '';
  }

  /** A nested object; its problems are reported with this one's. */
  object(name: string): Fields | null | undefined {
    return this.optional(name, (value) => new Fields(value, this.pathOf(name), this.problems));
  }

  requiredObject(name: string): Fields {
    return new Fields(this.required(name) ?? {}, this.pathOf(name), this.problems);
  }

  /** Metadata as sent; keys to be removed have null or ''. */
  metadata(): TilledMetadataParams | undefined {
    return this.optional('metadata', (value) => {
      const sent: Record<string, string | null> = {};
      if (!isObject(value)) this.problem('metadata', 'must be an object');
      for (const [key, text] of Object.entries(isObject(value) ? value : {})) {
        if (key.length > METADATA_KEY_MAX) this.problem('metadata', `keys must be at most ${METADATA_KEY_MAX} characters`);
        if (text !== null && typeof text !== 'string') this.problem('metadata', `.${key} must be a string`);
        else if (text !== null && text.length > METADATA_VALUE_MAX)
          this.problem('metadata', `.${key} must be at most ${METADATA_VALUE_MAX} characters`);
        else sent[key] = text;
      }
      return sent;
    });
  }

  private optional<R>(name: string, read: (value: unknown) => R | undefined): R | null | undefined {
    const value = this.values[name];
    return value === undefined || value === null ? value : read(value);
  }

  private required(name: string): unknown {
    const value = this.values[name];
    if (value !== undefined && value !== null) return value;
    this.problem(name, 'should not be empty');
    return undefined;
  }

  private checkedText(name: string, value: unknown, rules: TextRules): string | undefined {
    if (value === undefined) return undefined;
    if (typeof value !== 'string') this.problem(name, 'must be a string');
    else if (value.length > (rules.max ?? 5_000)) this.problem(name, `must be shorter than or equal to ${rules.max ?? 5_000} characters`);
    else if (value.length < (rules.min ?? 0)) this.problem(name, `must be longer than or equal to ${rules.min} characters`);
    else if (rules.pattern !== undefined && !rules.pattern.test(value)) this.problem(name, `must be ${rules.form ?? 'well formed'}`);
    else return value;
    return undefined;
  }

  private checkedNumber(name: string, value: unknown, bounds: Bounds, isWhole: boolean): number | undefined {
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || (isWhole && !Number.isInteger(value))) {
      this.problem(name, isWhole ? 'must be an integer number' : 'must be a number');
    } else if (value < (bounds.min ?? Number.NEGATIVE_INFINITY)) this.problem(name, `must not be less than ${bounds.min}`);
    else if (value > (bounds.max ?? Number.POSITIVE_INFINITY)) this.problem(name, `must not be greater than ${bounds.max}`);
    else return value;
    return undefined;
  }

  private checkedChoice<T extends string>(name: string, value: unknown, allowed: readonly T[]): T | undefined {
    if (value === undefined) return undefined;
    const choice = allowed.find((candidate) => candidate === value);
    if (choice === undefined) this.problem(name, `must be one of the following values: ${allowed.join(', ')}`);
    return choice;
  }

  private checkedTime(name: string, value: unknown): string | undefined {
    if (value === undefined) return undefined;
    const time = typeof value === 'string' ? readTime(value) : null;
    if (time === null) this.problem(name, 'must be a valid ISO 8601 date string');
    return time ?? undefined;
  }

  private problem(name: string, what: string): void {
    this.problems.push(`${this.pathOf(name)} ${what}`);
  }

  private pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }
}

const METADATA_KEYS_MAX = 50;
const METADATA_KEY_MAX = 40;
const METADATA_VALUE_MAX = 500;

/** A date, an offset time or a Z time as ISO text in UTC, or null when it is none. A date is its midnight. */
export function readTime(text: string): string | null {
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text)) return null;
  const isZoned = /Z$|[+-]\d{2}:?\d{2}$/.test(text.slice(10));
  const time = new Date(text.length > 10 && !isZoned ? `${text}Z` : text);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/**
 * What metadata becomes by an update: keys not sent stay, null and '' remove, {} and null clear.
 * Throws a 400 when more than 50 keys would remain. Empty metadata reads null (our assumption).
 */
export function mergedMetadata(current: TilledMetadata | null, sent: TilledMetadataParams | undefined): TilledMetadata | null {
  if (sent === undefined) return current;
  if (sent === null || Object.keys(sent).length === 0) return null;
  const merged: TilledMetadata = { ...current };
  for (const [key, value] of Object.entries(sent)) {
    if (value === null || value === '') delete merged[key];
    else merged[key] = value;
  }
  const count = Object.keys(merged).length;
  if (count > METADATA_KEYS_MAX) throw new InvalidRequest(`metadata must have at most ${METADATA_KEYS_MAX} keys`);
  return count === 0 ? null : merged;
}
