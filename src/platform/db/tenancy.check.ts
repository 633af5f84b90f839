import type { Database } from './database.js';
import type { RawRow } from './table.js';

/** Tables that are no app's, each with its reason. */
export const SHARED_TABLES: Readonly<Record<string, string>> = {
  billing_apps: 'the directory of apps itself',
  billing_attestations: 'what people attested of the deployment, for preflight',
  billing_backups: 'backups are of the deployment',
  billing_heartbeats: 'the beat of the primary, by which replicas are judged',
  billing_migrations: 'the list of applied migrations',
};

/** Unique keys that do not begin with app_id, by table and columns, each with its reason. */
const ACROSS_APPS: Readonly<Record<string, string>> = {
  'billing_api_keys (hash)': 'which app a credential belongs to is what is being asked',
};

/** Columns whose name looks like a link to a table of ours and that are none, each with its reason. */
const NO_LINKS: Readonly<Record<string, string>> = {
  'billing_webhooks.event_id': "the processor's id of the event",
};

/** A table as the database's own catalogue describes it. */
interface LiveTable {
  readonly columns: Map<string, { readonly isNullable: boolean }>;
  /** Columns of each unique key, the primary one among them, by name. */
  readonly uniqueKeys: Map<string, string[]>;
  /** Columns of each foreign key, and what they refer to, by name. */
  readonly links: Map<string, { readonly columns: string[]; readonly table: string; readonly refersTo: string[] }>;
}

/**
 * What in the live database would let rows of two apps mix: app_id that may be null or is not first in a unique key, a
 * link that does not carry app_id along or is missing, a declared unique key that is gone. Empty if all is well.
 */
export async function tenancyFaults(database: Database): Promise<string[]> {
  const tables = await liveTables(database);
  const tenants = [...tables].filter(([name]) => !(name in SHARED_TABLES)).toSorted();
  const structure = tenants.flatMap(([name, table]) => [
    ...columnFaults(name, table),
    ...uniqueKeyFaults(name, table),
    ...linkFaults(name, table, tables),
  ]);
  return [...structure, ...missingKeys(database, tables)];
}

/** A foreign key: rows of `table` have the row of `parent` that their `columns` name, in its `refersTo`. */
export interface Parentage {
  readonly table: string;
  readonly columns: readonly string[];
  readonly parent: string;
  readonly refersTo: readonly string[];
}

/** The foreign keys of the tables that have apps, as the live database has them. */
export async function parentages(database: Database): Promise<Parentage[]> {
  const tables = await liveTables(database);
  const ofApps = [...tables].filter(([, { columns }]) => columns.has('app_id') && columns.has('id'));
  return ofApps.flatMap(([table, { links }]) =>
    [...links.values()].map(({ columns, table: parent, refersTo }) => ({ table, columns, parent, refersTo })),
  );
}

function columnFaults(name: string, table: LiveTable): string[] {
  const appId = table.columns.get('app_id');
  if (appId === undefined) return [`${name} has no app_id`];
  return appId.isNullable ? [`${name}.app_id may be null`] : [];
}

function uniqueKeyFaults(name: string, table: LiveTable): string[] {
  const keys = [...table.uniqueKeys].map(([key, columns]) => ({ key, columns, text: `${name} (${columns.join(', ')})` }));
  const hasPrimary = keys.some(({ columns }) => columns.join() === 'app_id,id');
  const across = keys.filter(({ columns, text }) => columns[0] !== 'app_id' && !(text in ACROSS_APPS));
  return [
    ...(hasPrimary ? [] : [`${name} has no key (app_id, id)`]),
    ...across.map(({ key, columns }) => `${name} has a unique key ${key} (${columns.join(', ')}) that does not begin with app_id`),
  ];
}

function linkFaults(name: string, table: LiveTable, tables: ReadonlyMap<string, LiveTable>): string[] {
  const links = [...table.links].filter(([, link]) => !(link.table in SHARED_TABLES));
  const loose = links.filter(([, { columns, refersTo }]) => columns[0] !== 'app_id' || refersTo.join() !== 'app_id,id');
  const linked = new Set(links.map(([, { columns, table: to }]) => `${columns[1]} ${to}`));
  const missing = [...table.columns.keys()].filter((column) => {
    const to = tableNamedBy(column);
    return tables.has(to) && !(to in SHARED_TABLES) && !(`${name}.${column}` in NO_LINKS) && !linked.has(`${column} ${to}`);
  });
  return [
    ...loose.map(([, { columns, table: to }]) => `${name} refers by (${columns.join(', ')}) to ${to}, not by app_id and id`),
    ...missing.map((column) => `${name}.${column} is not bound to ${tableNamedBy(column)} by a foreign key (app_id, ${column})`),
  ];
}

