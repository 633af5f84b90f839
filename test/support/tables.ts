import type { Database } from '../../src/platform/db/database.js';
import { SHARED_TABLES } from '../../src/platform/db/tenancy.check.js';
import type { TestApp, World } from './world.js';

/** One row as the database hands it out. */
export type AnyRow = Readonly<Record<string, unknown>>;

/** Every table of a database, sorted. */
export async function tableNames(database: Database): Promise<string[]> {
  const sql = database.isEmbedded
    ? "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
    : "select table_name as name from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE'";
  return (await database.query(sql, [])).map((row) => String(row.name)).toSorted();
}

/** Every row of an app, by table. When a key was used last is left out: it is written whenever, beside the requests. */
export async function rowsOfApp(world: World, app: TestApp): Promise<Readonly<Record<string, readonly AnyRow[]>>> {
  const tables = (await tableNames(world.gateway.database)).filter((table) => !(table in SHARED_TABLES));
  return Object.fromEntries(
    await Promise.all(tables.map(async (table) => [table, (await world.rows(table, app)).map(withoutLastUse)] as const)),
  );
}

function withoutLastUse({ last_used_at: _, ...row }: AnyRow): AnyRow {
  return row;
}

/** How many rows an app has in each table. */
export async function countsOfApp(world: World, app: TestApp): Promise<Readonly<Record<string, number>>> {
  return Object.fromEntries(Object.entries(await rowsOfApp(world, app)).map(([table, rows]) => [table, rows.length]));
}
