/**
 * How much memory `billing import` takes, and for how long, by the number of lines: customers that are at Tilled already,
 * adopted from a CSV file into the embedded database, with the sandbox as a process of its own.
 *
 *   npm run bench:import -- [lines, 100000] [megabytes the heap may have]
 *
 * Prints the highest resident set of the importing process as the kernel counted it (VmHWM; Linux only).
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const lines = Number(process.argv[2] ?? 100_000);
const heapMb = Number(process.argv[3] ?? 0);
const AT_ONCE = 16;
const program = join(import.meta.dirname, '..', 'bin', 'billing.mjs');
const folder = await mkdtemp(join(tmpdir(), 'billing-import-memory-'));
const sandbox = spawn(process.execPath, [program, 'sandbox', '--port', '0', '--seed', '1'], { stdio: ['ignore', 'pipe', 'inherit'] });

try {
  const tilled = Object.fromEntries((await firstLines(sandbox, 4)).map((line) => line.split(/=(.*)/s).slice(0, 2)));
  const environment = {
    PATH: process.env.PATH,
    ...tilled,
    ...(heapMb > 0 ? { NODE_OPTIONS: `--max-old-space-size=${heapMb}` } : {}),
    TILLED_WEBHOOK_SECRET: 'whsec_of_this_bench',
    DATABASE_URL_BILLING: `sqlite:${join(folder, 'billing.db')}`,
  };
  await run(['migrate'], environment);
  await run(['apps', 'create', 'bench', '--name', 'Bench', '--tilled-account', tilled.TILLED_ACCOUNT_ID], environment);
  const file = join(folder, 'customers.csv');
  await makeCustomers(tilled, file);
  const args = ['import', '--app', 'bench', '--customers', file, '--report', join(folder, 'report.jsonl'), '--json'];
  console.log(JSON.stringify({ lines, heapMb, what: 'rehearsal', ...(await run([...args, '--dry-run'], environment)) }));
  console.log(JSON.stringify({ lines, heapMb, what: 'import', ...(await run(args, environment)) }));
  console.log(JSON.stringify({ lines, heapMb, what: 'the same command again', ...(await run(args, environment)) }));
} finally {
  sandbox.kill('SIGTERM');
  await rm(folder, { recursive: true, force: true });
}

/** Makes the customers at the sandbox, and the file that names them. */
async function makeCustomers(tilled, file) {
  const headers = {
    'content-type': 'application/json',
    'tilled-api-key': tilled.TILLED_SECRET_KEY,
    'tilled-account': tilled.TILLED_ACCOUNT_ID,
  };
  const out = createWriteStream(file);
  out.write('externalId,email,name,tilledCustomerId,metadata.tier\n');
  let next = 0;
  const maker = async () => {
    for (let index = next++; index < lines; index = next++) {
      const body = JSON.stringify({ email: `customer-${index}@example.com`, first_name: 'Customer', last_name: String(index) });
      const response = await fetch(`${tilled.TILLED_BASE_URL}/v1/customers`, { method: 'POST', headers, body });
      const { id } = await response.json();
      out.write(`external-${index},customer-${index}@example.com,Customer ${index},${id},gold\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, maker));
  out.end();
  await once(out, 'finish');
}

/** Runs a command of billing; its peak memory, duration and answer. */
async function run(args, environment) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program, ...args], { env: environment, stdio: ['ignore', 'pipe', 'ignore'] });
  let [stdout, peakMb] = ['', 0];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  const watch = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    peakMb = Math.max(peakMb, Math.trunc(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024));
  }, 200);
  const [status] = await once(child, 'close');
  clearInterval(watch);
  if (status !== 0) throw new Error(`billing ${args[0]} ended with ${status}: ${stdout.slice(0, 500)}`);
  return { peakMb, seconds: Math.trunc((performance.now() - startedAt) / 1000), answer: stdout.trim().slice(0, 300) };
}

async function firstLines(child, count) {
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.split('\n').length > count) return text.trim().split('\n').slice(0, count);
  }
  throw new Error('The sandbox did not start.');
}
