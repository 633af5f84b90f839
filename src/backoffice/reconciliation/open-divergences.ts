import { DivergenceClass } from '../../billing/kit/divergence.entity.js';
import type { Database } from '../../platform/db/database.js';
import type { Query } from '../../platform/db/replicas/replica.js';

/** How many divergences are open in all apps, by class; for metrics. */
export async function countOpenDivergences(
  query: Query,
  { isEmbedded }: Pick<Database, 'isEmbedded'>,
): Promise<Readonly<Record<DivergenceClass, number>>> {
  // Beginning with the apps it goes along the index of app and status: what was resolved is never looked at.
  const join = isEmbedded ? 'cross join' : 'straight_join';
  const rows = await query(
    `select d.class, count(*) as n from billing_apps a ${join} billing_divergences d on d.app_id = a.id and d.status = 'OPEN' group by d.class`,
    [],
  );
  const counts = new Map(rows.map((row) => [String(row.class), Number(row.n)]));
  const countOf = (found: DivergenceClass) => counts.get(found) ?? 0;
  const { MISSING_HERE, MISSING_AT_TILLED, FIELD, ILLEGAL_STATE, DUPLICATE_AT_TILLED } = DivergenceClass;
  return {
    MISSING_HERE: countOf(MISSING_HERE),
    MISSING_AT_TILLED: countOf(MISSING_AT_TILLED),
    FIELD: countOf(FIELD),
    ILLEGAL_STATE: countOf(ILLEGAL_STATE),
    DUPLICATE_AT_TILLED: countOf(DUPLICATE_AT_TILLED),
  };
}
