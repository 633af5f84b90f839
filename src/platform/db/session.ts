import type { Pool, PoolConnection } from 'mysql2';

/** Strict values, and none of the modes that change what SQL means. */
const SQL_MODES = ['STRICT_ALL_TABLES', 'NO_ZERO_IN_DATE', 'NO_ZERO_DATE', 'ERROR_FOR_DIVISION_BY_ZERO', 'NO_ENGINE_SUBSTITUTION'];

/** What all connections have, by the names and in the words of SHOW VARIABLES. */
export const RELIED_ON: Readonly<Record<string, string>> = {
  autocommit: 'ON',
  character_set_client: 'utf8mb4',
  character_set_results: 'utf8mb4',
  collation_connection: 'utf8mb4_bin',
  completion_type: 'NO_CHAIN',
  default_storage_engine: 'InnoDB',
  foreign_key_checks: 'ON',
  unique_checks: 'ON',
  lc_messages: 'en_US',
  sql_auto_is_null: 'OFF',
  sql_big_selects: 'ON',
  sql_mode: SQL_MODES.join(','),
  sql_safe_updates: 'OFF',
  sql_select_limit: '18446744073709551615',
  time_zone: '+00:00',
};

/** The same on servers of one family, and the variables that are called differently. */
export const RELIED_ON_IF_KNOWN: Readonly<Record<string, string>> = {
  check_constraint_checks: 'ON',
  max_statement_time: '0.000000',
  max_execution_time: '0',
  transaction_isolation: 'READ-COMMITTED',
  tx_isolation: 'READ-COMMITTED',
  transaction_read_only: 'OFF',
  tx_read_only: 'OFF',
  wsrep_dirty_reads: 'OFF',
  wsrep_osu_method: 'TOI',
  wsrep_sync_wait: '7',
  wsrep_trx_fragment_size: '0',
};

/** Nobody waits longer for a lock, seconds; a server that was told to be less patient is. */
const LOCK_WAIT_SECONDS_MAX = 50;
/** For a row, seconds: less than for an answer, so that who waits in vain is told and tries again. */
const ROW_WAIT_SECONDS_MAX = 5;
/** A connection that is silent for longer is the server's to close, seconds: a migration may hold its lock so long. */
const SILENT_SECONDS_MAX = 28_800;

/** Waits, which end even where the server's own rule is a day. */
const patience = (name: string, secondsMax: number): string => `${name} = greatest(1, least(@@global.${name}, ${secondsMax}))`;

/**
 * One statement that says all that the code relies on of a session but for the isolation, for MySQL and MariaDB. Each
 * reads what is its own of the special comments.
 */
export const SESSION_SETTINGS = [
  'set names utf8mb4 collate utf8mb4_bin',
  ...["completion_type = 'NO_CHAIN'", "default_storage_engine = 'InnoDB'", "lc_messages = 'en_US'", "time_zone = '+00:00'"],
  ...['autocommit = 1', 'foreign_key_checks = 1', 'unique_checks = 1', 'sql_auto_is_null = 0', 'sql_big_selects = 1'],
  ...[`sql_mode = '${SQL_MODES.join(',')}'`, 'sql_safe_updates = 0', 'sql_select_limit = 18446744073709551615'],
  ...[patience('innodb_lock_wait_timeout', ROW_WAIT_SECONDS_MAX), patience('lock_wait_timeout', LOCK_WAIT_SECONDS_MAX)],
  ...[`wait_timeout = ${SILENT_SECONDS_MAX}`],
]
  .join(', ')
  .concat(' /*M!100600 , check_constraint_checks = 1, max_statement_time = 0 */ /*!80000 , max_execution_time = 0 */');

/**
 * For a node of a Galera cluster, which applies what the others commit a little later. BEGIN and reads (1), UPDATE and
 * DELETE (2) and INSERT (4) outside of a transaction wait until it has all that was committed before: else a read lacks
 * what was just confirmed, an UPDATE finds no row, a foreign key no parent. A node without the others shows no old
 * rows, tables are changed on all nodes at one place in the order of commits, and a transaction is sent in one piece.
 */
export const CLUSTER_SETTINGS =
  "set session wsrep_sync_wait = 7, wsrep_dirty_reads = 0, wsrep_osu_method = 'TOI', wsrep_trx_fragment_size = 0";
/** ER_UNKNOWN_SYSTEM_VARIABLE: MySQL and builds without Galera know none of them. */
const UNKNOWN_VARIABLE = 1193;

const SESSION = [SESSION_SETTINGS, 'set session transaction isolation level read committed, read write', CLUSTER_SETTINGS];

/**
 * Has a pool hand out only connections without a fault that took the session settings, whatever the server's own are.
 * Any other is closed, and whoever asked for it is told why.
 */
export function withSession(pool: Pool, faultOf: (connection: PoolConnection) => Error | undefined): Pool {
  const told = new WeakSet<PoolConnection>();
  const getConnection = pool.getConnection.bind(pool);
  pool.getConnection = (done) =>
    getConnection((error, connection) => {
      if (error || told.has(connection)) return done(error, connection);
      const set = (refusal: NodeJS.ErrnoException | null) => {
        if (refusal) connection.destroy();
        else told.add(connection);
        done(refusal, connection);
      };
      const fault = faultOf(connection);
      if (fault) set(fault);
      else tell(connection, SESSION, set);
    });
  return pool;
}

/** Sends statements one after the other, up to the first that fails. A server may know nothing of clusters. */
function tell(connection: PoolConnection, [sql, ...rest]: readonly string[], done: (refusal: NodeJS.ErrnoException | null) => void): void {
  if (sql === undefined) done(null);
  else
    connection.query(sql, (error) => {
      if (error && !(sql === CLUSTER_SETTINGS && error.errno === UNKNOWN_VARIABLE)) done(error);
      else tell(connection, rest, done);
    });
}
