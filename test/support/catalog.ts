import type { Database } from '../../src/platform/db/database.js';
import { tableNames } from './tables.js';

/** A table as the database's own catalog describes it; everything sorted by name but the columns of keys. */
export interface CatalogTable {
  readonly columns: Readonly<Record<string, { readonly type: string; readonly isNullable: boolean; readonly default: string | null }>>;
  readonly primaryKey: readonly string[];
  readonly indexes: Readonly<Record<string, { readonly isUnique: boolean; readonly columns: readonly string[] }>>;
  readonly foreignKeys: readonly { readonly columns: readonly string[]; readonly table: string; readonly references: readonly string[] }[];
}

type Row = Readonly<Record<string, unknown>>;

/** Every table of a database, by name. */
export async function readCatalog(database: Database): Promise<Readonly<Record<string, CatalogTable>>> {
  const names = await tableNames(database);
  const read = database.isEmbedded ? readEmbedded : readMysql;
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await read(database, name)] as const)));
}

async function readMysql(database: Database, table: string): Promise<CatalogTable> {
  const ask = (sql: string) => database.query(sql, [table]).then((rows) => rows.map(lowerKeys));
  const columns = await ask(
    'select * from information_schema.columns where table_schema = database() and table_name = ? order by column_name',
  );
  const keys = await ask(
    'select * from information_schema.statistics where table_schema = database() and table_name = ? order by index_name, seq_in_index',
  );
  const links = await ask(
    'select * from information_schema.key_column_usage where table_schema = database() and table_name = ? and referenced_table_name is not null order by constraint_name, ordinal_position',
  );
  const byIndex = Object.groupBy(keys, (row) => String(row['index_name']));
  const { PRIMARY: primary = [], ...others } = byIndex;
  return {
    columns: Object.fromEntries(
      columns.map((row) => [
        String(row['column_name']),
        {
          type: withoutWidth(String(row['column_type'])),
          isNullable: row['is_nullable'] === 'YES',
          default: defaultOf(row['column_default']),
        },
      ]),
    ),
    primaryKey: primary.map((row) => String(row['column_name'])),
    indexes: Object.fromEntries(
      Object.entries(others).map(([name, rows = []]) => [
        name,
        { isUnique: Number(rows[0]?.['non_unique']) === 0, columns: rows.map((row) => String(row['column_name'])) },
      ]),
    ),
    foreignKeys: Object.values(Object.groupBy(links, (row) => String(row['constraint_name']))).map((rows = []) => ({
      columns: rows.map((row) => String(row['column_name'])),
      table: String(rows[0]?.['referenced_table_name']),
      references: rows.map((row) => String(row['referenced_column_name'])),
    })),
  };
}

async function readEmbedded(database: Database, table: string): Promise<CatalogTable> {
  const ask = (pragma: string, of: string) => database.query(`select * from pragma_${pragma}(?)`, [of]);
  const columns = (await ask('table_info', table)).toSorted((one, other) => (String(one['name']) < String(other['name']) ? -1 : 1));
  const lists = (await ask('index_list', table)).filter((row) => row['origin'] === 'c');
  const indexes = await Promise.all(
    lists.map(async (row) => {
      const found = (await ask('index_info', String(row['name']))).toSorted((one, other) => Number(one['seqno']) - Number(other['seqno']));
      return [
        String(row['name']),
        { isUnique: Number(row['unique']) === 1, columns: found.map((column) => String(column['name'])) },
      ] as const;
    }),
  );
  const links = (await ask('foreign_key_list', table)).toSorted((one, other) => Number(one['seq']) - Number(other['seq']));
  return {
    columns: Object.fromEntries(
      columns.map((row) => [
        String(row['name']),
        { type: String(row['type']).toLowerCase(), isNullable: Number(row['notnull']) === 0, default: defaultOf(row['dflt_value']) },
      ]),
    ),
    primaryKey: columns
      .filter((row) => Number(row['pk']) > 0)
      .toSorted((one, other) => Number(one['pk']) - Number(other['pk']))
      .map((row) => String(row['name'])),
    indexes: Object.fromEntries(indexes.toSorted(([one], [other]) => (one < other ? -1 : 1))),
    foreignKeys: Object.values(Object.groupBy(links, (row) => String(row['id']))).map((rows = []) => ({
      columns: rows.map((row) => String(row['from'])),
      table: String(rows[0]?.['table']),
      references: rows.map((row) => String(row['to'])),
    })),
  };
}

/** MySQL names the columns of information_schema in upper case, MariaDB as they were asked for. */
function lowerKeys(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key.toLowerCase(), value]));
}

/** MariaDB shows display widths, MySQL does not. */
function withoutWidth(type: string): string {
  return type.replace(/^((?:big|medium|small|tiny)?int)\(\d+\)/, (whole, name: string) => (whole === 'tinyint(1)' ? whole : name));
}

function defaultOf(value: unknown): string | null {
  return value === null || value === undefined || value === 'NULL' ? null : String(value);
}
