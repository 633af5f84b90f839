import { createHash } from 'node:crypto';
import { InvalidInput } from '../errors.js';
import type { Caller } from '../tenancy/caller.js';

const KEY_LENGTH_MAX = 255;

/** What null removes in a field of an input: what the field holds, or the keys of a map that have it. */
type Removed = 'itself' | 'keys';

const REMOVED = Symbol('what null removes');

/**
 * The id under which a request's outcome is kept: from the input's key or the caller's; null when it has none. Throws
 * InvalidInput if the two differ: whichever were taken, the caller may rely on the other.
 */
export function keyIdOf(caller: Caller, operation: string, input: object): string | null {
  const key = keyOf(caller, input);
  // A customer's keys are apart from everybody else's: they never answer what another's request made.
  return key === null ? null : sha256([operation, caller.onlyCustomerId ?? '', key].join('\n'));
}

function keyOf(caller: Caller, input: object): string | null {
  const { idempotencyKey: own } = input as { idempotencyKey?: string | null };
  const key = own ?? caller.idempotencyKey;
  if (caller.idempotencyKey !== undefined && key !== caller.idempotencyKey) {
    throw InvalidInput.because(
      ['idempotencyKey'],
      'idempotencyKey and the header Idempotency-Key differ: send one of them, or the same in both.',
    );
  }
  if (key === undefined || key === null) return null;
  if (key.trim().length === 0 || key.length > KEY_LENGTH_MAX) {
    throw InvalidInput.because(['idempotencyKey'], `idempotencyKey must have 1 to ${KEY_LENGTH_MAX} characters.`);
  }
  return key;
}

/** Marks a field of an input in which null removes something, so that leaving it out is another request. */
export function NullRemoves(what: Removed): PropertyDecorator {
  return (prototype, field) => {
    Object.assign(prototype, { [REMOVED]: { ...removedIn(prototype), [field]: what } });
  };
}

/**
 * SHA-256 of what an input means, without its key: the order of fields does not matter, and null is the same as a field
 * that was left out, unless it removes something.
 */
export function fingerprintOf(input: object): string {
  return hashOf(meant(input) as object);
}

/** Whether an input is the one that a fingerprint was made of. */
export function isOfInput(fingerprint: string, input: object): boolean {
  // Keys of the build before, which told null from a field that was left out, are kept for 30 days.
  return fingerprint === fingerprintOf(input) || fingerprint === hashOf(input);
}

function hashOf(input: object): string {
  const { idempotencyKey: _, ...rest } = input as { idempotencyKey?: unknown };
  return sha256(JSON.stringify(canonical(rest)));
}

/** An input with the default in place of each null, and without what says nothing: other nulls, and empty maps. */
function meant(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(meant);
  const defaults = defaultsOf(value);
  const removed = removedIn(value);
  const meaningOf = (name: string, item: unknown) => {
    if (removed[name] === (item === null ? 'itself' : 'keys')) return item;
    const meaning = item === null ? defaults.get(name) : meant(item);
    return isEmptyMap(meaning) ? undefined : meaning;
  };
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, meaningOf(name, item)]));
}

function isEmptyMap(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Date || Array.isArray(value)) return false;
  return Object.values(value).every((item) => item === undefined);
}

/** What the fields of an input are that nobody gave. Of a map even `constructor` may be a key, so its kind is asked. */
function defaultsOf(input: object): ReadonlyMap<string, unknown> {
  const kind: { readonly constructor: new () => object } | null = Object.getPrototypeOf(input);
  return new Map(kind === null ? [] : Object.entries(new kind.constructor()));
}

function removedIn(input: object): Readonly<Record<string | symbol, Removed>> {
  return (input as { [REMOVED]?: Record<string | symbol, Removed> })[REMOVED] ?? {};
}

function canonical(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, item]) => [name, canonical(item)]));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
