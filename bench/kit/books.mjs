import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import mysql from 'mysql2/promise';
import { fill } from './data.mjs';
import { cpuMicros } from './processes.mjs';
import { SECRET } from './stage.mjs';

const APP = 'bench0';
const PAYMENTS = 10_000;

/**
 * Books of ours on one server or on the nodes of a cluster, with an app that has customers, subscriptions, cards and payments.
 * @typedef {object} Books
 * @property {Record<string, string>} environment of a gateway, without the address of its database
 * @property {string} key of the app, for everything
 * @property {string[]} customerIds
 * @property {() => number} cpuMicros processor time that its servers have taken
 */

/**
 * Makes books in an empty database.
 * @param {{ url: string, servers: readonly string[] }} database its address, and those of every server that holds it
 * @param {{ baseUrl: string, secretKey: string, accountId: string }} tilled
 * @returns {Promise<Books>}
 */
export async function openBooks({ url, servers }, tilled) {
  const environment = {
    BILLING_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    BILLING_REQUESTS_PER_WINDOW: '1000000000',
    BILLING_WEBHOOKS_PER_HOUR: '1000000000',
    BILLING_WORKER: 'off',
    TILLED_BASE_URL: tilled.baseUrl,
    TILLED_SECRET_KEY: tilled.secretKey,
    TILLED_PUBLIC_KEY: 'pk_bench',
    TILLED_WEBHOOK_SECRET: SECRET,
    TILLED_ACCOUNT_ID: tilled.accountId,
    LOG_LEVEL: 'error',
  };
  const billing = (...args) => {
    const env = { PATH: process.env.PATH, NODE_ENV: 'production', DATABASE_URL_BILLING: `${url}?connection_limit=10`, ...environment };
    const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/src/cli/billing.js', ...args], { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`billing ${args.join(' ')} ended with ${status}: ${stderr || stdout}`);
    return stdout;
  };
  billing('migrate');
  billing('apps', 'create', APP, '--name', 'Bench');
  const [key = ''] = /bk_\S+|[A-Za-z0-9_-]{30,}/.exec(billing('keys', 'create', '--app', APP, '--role', 'service')) ?? [];
  const connection = await mysql.createConnection({ uri: url, timezone: 'Z' });
  const customerIds = await fill(connection, APP, PAYMENTS);
  await connection.query('analyze table billing_customers, billing_payments, billing_subscriptions, billing_payment_methods');
  await connection.end();
  const pids = await Promise.all(servers.map(pidOf));
  return { environment, key, customerIds, cpuMicros: () => pids.reduce((sum, pid) => sum + cpuMicros(pid), 0) };
}

async function pidOf(url) {
  const connection = await mysql.createConnection(url);
  const [[{ file }]] = await connection.query('select @@pid_file as file');
  await connection.end();
  return Number(readFileSync(file, 'utf8'));
}
