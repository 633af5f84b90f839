import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { fill } from './data.mjs';
import { startContestant } from './processes.mjs';
import { SECRET } from './stage.mjs';

const project = join(import.meta.dirname, '..', '..');
/** The revision that stands for the working tree as it is. */
const HERE = 'here';
/** The app that deliveries.mjs names. */
const APP = 'bench0';
const PAYMENTS = 10_000;

/**
 * A build of a revision, with a database of its own in which one app has customers with subscriptions, cards and payments.
 * @typedef {object} Build
 * @property {string} name
 * @property {string} folder
 * @property {Record<string, string>} environment what its processes are given, with the database on the server
 * @property {string} key of the app, for everything
 * @property {string[]} customerIds
 * @property {(worker: 'on' | 'off') => Promise<import('./processes.mjs').Contestant>} start
 */

/**
 * Builds a revision in a folder of its own with the packages that its lock names, and makes its database.
 * @param {string} revision a revision of git, or `here`
 * @param {{ directory: string, server: { url: string }, tilled: { baseUrl: string, secretKey: string, accountId: string } }} rig
 * @returns {Promise<Build>}
 */
export async function openBuild(revision, { directory, server, tilled }) {
  const folder = revision === HERE ? project : builtAt(revision, join(directory, `build-${randomBytes(3).toString('hex')}`));
  const database = `bg_against_${randomBytes(3).toString('hex')}`;
  const environment = {
    DATABASE_URL_BILLING: `${server.url}/${database}?connection_limit=10`,
    BILLING_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    BILLING_REQUESTS_PER_WINDOW: '1000000000',
    BILLING_WEBHOOKS_PER_HOUR: '1000000000',
    TILLED_BASE_URL: tilled.baseUrl,
    TILLED_SECRET_KEY: tilled.secretKey,
    TILLED_PUBLIC_KEY: 'pk_bench',
    TILLED_WEBHOOK_SECRET: SECRET,
    TILLED_ACCOUNT_ID: tilled.accountId,
    LOG_LEVEL: 'warn',
  };
  const connection = await mysql.createConnection({ uri: server.url, timezone: 'Z' });
  await connection.query('set global innodb_flush_log_at_trx_commit = 1');
  await connection.query(`create database ${database} character set utf8mb4 collate utf8mb4_bin`);
  await connection.query(`use ${database}`);
  const billing = (...args) =>
    run(process.execPath, ['dist/src/cli/billing.js', ...args], folder, { ...environment, NODE_ENV: 'production' });
  billing('migrate');
  billing('apps', 'create', APP, '--name', 'Bench');
  const [key = ''] = /bk_\S+|[A-Za-z0-9_-]{30,}/.exec(billing('keys', 'create', '--app', APP, '--role', 'service')) ?? [];
  const customerIds = await fill(connection, APP, PAYMENTS);
  await connection.query('analyze table billing_customers, billing_payments, billing_subscriptions, billing_payment_methods');
  await connection.end();
  const start = (worker) =>
    startContestant({ name: revision, folder, args: ['dist/src/main.js'], environment: { ...environment, BILLING_WORKER: worker } });
  return { name: revision, folder, environment, key, customerIds, start };
}

function builtAt(revision, folder) {
  run('git', ['worktree', 'add', '--detach', folder, revision], project);
  run('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], folder);
  run('npm', ['run', '-s', 'build'], folder);
  return folder;
}

/** Forgets the worktrees whose folders are gone. */
export function forgetBuilds() {
  spawnSync('git', ['worktree', 'prune'], { cwd: project });
}

function run(program, args, cwd, environment = {}) {
  const env = { PATH: process.env.PATH, ...environment };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr || stdout}`);
  return stdout;
}
