import { clusterFaults } from './cluster.check.js';
import type { Database } from './database.js';
import { PACKET_BYTES_WANTED, type ServerFaults, type Variables } from './server-faults.js';
import { RELIED_ON, RELIED_ON_IF_KNOWN } from './session.js';
import type { RawRow } from './table.js';

/** For the largest statement, a webhook of 1 MiB with its job. */
const PACKET_BYTES_MIN = 4 * 1_048_576;
const OLDEST = { MariaDB: [10, 6], MySQL: [8, 0] } as const;

/** Compares what a server really gives our connections with what the code relies on. The embedded database is ours. */
export async function serverFaults(database: Database): Promise<ServerFaults> {
  if (database.isEmbedded) return { refusals: [], warnings: [] };
  const ask = (sql: string) => database.query(sql, []);
  const found = await variablesOf(ask);
  const cluster = clusterFaults(found, await variablesOf(ask, "show global status like 'wsrep_cluster_size'"));
  return {
    refusals: [...age(found), ...differences(found), ...logging(found), ...packets(found), ...cluster.refusals],
    warnings: [...durability(found), ...cluster.warnings],
  };
}

/** Why a server that follows another must not be read from, a sentence each; `query` asks it. */
export async function readingFaults(query: (sql: string) => Promise<RawRow[]>): Promise<string[]> {
  const found = await variablesOf(query);
  return [...age(found), ...differences(found), ...commitOrder(found)];
}

async function variablesOf(query: (sql: string) => Promise<RawRow[]>, show = 'show session variables'): Promise<Variables> {
  const rows = await query(show);
  return Object.fromEntries(rows.map((row) => [String(row.Variable_name).toLowerCase(), String(row.Value)]));
}

/** MySQL before 8.0.27 commits in another order than the primary if it is told to do several things at once. */
function commitOrder(found: Variables): string[] {
  const workers = Number(found.replica_parallel_workers ?? found.slave_parallel_workers ?? 0);
  if ((found.replica_preserve_commit_order ?? found.slave_preserve_commit_order) !== 'OFF' || workers < 2) return [];
  return ['replica_preserve_commit_order is OFF: it shows what is new before what is older. Set it to ON.'];
}

function age(found: Variables): string[] {
  const version = found.version ?? '';
  const family = `${version} ${found.version_comment}`.includes('MariaDB') ? 'MariaDB' : 'MySQL';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needsMajor, needsMinor] = OLDEST[family];
  if (major > needsMajor || (major === needsMajor && minor >= needsMinor)) return [];
  return [`version is ${version}: billing needs MySQL 8.0 or MariaDB 10.6 at least.`];
}

/** What our connections say of themselves at their start and did not keep: something between changes it. */
function differences(found: Variables): string[] {
  const known = Object.entries(RELIED_ON_IF_KNOWN).filter(([name]) => found[name] !== undefined);
  return [...Object.entries(RELIED_ON), ...known]
    .filter(([name, value]) => !isSame(found[name] ?? '', value))
    .map(
      ([name, value]) =>
        `${name} is ${found[name] ?? 'unknown'} though every connection sets it to ${value}: let no proxy or pool between share or change sessions.`,
    );
}

/** Lists are the same in any order, numbers however they are written. */
function isSame(one: string, other: string): boolean {
  if (one !== '' && Number(one) === Number(other)) return true;
  return one.split(',').toSorted().join() === other.split(',').toSorted().join();
}

function logging(found: Variables): string[] {
  if (found.log_bin !== 'ON') return [];
  return [
    ...(found.binlog_format === 'STATEMENT'
      ? ['binlog_format is STATEMENT: the server refuses our writes, which are READ COMMITTED. Set binlog_format=ROW.']
      : []),
    ...(found.sql_log_bin === 'OFF'
      ? ['sql_log_bin is OFF: what we write is in no binary log, so neither in replicas nor in restores. Take it out of init_connect.']
      : []),
  ];
}

function packets(found: Variables): string[] {
  const bytes = Number(found.max_allowed_packet);
  if (bytes >= PACKET_BYTES_MIN) return [];
  return [`max_allowed_packet is ${bytes}: large webhooks would not fit. Set max_allowed_packet=${PACKET_BYTES_WANTED}.`];
}

function durability(found: Variables): string[] {
  const [flush, sync] = [found.innodb_flush_log_at_trx_commit ?? '1', found.sync_binlog ?? '1'];
  const bytes = Number(found.max_allowed_packet);
  return [
    ...(['1', '3'].includes(flush)
      ? []
      : [`innodb_flush_log_at_trx_commit is ${flush}: a power cut loses payments that were confirmed. Set it to 1.`]),
    ...(found.log_bin !== 'ON' || sync === '1'
      ? []
      : [`sync_binlog is ${sync}: after a power cut replicas and restores may lack what was confirmed. Set sync_binlog=1.`]),
    ...(bytes >= PACKET_BYTES_MIN && bytes < PACKET_BYTES_WANTED
      ? [`max_allowed_packet is ${bytes}: many large webhooks at once are slower. Set max_allowed_packet=${PACKET_BYTES_WANTED}.`]
      : []),
  ];
}
