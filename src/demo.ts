import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AccessService } from './access/access.service.js';
import type { Config, EncryptionConfig, TilledConfig } from './config.js';
import type { Log } from './platform/log.js';
import type { Sandbox } from './sandbox/sandbox.js';
import { type TilledAccountClient, TilledClient } from './tilled/tilled.client.js';
import { TilledHttp, UNWATCHED } from './tilled/tilled.http.js';

/** What the embedded default made for itself, as `demo.env` keeps it. */
export interface DemoEnvironment {
  readonly BILLING_URL: string;
  readonly BILLING_APP_ID: string;
  readonly BILLING_SERVICE_KEY: string;
  readonly TILLED_BASE_URL: string;
  readonly TILLED_ACCOUNT_ID: string;
  readonly TILLED_PUBLIC_KEY: string;
  readonly TILLED_SECRET_KEY: string;
  readonly TILLED_WEBHOOK_SECRET: string;
}

/** The running sandbox, and the credentials with which the gateway uses it. */
export interface LocalTilled {
  readonly sandbox: Sandbox;
  readonly tilled: TilledConfig;
}

const DEMO_APP = { id: 'demo', name: 'Demo' };

/** What an earlier start wrote; empty at the first one, and in production, which has nothing to do with the demo. */
export async function readDemoEnvironment(config: Pick<Config, 'isProduction' | 'dataDir'>): Promise<Partial<DemoEnvironment>> {
  if (config.isProduction) return {};
  const text = await readFile(fileIn(config.dataDir), 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line.includes('='));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/**
 * The configured keys, or, outside production, the key that the data directory keeps (`encryption.key`), made at the
 * first use. Processes that make it at the same time agree on one.
 */
export async function encryptionOf(config: Config): Promise<EncryptionConfig> {
  if (config.encryption !== null) return config.encryption;
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const file = path.join(config.dataDir, 'encryption.key');
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  await link(temporary, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(temporary);
  return { key: Buffer.from(await readFile(file, 'utf8'), 'base64'), previous: null };
}

/** What a gateway takes of the configuration as it is: all but Tilled's account, which may be the local sandbox's. */
export async function settingsOf(config: Config) {
  return {
    database: config.database,
    encryption: await encryptionOf(config),
    tilledTimeoutMs: config.tilledTimeoutMs,
    tilledQuietMs: config.tilledQuietMs,
    slowQueryMs: config.slowQueryMs,
    reconcileEveryMs: config.reconcileEveryHours * 3_600_000,
    deliveries: { networks: config.webhookNetworks },
  };
}

/** Starts the local sandbox on its kept state, with an account whose events are delivered to the gateway. */
export async function startLocalTilled(config: Config, gatewayUrl: string, log: Log): Promise<LocalTilled> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const known = await readDemoEnvironment(config);
  const { startSandbox } = await import('./sandbox/sandbox.js');
  const sandbox = await startSandbox({ port: config.sandboxPort, stateFile: path.join(config.dataDir, 'sandbox.db') });
  const account = await sandbox.provision({
    accountId: known.TILLED_ACCOUNT_ID,
    secretKey: known.TILLED_SECRET_KEY,
    publishableKey: known.TILLED_PUBLIC_KEY,
    name: 'Demo merchant',
  });
  const client = new TilledClient(
    new TilledHttp({ baseUrl: sandbox.url, secretKey: account.secretKey, timeoutMs: config.tilledTimeoutMs, log }),
  );
  const webhookSecret = await listenTo(
    client.account(account.accountId, UNWATCHED),
    `${gatewayUrl}/api/billing/webhooks`,
    known.TILLED_WEBHOOK_SECRET,
  );
  const { accountId, secretKey, publishableKey: publicKey } = account;
  return { sandbox, tilled: { baseUrl: sandbox.url, secretKey, publicKey, webhookSecret, accountId } };
}

/** The demo app with a key that works, written where people and scripts find it. */
export async function ensureDemoApp(
  config: Config,
  access: AccessService,
  gatewayUrl: string,
  tilled: TilledConfig,
): Promise<DemoEnvironment> {
  const known = await readDemoEnvironment(config);
  if ((await access.findApp(DEMO_APP.id)) === null) await access.createApp({ ...DEMO_APP, tilledAccountId: tilled.accountId });
  const works =
    known.BILLING_SERVICE_KEY !== undefined && (await access.authenticate(known.BILLING_SERVICE_KEY, { requestId: 'start' })) !== null;
  const environment: DemoEnvironment = {
    BILLING_URL: gatewayUrl,
    BILLING_APP_ID: DEMO_APP.id,
    BILLING_SERVICE_KEY: works ? (known.BILLING_SERVICE_KEY ?? '') : (await access.createKey(DEMO_APP.id, 'service')).key,
    TILLED_BASE_URL: tilled.baseUrl,
    TILLED_ACCOUNT_ID: tilled.accountId,
    TILLED_PUBLIC_KEY: tilled.publicKey,
    TILLED_SECRET_KEY: tilled.secretKey,
    TILLED_WEBHOOK_SECRET: tilled.webhookSecret,
  };
  await writeDemoEnvironment(config.dataDir, environment);
  return environment;
}

/** The secret of the endpoint that delivers to `url`; the endpoint of an earlier start is moved there. */
async function listenTo(tilled: TilledAccountClient, url: string, knownSecret: string | undefined): Promise<string> {
  const { items } = await tilled.listWebhookEndpoints({ limit: 100 });
  const [kept] = items;
  if (kept !== undefined && knownSecret !== undefined) {
    if (kept.url !== url) await tilled.updateWebhookEndpoint(kept.id, { url });
    return knownSecret;
  }
  const made = await tilled.createWebhookEndpoint({ url, enabled_events: ['*'], description: 'The local billing gateway' });
  if (made.secret === undefined) throw new Error('The sandbox made a webhook endpoint without a secret.');
  return made.secret;
}

async function writeDemoEnvironment(dataDir: string, environment: DemoEnvironment): Promise<void> {
  const text = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`);
  const temporary = `${fileIn(dataDir)}.${process.pid}`;
  await writeFile(temporary, text.join(''), { mode: 0o600 });
  await rename(temporary, fileIn(dataDir));
}

function fileIn(dataDir: string): string {
  return path.join(dataDir, 'demo.env');
}
