import type { Database } from './database.js';

/** Columns and indexes of each table, as the database's own catalogue has them now. */
export type LiveSchema = ReadonlyMap<string, LiveTable>;

interface LiveTable {
  readonly columns: Set<string>;
  readonly indexes: Map<string, { readonly columns: string[]; readonly isUnique: boolean }>;
}

/** Reads the catalogue of a server. */
export async function readLiveSchema(database: Database): Promise<LiveSchema> {
  const tables = new Map<string, LiveTable>();
  for (const { owner, col } of await database.query(COLUMNS, [])) {
    const table = tables.get(String(owner)) ?? { columns: new Set(), indexes: new Map() };
    tables.set(String(owner), table);
    table.columns.add(String(col));
  }
  for (const { owner, name, col, loose } of await database.query(INDEXES, [])) {
    const indexes = tables.get(String(owner))?.indexes;
    const index = indexes?.get(String(name)) ?? { columns: [], isUnique: Number(loose) === 0 };
    indexes?.set(String(name), index);
    index.columns.push(String(col));
  }
  return tables;
}

const COLUMNS = 'select table_name as owner, column_name as col from information_schema.columns where table_schema = database()';
const INDEXES = `select table_name as owner, index_name as name, column_name as col, non_unique as loose
  from information_schema.statistics where table_schema = database() order by table_name, index_name, seq_in_index`;
