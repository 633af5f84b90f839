import type { Database } from '../db/database.js';
import { places } from '../db/sql.js';

/** How many pieces of work of these kinds there are, of all apps. */
export async function countJobs(database: Database, kinds: readonly string[]): Promise<number> {
  const [row] = await database.query(`select count(*) as n from billing_jobs where kind in (${places(kinds)})`, kinds);
  return Number(row?.n ?? 0);
}
