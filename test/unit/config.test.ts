import { describe, expect, it } from '@jest/globals';
import { ConfigError, readConfig } from '../../src/config.js';
import { TEST_ENCRYPTION, TEST_ENCRYPTION_KEY } from '../support/encryption.js';

const WORKING_DIR = '/srv/billing';

const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_URL_BILLING: 'mysql://billing:hunter2@db.example.com:3306/billing_db?connection_limit=10',
  TILLED_SECRET_KEY: 'sk_live_0123456789',
  TILLED_PUBLIC_KEY: 'pk_live_0123456789',
  TILLED_WEBHOOK_SECRET: 'whsec_0123456789',
  TILLED_ACCOUNT_ID: 'acct_0123456789',
  BILLING_ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
};

describe('readConfig without any variable', () => {
  it('is the embedded default on this machine, with the sandbox', () => {
    expect(readConfig({}, WORKING_DIR)).toEqual({
      isProduction: false,
      warnings: [],
      logFiles: null,
      tracing: null,
      metricsAccess: 'open',
      workerPort: null,
      slowQueryMs: 500,
      host: '127.0.0.1',
      port: 4000,
      publicUrl: null,
      dataDir: '/srv/billing/.billing',
      database: { kind: 'embedded', location: '/srv/billing/.billing/billing.db', hosts: null, poolSize: 1, tls: null },
      tilled: null,
      encryption: null,
      sessionDocuments: 'any',
      sandboxPort: 4010,
      tilledTimeoutMs: 30_000,
      tilledQuietMs: 300_000,
      drainMs: 0,
      logLevel: 'info',
      runsWorker: true,
      reconcileEveryHours: 6,
      replicas: null,
      limits: {
        requestsPerWindow: 100_000,
        sessionRequestsPerWindow: 100_000,
        sessionsRequestsPerWindow: 1_000_000,
        failedAuthenticationsPerWindow: 5,
        webhooksPerHour: 100_000,
        graphqlBodyBytesMax: 131_072,
        connectionsMax: 4_096,
        redisUrl: null,
      },
      trustedProxies: [],
      webhookNetworks: ['127.0.0.0/8', '::1/128'],
    });
  });

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(readConfig({}, WORKING_DIR))).toBe(true);
  });

  it('takes an empty or blank variable as absent', () => {
    const blank = Object.fromEntries(
      ['PORT', 'DATABASE_URL_BILLING', 'TILLED_SECRET_KEY', 'NODE_ENV', 'LOG_LEVEL'].map((name) => [name, ' ']),
    );
    expect(readConfig(blank, WORKING_DIR)).toEqual(readConfig({}, WORKING_DIR));
  });

  it('moves where PORT, TILLED_SANDBOX_PORT and BILLING_DATA_DIR say', () => {
    const config = readConfig({ PORT: '0', TILLED_SANDBOX_PORT: '5010', BILLING_DATA_DIR: 'data' }, WORKING_DIR);
    expect(config).toMatchObject({ port: 0, sandboxPort: 5010, dataDir: '/srv/billing/data' });
    expect(config.database.location).toBe('/srv/billing/data/billing.db');
  });
});

