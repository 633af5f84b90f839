import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { TEST_ENCRYPTION_KEY } from '../support/encryption.js';
import { Fleet } from '../support/fleet.js';
import { billing, type Environment, freePort } from '../support/processes.js';
import { Scrape } from '../support/scrape.js';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.js';

// Each waits for something to be gone, and to be there again.
jest.setTimeout(120_000);

const PAUSE_MS = 20;
const RECOVERS_MS_MAX = 30_000;

let directory: string;
let logs: string;
let scratch: ScratchDatabase;
let sandbox: Sandbox;
let sandboxPort: number;
let redisPort: number;
let redis: ChildProcess;
let fleet: Fleet;
let environment: Environment;
let url: string;
let key: string;
let traffic: Traffic;
let customerId: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bg_test_gone_'));
  logs = path.join(directory, 'log');
  [sandboxPort, redisPort] = [await freePort(), await freePort()];
  await openSandbox();
  const account = await sandbox.provision({ name: 'Merchant' });
  redis = startRedis();
  scratch = await createScratchDatabase();
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  environment = {
    DATABASE_URL_BILLING: scratch.url,
    BILLING_DATA_DIR: directory,
    BILLING_ENCRYPTION_KEY: TEST_ENCRYPTION_KEY,
    BILLING_LOG_DIR: logs,
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    TILLED_BASE_URL: sandbox.url,
    TILLED_SECRET_KEY: account.secretKey,
    TILLED_PUBLIC_KEY: account.publishableKey,
    TILLED_WEBHOOK_SECRET: 'whsec_0123456789abcdef',
    TILLED_ACCOUNT_ID: account.accountId,
    TILLED_QUIET_SECONDS: '5',
    LOG_LEVEL: 'info',
  };
  await good(['migrate']);
  await good(['apps', 'create', 'shop', '--name', 'Shop']);
  key = (await good(['keys', 'create', '--app', 'shop', '--role', 'service'])).trim();
  fleet = new Fleet(environment);
  await fleet.startGateway(port, { BILLING_WORKER: 'on' });
  const made = await ask('mutation { customerCreate(input: { email: "ann@example.com" }) { customer { id } userErrors { code } } }');
  customerId = (made.data as { customerCreate: { customer: { id: string } } }).customerCreate.customer.id;
  traffic = new Traffic();
}, 120_000);
afterAll(async () => {
  await traffic?.end();
  await fleet?.close();
  await sandbox?.close();
  redis?.kill('SIGKILL');
  await scratch?.drop();
  await rm(directory, { recursive: true, force: true });
});

/** A little traffic that never stops: reads, and customers that are made, each with a key of its own. */
class Traffic {
  readonly asked: { readonly at: number; readonly isRead: boolean; readonly status: number; readonly code: string }[] = [];
  private isOver = false;
  private readonly over: Promise<unknown>;

  constructor() {
    this.over = Promise.all([this.loop(true), this.loop(false)]);
  }

  end(): Promise<unknown> {
    this.isOver = true;
    return this.over;
  }

  /** What was answered since a moment, of reads or of writes. */
  codes(isRead: boolean, since: number): string[] {
    return this.asked.filter((one) => one.isRead === isRead && one.at >= since).map(({ code }) => code);
  }

  private async loop(isRead: boolean): Promise<void> {
    for (let count = 0; !this.isOver; count += 1) {
      const at = performance.now();
      const query = isRead
        ? '{ app { id } }'
        : `mutation { customerCreate(input: { email: "ann${count}@example.com" }) { userErrors { code } } }`;
      const { status, code } = await ask(query, isRead ? undefined : `key-${count}`);
      this.asked.push({ at, isRead, status, code });
      await sleep(PAUSE_MS);
    }
  }
}

