/**
 * `npm run bench:recovery`: the gateway is killed (SIGKILL) amid 100 payments and started again at once; how long until each key answers its
 * outcome, repeated twice a second. Tilled takes 300 ms for each call, and one confirm in ten hangs and is never carried out: those are in
 * doubt, and wait for TILLED_QUIET_SECONDS. It prints figures and asserts nothing; with the default of 300 s it takes six minutes a database.
 *
 *   npm run bench:recovery -- embedded     on one of `embedded` and `server` only
 *   npm run bench:recovery -- --quiet 60   with another quiet time, s
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { onBoth } from './kit/rig.mjs';

const PAYMENTS = 100;
const CUSTOMERS = 20;
const TILLED_MS = 300;
/** The gateway is killed when Tilled was asked to take so many of them. */
const ASKED_FOR = 60;
const EVERY_MS = 500;
const GOAL_MS = 30_000;
const CONFIRM = 'POST /v1/payment-intents/:id/confirm';
const at = process.argv.indexOf('--quiet');
const quietSeconds = at === -1 ? 300 : Number(process.argv[at + 1]);
const GIVEN_UP_MS = quietSeconds * 1_000 + 120_000;

await onBoth(async (rig) => {
  const app = await rig.app('bench');
  const environment = { TILLED_QUIET_SECONDS: String(quietSeconds) };
  const url = await rig.startGateway(environment);
  const customerIds = await Promise.all(Array.from({ length: CUSTOMERS }, (_, index) => rig.payer(url, app, `${index}@example.com`)));
  await rig.control('latency', { medianMs: TILLED_MS, sigma: 0.2 });
  await rig.control('faults', { operation: CONFIRM, probability: 0.1, seed: 1, delayMs: 20_000, drop: true });
  const payments = Array.from({ length: PAYMENTS }, (_, index) => ({ key: `key-${index}`, customerId: customerIds[index % CUSTOMERS] }));
  const firsts = payments.map((payment) => rig.pay(url, app, payment));
  while (rig.sandbox.requests(CONFIRM).length < ASKED_FOR) await sleep(5);
  await rig.kill('gateway');
  const killedAt = performance.now();
  const since = () => performance.now() - killedAt;
  const answered = (await Promise.all(firsts)).filter((answer) => answer?.payment?.status === 'SUCCEEDED').length;
  await rig.control('faults', { clear: true });
  await rig.startGateway(environment);
  const readyMs = since();
  const doubt = inDoubt(rig, app);
  const known = await Promise.all(payments.map((payment) => untilKnown(rig, { url, app, payment, since })));
  const ids = await doubt;
  const groups = Object.groupBy(known, ({ id }) => (ids.has(id) ? 'inDoubt' : 'clear'));
  console.log(`${PAYMENTS} payments, ${answered} of them answered before the SIGKILL; ready again after ${seconds(readyMs)} s`);
  const clear = report('nothing is in doubt', groups.clear ?? []);
  console.log(`  goal ${GOAL_MS / 1_000} s: ${clear <= GOAL_MS ? 'met' : 'NOT MET'}`);
  report(`in doubt, waits ${quietSeconds} s`, groups.inDoubt ?? []);
  const intents = Object.values(await rig.control('state?collection=charges')).flat();
  console.log(`  charges at Tilled: ${intents.filter(({ status }) => status === 'succeeded').length}`);
});

/** Repeats the key until it answers the outcome; the payment, and how long that was after the kill, ms. */
async function untilKnown(rig, { url, app, payment, since }) {
  for (; since() < GIVEN_UP_MS; await sleep(EVERY_MS)) {
    const answer = await rig.pay(url, app, payment);
    if (answer?.payment?.status === 'SUCCEEDED' && answer.userErrors.length === 0) return { id: answer.payment.id, ms: since() };
  }
  throw new Error(`${payment.key} has no outcome.`);
}

/** The payments whose intent is stored and not confirmed at Tilled, when all that was on its way has arrived: a confirm may have been lost. */
async function inDoubt(rig, app) {
  await sleep(3_000);
  const state = await rig.control('state?collection=payment_intents');
  const open = new Set(state.payment_intents.filter(({ status }) => status === 'requires_confirmation').map(({ id }) => id));
  const rows = await rig.database.query('select id, tilled_payment_intent_id as intent from billing_payments where app_id = ?', [app.id]);
  return new Set(rows.filter(({ intent }) => open.has(intent)).map(({ id }) => id));
}

/** Prints when the first, the middle and the last of them were known; returns the last, ms. */
function report(what, known) {
  const sorted = known.map(({ ms }) => ms).sort((one, other) => one - other);
  const last = sorted.at(-1) ?? 0;
  const shown = [sorted[0] ?? 0, sorted[Math.trunc(sorted.length / 2)] ?? 0, last].map(seconds).join(' / ');
  console.log(`  ${what.padEnd(28)} ${String(sorted.length).padStart(3)} keys, first / median / last known after ${shown} s`);
  return last;
}

function seconds(ms) {
  return (ms / 1_000).toFixed(1);
}