describe('readConfig in production', () => {
  it('takes the documented variables, and nothing of the sandbox', () => {
    expect(readConfig(PRODUCTION, WORKING_DIR)).toMatchObject({
      isProduction: true,
      host: '0.0.0.0',
      database: {
        ...{ kind: 'mysql', location: 'mysql://billing:hunter2@db.example.com:3306/billing_db' },
        ...{ hosts: null, poolSize: 10, tls: null },
      },
      tilled: { baseUrl: 'https://api.tilled.com', accountId: 'acct_0123456789', webhookSecret: 'whsec_0123456789' },
    });
  });

  it('names every missing variable at once, each with its purpose and an example', () => {
    const problems = problemsOf({ NODE_ENV: 'production' });
    expect(problems).toEqual([
      expect.stringMatching(/^DATABASE_URL_BILLING is missing: .*database.*, for example mysql:\/\/.*connection_limit=10$/),
      expect.stringMatching(/^TILLED_SECRET_KEY is missing: .*secret key.*, for example sk_/),
      expect.stringMatching(/^TILLED_PUBLIC_KEY is missing: .*browsers.*, for example pk_/),
      expect.stringMatching(/^TILLED_ACCOUNT_ID is missing: .*account.*, for example acct_/),
      expect.stringMatching(/^BILLING_ENCRYPTION_KEY is missing: .*seals secrets.*, for example .*openssl rand/),
    ]);
  });

  it('starts without a webhook secret, which is there only once an endpoint is registered, and refuses what is none', () => {
    const { TILLED_WEBHOOK_SECRET: _, ...without } = PRODUCTION;
    expect(readConfig(without, WORKING_DIR).tilled?.webhookSecret).toBe('');
    expect(problemsOf({ ...PRODUCTION, TILLED_WEBHOOK_SECRET: 'short' })).toEqual([
      expect.stringMatching(/^TILLED_WEBHOOK_SECRET does not/),
    ]);
  });

  it('names what is wrong together with what is missing', () => {
    const names = problemsOf({ NODE_ENV: 'production', PORT: 'http', LOG_LEVEL: 'loud', BILLING_WORKER: 'maybe' }).map(
      (problem) => problem.split(' ')[0],
    );
    expect(names.toSorted()).toEqual(
      [
        ...['BILLING_ENCRYPTION_KEY', 'BILLING_WORKER', 'DATABASE_URL_BILLING', 'LOG_LEVEL', 'PORT'],
        ...['TILLED_ACCOUNT_ID', 'TILLED_PUBLIC_KEY', 'TILLED_SECRET_KEY'],
      ].toSorted(),
    );
  });

  it('lets customer sessions send registered documents only, unless told otherwise', () => {
    expect(readConfig(PRODUCTION, WORKING_DIR).sessionDocuments).toBe('registered');
    expect(readConfig({ ...PRODUCTION, BILLING_SESSION_DOCUMENTS: 'any' }, WORKING_DIR).sessionDocuments).toBe('any');
  });

  it('takes an encryption key, and the one before it', () => {
    const [given, before] = [readConfig(PRODUCTION, WORKING_DIR), TEST_ENCRYPTION.key.toReversed()];
    expect(given.encryption).toEqual(TEST_ENCRYPTION);
    const rotating = { ...PRODUCTION, BILLING_ENCRYPTION_KEY_PREVIOUS: Buffer.from(before).toString('base64') };
    expect(readConfig(rotating, WORKING_DIR).encryption?.previous).toEqual(Buffer.from(before));
  });

  it.each([
    ['too short', Buffer.alloc(31, 7).toString('base64'), /is not 32 bytes in base64/],
    ['hexadecimal', TEST_ENCRYPTION.key.toString('hex'), /is not 32 bytes in base64/],
    ['a password', 'correct horse battery staple', /is not 32 bytes in base64/],
    ['all zero', Buffer.alloc(32).toString('base64'), /is not random/],
    ['a pattern', Buffer.from('0123456701234567'.repeat(2)).toString('base64'), /is not random/],
    ['a password in base64', Buffer.from('correct horse battery staple 123').toString('base64'), /is not random/],
  ])('refuses an encryption key that is %s', (_, key, words) => {
    expect(problemsOf({ ...PRODUCTION, BILLING_ENCRYPTION_KEY: key })).toEqual([expect.stringMatching(words)]);
    expect(problemsOf({ ...PRODUCTION, BILLING_ENCRYPTION_KEY_PREVIOUS: key })).toEqual([expect.stringMatching(words)]);
  });

  it('refuses the embedded database', () => {
    expect(problemsOf({ ...PRODUCTION, DATABASE_URL_BILLING: 'sqlite:/var/lib/billing.db' })).toEqual([
      expect.stringMatching(/^DATABASE_URL_BILLING .*embedded database.*refused in production/),
    ]);
  });

  it('refuses a database without a pool of its own', () => {
    expect(problemsOf({ ...PRODUCTION, DATABASE_URL_BILLING: 'mysql://billing:hunter2@db:3306/billing_db' })).toEqual([
      expect.stringMatching(/^DATABASE_URL_BILLING is unpooled: it has no connection_limit/),
    ]);
  });

  it.each(['0', '1', '501', '2.5', 'many', ''])('refuses a connection_limit of "%s"', (limit) => {
    const url = `mysql://billing:hunter2@db:3306/billing_db?connection_limit=${limit}`;
    expect(problemsOf({ ...PRODUCTION, DATABASE_URL_BILLING: url })).toEqual([
      expect.stringMatching(/^DATABASE_URL_BILLING has a connection_limit that is not a whole number from 2 to 500/),
    ]);
  });

  it('shows its metrics to nobody without a token, and takes no token that can be guessed', () => {
    expect(readConfig(PRODUCTION, WORKING_DIR).metricsAccess).toBe('closed');
    const token = 'a-token-of-prometheus';
    expect(readConfig({ ...PRODUCTION, BILLING_METRICS_TOKEN: token }, WORKING_DIR).metricsAccess).toEqual({ token });
    const [problem] = problemsOf({ ...PRODUCTION, BILLING_METRICS_TOKEN: 'short' });
    expect(problem).toMatch(/^BILLING_METRICS_TOKEN is shorter than 16 characters/);
    expect(problem).not.toContain('is short;');
  });

  it('refuses a Tilled address that anybody on the way can read', () => {
    expect(problemsOf({ ...PRODUCTION, TILLED_BASE_URL: 'http://api.tilled.com' })).toEqual([
      expect.stringMatching(/^TILLED_BASE_URL is not an https:\/\/ address/),
    ]);
  });
});