/** Asks the gateway; `OK`, or the code of what it says instead. */
async function ask(query: string, idempotencyKey?: string): Promise<{ status: number; code: string; data?: unknown }> {
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${key}`,
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  };
  const answer = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) }).catch(() => null);
  if (answer === null) return { status: 0, code: 'NO_ANSWER' };
  const { data, errors } = (await answer.json()) as {
    data?: { customerCreate?: { userErrors: { code: string }[] } } | null;
    errors?: { extensions: { code: string } }[];
  };
  return { status: answer.status, code: errors?.[0]?.extensions.code ?? data?.customerCreate?.userErrors[0]?.code ?? 'OK', data };
}

async function good(args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await billing(args, environment, 60_000);
  if (status !== 0) throw new Error(`billing ${args.join(' ')}: ${status} ${stdout} ${stderr}`);
  return stdout;
}

async function openSandbox(): Promise<void> {
  sandbox = await startSandbox({ port: sandboxPort, seed: 1, stateFile: path.join(directory, 'sandbox.json') });
}

function startRedis(): ChildProcess {
  const args = ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  return spawn('redis-server', args, { stdio: 'ignore' });
}

/** Has the gateway write a line of its log. */
function speak(): ReturnType<typeof ask> {
  return ask(`mutation { customerSessionCreate(input: { customerId: "${customerId}" }) { userErrors { code } } }`);
}

/** How often the gateway said something. */
function said(words: string): number {
  return fleet.lines.filter((line) => line.includes(`"${words}"`)).length;
}

async function until(claim: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + RECOVERS_MS_MAX; Date.now() < end; await sleep(100)) if (await claim()) return;
  throw new Error(`It did not come about. The last lines: ${fleet.lines.slice(-5).join('\n')}`);
}

async function grown(name: string, before: Scrape): Promise<number> {
  return (await Scrape.from(url)).since(before, name);
}

describe('a gateway under light traffic', () => {
  it('loses its log directory: serves as before, says it once, counts the lines, and writes again by itself', async () => {
    const [since, before] = [performance.now(), await Scrape.from(url)];
    await until(() => traffic.codes(true, since).length > 3);
    await rename(logs, `${logs}-away`).catch(() => undefined);
    await writeFile(logs, 'in the way');
    for (let lines = 0; lines < 5; lines += 1) await speak();
    await until(() => said('log lines are lost') > 0);
    await sleep(1_500);
    expect(said('log lines are lost')).toBe(1);
    expect(await grown('billing_log_lines_lost_total', before)).toBeGreaterThan(0);
    await rm(logs);
    await until(async () => (await speak()).code === 'OK' && said('log is written again') === 1);
    expect(new Set([...traffic.codes(true, since), ...traffic.codes(false, since)])).toEqual(new Set(['OK']));
  });

  it('loses Redis: serves as before, says it once, and counts there again by itself', async () => {
    const [since, before] = [performance.now(), await Scrape.from(url)];
    redis.kill('SIGKILL');
    await once(redis, 'exit');
    await until(async () => (await grown('billing_limit_store_failures_total', before)) > 0);
    await sleep(6_000);
    expect(said('limit store not reached, counting in this process')).toBe(1);
    redis = startRedis();
    await until(() => said('limit store reached again') === 1);
    expect(new Set([...traffic.codes(true, since), ...traffic.codes(false, since)])).toEqual(new Set(['OK']));
  });

  it('loses Tilled: reads as before, says of each mutation what became of it, and makes them again by itself', async () => {
    const [since, before] = [performance.now(), await Scrape.from(url)];
    await sandbox.close();
    await until(() => traffic.codes(false, since).filter((code) => code !== 'OK').length > 3);
    expect(await grown('billing_tilled_calls_total', before)).toBeGreaterThan(0);
    expect(new Set(traffic.codes(true, since))).toEqual(new Set(['OK']));
    await openSandbox();
    const opened = performance.now();
    await until(
      () =>
        traffic
          .codes(false, opened)
          .slice(-5)
          .filter((code) => code === 'OK').length === 5,
    );
    for (const code of new Set(traffic.codes(false, since))) expect(['OK', 'PROCESSOR_UNAVAILABLE', 'OUTCOME_UNKNOWN']).toContain(code);
  });

  it('has lost nothing and made nothing twice: the books hold, and each customer that was made is there once', async () => {
    await traffic.end();
    const made = traffic.codes(false, 0).filter((code) => code === 'OK').length;
    const { data } = await ask('{ customers(first: 1) { totalCount } }');
    const total = (data as { customers: { totalCount: number } }).customers.totalCount;
    expect(total).toBeGreaterThanOrEqual(made);
    expect(total).toBeLessThanOrEqual(traffic.codes(false, 0).length);
    await good(['verify']);
  });
});
