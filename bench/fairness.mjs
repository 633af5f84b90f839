/**
 * `npm run bench:fairness`: how long it takes until a payment whose answer was lost is known, with nothing else to do and beside 10,000
 * due jobs of another app, each of which Tilled takes 400 ms for. One gateway, one `billing worker`. It prints figures and asserts nothing.
 *
 *   npm run bench:fairness -- embedded     on one of `embedded` and `server` only
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { onBoth } from './kit/rig.mjs';

const BACKLOG = 10_000;
const ROUNDS = 5;
const TILLED_MS = 400;
const AT_ONCE = 500;
const GOAL = 1.5;

await onBoth(async (rig) => {
  const [busy, other] = [await rig.app('busy'), await rig.app('other')];
  const url = await rig.startGateway({ BILLING_WORKER: 'off' });
  await rig.startWorker();
  const customerId = await rig.payer(url, other, 'ann@example.com');
  await rig.control('latency', { medianMs: 0, sigma: 0, operations: { 'GET /v1/customers/:id': { medianMs: TILLED_MS, sigma: 0.3 } } });
  const measured = (name) => measure(rig, { url, app: other, customerId, name });
  const alone = await measured('alone');
  await fill(rig, busy);
  const beside = await measured('beside');
  const [left] = await rig.database.query('select count(*) as n from billing_jobs where app_id = ?', [busy.id]);
  console.log(`a payment whose answer was lost is known after, ms (median of ${ROUNDS}; it is looked at after 5,000)`);
  console.log(`  with nothing else to do       ${middle(alone)}   (${alone.join(', ')})`);
  console.log(`  beside ${BACKLOG} due jobs        ${middle(beside)}   (${beside.join(', ')}); ${left.n} of them were left`);
  const ratio = middle(beside) / middle(alone);
  console.log(`  ratio ${ratio.toFixed(2)}, goal ${GOAL}: ${ratio <= GOAL ? 'met' : 'NOT MET'}`);
});

/** Takes payments one after the other, loses the answer of each, and waits until each is known. */
async function measure(rig, { url, app, customerId, name }) {
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await rig.control('faults', { operation: 'POST /v1/payment-intents/:id/confirm', drop: true, when: 'after' });
    const from = performance.now();
    const { payment } = await rig.pay(url, app, { customerId, key: `${name}-${round}` });
    for (;;) {
      const [row] = await rig.database.query('select status from billing_payments where app_id = ? and id = ?', [app.id, payment.id]);
      if (row.status === 'SUCCEEDED') break;
      await sleep(20);
    }
    times.push(Math.trunc(performance.now() - from));
  }
  return times;
}

/** Customers to look at, due now. */
async function fill(rig, { id }) {
  const { now } = rig.database.time;
  const row = `(?, ?, 'sync.customer', ?, 1, 'due', ${now}, 0, 1, 0, 0, ${now})`;
  const columns = '(app_id, id, kind, subject, priority, state, due_at, fence, wanted, attempts, sends, created_at)';
  for (let from = 0; from < BACKLOG; from += AT_ONCE) {
    const values = Array.from({ length: AT_ONCE }, (_, index) => [id, `job_${from + index}`, `cus_${from + index}`]).flat();
    await rig.database.run(`insert into billing_jobs ${columns} values ${Array(AT_ONCE).fill(row).join(', ')}`, values);
  }
}

function middle(times) {
  return times.toSorted((one, other) => one - other)[Math.trunc(times.length / 2)];
}
