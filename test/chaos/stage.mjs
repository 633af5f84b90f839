import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { composeFoundation } from '../../dist/src/compose.js';
import { readConfig } from '../../dist/src/config.js';
import { createLog } from '../../dist/src/platform/log.js';
import { startSandbox } from '../../dist/src/sandbox/sandbox.js';
import { Seeded } from './seeded.mjs';

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'src', 'main.js');
const START_MS_MAX = 30_000;
const APP = 'chaos';
/** Below the longest delay among the faults, so that some answers come too late, ms. */
const TILLED_TIMEOUT_MS = 1_000;

/** The gateway as a process that can be killed, Tilled's sandbox in our own process, and the database between them. */
export class Stage {
  starts = 0;
  #child = null;
  encryptionKey = randomBytes(32).toString('base64');

  /** @param {{ seed: string, database: string }} options `database`: embedded, or the URL of a MySQL/MariaDB server */
  static async open({ seed, database }) {
    const stage = new Stage();
    // Whatever ends us, no gateway is left behind.
    process.once('exit', () => stage.#child?.kill('SIGKILL'));
    stage.directory = mkdtempSync(join(tmpdir(), 'bg_chaos_'));
    stage.logFile = join(stage.directory, 'gateway.log');
    stage.log = openSync(stage.logFile, 'a');
    stage.server = database === 'embedded' ? null : database.replace(/\/+$/, '');
    stage.name = `bg_chaos_${randomBytes(4).toString('hex')}`;
    if (stage.server !== null) await stage.#onServer(`create database ${stage.name} character set utf8mb4 collate utf8mb4_bin`);
    stage.databaseUrl = stage.server === null ? `sqlite:${join(stage.directory, 'billing.db')}` : `${stage.server}/${stage.name}`;
    const port = await freePort();
    stage.url = `http://127.0.0.1:${port}`;
    // Retried soon, so that deliveries meet restarts; what is still lost is the backfill's to find.
    stage.sandbox = await startSandbox({
      port: 0,
      seed: new Seeded(`${seed} sandbox`).between(1, 2 ** 30),
      webhookConcurrency: 8,
      webhookRetryDelaysMs: [700, 2_000, 5_000],
    });
    stage.account = await stage.sandbox.provision({ name: 'Chaos merchant' });
    const endpoint = await stage.tilled('POST', '/v1/webhook-endpoints', {
      url: `${stage.url}/api/billing/webhooks`,
      enabled_events: ['*'],
    });
    await stage.withBooks(async ({ migrator, access }) => {
      await migrator.migrate();
      await access.createApp({ id: APP, name: 'Chaos', tilledAccountId: stage.account.accountId });
      stage.key = (await access.createKey(APP, 'service')).key;
    });
    stage.environment = {
      PATH: process.env.PATH ?? '',
      NODE_COMPILE_CACHE: join(stage.directory, 'compiled'),
      PORT: String(port),
      LOG_LEVEL: 'warn',
      BILLING_DATA_DIR: stage.directory,
      BILLING_REQUESTS_PER_WINDOW: '1000000000',
      DATABASE_URL_BILLING: stage.databaseUrl,
      BILLING_ENCRYPTION_KEY: stage.encryptionKey,
      TILLED_TIMEOUT_MS: String(TILLED_TIMEOUT_MS),
      TILLED_BASE_URL: stage.sandbox.url,
      TILLED_SECRET_KEY: stage.account.secretKey,
      TILLED_PUBLIC_KEY: stage.account.publishableKey,
      TILLED_ACCOUNT_ID: stage.account.accountId,
      TILLED_WEBHOOK_SECRET: endpoint.secret,
    };
    // A graceful end leaves compiled code behind, with which every later start is quicker.
    await stage.start();
    await stage.end('SIGTERM');
    return stage;
  }

  /** Starts the gateway; resolves when it answers. */
  async start() {
    this.starts += 1;
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN], { env: this.environment, stdio: ['ignore', this.log, this.log] });
    this.#child = child;
    for (const from = Date.now(); Date.now() - from < START_MS_MAX; await sleep(25)) {
      if (child.exitCode !== null) throw new Error(`The gateway ended with status ${child.exitCode}: see ${this.logFile}`);
      const isUp = await fetch(`${this.url}/healthz`).then(
        (response) => response.ok,
        () => false,
      );
      if (isUp) return;
    }
    throw new Error(`The gateway did not start: see ${this.logFile}`);
  }

  /** Ends the gateway; resolves when it is dead. */
  async end(signal) {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const dead = once(child, 'exit');
    child.kill(signal);
    await dead;
  }

  /** Opens the database beside the gateway, as `billing` does. */
  async withBooks(work) {
    const variables = { DATABASE_URL_BILLING: this.databaseUrl, BILLING_ENCRYPTION_KEY: this.encryptionKey };
    const { database, encryption } = readConfig(variables, this.directory);
    const clock = { now: () => new Date() };
    const foundation = await composeFoundation({ database, encryption, clock, log: createLog('silent') });
    try {
      return await work(foundation);
    } finally {
      await foundation.database.close();
    }
  }

  /** Calls Tilled's API past the gateway, again while faults are in the way. */
  async tilled(method, path, body) {
    for (let tries = 1; ; tries += 1) {
      const response = await this.#ask(method, path, body).catch(() => null);
      if (response?.ok) return response.json();
      if (tries === 20) throw new Error(`${method} ${path} failed: ${response?.status}`);
    }
  }

  /** Calls the sandbox's control surface. */
  async control(path, body) {
    return (await this.#ask(body === undefined ? 'GET' : 'POST', `/_sandbox/${path}`, body)).json();
  }

  /** Where the books are, without the server's password. */
  get databaseName() {
    return this.server === null ? 'billing.db in it' : `database ${this.name}`;
  }

  /** Ends everything; what the run left on disk stays if `keep`. */
  async close({ keep }) {
    await this.end('SIGKILL');
    await this.sandbox.close();
    if (keep) return;
    if (this.server !== null) await this.#onServer(`drop database ${this.name}`);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #ask(method, path, body) {
    const headers = {
      'content-type': 'application/json',
      'tilled-api-key': this.account.secretKey,
      'tilled-account': this.account.accountId,
    };
    return fetch(this.sandbox.url + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  }

  async #onServer(statement) {
    const connection = await mysql.createConnection(this.server);
    await connection.query(statement).finally(() => connection.end());
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
