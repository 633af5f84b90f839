import { readTime } from './fields.js';
import { InvalidRequest } from './http-error.js';

const LIMIT_DEFAULT = 30;
const LIMIT_MAX = 100;

/** The query string of a request. Unknown parameters are ignored; wrong ones are a 400. */
export class Query {
  constructor(private readonly params: URLSearchParams) {}

  /** A parameter, or undefined when absent or empty. */
  text(name: string): string | undefined {
    return this.params.get(name) || undefined;
  }

  /** A parameter that must be there. */
  requiredText(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new InvalidRequest(`${name} should not be empty`);
    return value;
  }

  /** A time in epoch milliseconds. */
  timeMs(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const time = readTime(value);
    if (time === null) throw new InvalidRequest(`${name} must be a valid ISO 8601 date string`);
    return Date.parse(time);
  }

  boolean(name: string): boolean {
    return this.text(name) === 'true';
  }

  /** A list of allowed words, written `a=x,y` or `a=x&a=y`; undefined when absent. */
  listOf<T extends string>(name: string, allowed: readonly T[]): T[] | undefined {
    const values = this.params
      .getAll(name)
      .flatMap((value) => value.split(','))
      .filter((value) => value !== '');
    if (values.length === 0) return undefined;
    return values.map((value) => {
      const choice = allowed.find((candidate) => candidate === value);
      if (choice === undefined)
        throw new InvalidRequest(`each value in ${name} must be one of the following values: ${allowed.join(', ')}`);
      return choice;
    });
  }

  /** One allowed word. */
  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    return this.listOf(name, allowed)?.[0];
  }

  /** Index keys of the metadata filters `metadata[key]=value`; all must hold. */
  metadataKeys(): string[] {
    const keys: string[] = [];
    for (const [name, value] of this.params) {
      const key = /^metadata\[(.+)\]$/.exec(name)?.[1];
      if (key !== undefined) keys.push(`metadata.${key}=${value}`);
    }
    return keys;
  }

  /** Where the page begins and how long it is. A limit above 100 is 100. */
  page(): { offset: number; limit: number } {
    const limit = this.count('limit', 1) ?? LIMIT_DEFAULT;
    return { offset: this.count('offset', 0) ?? 0, limit: Math.min(limit, LIMIT_MAX) };
  }

  private count(name: string, min: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (!Number.isInteger(number) || number < min) throw new InvalidRequest(`${name} must be an integer not less than ${min}`);
    return number;
  }
}
