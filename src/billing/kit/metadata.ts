import { InvalidInput } from '../../platform/errors.js';

const KEYS_MAX = 50;

/** What external ids and marks of smoke tests begin with. */
export const SMOKE_PREFIX = 'billing-smoke-';
const SMOKE_MARK = new RegExp(`^${SMOKE_PREFIX}[0-9a-f]{12}$`);

/** Metadata without personal data: nothing, but for the mark by which payments of smoke tests are told apart. */
export function erasedMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([key, value]) => key === 'smoke' && SMOKE_MARK.test(value)));
}

/** Metadata after a change: keys not named stay, a null value removes its key. Throws InvalidInput beyond 50 keys. */
export function mergedMetadata(
  current: Readonly<Record<string, string>>,
  change: Readonly<Record<string, string | null>> | null | undefined,
): Record<string, string> {
  const merged = { ...current, ...change };
  const entries = Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null);
  if (entries.length > KEYS_MAX)
    throw InvalidInput.because(['metadata'], `metadata would have ${entries.length} keys; at most ${KEYS_MAX} are kept.`);
  return Object.fromEntries(entries);
}
