// What attacks cost the callers beside them: p50 and p99 of one app's queries while nothing else happens, and while each
// attack runs. Prints; judges nothing. npm run bench:attack [-- <seconds for each>]
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const seconds = Number(process.argv[2] ?? 5);
const ATTACKERS = 8;
const GOOD = JSON.stringify({ query: '{ app { id } customers(first: 5) { nodes { id email } } }' });
const BOMB = Array.from({ length: 30 }, (_, n) => `fragment f${n} on Query { ...f${n + 1} ...f${n + 1} }`).join(' ');

const json = (body) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body });
const ATTACKS = {
  'nothing else': null,
  'wrong keys': { ...json(GOOD), headers: { 'content-type': 'application/json', authorization: 'Bearer bg_svc_wrong' } },
  'a flood of aliases': json(JSON.stringify({ query: `{ ${Array.from({ length: 900 }, (_, n) => `a${n}: app { id }`).join(' ')} }` })),
  'fragments that double': json(JSON.stringify({ query: `{ ...f0 } ${BOMB} fragment f30 on Query { app { id } }` })),
  '1 MB of tokens': json(JSON.stringify({ query: `{ app { ${'id '.repeat(345_000)} } }` })),
  '1 MB of digits': json(JSON.stringify({ query: '{ app { id } }', variables: { note: '4 '.repeat(500_000) } })),
  'pages in pages': json(
    JSON.stringify({
      query:
        '{ customers(first: 100) { nodes { payments(first: 100) { nodes { customer { payments(first: 100) { nodes { id } } } } } } } }',
    }),
  ),
  'forged webhooks': {
    path: '/api/billing/webhooks',
    ...json(JSON.stringify({ id: 'evt_1', type: 'x', account_id: 'acct_nobody', data: {} })),
  },
};

const dataDir = await mkdtemp(path.join(os.tmpdir(), 'billing-attack-'));
const [port, sandboxPort] = [await freePort(), await freePort()];
const gateway = spawn(process.execPath, ['--no-warnings', 'dist/src/main.js'], {
  env: {
    PATH: process.env.PATH,
    PORT: String(port),
    TILLED_SANDBOX_PORT: String(sandboxPort),
    BILLING_DATA_DIR: dataDir,
    BILLING_REQUESTS_PER_WINDOW: '1000000000',
    LOG_LEVEL: 'silent',
  },
  stdio: ['ignore', 'ignore', 'inherit'],
});
const url = `http://127.0.0.1:${port}`;
try {
  await ready();
  const key = /BILLING_SERVICE_KEY=(.*)/.exec(await readFile(path.join(dataDir, 'demo.env'), 'utf8'))[1];
  await measure(key, null, 1_000);
  process.stdout.write(`${ATTACKERS} attackers, ${seconds} s each, embedded database, ${os.cpus().length} cores shared by both sides\n`);
  for (const [name, attack] of Object.entries(ATTACKS)) {
    const { times, failed, sent, statuses } = await measure(key, attack, seconds * 1_000);
    const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))]?.toFixed(1) ?? '-';
    process.stdout.write(
      `${name.padEnd(24)} good: ${times.length} answered, ${failed} failed, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms   attack: ${sent} sent ${JSON.stringify(statuses)}\n`,
    );
  }
  process.stdout.write(`the gateway ${gateway.exitCode === null ? 'is alive' : 'DIED'}\n`);
} finally {
  gateway.kill('SIGKILL');
  await sleep(200);
  await rm(dataDir, { recursive: true, force: true });
}

/** One good caller, one request after the other, beside the attackers. */
async function measure(key, attack, forMs) {
  const until = Date.now() + forMs;
  const statuses = {};
  let sent = 0;
  const authorization = `Bearer ${key}`;
  const attacker = async () => {
    while (Date.now() < until) {
      const { path: route = '/graphql', headers, ...rest } = attack;
      const response = await fetch(url + route, { ...rest, headers: { authorization, ...headers } }).catch(() => null);
      await response?.arrayBuffer();
      statuses[response?.status ?? 'cut'] = (statuses[response?.status ?? 'cut'] ?? 0) + 1;
      sent += 1;
    }
  };
  const attackers = attack === null ? [] : Array.from({ length: ATTACKERS }, attacker);
  const times = [];
  let failed = 0;
  while (Date.now() < until) {
    const from = performance.now();
    const response = await fetch(`${url}/graphql`, { ...json(GOOD), headers: { 'content-type': 'application/json', authorization } });
    await response.arrayBuffer();
    if (response.status === 200) times.push(performance.now() - from);
    else failed += 1;
  }
  await Promise.all(attackers);
  return { times: times.sort((a, b) => a - b), failed, sent, statuses };
}

async function ready() {
  for (let tries = 0; tries < 300; tries += 1) {
    if (
      await fetch(`${url}/readyz`).then(
        (response) => response.ok,
        () => false,
      )
    )
      return;
    await sleep(100);
  }
  throw new Error('The gateway did not start.');
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port: free } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return free;
}
