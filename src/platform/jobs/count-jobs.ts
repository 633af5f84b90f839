import type { Database } from '../db/database.js';

/** How many pieces of work of these kinds there are, of all apps. */
export async function countJobs(database: Database, kinds: readonly string[]): Promise<number> {
  const marks = kinds.map(() => '?').join(', ');
  const [row] = await database.query(`select count(*) as n from billing_jobs where kind in (${marks})`, kinds);
  return Number(row?.n ?? 0);
}
