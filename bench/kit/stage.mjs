import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { composeFoundation } from '../../dist/src/compose.js';
import { systemClock } from '../../dist/src/platform/clock.js';
import { createLog } from '../../dist/src/platform/log.js';
import { openTestServer } from '../../test/support/database-server.mjs';
import { copyForTutorial, fill } from './data.mjs';
import { killAll, startContestant } from './processes.mjs';

const APPS = 10;
const BILLING = 'bg_bench_billing';
const TUTORIAL = 'bg_bench_tutorial';
export const SECRET = 'whsec_bench_0123456789abcdef';
export const ACCOUNT = 'acct_bench';
/** Of this benchmark alone. */
const ENCRYPTION_KEY = randomBytes(32).toString('base64');

/**
 * A MariaDB/MySQL of its own with the gateway's schema and ten apps, one of which has `payments` payments.
 * @param {number} payments
 */
export async function openStage(payments) {
  const directory = mkdtempSync(join(tmpdir(), 'billing-bench-'));
  const server = await openTestServer(directory, 'bg_bench_');
  const connection = await mysql.createConnection({ uri: server.url, timezone: 'Z', multipleStatements: true });
  await connection.query('set global innodb_flush_log_at_trx_commit = 1; set global innodb_buffer_pool_size = 1073741824');
  await connection.query(`create database ${BILLING} character set utf8mb4 collate utf8mb4_bin; use ${BILLING}`);
  const foundation = await composeFoundation({
    encryption: { key: Buffer.from(ENCRYPTION_KEY, 'base64'), previous: null },
    database: { kind: 'mysql', location: `${server.url}/${BILLING}`, hosts: null, poolSize: 4, tls: null },
    clock: systemClock,
    log: createLog('silent'),
  });
  await foundation.migrator.migrate();
  const apps = [];
  for (let index = 0; index < APPS; index += 1) {
    const id = `bench${index}`;
    await foundation.access.createApp({ id, name: `Bench ${index}`, tilledAccountId: index === 0 ? ACCOUNT : `acct_bench${index}` });
    const { key } = await foundation.access.createKey(id, 'service');
    apps.push({ id, key, customerIds: await fill(connection, id, index === 0 ? payments : 1000) });
  }
  await connection.query('analyze table billing_customers, billing_payments, billing_subscriptions, billing_payment_methods');
  const close = async () => {
    killAll();
    await foundation.database.close();
    await connection.end();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { server, connection, foundation, apps, billingUrl: `${server.url}/${BILLING}`, close };
}

/** Makes the tutorial's tables; returns their URL. */
export async function tutorialOf(stage) {
  if (stage.tutorialUrl !== undefined) return stage.tutorialUrl;
  await copyForTutorial(stage.connection, BILLING, TUTORIAL);
  stage.tutorialUrl = `${stage.server.url}/${TUTORIAL}`;
  return stage.tutorialUrl;
}

/** The gateway as it runs in production: authentication, limits and log as there, on the stage's database. */
export function startGateway(stage, { tilled, worker = 'off', name = 'gateway' } = {}) {
  return startContestant({ name, args: ['dist/src/main.js'], environment: { ...environmentOf(stage, tilled), BILLING_WORKER: worker } });
}

/** Takes away what earlier parts left to do: it is nobody's work here, and workers would begin with it. */
export async function emptyQueue({ connection }) {
  await connection.query('delete from billing_jobs');
  await connection.query('update billing_webhooks set unqueued_since = null where unqueued_since is not null');
}

/** A `billing worker` on the stage's database. */
export function startWorker(stage, tilled) {
  const args = ['dist/src/cli/billing.js', 'worker'];
  return startContestant({
    name: 'worker',
    args,
    environment: environmentOf(stage, tilled),
    ready: '/healthz',
    portIs: 'BILLING_WORKER_PORT',
  });
}

function environmentOf(stage, tilled) {
  return {
    DATABASE_URL_BILLING: `${stage.billingUrl}?connection_limit=10`,
    BILLING_ENCRYPTION_KEY: ENCRYPTION_KEY,
    BILLING_REQUESTS_PER_WINDOW: '1000000000',
    BILLING_WEBHOOKS_PER_HOUR: '1000000000',
    TILLED_BASE_URL: tilled?.baseUrl ?? 'http://127.0.0.1:9',
    TILLED_SECRET_KEY: tilled?.secretKey ?? 'sk_bench',
    TILLED_PUBLIC_KEY: 'pk_bench',
    TILLED_WEBHOOK_SECRET: SECRET,
    TILLED_ACCOUNT_ID: ACCOUNT,
    LOG_LEVEL: 'warn',
  };
}

/** What all this ran on. */
export async function rigOf({ connection }) {
  const [cpu] = cpus();
  const [[{ version, flush }]] = await connection.query('select version() as version, @@innodb_flush_log_at_trx_commit as flush');
  return {
    cpu: `${cpus().length} × ${cpu?.model.trim()}`,
    memoryGb: Math.trunc(totalmem() / 2 ** 30),
    loadBefore: loadavg()[0],
    node: process.versions.node,
    database: `${version}, innodb_flush_log_at_trx_commit=${flush}`,
    load: 'on loopback: wrk with one thread (closed model), node:http in the process of the benchmark (open model)',
  };
}
