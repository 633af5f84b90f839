import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { comparePlaces, numberOf } from './log-places.js';
import { type AuditMark, LogSurvey } from './log-survey.js';
import { repeatable } from './log-text.js';
import type { LogPosition, Tables } from './manifest.js';
import type { MysqlClient } from './mysql.client.js';
import { type MysqlStore, textLiteral } from './mysql.store.js';
import { BackupError, fedFrom, output, printedInto } from './programs.js';

/** Where binary logs lie inside a snapshot. */
export const LOG_DIRECTORY = 'binlog';

/** Log files with the bytes of each, oldest first. */
export type LogFiles = Readonly<Record<string, number>>;

/** Part of the logs in a directory: from a place on, of one database. */
export interface LogPart {
  readonly directory: string;
  /** The name of the database in the logs. */
  readonly source: string;
  readonly from: LogPosition;
}

/** Copies and replays the binary logs of a server: everything that was committed, in order, to the second. */
export class BinaryLogs {
  constructor(
    private readonly client: MysqlClient,
    private readonly store: MysqlStore,
  ) {}

  /**
   * Copies the log files from `since` on into an empty directory. Everything committed before the call is in them.
   * Null, and nothing is copied, if the server has no such file. Throws BackupError if a copy is shorter than its
   * log.
   */
  async copyInto(directory: string, since: string): Promise<LogFiles | null> {
    const listed = (await this.client.query('show binary logs', null)).map(([name = '', bytes = '']) => [name, Number(bytes)] as const);
    const wanted = listed.slice(listed.findIndex(([name]) => name === since));
    if (!listed.some(([name]) => name === since)) return null;
    const how = ['--read-from-remote-server', '--raw', '--to-last-log', `--result-file=${directory}${path.sep}`, since];
    await output(await this.client.call('logs', how));
    const copied = await filesIn(directory);
    for (const [name, bytes] of wanted) {
      if ((copied[name] ?? 0) < bytes)
        throw new BackupError(`The copy of the binary log ${name} is cut off: ${copied[name] ?? 0} of ${bytes} bytes came.`);
    }
    return copied;
  }

  /**
   * What doing the logs again comes to, up to but without the second `until`. Throws BackupError if a file is
   * missing or broken.
   */
  async survey({ directory, source, from }: LogPart, until: Date | null): Promise<LogSurvey> {
    const files = await filesFrom(directory, from);
    const survey = new LogSurvey(until);
    const shown = ['--verbose', '--base64-output=DECODE-ROWS', `--database=${source}`];
    const isMariadb = (await this.client.family()) === 'mariadb';
    for (const [index, name] of files.entries()) {
      const start = index === 0 ? [`--start-position=${from.offset}`] : [];
      const own = isMariadb ? ['--skip-annotate-row-events', '--skip-gtid-strict-mode'] : ['--skip-gtids'];
      const reading = await this.client.call('logs', [...shown, ...own, ...start, path.join(directory, name)]);
      await printedInto(reading, survey.reading(name));
    }
    return survey;
  }

  /** Does again, in this client's database, what was done in the database `source`, from a place on to another. */
  async replay({ directory, source, from }: LogPart, to: LogPosition): Promise<number> {
    const files = (await filesFrom(directory, from)).filter((name) => numberOf(name) <= numberOf(to.file));
    const chosen = [...(await this.naming(source)), `--start-position=${from.offset}`, `--stop-position=${to.offset}`];
    const reading = await this.client.call('logs', [...chosen, ...files.map((name) => path.join(directory, name))]);
    await fedFrom(reading, await this.client.call('client', ['--binary-mode', this.client.database]), repeatable());
    return files.length;
  }

  /**
   * Reads the database after a replay: each table must have the rows that it had before and the logs tell of, and the
   * newest event of the audit trail must be there. Throws BackupError where it is not so, or cannot be known.
   */
  async assertDone(survey: LogSurvey, before: Tables): Promise<void> {
    if (survey.uncountable !== null)
      throw new BackupError(
        `The data is there, but cannot be proved: the logs hold "${survey.uncountable.slice(0, 60)}" instead of rows. Set binlog_format=ROW.`,
      );
    const found = await this.store.rowCounts();
    const names = [...new Set([...Object.keys(before), ...survey.changes.keys()])].toSorted();
    const wrong = names.flatMap((name) => {
      const { isAnew, rows } = survey.changes.get(name) ?? { isAnew: false, rows: 0 };
      const [expected, actual] = [rows + (isAnew ? 0 : (before[name]?.rows ?? 0)), found[name] ?? 0];
      return expected === actual ? [] : [`${name} (${expected} rows by the logs, ${actual} found)`];
    });
    if (wrong.length > 0) throw new BackupError(`What was replayed is not what the logs hold: ${wrong.join(', ')}.`);
    if (survey.audit !== null && !(await this.holds(survey.audit)))
      throw new BackupError(`What was replayed lacks the newest event of the audit trail, ${survey.audit.id}.`);
  }

  private async holds({ appId, id }: AuditMark): Promise<boolean> {
    const sql = `select count(*) from billing_events where app_id = ${textLiteral(appId)} and id = ${textLiteral(id)}`;
    return (await this.client.query(sql))[0]?.[0] === '1';
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

/** The log files of a directory. */
async function filesIn(directory: string): Promise<LogFiles> {
  const names = (await readdir(directory)).toSorted((one, other) => numberOf(one) - numberOf(other));
  const entries = names.map(async (name) => [name, (await stat(path.join(directory, name))).size] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** How far log files reach; null for none. */
export function endOf(files: LogFiles): LogPosition | null {
  const ends = Object.entries(files).map(([file, offset]) => ({ file, offset }));
  return ends.toSorted(comparePlaces).at(-1) ?? null;
}

/**
 * The names from a place on; log files are numbered without a gap. Throws BackupError where one is missing or too
 * short.
 */
async function filesFrom(directory: string, from: LogPosition): Promise<string[]> {
  const all = await filesIn(directory);
  const names = Object.keys(all).filter((name) => numberOf(name) >= numberOf(from.file));
  const isWhole = names[0] === from.file && names.every((name, index) => numberOf(name) === numberOf(from.file) + index);
  if (!isWhole) throw new BackupError(`The binary logs from ${from.file} on are not complete: there are ${names.join(', ') || 'none'}.`);
  if ((all[from.file] ?? 0) < from.offset)
    throw new BackupError(
      `The binary log ${from.file} is cut off: the backup stands at ${from.offset}, and it has ${all[from.file]} bytes.`,
    );
  return names;
}
