import { readDatabase, saysPoolSize } from './config.database.js';
import { ConfigError, type DatabaseConfig } from './config.js';
import { type Environment, EnvironmentReader } from './config.reader.js';

/** What preflight and smoke need beside what the gateway itself does. */
export interface PreflightConfig {
  /** Where the world reaches the gateway, without a slash at its end; null if it was not said. */
  readonly publicUrl: string | null;
  /** The user that reports and analyses read with; null if it was not said. */
  readonly readonlyDatabase: DatabaseConfig | null;
  readonly prometheusUrl: string | null;
  /** Whether DATABASE_URL_BILLING says how many connections the pool may have. */
  readonly hasPoolLimit: boolean;
  readonly hasEncryptionKey: boolean;
  /** Files beside the process that may hold secrets. */
  readonly workingDir: string;
  /** What is not as it should be with the files that secrets stand in, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Reads it; throws ConfigError like readConfig. A `url` that was given stands above what the environment says, and
 * `ownUrl` below it.
 */
export function readPreflightConfig(
  environment: Environment,
  workingDir: string,
  known: { readonly url?: string; readonly ownUrl?: string } = {},
): PreflightConfig {
  const reader = new EnvironmentReader(environment);
  const database = reader.text('DATABASE_URL_BILLING') ?? '';
  const config: PreflightConfig = {
    publicUrl: reader.url('BILLING_PUBLIC_URL', known.url ?? reader.text('BILLING_PUBLIC_URL') ?? known.ownUrl),
    readonlyDatabase: readReadonly(reader),
    prometheusUrl: reader.url('PROMETHEUS_URL'),
    hasPoolLimit: saysPoolSize(database),
    hasEncryptionKey: reader.text('BILLING_ENCRYPTION_KEY') !== undefined,
    workingDir,
    warnings: reader.warnings,
  };
  for (const name of ['BILLING_BACKUP_DATABASE_URL', 'BILLING_DRILL_DATABASE_URL', 'RESTIC_PASSWORD']) reader.text(name);
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return Object.freeze(config);
}

function readReadonly(reader: EnvironmentReader): DatabaseConfig | null {
  const name = 'DATABASE_URL_BILLING_READONLY';
  if (reader.text(name) === undefined) return null;
  const database = readDatabase(reader, { isProduction: false, dataDir: '.' }, name);
  if (database.kind === 'embedded')
    reader.wrong(name, 'is not a mysql:// URL', 'mysql://billing_readonly:password@db.example.com:3306/billing_db');
  return { ...database, poolSize: 2 };
}