/** payment_method_id names billing_payment_methods. */
function tableNamedBy(column: string): string {
  return column.endsWith('_id') ? `billing_${column.slice(0, -'_id'.length)}s` : '';
}

/** Unique keys that the entities declare: once-only processing stands on them. */
function missingKeys(database: Database, tables: ReadonlyMap<string, LiveTable>): string[] {
  return [...database.orm.getMetadata().getAll().values()].flatMap((entity) => {
    const live = [...(tables.get(entity.tableName)?.uniqueKeys.values() ?? [])].map((columns) => columns.join(', '));
    const declared = entity.uniques.map(({ properties }) =>
      [properties ?? []].flat().flatMap((property) => entity.properties[property as never]?.['fieldNames'] ?? []),
    );
    const missing = declared.map((columns) => columns.join(', ')).filter((columns) => !live.includes(columns));
    return missing.map((columns) => `${entity.tableName} has no unique key (${columns})`);
  });
}

async function liveTables(database: Database): Promise<Map<string, LiveTable>> {
  const { columns, uniqueKeys, links } = database.isEmbedded ? EMBEDDED_CATALOGUE : SERVER_CATALOGUE;
  const [columnRows, keyRows, linkRows] = await Promise.all([columns, uniqueKeys, links].map((sql) => database.query(sql, [])));
  const tables = new Map<string, LiveTable>();
  for (const row of columnRows ?? []) {
    const known = tables.get(text(row.owner)) ?? { columns: new Map(), uniqueKeys: new Map(), links: new Map() };
    tables.set(text(row.owner), known);
    known.columns.set(text(row.col), { isNullable: Number(row.nullable) === 1 });
  }
  for (const row of keyRows ?? []) {
    const keys = tables.get(text(row.owner))?.uniqueKeys;
    keys?.set(text(row.name), [...(keys.get(text(row.name)) ?? []), text(row.col)]);
  }
  for (const row of linkRows ?? []) addLink(tables.get(text(row.owner))?.links, row);
  return tables;
}

function addLink(links: LiveTable['links'] | undefined, row: RawRow): void {
  const known = links?.get(text(row.name)) ?? { columns: [], table: text(row.target), refersTo: [] };
  links?.set(text(row.name), known);
  known.columns.push(text(row.col));
  known.refersTo.push(text(row.target_col));
}

const text = (value: unknown): string => String(value);

/** How a catalogue is asked; rows of keys in the order of their columns. */
interface Catalogue {
  readonly columns: string;
  readonly uniqueKeys: string;
  readonly links: string;
}

const SERVER_CATALOGUE: Catalogue = {
  columns: `select c.table_name as owner, c.column_name as col, case c.is_nullable when 'YES' then 1 else 0 end as nullable
    from information_schema.columns c join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
    where c.table_schema = database() and t.table_type = 'BASE TABLE'`,
  uniqueKeys: `select table_name as owner, index_name as name, column_name as col from information_schema.statistics
    where table_schema = database() and non_unique = 0 order by table_name, index_name, seq_in_index`,
  links: `select table_name as owner, constraint_name as name, column_name as col, referenced_table_name as target, referenced_column_name as target_col
    from information_schema.key_column_usage where table_schema = database() and referenced_table_name is not null
    order by table_name, constraint_name, ordinal_position`,
};

const TABLES_OF_FILE = "from sqlite_master t join %s where t.type = 'table' and t.name not like 'sqlite_%'";
const ofFile = (what: string): string => TABLES_OF_FILE.replace('%s', what);

const EMBEDDED_CATALOGUE: Catalogue = {
  columns: `select t.name as owner, c.name as col, 1 - c."notnull" as nullable ${ofFile('pragma_table_info(t.name) c')}`,
  uniqueKeys: `select t.name as owner, k.name as name, i.name as col ${ofFile('pragma_index_list(t.name) k join pragma_index_info(k.name) i')}
    and k."unique" = 1 order by t.name, k.name, i.seqno`,
  links: `select t.name as owner, f.id as name, f."from" as col, f."table" as target, f."to" as target_col
    ${ofFile('pragma_foreign_key_list(t.name) f')} order by t.name, f.id, f.seq`,
};
