import { describe, expect, it } from '@jest/globals';
import { dumpedWithoutDefiner } from '../../src/backup/definers.js';
import { repeatable } from '../../src/backup/log-text.js';
import { ShortLines } from '../../src/backup/short-lines.js';

/** A text after it went through in pieces of this many bytes. */
async function through(stream: ShortLines, text: string, bytes: number): Promise<string> {
  const whole = Buffer.from(text, 'latin1');
  for (let at = 0; at < whole.length; at += bytes) stream.write(whole.subarray(at, at + bytes));
  stream.end();
  return Buffer.concat(await stream.toArray()).toString('latin1');
}

const HEADER =
  '# at 1222\n#261130 15:33:10 server id 1  end_log_pos 1345 CRC32 0xbe5d404b \tQuery\tthread_id=5\nSET TIMESTAMP=1796052790/*!*/;\n';
const VIEW =
  "CREATE OR REPLACE ALGORITHM=UNDEFINED DEFINER=`a migrator`@`%` SQL SECURITY DEFINER VIEW `v` AS SELECT 'DEFINER=`x`@`y` ' AS a";

describe('a dump on its way into a database', () => {
  it.each([1, 7, 100_000])('makes views in the name of who restores it, and changes nothing else, in pieces of %d bytes', async (bytes) => {
    const row = `INSERT INTO \`t\` VALUES ('${'x'.repeat(40_000)}\\n/*!50013 DEFINER=\`a\`@\`b\` SQL SECURITY DEFINER */');\n`;
    const dump = `${row}/*!50013 DEFINER=\`billing migrator\`@\`%\` SQL SECURITY DEFINER */\n/*!50001 VIEW \`v\` AS select 1 */;\nlast`;
    const expected = `${row}/*!50013 SQL SECURITY DEFINER */\n/*!50001 VIEW \`v\` AS select 1 */;\nlast`;
    expect(await through(new ShortLines(dumpedWithoutDefiner), dump, bytes)).toBe(expected);
  });
});

describe('a log on its way into a database', () => {
  it.each([1, 7, 100_000])('loses definers and what was done to accounts, in pieces of %d bytes', async (bytes) => {
    const grants = [
      'GRANT SELECT ON * TO billing_service',
      "SET PASSWORD FOR a = 'b'",
      'create user x\nidentified by y',
      'DROP ROLE IF EXISTS r',
    ];
    const log = [VIEW, ...grants, 'create table granted (\ngrant_id int)'].map((statement) => `${HEADER}${statement}\n/*!*/;\n`).join('');
    const left = ["CREATE OR REPLACE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `v` AS SELECT 'DEFINER=`x`@`y` ' AS a"];
    const expected = [...left, 'DO 0', 'DO 0', 'DO 0', 'DO 0', 'create table granted (\ngrant_id int)'];
    expect(await through(repeatable(), log, bytes)).toBe(expected.map((statement) => `${HEADER}${statement}\n/*!*/;\n`).join(''));
  });

  it('keeps rows as they are, whatever they look like', async () => {
    const rows = `${HEADER}BEGIN\n/*!*/;\n${HEADER}BINLOG '\nGRANTzzzzzz\nDROP USERz\n'/*!*/;\n${HEADER}COMMIT/*!*/;\n`;
    expect(await through(repeatable(), rows, 5)).toBe(rows);
  });
});
