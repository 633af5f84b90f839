import { setTimeout as sleep } from 'node:timers/promises';

const ROUNDS_MAX = 30;
/** What the workers get to do what is due in one round of settling. */
const WORK_MS = 3_000;
/** Repeats for ever, so it always waits. */
const SCHEDULED = ['webhook.backfill', 'reconcile', 'retention.sweep'];

/**
 * Lets the processes finish. What is in doubt waits for as long as it takes; what waits for the nightly batch, for the schedule or after
 * a failure is made due. Answers the work that is left after that, but for what repeats.
 */
export async function settle(stage, clients) {
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
