/**
 * `npm run chaos`: two gateways and two workers on one database, each with a clock of its own, killed and frozen again and again under
 * load while Tilled fails, answers late and carries out later still; then holds our books against Tilled's and against all that clients
 * were ever told. Status 1 if anything is lost, doubled, wrong or unknown.
 *
 *   CHAOS_SEED      decides load, faults, clocks and moments of killing (not how the processes interleave); printed
 *   CHAOS_KILLS     200; what a run with as many says is kept in RESULTS.md
 *   CHAOS_DATABASE  embedded, or mysql://user:password@host:port of a server on which a database of its own is made
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Clients } from './clients.mjs';
import { compare } from './compare.mjs';
import { faults, LIST_LAG_MS } from './faults.mjs';
import { keepResult } from './results.mjs';
import { Seeded } from './seeded.mjs';
import { Stage } from './stage.mjs';
import { Strikes } from './strikes.mjs';

const ROUNDS_MAX = 30;
const SHOWN_MAX = 10;
const KILLS = 200;
/** What the workers get to do what is due in one round of settling. */
const WORK_MS = 3_000;
/** Repeats for ever, so it always waits. */
const SCHEDULED = ['webhook.backfill', 'reconcile', 'retention.sweep'];

const seed = process.env.CHAOS_SEED ?? Math.random().toString(36).slice(2, 8);
const kills = Number(process.env.CHAOS_KILLS ?? KILLS);
const database = process.env.CHAOS_DATABASE ?? 'embedded';

const databaseName = database === 'embedded' ? 'embedded database' : 'database server';

console.log(`seed ${seed}, ${kills} kills, ${databaseName}`);
process.exitCode = await main();

async function main() {
  const stage = await Stage.open({ seed, database });
  let isSound = false;
  try {
    const clients = new Clients(stage, seed);
    const beganAt = Date.now();
    const struck = await strikeUnderLoad(stage, clients);
    const loadSeconds = Math.floor((Date.now() - beganAt) / 1_000);
    const left = await settle(stage, clients);
    const seconds = Math.floor((Date.now() - beganAt) / 1_000);
    isSound = await report({ stage, clients, left, seconds, loadSeconds, ...struck });
    return isSound ? 0 : 1;
  } finally {
    if (!isSound) console.log(`CHAOS_SEED=${seed}; kept: ${stage.directory} and ${stage.databaseName}`);
    await stage.close({ keep: !isSound });
  }
}

/** The load with its faults, kills, freezes and jumping clocks; how often each struck. */
async function strikeUnderLoad(stage, clients) {
  const strikes = new Strikes(stage, seed);
  await strikes.startAll();
  clients.start();
  await sleep(500);
  for (const fault of faults(new Seeded(`${seed} faults`))) await stage.control('faults', fault);
  await stage.control('lag', { listMs: LIST_LAG_MS });
  await strikes.strike(kills);
  const { faults: struck } = await stage.control('faults');
  await stage.control('faults', { clear: true });
  await stage.control('lag', { listMs: 0 });
  await clients.stop();
  const hits = (which) => struck.filter(which).reduce((sum, fault) => sum + fault.hits, 0);
  return { strikes, struck: hits(() => true), underWay: hits(({ when }) => when === 'during') };
}

/**
 * Lets the processes finish. What is in doubt waits for as long as it takes; what waits for the nightly batch, for the schedule or after
 * a failure is made due. Answers the work that is left after that, but for what repeats.
 */
async function settle(stage, clients) {
  for (let round = 1; ; round += 1) {
    await clients.repeatParked();
    await stage.sandbox.drain();
    // Parts of a charge can be given back after the nightly batch.
    await stage.control('batch', {});
    await sleep(WORK_MS);
    const left = await stage.withBooks(({ database }) => leftAndDue(database, round));
    if ((left.length === 0 && clients.parked.length === 0 && round > 3) || round === ROUNDS_MAX) break;
  }
  await clients.repeatTold();
  return stage.withBooks(({ database }) => leftAndDue(database, ROUNDS_MAX));
}

/** Makes all that waits due, in the first two rounds also what repeats. Answers what waited. */
async function leftAndDue(database, round) {
  const jobs = await database.query('select id, kind, subject, state, attempts, last_error from billing_jobs', []);
  const due = jobs.filter(({ kind, state }) => state === 'due' && (round <= 2 || !SCHEDULED.includes(kind)));
  // Not those that run: a lease is held until it ends.
  for (const { id } of due)
    await database.run("update billing_jobs set due_at = ? where id = ? and state = 'due'", [new Date(Date.now() - 1_000), id]);
  const unqueued = await database.query(
    'select id, type as kind, object_id as subject from billing_webhooks where unqueued_since is not null',
    [],
  );
  const open = await database.query(
    "select id, operation as kind, resource_id as subject from billing_idempotency_keys where state = 'open'",
    [],
  );
  const keys = open.map((key) => ({ ...key, kind: `key of ${key.kind}` }));
  return [...jobs.filter(({ kind }) => !SCHEDULED.includes(kind)), ...unqueued, ...keys];
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
  const lines = linesOf({ stage, clients, books, tilled, off, ...figures });
  console.log(lines.join('\n'));
  if (kills >= KILLS) keepResult(databaseName, [`Seed \`${seed}\`.`, ...lines]);
  return Object.values(off).every((found) => found.length === 0);
}

function linesOf({ stage, clients, books, tilled, off, strikes, seconds, loadSeconds, struck, underWay }) {
  const { told } = clients;
  const refused = told.filter(({ errors }) => errors.length > 0).length;
  const repeated = told.filter(({ tries }) => tries > 1).length;
  const answers = told.reduce((sum, one) => sum + one.answers.length, 0);
  const sizes = Object.entries(books).map(([name, rows]) => `${rows.length} ${name}`);
  const totals = Object.entries(off).map(([name, found]) => `${found.length} ${name}`);
  const { frozen, jumps } = strikes;
  return [
    `${kills} kills, ${frozen} freezes and ${jumps} jumps of a clock in ${loadSeconds} s of load, ${stage.starts} starts; ${seconds} s in all`,
    `${struck} faults at Tilled, ${underWay} of them under way meanwhile; ${tilled.events.length} events`,
    `${told.length} requests told, ${repeated} of them after repeating, ${refused} refused; ${answers} answers`,
    sizes.join(', '),
    totals.join(', '),
    ...Object.entries(off).flatMap(([name, found]) => found.slice(0, SHOWN_MAX).map((line) => `  ${name}: ${line}`)),
  ];
}
