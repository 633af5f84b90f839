import { setTimeout as sleep } from 'node:timers/promises';
import { deliveries, deliveriesAbout } from './deliveries.mjs';
import { round } from './load.mjs';
import { readOneRequests } from './reads.mjs';
import { emptyQueue, startGateway, startWorker } from './stage.mjs';
import { startTilled } from './tilled.mjs';

const APP = 'scale';
/** How long Tilled takes to show a customer: what a worker waits for nearly all of its time. */
const LATENCY_MS = 500;
const AT_ONCE = 10;

/** 1, 2 and 4 gateways, then as many workers, on one database: reads and webhooks together, queued work, and nothing stored or done twice. */
export async function scalePart(stage, { stepSeconds: seconds, queued }) {
  const gateways = await gatewaysPart(stage, seconds);
  const workers = await workersPart(stage, queued);
  const gain = (of, figure) => of[2][figure] / of[1][figure];
  return {
    raw: { scale: gateways, scaleOfWorkers: workers },
    ratios: {
      readsTwoVsOne: gain(gateways, 'readsPerSecond'),
      webhooksTwoVsOne: gain(gateways, 'webhooksPerSecond'),
      queuedWorkTwoVsOne: gain(workers, 'perSecond'),
    },
  };
}

async function gatewaysPart(stage, seconds) {
  const [app] = stage.apps;
  const raw = {};
  for (const count of [1, 2, 4]) {
    const gateways = [];
    for (let index = 0; index < count; index += 1) gateways.push(await startGateway(stage, { name: `gateway${index}` }));
    const requests = readOneRequests(app.customerIds.slice(0, 300), { authorization: `Bearer ${app.key}` });
    const each = (load) =>
      Promise.all(gateways.map((gateway) => round(gateway, { connections: Math.trunc(32 / count), seconds, ...load() })));
    await each(() => ({ requests, seconds: 2 }));
    const reads = await each(() => ({ requests }));
    const before = await stored(stage);
    // The same events go to every gateway, as when Tilled delivers again elsewhere.
    const ingests = await each(() => ({ requests: deliveries({ again: 0.5, series: `scale${count}` }) }));
    const after = await stored(stage);
    raw[count] = {
      readsPerSecond: sum(reads, 'perSecond'),
      webhooksPerSecond: sum(ingests, 'perSecond'),
      deliveries: sum(ingests, 'requests'),
      counted: after.deliveries - before.deliveries,
      events: after.events - before.events,
      refused: sum(reads, 'refused') + sum(ingests, 'refused'),
    };
    for (const gateway of gateways) await gateway.stop();
  }
  return raw;
}

/** Looks at `queued` customers again, each told by an event of its own. */
async function workersPart(stage, queued) {
  const tilled = await startTilled();
  await stage.foundation.access.createApp({ id: APP, name: 'Scale', tilledAccountId: tilled.accountId });
  const { key } = await stage.foundation.access.createKey(APP, 'service');
  const gateway = await startGateway(stage, { tilled });
  const customerIds = await customersAtTilled(stage, gateway, { key, queued });
  await emptyQueue(stage);
  await tilled.latency(LATENCY_MS);
  const raw = {};
  for (const count of [1, 2, 4]) {
    const workers = await Promise.all(Array.from({ length: count }, () => startWorker(stage, tilled)));
    const begun = performance.now();
    await Promise.all(deliveriesAbout(customerIds, tilled.accountId).map(({ path, ...request }) => fetch(gateway.url + path, request)));
    await untilHandled(stage);
    raw[count] = { perSecond: queued / ((performance.now() - begun) / 1000), ...(await handled(stage)) };
    for (const worker of workers) await worker.stop();
  }
  await gateway.stop();
  tilled.stop();
  return raw;
}

/** Ids at Tilled of customers that were made through the gateway. */
async function customersAtTilled(stage, gateway, { key, queued }) {
  const query = 'mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { userErrors { code message } } }';
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const body = JSON.stringify({ query, variables: { input: { email: 'ann@example.com' } } });
  const create = async () => {
    const text = await (await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body })).text();
    if (!text.startsWith('{"data":{"customerCreate":{"userErrors":[]}}')) throw new Error(text);
  };
  for (let made = 0; made < queued; made += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, create));
  const rows = await stage.foundation.database.query('select tilled_customer_id as id from billing_customers where app_id = ? limit ?', [
    APP,
    queued,
  ]);
  return rows.map(({ id }) => id);
}

async function untilHandled({ foundation }) {
  const open = "select count(*) as n from billing_webhooks where app_id = ? and status <> 'PROCESSED'";
  while (Number((await foundation.database.query(open, [APP]))[0].n) > 0) await sleep(20);
}

/** Events so far, and how often they were handled: once each unless work was doubled. */
async function handled({ foundation }) {
  const [row] = await foundation.database.query(
    'select count(*) as events, sum(attempts) as handled from billing_webhooks where app_id = ?',
    [APP],
  );
  return { events: Number(row.events), handled: Number(row.handled) };
}

async function stored({ connection }) {
  const [[row]] = await connection.query('select count(*) as events, coalesce(sum(deliveries), 0) as deliveries from billing_webhooks');
  return { events: Number(row.events), deliveries: Number(row.deliveries) };
}

const sum = (rounds, figure) => rounds.reduce((total, one) => total + one[figure], 0);
