/**
 * What a caller can make the process keep by queries that are all different: the resident set after 1,000 of them, and
 * after 20,000, each sent three times so that it is kept and compiled. Exits 1 above 1.2 times.
 *
 *   npm run bench:query-memory [-- queries, 20000]
 */
import { readFile } from 'node:fs/promises';
import { startDemo } from './kit/demo.mjs';

const FIRST = 1_000;
const RATIO_MAX = 1.2;
const AT_ONCE = 4;
const all = Number(process.argv[2] ?? 20_000);

const { url, pid, key, stop } = await startDemo();
try {
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
  await stop();
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
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: `query Q${number} { ${fields.join(' ')} }` }),
  });
  const { errors } = await response.json();
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
}

async function residentMb() {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1_024);
}
