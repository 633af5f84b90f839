import { LOG_TABLE } from './applied-migrations.js';
import type { Database } from './database.js';
import { LOCK_COLUMN } from './lock.fence.js';
import { LOCK_TABLE } from './migration-lock.js';

/** Views of ours for analytics (ops/grants/views.sql): they follow the tables, and no entity says what is in them. */
const OUR_VIEWS = 'billing_analytics_';

/** Where tables and columns differ from what the entities say, one line each; empty if all is well. */
export async function schemaDrift(database: Database): Promise<string[]> {
  const live = await liveColumns(database);
  const entities = [...database.orm.getMetadata().getAll().values()];
  const tables = new Set(entities.map((entity) => entity.tableName));
  const unknown = [...live.keys()].filter((table) => !tables.has(table) && !BOOKKEEPING.has(table));
  const differing = entities.flatMap(({ tableName, props }) => {
    const columns = live.get(tableName);
    if (columns === undefined) return [`${tableName} is missing`];
    const declared = new Map(props.flatMap((prop) => (prop.fieldNames ?? []).map((name) => [name, prop.nullable === true] as const)));
    const missing = [...declared.keys()].filter((name) => !columns.has(name)).map((name) => `${tableName}.${name} is missing`);
    const more = [...columns.keys()]
      .filter((name) => !declared.has(name) && name !== LOCK_COLUMN)
      .map((name) => `${tableName}.${name} is not ours`);
    const loose = [...declared].filter(([name, isNullable]) => columns.has(name) && columns.get(name) !== isNullable);
    return [...missing, ...more, ...loose.map(([name, isNullable]) => `${tableName}.${name} may ${isNullable ? 'not ' : ''}be null`)];
  });
  return [...unknown.map((table) => `${table} is not ours`), ...differing].toSorted();
}

const BOOKKEEPING: ReadonlySet<string> = new Set([LOG_TABLE, LOCK_TABLE]);

/** Whether each column may be null, by table and column. */
async function liveColumns(database: Database): Promise<Map<string, Map<string, boolean>>> {
  const tables = new Map<string, Map<string, boolean>>();
  for (const row of await database.query(database.isEmbedded ? EMBEDDED : SERVER, [])) {
    const columns = tables.get(String(row.owner)) ?? new Map<string, boolean>();
    tables.set(String(row.owner), columns.set(String(row.col), Number(row.nullable) === 1));
  }
  return tables;
}

const SERVER = `select c.table_name as owner, c.column_name as col, case when c.is_nullable = 'YES' then 1 else 0 end as nullable
  from information_schema.columns c join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
  where c.table_schema = database() and not (t.table_type = 'VIEW' and left(c.table_name, ${OUR_VIEWS.length}) = '${OUR_VIEWS}')`;
const EMBEDDED = `select m.name as owner, c.name as col, case when c."notnull" = 0 and c.pk = 0 then 1 else 0 end as nullable
  from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%'`;
