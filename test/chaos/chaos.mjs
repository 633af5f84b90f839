/**
 * `npm run chaos`: kills the gateway under load, again and again, with Tilled failing at the same time; then holds our books against
 * Tilled's and against what every client was told. Status 1 if anything is lost, doubled, wrong or unknown.
 *
 *   CHAOS_SEED      decides load, faults and moments of killing (not how the processes interleave); printed
 *   CHAOS_KILLS     200
 *   CHAOS_DATABASE  embedded, or mysql://user:password@host:port of a server on which a database of its own is made
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Clients } from './clients.mjs';
import { compare } from './compare.mjs';
import { Seeded } from './seeded.mjs';
import { Stage } from './stage.mjs';

const LOAD_MS = { least: 150, most: 700 };
const ROUNDS_MAX = 12;
const SHOWN_MAX = 10;
/** Longer than any delay among the faults: after it, nothing that was sent is still on its way. */
const QUIET_MS = 3_000;
/** What the worker gets to do what is due in one round of settling. */
const WORK_MS = 2_500;
/** Repeats for ever, so it always waits. */
const SCHEDULED = ['webhook.backfill', 'reconcile', 'retention.sweep'];

const seed = process.env.CHAOS_SEED ?? Math.random().toString(36).slice(2, 8);
const kills = Number(process.env.CHAOS_KILLS ?? 200);
const database = process.env.CHAOS_DATABASE ?? 'embedded';

console.log(`seed ${seed}, ${kills} kills, ${database === 'embedded' ? 'embedded database' : 'database server'}`);
process.exitCode = await main();

async function main() {
  const stage = await Stage.open({ seed, database });
  let isSound = false;
  try {
    const clients = new Clients(stage, seed);
    const beganAt = Date.now();
    const struck = await killUnderLoad(stage, clients);
    const loadSeconds = Math.floor((Date.now() - beganAt) / 1_000);
    const left = await settle(stage, clients);
    isSound = await report({ stage, clients, left, loadSeconds, struck });
    return isSound ? 0 : 1;
  } finally {
    if (!isSound) console.log(`CHAOS_SEED=${seed}; kept: ${stage.directory} and ${stage.databaseName}`);
    await stage.close({ keep: !isSound });
  }
}

/** The load with its faults and kills; how many calls to Tilled a fault struck. */
async function killUnderLoad(stage, clients) {
  const random = new Seeded(`${seed} kills`);
  await stage.start();
  clients.start();
  await sleep(500);
  for (const fault of faults(new Seeded(`${seed} faults`))) await stage.control('faults', fault);
  for (let killed = 0; killed < kills; killed += 1) {
    await sleep(random.between(LOAD_MS.least, LOAD_MS.most));
    await stage.end('SIGKILL');
    await stage.start();
  }
  const { faults: struck } = await stage.control('faults');
  await stage.control('faults', { clear: true });
  await clients.stop();
  return struck.reduce((sum, { hits }) => sum + hits, 0);
}

/** What may go wrong between us and Tilled, each at its own share of the calls. */
function faults(random) {
  const all = [
    { drop: true, when: 'before', probability: 0.02 },
    { drop: true, when: 'after', probability: 0.04 },
    { status: 500, when: 'before', probability: 0.015 },
    { status: 500, when: 'after', probability: 0.015 },
    { status: 429, when: 'before', probability: 0.005 },
    { delayMs: 1_500, when: 'before', probability: 0.01 },
    { delayMs: 1_500, when: 'after', probability: 0.01 },
    { delayMs: 300, when: 'before', probability: 0.05 },
  ];
  return all.map((fault) => ({ operation: '* /v1/*', seed: random.between(1, 2 ** 30), ...fault }));
}

/** Lets the gateway finish, with time moved instead of waited for; the work that is left after that, but for what repeats. */
async function settle(stage, clients) {
  await sleep(QUIET_MS);
  for (let round = 1; ; round += 1) {
    await clients.repeatParked();
    await stage.sandbox.drain();
    // Parts of a charge can be given back after the nightly batch.
    await stage.control('batch', {});
    await sleep(WORK_MS);
    await stage.end('SIGTERM');
    const left = await stage.withBooks(({ database }) => moveTime(database, round));
    if ((left.length === 0 && clients.parked.length === 0 && round > 2) || round === ROUNDS_MAX) return left;
    await sleep(QUIET_MS);
    await stage.start();
  }
}

/** Makes everything that waits due, and sent long enough ago to be sent again; what repeats, in the first two rounds. Answers what waited. */
async function moveTime(database, round) {
  const jobs = await database.query('select id, kind, subject, state, attempts, last_error from billing_jobs', []);
  const [justNow, longAgo] = [new Date(Date.now() - 1_000), new Date(Date.now() - 600_000)];
  const due = jobs.filter(({ kind, state }) => state !== 'dead' && (round <= 2 || !SCHEDULED.includes(kind)));
  for (const { id } of due) {
    await database.run('update billing_jobs set due_at = ?, created_at = ? where id = ?', [justNow, longAgo, id]);
    await database.run('update billing_jobs set sent_at = ? where id = ? and sent_at is not null', [longAgo, id]);
  }
  await database.run("update billing_idempotency_keys set held_until = ? where state = 'open'", [justNow]);
  const unqueued = await database.query(
    'select id, type as kind, object_id as subject from billing_webhooks where unqueued_since is not null',
    [],
  );
  return [...jobs.filter(({ kind }) => !SCHEDULED.includes(kind)), ...unqueued];
}

async function report({ stage, clients, left, ...figures }) {
  const tilled = await stage.control('state');
  const { books, violations } = await stage.withBooks(async ({ database, verifyBooks }) => {
    const table = (name) => database.query(`select * from billing_${name}`, []);
    const books = {
      customers: await table('customers'),
      paymentMethods: await table('payment_methods'),
      payments: await table('payments'),
      refunds: await table('refunds'),
      subscriptions: await table('subscriptions'),
    };
    return { books, violations: (await verifyBooks()).violations };
  });
  const off = {
    ...compare({ books, tilled, told: clients.told }),
    'not answered': clients.parked.map(({ operation, input, last }) => `${operation} ${input.idempotencyKey}: ${last}`),
    'work left': left.map(({ kind, subject, state, last_error }) => `${kind} ${subject} ${state} ${last_error ?? ''}`),
    'invariants broken': violations.map(({ invariant, id }) => `${invariant} ${id}`),
  };
  print({ stage, clients, books, tilled, off, ...figures });
  return Object.values(off).every((found) => found.length === 0);
}

function print({ stage, clients, books, tilled, off, loadSeconds, struck }) {
  const { told } = clients;
  const refused = told.filter(({ errors }) => errors.length > 0).length;
  const repeated = told.filter(({ tries }) => tries > 1).length;
  const sizes = Object.entries(books).map(([name, rows]) => `${rows.length} ${name}`);
  console.log(`${kills} kills in ${loadSeconds} s of load, ${struck} faults at Tilled, ${stage.starts} starts`);
  console.log(`${told.length} requests answered, ${repeated} of them after repeating, ${refused} refused; ${tilled.events.length} events`);
  console.log(sizes.join(', '));
  console.log(
    Object.entries(off)
      .map(([name, found]) => `${found.length} ${name}`)
      .join(', '),
  );
  for (const [name, found] of Object.entries(off)) for (const line of found.slice(0, SHOWN_MAX)) console.log(`  ${name}: ${line}`);
}
