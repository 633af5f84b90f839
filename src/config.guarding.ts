import { isIP } from 'node:net';
import type { EnvironmentReader } from './config.reader.js';

/** The keys with which secrets in the database are sealed and API keys are hashed, 32 bytes each. */
export interface EncryptionConfig {
  readonly key: Buffer;
  /** The key before it, while `billing secrets rotate` is under way; null otherwise. */
  readonly previous: Buffer | null;
}

/** How much is taken from one app or address, and where it is counted. */
export interface LimitsConfig {
  /** How many requests the keys of an app may make in 15 minutes, unless it was given a limit of its own. */
  readonly requestsPerWindow: number;
  /** How many one customer may make with all their sessions, unless the app was given a limit for that. */
  readonly sessionRequestsPerWindow: number;
  /** How many all customers of an app together, unless the app was given a limit for that. */
  readonly sessionsRequestsPerWindow: number;
  /** How many failed authentications an address may make in 15 minutes. */
  readonly failedAuthenticationsPerWindow: number;
  /** How many verified webhook deliveries of one app are taken in an hour, bursts apart. */
  readonly webhooksPerHour: number;
  /** The largest body that is taken at /graphql, bytes. */
  readonly graphqlBodyBytesMax: number;
  /** How many connections a process keeps at once, half of them from one address. */
  readonly connectionsMax: number;
  /** Where limits are counted; null counts them in the billing database. */
  readonly redisUrl: string | null;
}

/** The limits of a deployment. */
export function readLimits(reader: EnvironmentReader, isProduction: boolean): LimitsConfig {
  const many = { min: 1, max: 1_000_000_000 };
  const redisUrl = reader.text('REDIS_URL') ?? null;
  if (redisUrl !== null && !/^rediss?:\/\/\S+$/.test(redisUrl))
    reader.wrong('REDIS_URL', 'is not a redis:// URL', 'redis://cache.example.com:6379');
  return {
    requestsPerWindow: reader.integer('BILLING_REQUESTS_PER_WINDOW', isProduction ? 100 : 100_000, {
      ...many,
      purpose: 'how many requests the keys of an app may make in 15 minutes',
    }),
    sessionRequestsPerWindow: reader.integer('BILLING_SESSION_REQUESTS_PER_WINDOW', isProduction ? 100 : 100_000, {
      ...many,
      purpose: 'how many requests the sessions of one customer may make in 15 minutes',
    }),
    sessionsRequestsPerWindow: reader.integer('BILLING_ALL_SESSIONS_REQUESTS_PER_WINDOW', isProduction ? 2_000 : 1_000_000, {
      ...many,
      purpose: 'how many requests all sessions of an app may make in 15 minutes',
    }),
    failedAuthenticationsPerWindow: reader.integer('BILLING_FAILED_AUTHENTICATIONS_PER_WINDOW', 5, {
      ...many,
      purpose: 'how many failed authentications an address may make in 15 minutes',
    }),
    webhooksPerHour: reader.integer('BILLING_WEBHOOKS_PER_HOUR', isProduction ? 1_000 : 100_000, {
      ...many,
      purpose: 'how many webhook deliveries of one app are taken in an hour',
    }),
    graphqlBodyBytesMax: reader.integer('BILLING_GRAPHQL_BODY_BYTES_MAX', 131_072, {
      min: 16_384,
      max: 1_048_576,
      purpose: 'the largest body that is taken at /graphql, in bytes',
    }),
    connectionsMax: reader.integer('BILLING_CONNECTIONS_MAX', 4_096, {
      min: 16,
      max: 100_000,
      purpose: 'how many connections a process keeps at once',
    }),
    redisUrl,
  };
}

/** Addresses and networks whose X-Forwarded-For is believed. */
export function readTrustedProxies(reader: EnvironmentReader): readonly string[] {
  return readNetworks(reader, 'BILLING_TRUSTED_PROXIES', '10.0.0.0/8, 2001:db8::/32');
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/**
 * Networks beside the public internet that events may be delivered to, by http too. The demo reaches its own machine,
 * where receivers are tried.
 */
export function readWebhookNetworks(reader: EnvironmentReader, isDemo: boolean): readonly string[] {
  const networks = readNetworks(reader, 'BILLING_WEBHOOK_NETWORKS', '10.1.0.0/16');
  return isDemo && networks.length === 0 ? LOOPBACK : networks;
}

function readNetworks(reader: EnvironmentReader, name: string, example: string): readonly string[] {
  const given = (reader.text(name) ?? '').split(',').map((entry) => entry.trim());
  const networks = given.filter((entry) => entry !== '');
  const isNetwork = (entry: string) => {
    const [address = '', bits = '0', ...rest] = entry.split('/');
    const version = isIP(address);
    return version !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
  };
  if (!networks.every(isNetwork)) reader.wrong(name, 'is not a list of addresses and networks', example);
  return networks;
}

const ENCRYPTION_PURPOSE = 'the key that seals secrets in the database, 32 random bytes in base64';
const ENCRYPTION_EXAMPLE = 'what `openssl rand -base64 32` prints';

/** The encryption keys; null where none is set, which production does not allow. */
export function readEncryption(reader: EnvironmentReader, isProduction: boolean): EncryptionConfig | null {
  const key = readKey(reader, 'BILLING_ENCRYPTION_KEY');
  const previous = readKey(reader, 'BILLING_ENCRYPTION_KEY_PREVIOUS');
  if (key === null && (isProduction || previous !== null)) reader.missing('BILLING_ENCRYPTION_KEY', ENCRYPTION_PURPOSE, ENCRYPTION_EXAMPLE);
  return key === null ? null : { key, previous };
}

/** Null when absent. Refuses an invented key: 32 random bytes are never all printable, nor of few values. */
function readKey(reader: EnvironmentReader, name: string): Buffer | null {
  const text = reader.text(name);
  if (text === undefined) return null;
  const key = Buffer.from(text, 'base64');
  const isWeak = new Set(key).size < 16 || key.every((byte) => byte >= 0x20 && byte < 0x7f);
  if (key.length !== 32 || key.toString('base64') !== text) reader.wrong(name, 'is not 32 bytes in base64', ENCRYPTION_EXAMPLE);
  else if (isWeak) reader.wrong(name, 'is not random: it can be guessed', ENCRYPTION_EXAMPLE);
  return key;
}
