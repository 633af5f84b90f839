import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { cpuMicros, rssMb } from './processes.mjs';

/**
 * What one round of load found.
 * @typedef {{ perSecond: number, p50: number, p95: number, p99: number, cpuMicros: number, rssMb: number, requests: number, refused: number }} Round
 */

/**
 * One round against a contestant. Without `rate` the model is closed: each connection sends its next request when it has its
 * answer. With it, the model is open: requests are due at that rate whatever the answers do, and their time counts from when they were due.
 * @param {import('./processes.mjs').Contestant} contestant
 * @param {{ connections: number, seconds: number, requests: object[], rate?: number }} load
 * @returns {Promise<Round>}
 */
export async function round(contestant, load) {
  const before = cpuMicros(contestant.pid);
  const { times, refused, seconds } = await (load.rate === undefined ? closed(contestant, load) : open(contestant, load));
  const used = cpuMicros(contestant.pid) - before;
  times.sort((one, other) => one - other);
  return {
    perSecond: times.length / seconds,
    p50: at(times, 0.5),
    p95: at(times, 0.95),
    p99: at(times, 0.99),
    cpuMicros: used / Math.max(times.length, 1),
    rssMb: rssMb(contestant.pid),
    requests: times.length,
    refused,
  };
}

async function closed({ url }, { connections, seconds, requests }) {
  const times = [];
  let refused = 0;
  const run = autocannon({ url, connections, duration: seconds, requests });
  run.on('response', (_client, status, _bytes, ms) => {
    times.push(ms);
    if (status !== 200) refused += 1;
  });
  const result = await run;
  return { times, refused: refused + result.errors, seconds: result.duration };
}

async function open({ url }, { connections, seconds, requests, rate }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times = [];
  const pending = [];
  let refused = 0;
  const begun = performance.now();
  const total = Math.trunc(rate * seconds);
  for (let index = 0; index < total; index += 1) {
    const due = begun + (index * 1000) / rate;
    if (performance.now() < due) await sleep(due - performance.now());
    const template = requests[index % requests.length];
    const sent = send(url, agent, template.setupRequest?.(template) ?? template).then((status) => {
      times.push(performance.now() - due);
      if (status !== 200) refused += 1;
    });
    pending.push(sent);
  }
  await Promise.all(pending);
  agent.destroy();
  return { times, refused, seconds: (performance.now() - begun) / 1000 };
}

/** The status of the answer; 0 when none came. */
function send(url, agent, { method, path, headers, body }) {
  return new Promise((resolve) => {
    const length = { 'content-length': Buffer.byteLength(body ?? '') };
    const sent = request(url + path, { method, agent, headers: { ...headers, ...length } }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
    });
    sent.on('error', () => resolve(0));
    sent.end(body);
  });
}

/**
 * Rounds of all contestants, one after the other and over again, so that what disturbs the machine disturbs all of them. The first round of each
 * is warm-up and not counted.
 * @param {{ contestant: import('./processes.mjs').Contestant, load: Parameters<typeof round>[1] }[]} entries
 * @param {number} rounds
 */
export async function interleaved(entries, rounds) {
  const found = new Map(entries.map(({ contestant }) => [contestant.name, []]));
  for (let turn = 0; turn <= rounds; turn += 1) {
    for (const { contestant, load } of entries) {
      const measured = await round(contestant, load);
      if (turn > 0) found.get(contestant.name)?.push(measured);
    }
  }
  return Object.fromEntries([...found].map(([name, all]) => [name, medians(all)]));
}

/** The median of each figure over rounds; what was refused is added up. */
function medians(rounds) {
  const figures = ['perSecond', 'p50', 'p95', 'p99', 'cpuMicros', 'rssMb', 'requests'];
  const of = Object.fromEntries(figures.map((figure) => [figure, median(rounds.map((one) => one[figure]))]));
  return { ...of, refused: rounds.reduce((sum, one) => sum + one.refused, 0), rounds: rounds.length };
}

export function median(values) {
  return at(
    [...values].sort((one, other) => one - other),
    0.5,
  );
}

/** The value below which this share of a sorted list lies. */
function at(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