describe('readConfig', () => {
  it.each([
    'postgres://billing:hunter2@db/billing_db',
    'billing_db',
    'mysql//db',
    'mysql://db:notaport/x',
  ])('refuses %s as a database', (url) => {
    expect(problemsOf({ DATABASE_URL_BILLING: url })).toEqual([expect.stringMatching(/^DATABASE_URL_BILLING is not a mysql:\/\/ URL/)]);
  });

  it('refuses a database URL that names no database', () => {
    expect(problemsOf({ DATABASE_URL_BILLING: 'mysql://billing@db:3306/?connection_limit=5' })).toEqual([
      expect.stringMatching(/^DATABASE_URL_BILLING names no database/),
    ]);
  });

  it('takes replicas in the form of the database, and refuses what they cannot be', () => {
    const url = 'mysql://billing_replica:hunter2@replica:3307/billing_db?connection_limit=4';
    const { replicas } = readConfig({ ...PRODUCTION, DATABASE_URL_BILLING_REPLICAS: url }, WORKING_DIR);
    const location = 'mysql://billing_replica:hunter2@replica:3307/billing_db';
    const one = { kind: 'mysql', location, hosts: null, poolSize: 4, tls: null };
    expect(replicas).toEqual({ servers: [one], lagMsMax: 10_000 });
    const several = { ...PRODUCTION, DATABASE_URL_BILLING_REPLICAS: url.replace('replica:3307', 'replica:3307,[::1]:3308') };
    const servers = [one, { ...one, location: location.replace('replica:3307', '[::1]:3308') }];
    expect(readConfig({ ...several, BILLING_REPLICA_LAG_SECONDS: '60' }, WORKING_DIR).replicas).toEqual({ servers, lagMsMax: 60_000 });
    expect(problemsOf({ ...PRODUCTION, DATABASE_URL_BILLING_REPLICAS: 'postgres://db', BILLING_REPLICA_LAG_SECONDS: '2' })).toEqual([
      expect.stringMatching(/^BILLING_REPLICA_LAG_SECONDS \(how far behind .*\) is not a whole number from 3 to 3600/),
      expect.stringMatching(/^DATABASE_URL_BILLING_REPLICAS is not a mysql:\/\/ URL/),
    ]);
  });

  it('wants all of the Tilled variables but the secret of an endpoint once one is given', () => {
    const names = problemsOf({ TILLED_SECRET_KEY: PRODUCTION.TILLED_SECRET_KEY }).map((problem) => problem.split(' ')[0]);
    expect(names).toEqual(['TILLED_PUBLIC_KEY', 'TILLED_ACCOUNT_ID']);
  });

  it('tells keys in the wrong place apart', () => {
    const swapped = { ...PRODUCTION, TILLED_SECRET_KEY: PRODUCTION.TILLED_PUBLIC_KEY, TILLED_PUBLIC_KEY: PRODUCTION.TILLED_SECRET_KEY };
    const names = problemsOf(swapped).map((problem) => problem.split(' ')[0]);
    expect(names).toEqual(['TILLED_SECRET_KEY', 'TILLED_PUBLIC_KEY']);
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['TILLED_TIMEOUT_MS', '99'],
    ['TILLED_TIMEOUT_MS', '50001'],
    ['TILLED_SANDBOX_PORT', 'x'],
    ['NODE_ENV', 'prod'],
  ])('refuses %s=%s', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(name)]);
  });

  it('never repeats the value of a secret, however wrong it is', () => {
    const secrets = {
      DATABASE_URL_BILLING: 'postgres://billing:hunter2@db/billing_db',
      TILLED_SECRET_KEY: 'hunter3',
      TILLED_PUBLIC_KEY: 'hunter4',
      TILLED_WEBHOOK_SECRET: 'hunter5',
      TILLED_ACCOUNT_ID: 'hunter6',
      BILLING_ENCRYPTION_KEY: 'hunter7',
    };
    const problems = problemsOf({ NODE_ENV: 'production', ...secrets });
    expect(problems).toHaveLength(6);
    expect(problems.join('\n')).not.toContain('hunter');
  });

  it('ends the process with EX_CONFIG, and says all problems in its message', () => {
    const error = errorOf({ NODE_ENV: 'production' });
    expect(error.exitCode).toBe(78);
    expect(error.message.split('\n')).toEqual(error.problems);
  });
});

