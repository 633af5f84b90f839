import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { repeatable } from './log-text.js';
import type { LogPosition } from './manifest.js';
import type { MysqlClient } from './mysql.client.js';
import { BackupError, fedFrom, output, printedInto } from './programs.js';
import { WholeDatabases } from './whole-databases.js';

/** Where binary logs lie inside a snapshot. */
export const LOG_DIRECTORY = 'binlog';

/** Copies and replays the binary logs of a server: everything that was committed, in order, to the second. */
export class BinaryLogs {
  constructor(private readonly client: MysqlClient) {}

  /**
   * Copies the log files from `since` on, or from the oldest the server still has, into an empty directory; returns
   * their names. Everything committed before the call is in them.
   */
  async copyInto(directory: string, since: string): Promise<string[]> {
    const files = (await this.client.query('show binary logs', null)).map(([name = '']) => name);
    const from = files.includes(since) ? since : files[0];
    if (from === undefined) return [];
    const how = ['--read-from-remote-server', '--raw', '--to-last-log', `--result-file=${directory}${path.sep}`, from];
    await output(await this.client.call('logs', how));
    return (await readdir(directory)).toSorted();
  }

  /**
   * Does again, in this client's database, what was done in the database `source` from a position on, up to but without
   * the second `until`; null for all there is. Throws BackupError if a file between is missing.
   */
  async replay(
    directory: string,
    what: { readonly source: string; readonly from: LogPosition; readonly until: Date | null },
  ): Promise<void> {
    const files = (await readdir(directory)).toSorted().filter((name) => name >= what.from.file);
    assertUnbroken(files, what.from.file);
    const paths = files.map((name) => path.join(directory, name));
    const until = what.until === null ? [] : [`--stop-datetime=${what.until.toISOString().slice(0, 19).replace('T', ' ')}`];
    const chosen = [...(await this.naming(what.source)), `--start-position=${what.from.offset}`, ...until];
    const reading = await this.client.call('logs', [...chosen, ...paths]);
    await printedInto(reading, new WholeDatabases());
    await fedFrom(reading, await this.client.call('client', ['--binary-mode', this.client.database]), repeatable());
  }

  /** Chooses what happened in the database `source`, for this client's database, which may have another name. */
  private async naming(source: string): Promise<readonly string[]> {
    const { database } = this.client;
    const isMariadb = (await this.client.family()) === 'mariadb';
    // Replayed transactions are new: a server that saw the old ones, as in a drill, would have their numbers twice.
    const unlabelled = isMariadb ? ['--skip-gtid-strict-mode'] : ['--skip-gtids'];
    if (source === database) return [`--database=${source}`, ...unlabelled];
    // MariaDB chooses by the name in the log, MySQL by the new one, which an earlier restore may have used too.
    const renamed = `--rewrite-db=${source}->${database}`;
    if (isMariadb) return [`--database=${source}`, renamed, ...unlabelled];
    return [`--database=${database}`, renamed, `--rewrite-db=${database}->not_${database}`, ...unlabelled];
  }
}

/** Log files are numbered without a gap. */
function assertUnbroken(files: readonly string[], first: string): void {
  const numbers = files.map((name) => Number(name.slice(name.lastIndexOf('.') + 1)));
  const isWhole = files[0] === first && numbers.every((number, index) => index === 0 || number === (numbers[index - 1] ?? 0) + 1);
  if (!isWhole) throw new BackupError(`The binary logs from ${first} on are not complete: there are ${files.join(', ') || 'none'}.`);
}
