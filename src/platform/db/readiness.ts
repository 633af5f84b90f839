import type { Database } from './database.js';
import type { SchemaMigrator } from './migrator.js';
import { isOutage } from './outage.js';
import { schemaInWords } from './schema-words.js';

/** Matches no row, so nothing is written; but a server that takes no writes refuses it, and one that hangs hangs. */
const WRITE = 'update billing_jobs set fence = fence where app_id = ? and id = ?';

/**
 * Why the database cannot be worked with, in a sentence for operators; null when it can: it has the newest schema and
 * takes writes. A read-only server answers reads, and Galera without a quorum even `select 1`.
 */
export async function whyNotReady(database: Database, migrator: SchemaMigrator): Promise<string | null> {
  const none = database.hosts?.whyNone() ?? null;
  if (none !== null) return none;
  try {
    const state = await migrator.inspect();
    if (state.kind === 'foreign') return 'The database is not one of billing.';
    if (state.kind !== 'ready') return `The database ${schemaInWords(state)}`;
    // The embedded database has one writer at a time: asking would get in its way.
    if (!database.isEmbedded) await database.run(WRITE, ['', '']);
    return null;
  } catch (error) {
    const what = isOutage(error) ? 'The database cannot be used' : 'The database failed';
    return `${what}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
