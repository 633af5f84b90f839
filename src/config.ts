import path from 'node:path';
import { type DatabaseConfig, type ReplicasConfig, readDatabase, readReplicas } from './config.database.js';
import {
  type EncryptionConfig,
  type LimitsConfig,
  readEncryption,
  readLimits,
  readTrustedProxies,
  readWebhookNetworks,
} from './config.guarding.js';
import { type Observing, readObserving } from './config.observing.js';
import { type Environment, EnvironmentReader } from './config.reader.js';
import { readDrainMs, readTilledTimeoutMs } from './config.stopping.js';

export type { DatabaseConfig, ReplicasConfig } from './config.database.js';
export type { EncryptionConfig, LimitsConfig } from './config.guarding.js';

/** Credentials and address of the Tilled account this deployment acts for. */
export interface TilledConfig {
  readonly baseUrl: string;
  readonly secretKey: string;
  readonly publicKey: string;
  /** What the deployment's own endpoint signs with; empty where only those of `billing webhooks register` are heard. */
  readonly webhookSecret: string;
  /** The account of every app that was not given one of its own. */
  readonly accountId: string;
}

/** Everything the environment decides, validated once and frozen. */
export interface Config extends Observing {
  readonly isProduction: boolean;
  readonly host: string;
  /** Port of the gateway; 0 lets the system choose. */
  readonly port: number;
  /** Where the world reaches the gateway, without a slash at its end; null if it was not said. */
  readonly publicUrl: string | null;
  /** Where the embedded default keeps its files, absolute. */
  readonly dataDir: string;
  readonly database: DatabaseConfig;
  /** Servers that follow the database, for reads that may be a little old; null: there are none. */
  readonly replicas: ReplicasConfig | null;
  /** Absent: the local sandbox is started and its credentials are used. */
  readonly tilled: TilledConfig | null;
  /** Absent: the data directory keeps one that was made for it. Never absent in production. */
  readonly encryption: EncryptionConfig | null;
  /** Whether customer sessions may send documents of their own, or only those their app registered. */
  readonly sessionDocuments: 'any' | 'registered';
  readonly sandboxPort: number;
  /** How long one call to Tilled may take, ms. */
  readonly tilledTimeoutMs: number;
  /** How long a gateway that was asked to end says so before it lets nobody in any more, ms. */
  readonly drainMs: number;
  /** How long Tilled may still carry out a request to which no answer came, ms. */
  readonly tilledQuietMs: number;
  readonly logLevel: string;
  /** How long after the end of a comparison with Tilled the next one begins, hours. */
  readonly reconcileEveryHours: number;
  readonly limits: LimitsConfig;
  /** Addresses and networks of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Networks beside the public internet that events may be delivered to. */
  readonly webhookNetworks: readonly string[];
  /** Whether this process also handles queued work. */
  readonly runsWorker: boolean;
  /** What the environment says and should not, a sentence each: nothing that keeps from starting. */
  readonly warnings: readonly string[];
}

