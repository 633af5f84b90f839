import { fill } from './data.mjs';
import { deliveries } from './deliveries.mjs';
import { median, round } from './load.mjs';
import { startGateway } from './stage.mjs';

const SAMPLES = 200;
const PAGE =
  'query ($after: String) { payments(first: 50, after: $after) { nodes { id status amount { amountMinor } createdAt } pageInfo { endCursor } } }';
const LOOKUP = 'query ($id: ID!) { payment(id: $id) { id status amount { amountMinor } } }';

/** A page at the beginning, in the middle and at the end of 10^3, 10^5 and 10^6 payments of one app, a look-up, and a webhook. */
export async function growthPart(stage, { sizes }) {
  const apps = [];
  for (const size of sizes) apps.push({ size, ...(await appOf(stage, size)) });
  const gateway = await startGateway(stage);
  const found = new Map();
  const note = (name, ms) => found.set(name, [...(found.get(name) ?? []), ms]);
  // Interleaved, so that what disturbs the machine disturbs all sizes. The first tenth is warm-up.
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    for (const { size, key, cursors, id } of apps) {
      for (const [where, after] of Object.entries(cursors)) {
        const ms = await timed(gateway, key, PAGE, { after });
        if (sample >= SAMPLES / 10) note(`${size} page ${where}`, ms);
      }
      const ms = await timed(gateway, key, LOOKUP, { id });
      if (sample >= SAMPLES / 10) note(`${size} look-up`, ms);
    }
  }
  const medianMs = Object.fromEntries([...found].map(([name, all]) => [name, median(all)]));
  const webhook = await round(gateway, { connections: 1, seconds: 5, requests: deliveries() });
  await gateway.stop();
  const smallest = medianMs[`${sizes[0]} page first`];
  const largest = sizes.at(-1);
  return {
    raw: { growthMs: { ...medianMs, webhookP50: webhook.p50 } },
    ratios: Object.fromEntries(
      ['first', 'middle', 'last'].map((where) => [
        `page${capital(where)}Of${largest}VsFirstOf${sizes[0]}`,
        medianMs[`${largest} page ${where}`] / smallest,
      ]),
    ),
  };
}

async function appOf(stage, size) {
  const id = `growth${size}`;
  await stage.foundation.access.createApp({ id, name: id, tilledAccountId: `acct_${id}` });
  const { key } = await stage.foundation.access.createKey(id, 'service');
  await fill(stage.connection, id, size);
  await stage.connection.query('analyze table billing_payments');
  const idAt = async (offset) => {
    const [[row]] = await stage.connection.query(
      `select id from billing_payments where app_id = ? order by id desc limit 1 offset ${offset}`,
      [id],
    );
    return row.id;
  };
  const cursor = (rowId) => Buffer.from(`v1:${rowId}`).toString('base64url');
  const cursors = { first: null, middle: cursor(await idAt(Math.trunc(size / 2))), last: cursor(await idAt(size - 51)) };
  return { key, cursors, id: await idAt(Math.trunc(size / 3)) };
}

async function timed({ url }, key, query, variables) {
  const begun = performance.now();
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  });
  const { errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return performance.now() - begun;
}

const capital = (word) => word[0].toUpperCase() + word.slice(1);
