import type { Database } from './database.js';

/** Rows of an app that are written in one transaction: who pays meanwhile waits for no more than these. */
const ROWS = 1_000;

/**
 * An UPDATE of a table of the apps, in portions along its key, so that no transaction locks more than some rows; any
 * other statement that writes rows as it is. Returns how many rows it matched. A repetition goes over all rows again,
 * so the statement leaves out what is done.
 */
export async function updateInPortions(database: Database, sql: string, before: (portion: string) => Promise<void>): Promise<number> {
  const [, table = '', set = '', condition = ''] = /^update (\w+) set (.+?) where (.+)$/s.exec(sql) ?? [];
  if (!(await isOfApps(database, table))) return database.run(sql, []);
  const update = `update ${table} set ${set} where (${condition}) and ${table}.app_id = ? and ${table}.id > ?`;
  let matched = 0;
  for (const { app } of await database.query(`select distinct app_id as app from ${table}`, [])) {
    for (let after: unknown = ''; after !== null; ) {
      const until = await lastOfPortion(database, table, [app, after]);
      const [more, values] = until === null ? ['', []] : [` and ${table}.id <= ?`, [until]];
      matched += await database.run(update + more, [app, after, ...values]);
      await before(`${table}, app ${app}, ${matched} rows`);
      after = until;
    }
  }
  return matched;
}

async function lastOfPortion(database: Database, table: string, from: readonly unknown[]): Promise<unknown> {
  const sql = `select id from ${table} where app_id = ? and id > ? order by app_id, id limit 1 offset ${ROWS - 1}`;
  return (await database.query(sql, from))[0]?.id ?? null;
}

async function isOfApps(database: Database, table: string): Promise<boolean> {
  const sql = `select count(*) as found from information_schema.columns
    where table_schema = database() and table_name = ? and column_name in ('app_id', 'id') and column_key = 'PRI'`;
  return Number((await database.query(sql, [table]))[0]?.found) === 2;
}
