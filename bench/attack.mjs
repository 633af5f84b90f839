// What attacks cost the callers beside them: p50 and p99 of one app's queries while nothing else happens, and while each attack runs.
// npm run bench:attack [-- <seconds for each> [anonymous]]: with `anonymous` only traffic of strangers, against its goal.
import { Agent, request } from 'node:http';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDemo } from './kit/demo.mjs';

const seconds = Number(process.argv[2] ?? 5);
const isAnonymousOnly = process.argv[3] === 'anonymous';
const ATTACKERS = 8;
/** Strangers send so many bodies of 1 MB a second. */
const FLOOD_PER_SECOND = 2;
const GOAL = 2;
const GOOD = JSON.stringify({ query: '{ app { id } customers(first: 5) { nodes { id email } } }' });
const BOMB = Array.from({ length: 30 }, (_, n) => `fragment f${n} on Query { ...f${n + 1} ...f${n + 1} }`).join(' ');
/** The largest body that is taken, and some less. */
const BODY_CHARS = 130_000;

const json = (content) => ({ body: JSON.stringify(content) });
const MEGABYTE = JSON.stringify({ query: '{ app { id } }', variables: { note: '4 '.repeat(499_970) } });
/** No credential at all, rather than the app's. */
const NOBODY = {};
const wrongKey = () => ({ authorization: `Bearer bg_svc_${Math.random().toString(36).padEnd(43, 'x').slice(0, 43)}` });

const FLOODS = {
  'strangers, 2 MB/s': { body: MEGABYTE, perSecond: FLOOD_PER_SECOND, headers: () => NOBODY },
  'strangers, in chunks': { body: MEGABYTE, perSecond: FLOOD_PER_SECOND, headers: () => NOBODY, isChunked: true },
  'with wrong keys': { body: MEGABYTE, perSecond: FLOOD_PER_SECOND, headers: wrongKey },
  'wrong keys, in chunks': { body: MEGABYTE, perSecond: FLOOD_PER_SECOND, headers: wrongKey, isChunked: true },
  'to no address': { body: MEGABYTE, perSecond: FLOOD_PER_SECOND, headers: () => NOBODY, path: '/nowhere' },
  'forged webhooks, 2 MB/s': { body: MEGABYTE, perSecond: FLOOD_PER_SECOND, headers: () => NOBODY, path: '/api/billing/webhooks' },
};
const ATTACKS = {
  'wrong keys': { body: GOOD, headers: wrongKey },
  'a flood of aliases': json({ query: `{ ${Array.from({ length: 900 }, (_, n) => `a${n}: app { id }`).join(' ')} }` }),
  'fragments that double': json({ query: `{ ...f0 } ${BOMB} fragment f30 on Query { app { id } }` }),
  '128 KiB of tokens': json({ query: `{ app { ${'id '.repeat(BODY_CHARS / 3)} } }` }),
  '128 KiB of digits': json({ query: '{ app { id } }', variables: { note: '4 '.repeat(BODY_CHARS / 2) } }),
  'pages in pages': json({
    query: '{ customers(first: 100) { nodes { payments(first: 100) { nodes { customer { payments(first: 100) { nodes { id } } } } } } } }',
  }),
  'forged webhooks': { path: '/api/billing/webhooks', ...json({ id: 'evt_1', type: 'x', account_id: 'acct_nobody', data: {} }) },
};

const agent = new Agent({ keepAlive: true });
const demo = await startDemo();
try {
  await measure(null, 2_000);
  console.log(`${seconds} s each, embedded database, ${os.cpus().length} cores shared by both sides`);
  for (const [name, attack] of Object.entries({ ...FLOODS, ...(isAnonymousOnly ? {} : ATTACKS) })) {
    // Before and after it, since what else the machine does comes and goes.
    const before = await measure(null, seconds * 500);
    const beside = await measure(attack, seconds * 1_000);
    const alone = [...before.times, ...(await measure(null, seconds * 500)).times].sort((one, other) => one - other);
    const [ratio, verdict] = [at(beside.times, 0.5) / at(alone, 0.5), attack.perSecond === undefined ? '' : `, goal ${GOAL}`];
    console.log(
      `${name.padEnd(24)} alone: ${figures(alone)}   beside: ${figures(beside.times)}, ${beside.failed} failed   p50 ${ratio.toFixed(2)} of alone${verdict}` +
        `   attack: ${beside.sent} sent, ${JSON.stringify(beside.statuses)}`,
    );
  }
} finally {
  agent.destroy();
  await demo.stop();
}

/** One good caller, one request after the other, beside the attackers. */
async function measure(attack, forMs) {
  const until = Date.now() + forMs;
  const statuses = {};
  let sent = 0;
  const strike = async () => {
    const status = await post(attack);
    statuses[status] = (statuses[status] ?? 0) + 1;
    sent += 1;
  };
  const attacker = async () => {
    while (Date.now() < until) await strike();
  };
  const flood = async () => {
    const strikes = [];
    for (; Date.now() < until; await sleep(1_000 / attack.perSecond)) strikes.push(strike());
    await Promise.all(strikes);
  };
  const attackers = attack === null ? [] : attack.perSecond === undefined ? Array.from({ length: ATTACKERS }, attacker) : [flood()];
  const times = [];
  let failed = 0;
  while (Date.now() < until) {
    const from = performance.now();
    if ((await post({ body: GOOD })) === 200) times.push(performance.now() - from);
    else failed += 1;
  }
  await Promise.all(attackers);
  return { times: times.sort((one, other) => one - other), failed, sent, statuses };
}

/** Posts a body with the app's key, or the headers that an attack has; the status, or `cut`. */
function post({ body, path = '/graphql', headers, isChunked = false }) {
  const credential = headers?.() ?? { authorization: `Bearer ${demo.key}` };
  const length = isChunked ? {} : { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve) => {
    const all = { 'content-type': 'application/json', ...credential, ...length };
    const sending = request(demo.url + path, { method: 'POST', agent, headers: all }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    });
    sending.on('error', () => resolve('cut'));
    if (isChunked) sending.write(body.slice(0, body.length / 2));
    sending.end(isChunked ? body.slice(body.length / 2) : body);
  });
}

function at(times, share) {
  return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
}

function figures(times) {
  return `${times.length} answered, p50 ${at(times, 0.5).toFixed(1)} ms, p99 ${at(times, 0.99).toFixed(1)} ms`;
}
