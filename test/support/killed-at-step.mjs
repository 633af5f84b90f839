/**
 * Loaded before a process of ours (`--import`): kills it, as `kill -9` does, at its statement number KILL_AT_STEP of those that change tables or their
 * rows. Those that the file KILLED_AT names do not count; the one it is killed at is added. KILL_WHEN: `sent`, when the statement has
 * left and nobody knows what becomes of it, or `answered`, before anything else is done. KILL_WITH: another signal, such as SIGSTOP.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const require = createRequire(import.meta.url);
const STEP = /^(create|alter|drop|update|insert into|delete from) (?!.*\bbilling_migration(s|_lock)\b)/is;
const isAnswered = process.env.KILL_WHEN !== 'sent';
let left = Number(process.env.KILL_AT_STEP);
const file = process.env.KILLED_AT ?? '';
const known = new Set(existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []);

/** Is this the statement? */
function isLast(sql) {
  const text = String(sql?.sql ?? sql).replaceAll(/\s+/g, ' ');
  if (!STEP.test(text) || known.has(text)) return false;
  left -= 1;
  if (left === 0 && file !== '') appendFileSync(file, `${text}\n`);
  return left === 0;
}

const end = () => process.kill(process.pid, process.env.KILL_WITH ?? 'SIGKILL');

const Connection = require(path.join(path.dirname(require.resolve('mysql2')), 'lib/base/connection.js'));
for (const name of ['query', 'execute']) {
  const send = Connection.prototype[name];
  Connection.prototype[name] = function (sql, ...rest) {
    if (!isLast(sql)) return send.call(this, sql, ...rest);
    // `execute` prepares first: the statement itself leaves when that is answered.
    if (!isAnswered) setTimeout(end, 3);
    return send.call(this, sql, ...rest.slice(0, -1), (...answer) => {
      end();
      rest.at(-1)(...answer);
    });
  };
}

const prepare = DatabaseSync.prototype.prepare;
DatabaseSync.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql);
  if (STEP.test(sql)) {
    const run = statement.run;
    statement.run = (...values) => {
      const done = run.apply(statement, values);
      if (isLast(sql)) end();
      return done;
    };
  }
  return statement;
};
