import { LOG_TABLE } from '../applied-migrations.js';
import { readingFaults } from '../server.check.js';
import type { Query } from './replica.js';

/**
 * Why a server must not be read from in place of the primary, in a sentence; null if it may be. It gives our
 * connections what the code relies on, and has the schema that this build wants, the `migrations` of these names.
 */
export async function whyUnfit(query: Query, migrations: readonly string[]): Promise<string | null> {
  const [fault] = await readingFaults((sql) => query(sql, []));
  if (fault !== undefined) return fault;
  const applied = new Set((await query(`select name from ${LOG_TABLE}`, [])).map((row) => String(row.name)));
  const missing = migrations.filter((name) => !applied.has(name));
  return missing.length === 0 ? null : `It is not migrated as far: ${missing.join(', ')} did not arrive there yet.`;
}
