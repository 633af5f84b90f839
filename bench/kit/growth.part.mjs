import { fill } from './data.mjs';
import { deliveries } from './deliveries.mjs';
import { median } from './load.mjs';
import { startGateway } from './stage.mjs';

const SAMPLES = 200;
const PAGE =
  'query ($after: String) { payments(first: 50, after: $after) { nodes { id status amount { amountMinor } createdAt } pageInfo { endCursor } } }';
/** One handled event for each payment of an app. */
const EVENTS_AS_MANY = `insert into billing_webhooks (app_id, id, event_id, type, object_kind, object_id, status, deliveries, attempts, payload, received_at, processed_at)
  select app_id, concat('whk', substring(id, 4)), concat('evt', substring(id, 4)), 'payment_intent.succeeded', 'payment_intent',
    tilled_payment_intent_id, 'PROCESSED', 1, 1, '{}', created_at, created_at from billing_payments where app_id = ?`;
const LOOKUP = 'query ($id: ID!) { payment(id: $id) { id status amount { amountMinor } } }';

/** A page at the beginning, in the middle and at the end of 10^3, 10^5 and 10^6 payments of one app, a look-up, and a webhook beside as many events. */
export async function growthPart(stage, { sizes }) {
  const apps = [];
  for (const size of sizes) apps.push({ size, ...(await appOf(stage, size)) });
  const gateway = await startGateway(stage);
  const found = new Map();
  const note = (name, ms) => found.set(name, [...(found.get(name) ?? []), ms]);
  // Interleaved, so that what disturbs the machine disturbs all sizes. The first tenth is warm-up.
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const isMeasured = sample >= SAMPLES / 10;
    for (const { size, key, cursors, id, webhooks } of apps) {
      for (const [where, after] of Object.entries(cursors)) {
        const ms = await timed(gateway, query(key, PAGE, { after }));
        if (isMeasured) note(`${size} page ${where}`, ms);
      }
      const lookUpMs = await timed(gateway, query(key, LOOKUP, { id }));
      const webhookMs = await timed(gateway, webhooks.next().value);
      if (!isMeasured) continue;
      note(`${size} look-up`, lookUpMs);
      note(`${size} webhook`, webhookMs);
    }
  }
  const medianMs = Object.fromEntries([...found].map(([name, all]) => [name, median(all)]));
  await gateway.stop();
  const [smallest, largest] = [sizes[0], sizes.at(-1)];
  const grown = (what, than = what) => medianMs[`${largest} ${what}`] / medianMs[`${smallest} ${than}`];
  return {
    raw: { growthMs: medianMs },
    ratios: {
      [`pageFirstOf${largest}VsFirstOf${smallest}`]: grown('page first'),
      [`pageMiddleOf${largest}VsFirstOf${smallest}`]: grown('page middle', 'page first'),
      [`pageLastOf${largest}VsFirstOf${smallest}`]: grown('page last', 'page first'),
      [`lookUpIn${largest}Vs${smallest}`]: grown('look-up'),
      [`webhookBeside${largest}Vs${smallest}`]: grown('webhook'),
    },
  };
}

async function appOf(stage, size) {
  const id = `growth${size}`;
  const accountId = `acct_${id}`;
  await stage.foundation.access.createApp({ id, name: id, tilledAccountId: accountId });
  const { key } = await stage.foundation.access.createKey(id, 'service');
  await fill(stage.connection, id, size);
  await stage.connection.query(EVENTS_AS_MANY, [id]);
  await stage.connection.query('analyze table billing_payments, billing_webhooks');
  const idAt = async (offset) => {
    const [[row]] = await stage.connection.query(
      `select id from billing_payments where app_id = ? order by id desc limit 1 offset ${offset}`,
      [id],
    );
    return row.id;
  };
  const cursor = (rowId) => Buffer.from(`v1:${rowId}`).toString('base64url');
  const cursors = { first: null, middle: cursor(await idAt(Math.trunc(size / 2))), last: cursor(await idAt(size - 51)) };
  return { key, cursors, id: await idAt(Math.trunc(size / 3)), webhooks: deliveries({ accountId }) };
}

const query = (key, text, variables) => ({
  method: 'POST',
  path: '/graphql',
  headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
  body: JSON.stringify({ query: text, variables }),
});

async function timed({ url }, { path, ...request }) {
  const begun = performance.now();
  const answer = await fetch(url + path, request);
  const text = await answer.text();
  if (!answer.ok || text.includes('"errors"')) throw new Error(text);
  return performance.now() - begun;
}
