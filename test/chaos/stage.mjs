import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { composeFoundation } from '../../dist/src/compose.js';
import { readConfig } from '../../dist/src/config.js';
import { createLog } from '../../dist/src/platform/log.js';
import { startSandbox } from '../../dist/src/sandbox/sandbox.js';
import { Member } from './member.mjs';
import { openPlace } from './places.mjs';
import { Seeded } from './seeded.mjs';

const DIST = join(import.meta.dirname, '..', '..', 'dist', 'src');
const APP = 'chaos';
/** Below the longest delay among the faults, so that some answers come too late, ms. */
const TILLED_TIMEOUT_MS = 1_000;
/** How long what was sent may still be carried out, s: longer than any delay among the faults. */
const TILLED_QUIET_SECONDS = 12;

/** Gateways and workers as processes that can be killed and frozen, Tilled's sandbox in our own process, and the database between them. */
export class Stage {
  /** @type {Member[]} */
  gateways = [];
  /** @type {Member[]} */
  workers = [];
  encryptionKey = randomBytes(32).toString('base64');

  /** @param {{ seed: string, database: string, gateways: number, workers: number }} options `database`: embedded, galera, or the URL of a MySQL/MariaDB server */
  static async open({ seed, database, gateways, workers }) {
    const stage = new Stage();
    // Whatever ends us, no process is left behind.
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
    process.once('exit', () => {
      for (const member of stage.members) member.kill('SIGKILL');
    });
    stage.directory = mkdtempSync(join(tmpdir(), 'bg_chaos_'));
    stage.place = await openPlace(database, stage.directory);
    // Retried soon, so that deliveries meet restarts; what is still lost is the backfill's to find.
    stage.sandbox = await startSandbox({
      port: 0,
      seed: new Seeded(`${seed} sandbox`).between(1, 2 ** 30),
      webhookConcurrency: 8,
      webhookRetryDelaysMs: [700, 2_000, 5_000],
    });
    stage.account = await stage.sandbox.provision({ name: 'Chaos merchant' });
    await stage.withBooks(async ({ migrator, access }) => {
      await migrator.migrate();
      await access.createApp({ id: APP, name: 'Chaos', tilledAccountId: stage.account.accountId });
      stage.key = (await access.createKey(APP, 'service')).key;
    });
    for (let index = 0; index < gateways; index += 1) stage.gateways.push(await stage.#gateway(index));
    for (let index = 0; index < workers; index += 1) stage.workers.push(await stage.#worker(index));
    // A graceful end leaves compiled code behind, with which every later start is quicker.
    for (const member of stage.members) {
      await member.start(0);
      await member.end('SIGTERM');
    }
    return stage;
  }

  /** All processes. */
  get members() {
    return [...this.gateways, ...this.workers];
  }

  /** How often a process was started. */
  get starts() {
    return this.members.reduce((sum, { starts }) => sum + starts, 0);
  }

  async #gateway(index) {
    const name = `gateway-${index + 1}`;
    const port = String(await freePort());
    const url = `http://127.0.0.1:${port}`;
    const endpoint = await this.tilled('POST', '/v1/webhook-endpoints', { url: `${url}/api/billing/webhooks`, enabled_events: ['*'] });
    const environment = { ...this.#environment(name, index, endpoint.secret), PORT: port, BILLING_WORKER: 'off' };
    const member = new Member({ name, args: [join(DIST, 'main.js')], environment, health: `${url}/healthz`, log: this.#logOf(name) });
    return Object.assign(member, { url });
  }

  async #worker(index) {
    const name = `worker-${index + 1}`;
    const port = String(await freePort());
    const environment = { ...this.#environment(name, index, 'whsec_of_nobody'), BILLING_WORKER_PORT: port };
    const args = [join(DIST, 'cli', 'billing.js'), 'worker'];
    return new Member({ name, args, environment, health: `http://127.0.0.1:${port}/healthz`, log: this.#logOf(name) });
  }

  #logOf(name) {
    return openSync(join(this.directory, `${name}.log`), 'a');
  }

  #environment(name, index, webhookSecret) {
    return {
      CLOCK_OFFSET_FILE: join(this.directory, `${name}.clock`),
      PATH: process.env.PATH ?? '',
      NODE_COMPILE_CACHE: join(this.directory, 'compiled'),
      LOG_LEVEL: 'warn',
      BILLING_DATA_DIR: this.directory,
      BILLING_REQUESTS_PER_WINDOW: '1000000000',
      DATABASE_URL_BILLING: this.place.urlOf(index),
      BILLING_ENCRYPTION_KEY: this.encryptionKey,
      TILLED_TIMEOUT_MS: String(TILLED_TIMEOUT_MS),
      TILLED_QUIET_SECONDS: String(TILLED_QUIET_SECONDS),
      TILLED_BASE_URL: this.sandbox.url,
      TILLED_SECRET_KEY: this.account.secretKey,
      TILLED_PUBLIC_KEY: this.account.publishableKey,
      TILLED_ACCOUNT_ID: this.account.accountId,
      TILLED_WEBHOOK_SECRET: webhookSecret,
    };
  }

  /** Opens the database beside the gateway, as `billing` does. */
  async withBooks(work) {
    const variables = { DATABASE_URL_BILLING: this.place.urlOf(0), BILLING_ENCRYPTION_KEY: this.encryptionKey };
    const { database, encryption } = readConfig(variables, this.directory);
    const clock = { now: () => new Date() };
    const foundation = await composeFoundation({ database, encryption, clock, log: createLog('silent') });
    try {
      return await work(foundation);
    } finally {
      await foundation.database.close();
    }
  }

  /** Runs `billing` as an operator does, with `--json`: its status and what it said. */
  async billing(command) {
    const args = ['--no-warnings', join(DIST, 'cli', 'billing.js'), command, '--json'];
    const child = spawn(process.execPath, args, {
      env: this.#environment(command, 0, 'whsec_of_nobody'),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return { status, said: said.trim() };
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

  /** Ends everything; what the run left on disk stays if `keep`. */
  async close({ keep }) {
    for (const member of this.members) await member.end('SIGKILL');
    await this.sandbox.close();
    await this.place.close({ keep });
    if (!keep) rmSync(this.directory, { recursive: true, force: true });
  }

  #ask(method, path, body) {
    const headers = {
      'content-type': 'application/json',
      'tilled-api-key': this.account.secretKey,
      'tilled-account': this.account.accountId,
    };
    return fetch(this.sandbox.url + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
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
