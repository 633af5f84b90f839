import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { DumpReader } from '../../src/backup/dump-reader.js';

const SCHEMA = 'CREATE TABLE `billing_customers` (\n  `id` varchar(64) NOT NULL\n);\nCREATE TABLE `billing_empty` (\n  `id` int\n);\n';
const ROWS = ["('a','x\\'),(\\\\')", "('b',NULL)", "('c','it''s; -- INSERT INTO `t` VALUES (1)\\n')"];

/** What a reader finds in a dump that comes in pieces of this many bytes. */
function read(dump: string, bytes = dump.length): DumpReader {
  const reader = new DumpReader();
  const whole = Buffer.from(dump);
  for (let at = 0; at < whole.length; at += bytes) reader._transform(whole.subarray(at, at + bytes), 'utf8', () => undefined);
  return reader;
}

function hashOf(rows: readonly string[]): string {
  return createHash('sha256')
    .update(rows.map((row) => `${row}\n`).join(''))
    .digest('hex');
}

describe('the reader of dumps', () => {
  const dialects = [
    { name: 'MariaDB', insert: `INSERT INTO \`billing_customers\` VALUES\n${ROWS.join(',\n')};\n` },
    { name: 'MySQL', insert: `INSERT INTO \`billing_customers\` VALUES ${ROWS.join(',')};\n` },
    { name: 'either, one row a statement', insert: ROWS.map((row) => `INSERT INTO \`billing_customers\` VALUES ${row};\n`).join('') },
  ];

  it.each(dialects)('counts and hashes the same rows as $name writes them, wherever a chunk ends', ({ insert }) => {
    const expected = { billing_customers: { rows: 3, sha256: hashOf(ROWS) }, billing_empty: { rows: 0, sha256: hashOf([]) } };
    for (const bytes of [1, 2, 7, 10_000]) expect(read(SCHEMA + insert, bytes).tables).toEqual(expected);
  });

  it('sees a byte that changed, a row that is missing and two that changed places', () => {
    const hashes = [ROWS, ROWS.slice(1), ROWS.toReversed(), [...ROWS.slice(0, 2), "('c','')"]].map(
      (rows) => read(`${SCHEMA}INSERT INTO \`billing_customers\` VALUES ${rows.join(',')};\n`).tables['billing_customers']?.sha256,
    );
    expect(new Set(hashes).size).toBe(4);
  });

  it.each([
    "-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.000042', MASTER_LOG_POS=1234;\n",
    "-- CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE='binlog.000042', SOURCE_LOG_POS=1234;\n",
  ])('finds the place in the binary log in %s', (line) => {
    expect(read(line + SCHEMA).position).toEqual({ file: 'binlog.000042', offset: 1_234 });
    expect(read(SCHEMA).position).toBeNull();
  });

  it('names the newest migration', () => {
    const rows = "(1,'0001-core','2026-03-01'),(2,'0007-operations','2026-03-01')";
    expect(read(`INSERT INTO \`billing_migrations\` VALUES ${rows};\n`, 3).schemaVersion).toBe('0007-operations');
  });
});
