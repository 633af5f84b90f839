/**
 * `npm run bench:deliveries`: how many events a second one worker delivers to a receiver on this machine, beside a plain loop of fetch to the
 * same receiver; and how long after it was written an event arrives, at 100 events a second, with gateway, worker and receiver in processes of
 * their own. It prints figures and asserts nothing.
 *
 *   npm run bench:deliveries -- embedded     on one of `embedded` and `server` only
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onBoth } from './kit/rig.mjs';

const [EVENTS, OBJECTS, AT_ONCE] = [20_000, 2_000, 500];
const [PLAIN, SECONDS, CALLS_A_SECOND, PAYERS] = [5_000, 20, 50, 20];

await onBoth(async (rig) => {
  const receiver = await startReceiver();
  rig.environment.BILLING_WEBHOOK_NETWORKS = '127.0.0.1';
  const app = await rig.app('told');
  const url = await rig.startGateway({ BILLING_WORKER: 'off' });
  await listen(rig, { url, app, receiver });
  const payload = await fill(rig, app);
  const plain = await plainLoop(receiver, payload);
  await receiver.ask('forget');
  await rig.startWorker();
  const { firstAt, lastAt } = await receiver.until(EVENTS, 120_000);
  const rate = Math.trunc((EVENTS - 1) / ((lastAt - firstAt) / 1_000));
  const goal = Math.min(1_000, 0.7 * plain);
  console.log(`deliveries a second, ${EVENTS} events of ${OBJECTS} objects that waited, one worker: ${rate}`);
  console.log(`a plain loop of fetch to the same receiver: ${plain}; goal ${Math.trunc(goal)}: ${rate >= goal ? 'met' : 'NOT MET'}`);
  const waits = await trickle(rig, { url, app, receiver });
  const at = (part) => waits[Math.min(waits.length - 1, Math.floor(part * waits.length))];
  console.log(
    `from written to received at ${2 * CALLS_A_SECOND} events a second, ms: median ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)} (${waits.length} events)`,
  );
  console.log(`  goal 500 at p95: ${at(0.95) < 500 ? 'met' : 'NOT MET'}`);
  receiver.close();
});

async function startReceiver() {
  const child = fork(join(import.meta.dirname, 'kit/receiver.mjs'));
  const [{ port }] = await once(child, 'message');
  const ask = async (what) => {
    const answer = once(child, 'message');
    child.send(what);
    return (await answer)[0];
  };
  const until = async (count, msMax) => {
    const since = performance.now();
    for (;;) {
      const standing = await ask('standing');
      if (standing.count >= count) return standing;
      if (performance.now() - since > msMax) throw new Error(`Only ${standing.count} of ${count} arrived within ${msMax} ms.`);
      await sleep(50);
    }
  };
  return { url: `http://127.0.0.1:${port}/`, ask, until, close: () => child.kill() };
}

async function listen(rig, { url, app, receiver }) {
  const create =
    'mutation ($input: WebhookEndpointCreateInput!) { webhookEndpointCreate(input: $input) { webhookEndpoint { id } userErrors { message } } }';
  const { webhookEndpoint, userErrors } = await rig.ask(url, app, create, { url: receiver.url });
  if (webhookEndpoint === null) throw new Error(userErrors[0]?.message);
}

/** Events that wait to be published, as a customer of 1 kB looks; returns that. */
async function fill(rig, { id }) {
  const object = { __typename: 'Customer', id: 'cus_bench', email: 'ann@example.com', name: 'Ann', metadata: { note: 'x'.repeat(800) } };
  const payload = JSON.stringify(object);
  const columns = '(app_id, id, type, schema_version, object_id, sequence, cause, payload, occurred_at, created_at, unpublished_since)';
  const { now } = rig.database.time;
  const row = `(?, ?, 'customer.updated', '1', ?, ?, 'bench', ?, ${now}, ${now}, ${now})`;
  for (let from = 0; from < EVENTS; from += AT_ONCE) {
    const values = Array.from({ length: AT_ONCE }, (_, at) => {
      const index = from + at;
      const objectId = `cus_${String(index % OBJECTS).padStart(26, '0')}`;
      return [id, `ev_${String(index).padStart(26, '0')}`, objectId, Math.trunc(index / OBJECTS) + 1, payload];
    });
    await rig.database.run(`insert into billing_app_events ${columns} values ${Array(AT_ONCE).fill(row).join(', ')}`, values.flat());
  }
  return payload;
}

/** How many a second one after the other are posted and answered. */
async function plainLoop({ url }, body) {
  const from = performance.now();
  for (let sent = 0; sent < PLAIN; sent += 1) {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await answer.arrayBuffer();
  }
  return Math.trunc(PLAIN / ((performance.now() - from) / 1_000));
}

/** Changes the default methods of customers again and again, which are two events each; how long each took to arrive, ms, sorted. */
async function trickle(rig, { url, app, receiver }) {
  const methods = [];
  for (let payer = 0; payer < PAYERS; payer += 1) {
    const customerId = await rig.payer(url, app, `${payer}@example.com`);
    methods.push([await rig.card(url, app, customerId), await rig.card(url, app, customerId)]);
  }
  await sleep(2_000);
  await receiver.ask('forget');
  const change = 'mutation ($input: PaymentMethodSetDefaultInput!) { paymentMethodSetDefault(input: $input) { userErrors { message } } }';
  const from = performance.now();
  const calls = [];
  for (let call = 0; call < SECONDS * CALLS_A_SECOND; call += 1) {
    await sleep(Math.max(0, from + (call * 1_000) / CALLS_A_SECOND - performance.now()));
    calls.push(rig.ask(url, app, change, { id: methods[call % PAYERS][Math.trunc(call / PAYERS) % 2] }));
  }
  const failed = (await Promise.all(calls)).filter((answer) => answer === null || answer.userErrors.length > 0).length;
  if (failed > 0) console.log(`  ${failed} of ${calls.length} calls failed`);
  await sleep(3_000);
  return (await receiver.ask('standing')).waits.toSorted((one, other) => one - other);
}
