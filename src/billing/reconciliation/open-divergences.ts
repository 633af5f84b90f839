import type { Database } from '../../platform/db/database.js';
import { DivergenceClass } from '../kit/divergence.entity.js';

/** How many divergences are open in all apps, by class; for metrics. */
export async function countOpenDivergences(database: Database): Promise<Readonly<Record<DivergenceClass, number>>> {
  const rows = await database.query("select class, count(*) as n from billing_divergences where status = 'OPEN' group by class", []);
  const counts = new Map(rows.map((row) => [String(row.class), Number(row.n)]));
  const countOf = (found: DivergenceClass) => counts.get(found) ?? 0;
  const { MISSING_HERE, MISSING_AT_TILLED, FIELD, ILLEGAL_STATE } = DivergenceClass;
  return {
    MISSING_HERE: countOf(MISSING_HERE),
    MISSING_AT_TILLED: countOf(MISSING_AT_TILLED),
    FIELD: countOf(FIELD),
    ILLEGAL_STATE: countOf(ILLEGAL_STATE),
  };
}
