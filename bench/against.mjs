/**
 * `npm run bench:against -- --revision REV`: paymentCreate of this build and of another revision's, in turns in one run, each on a database
 * of its own on one server, beside the same two calls to Tilled without a gateway. Prints what each adds at p50 and p95, and their ratio.
 *
 *   --revision REV   70ee52d
 *   --rounds N       12; of --seconds S (4) for each contestant, drawn into a new order each round
 */
import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import mysql from 'mysql2/promise';
import { openTestServer } from '../test/support/database-server.mjs';
import { interleaved } from './kit/load.mjs';
import { killAll, startContestant } from './kit/processes.mjs';
import { startTilled } from './kit/tilled.mjs';

const RATE = 50;
const LATENCY_MS = 100;
const project = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    revision: { type: 'string', default: '70ee52d' },
    rounds: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '4' },
  },
});

const directory = mkdtempSync(join(tmpdir(), 'billing-against-'));
const server = await openTestServer(directory, 'bg_against_');
const tilled = await startTilled();
try {
  const before = builtAt(values.revision);
  const ours = await paying('this build', project);
  const contestants = [ours, await paying(values.revision, before), await direct(ours.cardId)];
  await tilled.latency(LATENCY_MS);
  const raw = await interleaved(contestants, Number(values.rounds));
  const extra = (name, p) => raw[name][p] - raw.direct[p];
  for (const p of ['p50', 'p95']) {
    const [ours, theirs] = [extra('this build', p), extra(values.revision, p)];
    console.log(
      `${p}: this build +${ours.toFixed(1)} ms, ${values.revision} +${theirs.toFixed(1)} ms, ratio ${(ours / theirs).toFixed(2)}`,
    );
  }
  console.log(JSON.stringify(raw));
} finally {
  killAll();
  tilled.stop();
  await server.close();
  spawnSync('git', ['worktree', 'prune'], { cwd: project });
  rmSync(directory, { recursive: true, force: true });
}

/** The folder of another revision, built with the packages that are here. */
function builtAt(revision) {
  const folder = join(directory, 'before');
  run('git', ['worktree', 'add', '--detach', folder, revision], project);
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], folder);
  return folder;
}

/** A gateway of a build on an empty database of its own, and payments for it. */
async function paying(name, folder) {
  const database = `bg_against_${randomBytes(3).toString('hex')}`;
  const connection = await mysql.createConnection(server.url);
  await connection.query(`create database ${database} character set utf8mb4 collate utf8mb4_bin`);
  await connection.end();
  const environment = {
    DATABASE_URL_BILLING: `${server.url}/${database}?connection_limit=10`,
    BILLING_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    BILLING_REQUESTS_PER_WINDOW: '1000000000',
    TILLED_BASE_URL: tilled.baseUrl,
    TILLED_SECRET_KEY: tilled.secretKey,
    TILLED_PUBLIC_KEY: 'pk_bench',
    TILLED_WEBHOOK_SECRET: 'whsec_bench',
    TILLED_ACCOUNT_ID: tilled.accountId,
    LOG_LEVEL: 'warn',
  };
  const billing = (...args) =>
    run(process.execPath, ['dist/src/cli/billing.js', ...args], folder, { ...environment, NODE_ENV: 'production' });
  billing('migrate');
  billing('apps', 'create', 'writes', '--name', 'Writes');
  const [, key] = /(bk_\S+|[A-Za-z0-9_-]{30,})/.exec(billing('keys', 'create', '--app', 'writes', '--role', 'service')) ?? [];
  const gateway = await startContestant({ name, args: [join(folder, 'dist/src/main.js')], environment });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const { customerId, cardId, query } = await customerOf(gateway, headers);
  const payments = (function* () {
    for (;;) {
      const variables = { input: { customerId, amount: { amountMinor: 1990, currency: 'usd' }, idempotencyKey: randomUUID() } };
      yield { method: 'POST', path: '/graphql', headers, body: JSON.stringify({ query, variables }) };
    }
  })();
  return { contestant: gateway, load: loadOf(payments), cardId };
}

async function customerOf(gateway, headers) {
  const graphql = async (query, input) => {
    const answer = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables: { input } }),
    });
    const { data, errors } = await answer.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  const create = 'mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }';
  const { id: customerId } = (await graphql(create, { email: 'ann@example.com' })).customerCreate.customer;
  const attach = 'mutation ($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) { paymentMethod { id } } }';
  const { id: cardId } = await tilled.card();
  await graphql(attach, { customerId, tilledPaymentMethodId: cardId });
  const query = 'mutation ($input: PaymentCreateInput!) { paymentCreate(input: $input) { payment { id status } userErrors { code } } }';
  return { customerId, cardId, query };
}

/** The two calls to Tilled alone, with a card that is attached. */
async function direct(cardId) {
  const contestant = await startContestant({
    name: 'direct',
    args: ['bench/peers/direct.mjs'],
    ready: '/',
    environment: {
      TILLED_BASE_URL: tilled.baseUrl,
      TILLED_SECRET_KEY: tilled.secretKey,
      TILLED_ACCOUNT_ID: tilled.accountId,
      PAYMENT_METHOD_ID: cardId,
    },
  });
  return { contestant, load: loadOf([{ method: 'POST', path: '/', body: '{}' }]) };
}

function loadOf(requests) {
  return { connections: RATE, seconds: Number(values.seconds), rate: RATE, requests };
}

function run(program, args, cwd, environment = {}) {
  const env = { PATH: process.env.PATH, ...environment };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr || stdout}`);
  return stdout;
}