function problemsOf(environment: Record<string, string>): readonly string[] {
  return errorOf(environment).problems;
}

function errorOf(environment: Record<string, string>): ConfigError {
  try {
    readConfig(environment, WORKING_DIR);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('The environment was taken.');
}

describe("OpenTelemetry's standard variables", () => {
  const tracing = (variables: Record<string, string>) => readConfig(variables, WORKING_DIR).tracing;
  const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };
  const usual = {
    url: 'http://collector:4318/v1/traces',
    timeoutMs: 3_000,
    sampling: { kind: 'always_on', ratio: 1, isParentBased: true },
    followsCallers: true,
    batch: {},
  };

  it.each([
    ['one endpoint for all', ENDPOINT, usual],
    ['the endpoint of traces alone, as it is', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/x' }, { ...usual, url: 'http://t:1/x' }],
    [
      'that of traces before that for all',
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/x' },
      { ...usual, url: 'http://t:1/x' },
    ],
    ['no endpoint: no traces', {}, null],
    ['an exporter that is asked for: this machine', { OTEL_TRACES_EXPORTER: 'otlp' }, { ...usual, url: 'http://localhost:4318/v1/traces' }],
    ['no exporter', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }, null],
    ['an SDK that is disabled', { ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }, null],
    ['an SDK that is not', { ...ENDPOINT, OTEL_SDK_DISABLED: 'false' }, usual],
    [
      'a sampler with its argument',
      { ...ENDPOINT, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' },
      { ...usual, sampling: { kind: 'traceidratio', ratio: 0.1, isParentBased: true } },
    ],
    [
      'a sampler that asks nobody',
      { ...ENDPOINT, OTEL_TRACES_SAMPLER: 'always_off' },
      { ...usual, sampling: { kind: 'always_off', ratio: 1, isParentBased: false } },
    ],
    ['no propagator', { ...ENDPOINT, OTEL_PROPAGATORS: 'none' }, { ...usual, followsCallers: false }],
    ['a time-out of its own, which the exporter reads', { ...ENDPOINT, OTEL_EXPORTER_OTLP_TIMEOUT: '500' }, { ...usual, timeoutMs: null }],
    [
      'how spans wait',
      { ...ENDPOINT, OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_BSP_MAX_QUEUE_SIZE: '99' },
      { ...usual, batch: { scheduledDelayMillis: 100, maxQueueSize: 99 } },
    ],
  ])('%s', (_, variables, expected) => expect(tracing(variables as Record<string, string>)).toEqual(expected));

  it.each([
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'collector:4317' }, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTEL_EXPORTER_OTLP_PROTOCOL'],
    [{ OTEL_TRACES_SAMPLER: 'some' }, 'OTEL_TRACES_SAMPLER'],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '10%' }, 'OTEL_TRACES_SAMPLER_ARG'],
    [{ OTEL_PROPAGATORS: 'b3' }, 'OTEL_PROPAGATORS'],
    [{ OTEL_BSP_MAX_QUEUE_SIZE: 'many' }, 'OTEL_BSP_MAX_QUEUE_SIZE'],
  ])('names what it does not know: %j', (variables, name) => {
    expect(() => tracing(variables as Record<string, string>)).toThrow(new RegExp(`^${name} `));
  });
});
