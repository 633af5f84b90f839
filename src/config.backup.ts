import { readDatabase } from './config.database.js';
import { type Config, ConfigError, type DatabaseConfig } from './config.js';
import { type Environment, EnvironmentReader } from './config.reader.js';

/** Where backups go and who takes them. */
export interface BackupConfig {
  /**
   * What restic and the database's programs find in their environment: PATH, the repository, its password and
   * credentials.
   */
  readonly environment: Readonly<Record<string, string>>;
  /** The database as the user who may dump it sees it; the gateway's own unless said otherwise. */
  readonly database: DatabaseConfig;
  /** The empty database that drills restore into; null for one beside `database`. */
  readonly drillDatabase: DatabaseConfig | null;
}

/** What restic reads: its own variables, and those of the services that keep repositories. */
const FOR_BACKUPS = /^(RESTIC|AWS|B2|AZURE|GOOGLE|OS|ST|RCLONE)_|^(PATH|HOME|TMPDIR|XDG_CACHE_HOME|SSH_AUTH_SOCK)$/;

/** Reads what backups need; throws ConfigError like readConfig. */
export function readBackupConfig(environment: Environment, config: Config): BackupConfig {
  const reader = new EnvironmentReader(environment);
  const hasOne = (...names: readonly string[]) => names.some((name) => reader.text(name) !== undefined);
  if (!hasOne('RESTIC_REPOSITORY'))
    reader.missing('RESTIC_REPOSITORY', 'where backups are kept, away from the database', 's3:s3.example.com/billing-backups');
  if (!hasOne('RESTIC_PASSWORD', 'RESTIC_PASSWORD_COMMAND'))
    reader.missing('RESTIC_PASSWORD', 'what backups are encrypted with', 'RESTIC_PASSWORD_FILE=/etc/billing/restic-password');
  const databaseOf = (name: string) => (hasOne(name) ? readDatabase(reader, { isProduction: false, dataDir: config.dataDir }, name) : null);
  const found = {
    environment: Object.fromEntries([...entriesFor(environment), ...credentials(reader)]),
    database: databaseOf('BILLING_BACKUP_DATABASE_URL') ?? config.database,
    drillDatabase: databaseOf('BILLING_DRILL_DATABASE_URL'),
  };
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return Object.freeze(found);
}

/** The same where a repository is named; null elsewhere. */
export function findBackupConfig(environment: Environment, config: Config): BackupConfig | null {
  const isNamed = [environment.RESTIC_REPOSITORY, environment.RESTIC_REPOSITORY_FILE].some((value) => value !== undefined && value !== '');
  return isNamed ? readBackupConfig(environment, config) : null;
}

/** Where a restore goes unless the command line says it. */
const TARGET = 'BILLING_RESTORE_DATABASE_URL';

/**
 * The database that a restore fills: what the command line names, or else a variable or the file it names, since every
 * user of a machine sees the arguments of its programs. Reached as the environment says; throws ConfigError.
 */
export function readRestoreTarget(environment: Environment, to: string | undefined): DatabaseConfig {
  if (to !== undefined) return readDatabaseUrl(environment, to, '--to');
  const reader = new EnvironmentReader(environment);
  if (reader.text(TARGET) === undefined)
    reader.missing(TARGET, 'the empty database to fill, unless --to names it', 'mysql://admin:password@db.example.com/billing_db');
  const database = readDatabase(reader, { isProduction: false, dataDir: '.' }, TARGET);
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return database;
}

/** The database that a URL of the command line names, reached as the environment says; throws ConfigError. */
export function readDatabaseUrl(environment: Environment, url: string, option: string): DatabaseConfig {
  const reader = new EnvironmentReader({ ...environment, [option]: url });
  const database = readDatabase(reader, { isProduction: false, dataDir: '.' }, option);
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return database;
}

/** What only restic reads, and may stand in a file all the same; its password and repository have files of its own. */
const CREDENTIALS = [
  ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'B2_ACCOUNT_ID', 'B2_ACCOUNT_KEY'],
  ...['AZURE_ACCOUNT_KEY', 'AZURE_ACCOUNT_SAS', 'OS_PASSWORD', 'OS_APPLICATION_CREDENTIAL_SECRET', 'ST_KEY'],
  ...['RESTIC_REST_USERNAME', 'RESTIC_REST_PASSWORD'],
];

function* credentials(reader: EnvironmentReader): Iterable<[string, string]> {
  for (const name of CREDENTIALS) {
    const value = reader.text(name);
    if (value !== undefined) yield [name, value];
  }
}

/** The variables that programs started for backups may see. */
function* entriesFor(environment: Environment): Iterable<[string, string]> {
  for (const [name, value] of Object.entries(environment)) if (value !== undefined && FOR_BACKUPS.test(name)) yield [name, value];
}
