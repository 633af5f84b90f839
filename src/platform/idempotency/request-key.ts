import { createHash } from 'node:crypto';
import { InvalidInput } from '../errors.js';
import type { Caller } from '../tenancy/caller.js';

const KEY_LENGTH_MAX = 255;

/** The id under which a request's outcome is kept: from the input's key, else the caller's; null when it has none. */
export function keyIdOf(caller: Caller, operation: string, input: object): string | null {
  const key = keyOf(caller, input);
  // A customer's keys are apart from everybody else's: they never answer what another's request made.
  return key === null ? null : sha256([operation, caller.onlyCustomerId ?? '', key].join('\n'));
}

function keyOf(caller: Caller, input: object): string | null {
  const key = (input as { idempotencyKey?: string | null }).idempotencyKey ?? caller.idempotencyKey;
  if (key === undefined || key === null) return null;
  if (key.trim().length === 0 || key.length > KEY_LENGTH_MAX) {
    throw InvalidInput.because(['idempotencyKey'], `idempotencyKey must have 1 to ${KEY_LENGTH_MAX} characters.`);
  }
  return key;
}

/** SHA-256 of the input without its key, with object keys sorted, so that the order of fields does not matter. */
export function fingerprintOf(input: object): string {
  const { idempotencyKey: _, ...rest } = input as { idempotencyKey?: unknown };
  return sha256(JSON.stringify(canonical(rest)));
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
