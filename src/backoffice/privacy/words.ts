import type { Person } from '../../billing/customers/customer.deletion.js';
import type { RawRow } from '../../platform/db/table.js';

/** By which words a person's traces are found. */
export interface Words {
  /** How the person may be called in free text that is known to be about them. */
  readonly values: readonly string[];
  /** Values that tell the person from everybody else: a text that holds one is about them. */
  readonly telling: readonly string[];
}

/**
 * The words of a person: what their customer row says, or said, and what the rows of all that is theirs say. A name, a
 * city or the last digits are shared by many; the address and the app's own id are one person's.
 */
export function wordsOf(person: Person | null, rows: readonly RawRow[]): Words {
  const columns = ['last4', 'bank_last', 'bank_name'];
  const values = rows.flatMap((row) => columns.map((column) => row[column]));
  const metadata = rows.flatMap((row) => (typeof row['metadata'] === 'string' ? valuesIn(JSON.parse(row['metadata'])) : []));
  if (person === null) return { values: spoken([...values, ...metadata]), telling: [] };
  const { email, name, externalId } = person;
  const called = [email, name, externalId, ...valuesIn(person.metadata), ...(name ?? '').split(' ')];
  return { values: spoken([...called, ...values, ...metadata]), telling: spoken([email, externalId]) };
}

/** The words of several. */
export function allWords(words: readonly Words[]): Words {
  return { values: words.flatMap(({ values }) => values), telling: words.flatMap(({ telling }) => telling) };
}

function valuesIn(metadata: object): unknown[] {
  return Object.values(metadata);
}

/** Texts long enough to mean something, each once. */
function spoken(values: readonly unknown[]): string[] {
  return [...new Set(values.filter((value): value is string => typeof value === 'string' && value.trim().length > 2))];
}