/** The environment is unusable. `problems` holds one sentence for each variable that is missing or wrong. */
export class ConfigError extends Error {
  /** EX_CONFIG of sysexits.h: restarting does not help, a person must act. */
  readonly exitCode = 78;

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** Reads the environment; throws ConfigError with all problems at once, which never shows values of secrets. */
export function readConfig(environment: Environment, workingDir: string): Config {
  const reader = new EnvironmentReader(environment);
  const isProduction = reader.oneOf('NODE_ENV', ['development', 'production', 'test'], 'development', 'which rules apply') === 'production';
  const dataDir = path.resolve(workingDir, reader.text('BILLING_DATA_DIR') ?? '.billing');
  const database = readDatabase(reader, { isProduction, dataDir }, 'DATABASE_URL_BILLING');
  const tilled = readTilled(reader, isProduction);
  const config: Config = {
    isProduction,
    host: reader.text('HOST') ?? (isProduction ? '0.0.0.0' : '127.0.0.1'),
    port: reader.integer('PORT', 4000, { min: 0, max: 65_535, purpose: 'the port the gateway listens on' }),
    publicUrl: reader.url('BILLING_PUBLIC_URL'),
    dataDir,
    database,
    replicas: readReplicas(reader, { isProduction, dataDir, database }),
    tilled,
    encryption: readEncryption(reader, isProduction),
    sessionDocuments: reader.oneOf(
      'BILLING_SESSION_DOCUMENTS',
      ['any', 'registered'],
      isProduction ? 'registered' : 'any',
      'which documents customer sessions may send',
    ),
    sandboxPort: reader.integer('TILLED_SANDBOX_PORT', 4010, { min: 0, max: 65_535, purpose: 'the port of the local Tilled sandbox' }),
    tilledTimeoutMs: readTilledTimeoutMs(reader),
    drainMs: readDrainMs(reader, isProduction),
    tilledQuietMs:
      1_000 *
      reader.integer('TILLED_QUIET_SECONDS', 300, {
        min: isProduction ? 60 : 5,
        max: 3_600,
        purpose: 'how long Tilled may still carry out a request to which no answer came, in seconds: until then it is not sent again',
      }),
    logLevel: reader.oneOf('LOG_LEVEL', ['error', 'warn', 'info', 'debug', 'silent'], 'info', 'how much is logged'),
    reconcileEveryHours: reader.integer('BILLING_RECONCILE_EVERY_HOURS', 6, {
      min: 1,
      max: 168,
      purpose: 'how long after a comparison with Tilled the next one begins, in hours',
    }),
    limits: readLimits(reader, isProduction),
    trustedProxies: readTrustedProxies(reader),
    webhookNetworks: readWebhookNetworks(reader, tilled === null),
    runsWorker: reader.oneOf('BILLING_WORKER', ['on', 'off'], 'on', 'whether this process also handles queued work') === 'on',
    ...readObserving(reader, isProduction, workingDir),
    warnings: reader.warnings,
  };
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return Object.freeze(config);
}

const TILLED_VARIABLES = [
  { name: 'TILLED_SECRET_KEY', purpose: 'the secret key with which the gateway calls Tilled', example: 'sk_…', pattern: /^sk_\S+$/ },
  { name: 'TILLED_PUBLIC_KEY', purpose: 'the publishable key that browsers use for hosted fields', example: 'pk_…', pattern: /^pk_\S+$/ },
  {
    name: 'TILLED_WEBHOOK_SECRET',
    purpose: 'the secret that signs webhooks, shown once when the endpoint was created',
    example: 'whsec_…',
    pattern: /^\S{8,}$/,
  },
  { name: 'TILLED_ACCOUNT_ID', purpose: 'the Tilled account that payments go to', example: 'acct_…', pattern: /^acct_\S+$/ },
] as const;

function readTilled(reader: EnvironmentReader, isProduction: boolean): TilledConfig | null {
  const values = TILLED_VARIABLES.map((variable) => reader.text(variable.name));
  const baseUrl = reader.text('TILLED_BASE_URL') ?? (isProduction ? 'https://api.tilled.com' : 'https://sandbox-api.tilled.com');
  if (!isProduction && values.every((value) => value === undefined)) return null;
  checkBaseUrl(reader, baseUrl, isProduction);
  for (const [index, variable] of TILLED_VARIABLES.entries()) {
    const value = values[index];
    if (value === undefined && variable.name !== 'TILLED_WEBHOOK_SECRET') reader.missing(variable.name, variable.purpose, variable.example);
    if (value !== undefined && !variable.pattern.test(value))
      reader.wrong(variable.name, `does not look like ${variable.purpose}`, variable.example);
  }
  const [secretKey = '', publicKey = '', webhookSecret = '', accountId = ''] = values;
  return { baseUrl: baseUrl.replace(/\/+$/, ''), secretKey, publicKey, webhookSecret, accountId };
}

function checkBaseUrl(reader: EnvironmentReader, baseUrl: string, isProduction: boolean): void {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const isLoopback = url !== undefined && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && (isLoopback || !isProduction));
  if (!isSafe) reader.wrong('TILLED_BASE_URL', 'is not an https:// address', 'https://api.tilled.com');
}
