/**
 * What a caller can make the process keep by queries that are all different: the resident set after 1,000 of them, and
 * after 20,000, each sent three times so that it is kept and compiled. Exits 1 above 1.2 times.
 *
 *   npm run bench:query-memory [-- queries, 20000]
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const FIRST = 1_000;
const RATIO_MAX = 1.2;
const AT_ONCE = 4;
const all = Number(process.argv[2] ?? 20_000);

const dataDir = await mkdtemp(path.join(os.tmpdir(), 'billing-query-memory-'));
const [port, sandboxPort] = [await freePort(), await freePort()];
const { start } = JSON.parse(await readFile('package.json', 'utf8')).scripts;
const gateway = spawn(process.execPath, start.split(' ').slice(2), {
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
try {
  const key = await ready();
  console.log(`at the start ${await residentMb()} MB`);
  await sendUpTo(key, 0, FIRST);
  const before = await residentMb();
  console.log(`after ${FIRST} queries ${before} MB`);
  await sendUpTo(key, FIRST, all);
  const after = await residentMb();
  const ratio = after / before;
  console.log(`after ${all} queries ${after} MB: ${ratio.toFixed(2)} times, at most ${RATIO_MAX}`);
  process.exitCode = ratio > RATIO_MAX ? 1 : 0;
} finally {
  gateway.kill('SIGKILL');
  await sleep(200);
  await rm(dataDir, { recursive: true, force: true });
}

/** Sends the queries from one number to another, each three times. */
async function sendUpTo(key, from, to) {
  let next = from;
  const sender = async () => {
    for (let number = next++; number < to; number = next++) {
      for (const _ of [1, 2, 3]) await send(key, number);
      if (number % 2_000 === 0 && number > 0) console.log(`  ${number}: ${await residentMb()} MB`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
}

/** A query of 28 aliases that no other number has. */
async function send(key, number) {
  const fields = Array.from({ length: 28 }, (_, n) => `a${n}_${number}: customers(first: 1) { nodes { id email name createdAt } }`);
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: `query Q${number} { ${fields.join(' ')} }` }),
  });
  const { errors } = await response.json();
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
}

async function residentMb() {
  const status = await readFile(`/proc/${gateway.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1_024);
}

/** The key of the demo app, once the gateway answers. */
async function ready() {
  for (let tried = 0; tried < 300; tried += 1) {
    await sleep(200);
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.ok) return /BILLING_SERVICE_KEY=(.*)/.exec(await readFile(path.join(dataDir, 'demo.env'), 'utf8'))[1];
  }
  throw new Error('The gateway did not start.');
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address();
      server.close(() => resolve(free));
    });
  });
}
