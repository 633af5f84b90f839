import { createReadStream, createWriteStream } from 'node:fs';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { dumpedWithoutDefiner } from './definers.js';
import { DumpReader } from './dump-reader.js';
import { ALL_ERASED, type ErasedCustomer, LATELY_ERASED } from './erasures.js';
import type { Tables } from './manifest.js';
import type { MysqlClient } from './mysql.client.js';
import { BackupError, fedFrom, printedInto } from './programs.js';
import { answerOf } from './servers.js';
import { ShortLines } from './short-lines.js';
import { DUMP, type DumpFacts, type Store } from './store.js';

/** One snapshot that lets others write, with rows in key order and nothing that differs from run to run. */
const DUMP_OPTIONS = [
  ...['--single-transaction', '--quick', '--skip-lock-tables', '--order-by-primary', '--hex-blob'],
  ...['--no-tablespaces', '--skip-dump-date', '--default-character-set=utf8mb4'],
];

/** No limit: sql_select_limit as servers have it by themselves. */
const ALL_ROWS = 2n ** 64n - 1n;

/** A database on a MySQL or MariaDB server, dumped by the server's own program. */
export class MysqlStore implements Store {
  readonly engine = 'mysql';

  constructor(private readonly client: MysqlClient) {}

  async now(): Promise<Date> {
    const [[text = ''] = []] = await this.client.query('select utc_timestamp(3)', null);
    return new Date(`${text.replace(' ', 'T')}Z`);
  }

  async caughtUpAt(): Promise<Date> {
    const { isNode, standing, why } = await answerOf(this.client);
    if (!isNode) return this.now();
    if (standing === 'outside' || standing === 'busy')
      throw new BackupError(
        `The node ${this.client.where} cannot be used: ${why}. Nothing was done. Name a node that is Synced, or wait until this one is.`,
      );
    const now = await this.now();
    // Waits for what was committed on other nodes; not longer than the cluster does (repl.causal_read_timeout, 30 s).
    await this.client.query('set session wsrep_sync_wait = 1; select 1', null);
    return now;
  }

  async tables(): Promise<readonly string[]> {
    return (await this.namesOf('BASE TABLE')).concat(await this.namesOf('VIEW'));
  }

  /** Whether the server keeps binary logs: without them there is no point in time to go back to. */
  async hasLogs(): Promise<boolean> {
    return (await this.client.query('select @@log_bin', null))[0]?.[0] === '1';
  }

  /** Whether the logs hold rows: of statements nobody can count what they do. */
  async logsRows(): Promise<boolean> {
    return (await this.client.query('select @@global.binlog_format', null))[0]?.[0] === 'ROW';
  }

  /** Whether a transaction and its place in the logs are on disk before it is answered. */
  async isDurable(): Promise<boolean> {
    const [[sync, flush = ''] = []] = await this.client.query('select @@sync_binlog, @@innodb_flush_log_at_trx_commit', null);
    return sync === '1' && ['1', '3'].includes(flush);
  }

  async dumpInto(directory: string): Promise<DumpFacts> {
    const snapshots: Promise<Date>[] = [];
    const reader = new DumpReader(() => {
      const snapshot = this.now();
      // Waited for below, unless the dump fails first.
      snapshot.catch(() => undefined);
      snapshots.push(snapshot);
    });
    const takenAt = await this.caughtUpAt();
    await printedInto(
      await this.dumping(await this.positionOption()),
      reader,
      createWriteStream(path.join(directory, DUMP.mysql), { mode: 0o600 }),
    );
    const [snapshotAt] = await Promise.all(snapshots);
    if (snapshotAt === undefined)
      throw new BackupError(`The database "${this.client.database}" holds no tables: there is nothing to back up.`);
    return {
      engine: this.engine,
      host: this.client.where,
      server: await this.client.version(),
      database: this.client.database,
      takenAt: takenAt.toISOString(),
      snapshotAt: snapshotAt.toISOString(),
      schemaVersion: reader.schemaVersion,
      tables: reader.tables,
      position: reader.position,
    };
  }

