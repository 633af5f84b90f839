import type { Database } from '../../src/platform/db/database.js';
import { tableNames } from './tables.js';

/** Every table of a server's database as SQL: the text of migrations/schema.sql, if it is what the migrations make. */
export async function dumpSchema(database: Database): Promise<string> {
  const tables = await tableNames(database);
  const shown = await Promise.all(tables.map((table) => database.query(`show create table ${table}`, [])));
  return shown.map(([row]) => `${normalised(String(row?.['Create Table']))};\n`).join('\n');
}

/** SHOW CREATE TABLE as MySQL and MariaDB both would say it: keys sorted, nothing that only one of them writes. */
function normalised(statement: string): string {
  const [head = '', ...rest] = statement.replaceAll('`', '').split('\n');
  const lines = rest.slice(0, -1).map((line) => normalisedLine(line.trim().replace(/,$/, '')));
  const isKey = (line: string) => /^(unique key|key|constraint)/i.test(line);
  const ordered = [...lines.filter((line) => !isKey(line)), ...lines.filter(isKey).toSorted()];
  return `${head}\n${ordered.map((line) => `  ${line}`).join(',\n')}\n)`;
}

function normalisedLine(line: string): string {
  const plain = line
    .replace(/ CHARACTER SET \w+/i, '')
    .replace(/ COLLATE \w+/i, '')
    .replace(/\b(bigint|int)\(\d+\)/gi, '$1')
    .replace(/current_timestamp\(\)/gi, 'CURRENT_TIMESTAMP')
    .replace(/ (USING BTREE|ON DELETE RESTRICT|ON UPDATE RESTRICT)/gi, '');
  return /^CONSTRAINT \w+ CHECK/i.test(plain) ? plain.replace(/[()]/g, ' ').replace(/\s+/g, ' ').trim() : plain;
}
