import { spawn, spawnSync } from 'node:child_process';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMicros, rssMb } from './processes.mjs';

/** What wrk runs: it sends what we write to it. */
const SCRIPT = join(import.meta.dirname, 'feed.lua');
/** Requests that are made before a closed round begins, for each second of it; a contestant that takes more has them made while it runs. */
const AHEAD_PER_SECOND = 16_000;
const AHEAD_MAX = 160_000;
/** Requests written to wrk at once. */
const CHUNK = 64;

/**
 * What is sent: a list is sent from the beginning again when it ends.
 * @typedef {{ method: string, path: string, headers: Record<string, string>, body?: string }} Request
 * @typedef {Request[] | Generator<Request, never>} Requests
 */

/**
 * What one round of load found.
 * @typedef {{ perSecond: number, p50: number, p95: number, p99: number, cpuMicros: number, rssMb: number, requests: number, refused: number }} Round
 */

/**
 * One round against a contestant. Without `rate` the model is closed: each connection sends its next request when it has its
 * answer. With it, the model is open: requests are due at that rate whatever the answers do, and their time counts from when they were due.
 * @param {import('./processes.mjs').Contestant} contestant
 * @param {{ connections: number, seconds: number, requests: Requests, rate?: number }} load
 * @returns {Promise<Round>}
 */
export async function round(contestant, load) {
  const { cpu, seconds, requests, ...found } = await (load.rate === undefined ? closed(contestant, load) : open(contestant, load));
  const { p50, p95, p99, refused } = found;
  const cpuMicros = cpu / Math.max(requests, 1);
  return { perSecond: requests / seconds, p50, p95, p99, cpuMicros, rssMb: rssMb(contestant.pid), requests, refused };
}

/** Throws where there is no wrk, which closed rounds need. */
export function assertWrk() {
  const { error: cause } = spawnSync('wrk', ['--version']);
  if (cause)
    throw new Error(`wrk does not start (${cause.code}), which the benchmarks need: apt-get install wrk, brew install wrk.`, { cause });
}

/** wrk with one thread: a program that takes little of the processors it shares with those that are measured. */
async function closed({ url, pid }, { connections, seconds, requests }) {
  const { chunks, more } = chunksOf(url, requests, Math.min(seconds * AHEAD_PER_SECOND, AHEAD_MAX));
  const before = cpuMicros(pid);
  const options = ['--threads', '1', '--connections', `${connections}`, '--duration', `${seconds}s`, '--timeout', '10s'];
  const wrk = spawn('wrk', [...options, '--script', SCRIPT, url], { stdio: ['pipe', 'pipe', 'inherit'] });
  // It stops reading when the time is over.
  pipeline(endless(chunks, more), wrk.stdin).catch(() => undefined);
  const lines = await text(wrk.stdout);
  const cpu = cpuMicros(pid) - before;
  const [, found] = /^FOUND (.*)$/m.exec(lines) ?? [];
  if (found === undefined) throw new Error(`wrk has found nothing:\n${lines}`);
  return { cpu, ...JSON.parse(found) };
}

function* endless(chunks, more) {
  for (let index = 0; ; index += 1) yield chunks[index] ?? more(index);
}

/** Requests as feed.lua reads them; a list is written once and then over again, of a generator `ahead` are made now and more as they are needed. */
function chunksOf(url, requests, ahead) {
  const { host } = new URL(url);
  const isList = Array.isArray(requests);
  const chunk = (some) => Buffer.concat(some.flatMap((one) => framed(host, one)));
  const next = () => chunk(Array.from({ length: CHUNK }, () => requests.next().value));
  const chunks = isList ? [chunk(requests)] : Array.from({ length: Math.ceil(ahead / CHUNK) }, next);
  return { chunks, more: isList ? (index) => chunks[index % chunks.length] : next };
}

function framed(host, { method, path, headers, body = '' }) {
  const content = Buffer.from(body);
  const fields = { host, ...headers, 'content-length': content.length };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  return [Buffer.from(`${head.length + content.length}\n`), head, content];
}

async function open({ url, pid }, { connections, seconds, requests, rate }) {
  const before = cpuMicros(pid);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times = [];
  const pending = [];
  let refused = 0;
  const begun = performance.now();
  const total = Math.trunc(rate * seconds);
  for (let index = 0; index < total; index += 1) {
    const due = begun + (index * 1000) / rate;
    if (performance.now() < due) await sleep(due - performance.now());
    const next = Array.isArray(requests) ? requests[index % requests.length] : requests.next().value;
    const sent = send(url, agent, next).then((status) => {
      times.push(performance.now() - due);
      if (status !== 200) refused += 1;
    });
    pending.push(sent);
  }
  await Promise.all(pending);
  agent.destroy();
  const cpu = cpuMicros(pid) - before;
  times.sort((one, other) => one - other);
  return { cpu, seconds: (performance.now() - begun) / 1000, requests: total, refused, ...percentiles(times) };
}

function percentiles(times) {
  return { p50: at(times, 0.5), p95: at(times, 0.95), p99: at(times, 0.99) };
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

/** How long the first round is, seconds, and how many requests an open load has in it: what runs once a request is not compiled before. */
const [WARM_UP_SECONDS, WARM_UP_REQUESTS] = [5, 2_000];
/** A short run is warmed up for so many of its rounds, and no longer. */
const WARM_UP_ROUNDS_MAX = 10;

/**
 * Rounds of all contestants, one after the other and over again, so that what disturbs the machine disturbs all of them. Their order is drawn anew each time:
 * what one leaves the database to do slows down the next. The first round of each is warm-up, and not counted; `warmUpSeconds` of a load says how long it is.
 * @param {{ contestant: import('./processes.mjs').Contestant, load: Parameters<typeof round>[1] }[]} entries
 * @param {number} rounds
 */
export async function interleaved(entries, rounds) {
  const found = new Map(entries.map(({ contestant }) => [contestant.name, []]));
  for (let turn = 0; turn <= rounds; turn += 1) {
    for (const { contestant, load } of shuffled(entries)) {
      const measured = await round(contestant, turn === 0 ? warmUpOf(load) : load);
      if (turn > 0) found.get(contestant.name)?.push(measured);
    }
  }
  return Object.fromEntries([...found].map(([name, all]) => [name, medians(all)]));
}

function warmUpOf(load) {
  const enough = load.warmUpSeconds ?? Math.max(WARM_UP_SECONDS, WARM_UP_REQUESTS / (load.rate ?? Number.POSITIVE_INFINITY));
  return { ...load, seconds: Math.max(load.seconds, Math.min(enough, WARM_UP_ROUNDS_MAX * load.seconds)) };
}

/** A list in an order that is drawn anew. */
export function shuffled(list) {
  return list
    .map((item) => ({ item, place: Math.random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
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