  async erased(which: 'all' | 'lately'): Promise<readonly ErasedCustomer[]> {
    const rows = await this.client.query(which === 'all' ? ALL_ERASED : LATELY_ERASED);
    return rows.map(([appId = '', customerId = '', tilledId = '']) => ({
      appId,
      customerId,
      tilledCustomerId: tilledId === '' ? null : tilledId,
    }));
  }

  async contentsOfDump(directory: string): Promise<Tables> {
    const reader = new DumpReader();
    await pipeline(createReadStream(path.join(directory, DUMP.mysql)), reader, nowhere());
    return reader.tables;
  }

  async clear(): Promise<void> {
    const [[, method = ''] = []] = await this.client.query("show global variables like 'wsrep_osu_method'", null);
    if (method === 'RSU')
      throw new BackupError(
        `The node ${this.client.where} changes tables on itself alone (wsrep_OSU_method=RSU), and rows on all: nothing was removed. Set it to TOI.`,
      );
    const views = (await this.namesOf('VIEW')).map((name) => `drop view ${nameLiteral(name)};`);
    const drops = [...views, ...(await this.namesOf('BASE TABLE')).map((name) => `drop table ${nameLiteral(name)};`)];
    if (drops.length > 0) await this.client.query(`set foreign_key_checks = 0; ${drops.join(' ')}`);
  }

  async load(directory: string): Promise<void> {
    const name = nameLiteral(this.client.database);
    const [known] = await this.client.query(
      `select schema_name from information_schema.schemata where schema_name = ${textLiteral(this.client.database)}`,
      null,
    );
    if (known === undefined) await this.client.query(`create database ${name} character set utf8mb4 collate utf8mb4_bin`, null);
    const dump = createReadStream(path.join(directory, DUMP.mysql));
    await fedFrom(dump, await this.client.call('client', [this.client.database]), new ShortLines(dumpedWithoutDefiner));
  }

  async contents(): Promise<Tables> {
    const reader = new DumpReader();
    await printedInto(await this.dumping([]), reader, nowhere());
    return reader.tables;
  }

  /** How many rows each table has now. */
  async rowCounts(): Promise<Readonly<Record<string, number>>> {
    const names = await this.namesOf('BASE TABLE');
    const counts = names.map((name) => `select ${textLiteral(name)}, count(*) from ${nameLiteral(name)}`);
    if (counts.length === 0) return {};
    return Object.fromEntries((await this.client.query(counts.join(' union all '))).map(([name = '', rows]) => [name, Number(rows)]));
  }

  async drop(): Promise<void> {
    await this.client.query(`drop database if exists ${nameLiteral(this.client.database)}`, null);
  }

  private async namesOf(type: 'BASE TABLE' | 'VIEW'): Promise<string[]> {
    const sql = `select table_name from information_schema.tables where table_schema = ${textLiteral(this.client.database)} and table_type = '${type}'`;
    return (await this.client.query(sql, null)).map(([name = '']) => name);
  }

  private async dumping(more: readonly string[]) {
    await this.assertWholeDumps();
    return this.client.call('dump', [...DUMP_OPTIONS, ...more, this.client.database]);
  }

  /** Throws BackupError where a dump would lack rows without a word: its program sets nothing of its session. */
  private async assertWholeDumps(): Promise<void> {
    const [[limit = '', onConnect = ''] = []] = await this.client.query('select @@global.sql_select_limit, @@global.init_connect', null);
    if (BigInt(limit) < ALL_ROWS || onConnect.includes('sql_select_limit'))
      throw new BackupError(
        `The server's sql_select_limit (${limit}; init_connect "${onConnect}") cuts dumps short: set it to ${ALL_ROWS}.`,
      );
  }

  /** Has the dump begin with the place in the binary log that it stands for, as a comment. */
  private async positionOption(): Promise<readonly string[]> {
    const isMariadb = (await this.client.family()) === 'mariadb';
    const gtids = isMariadb ? [] : ['--set-gtid-purged=OFF'];
    return (await this.hasLogs()) ? [...gtids, isMariadb ? '--master-data=2' : '--source-data=2'] : gtids;
  }
}

/** A name in SQL. */
function nameLiteral(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A text in SQL. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
