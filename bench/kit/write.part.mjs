import { randomUUID } from 'node:crypto';
import { startDirect } from './direct.mjs';
import { interleaved } from './load.mjs';
import { emptyQueue, startGateway } from './stage.mjs';
import { startTilled } from './tilled.mjs';

const RATE = 50;
const LATENCY_MS = 100;
const APP = 'writes';

/** paymentCreate at a steady rate, beside the same two calls to Tilled without a gateway: the difference is ours. */
export async function writePart(stage, { rounds, seconds }) {
  const tilled = await startTilled();
  await stage.foundation.access.createApp({ id: APP, name: 'Writes', tilledAccountId: tilled.accountId });
  const { key } = await stage.foundation.access.createKey(APP, 'service');
  await emptyQueue(stage);
  const gateway = await startGateway(stage, { tilled, worker: 'on' });
  const authorization = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const graphql = async (query, input) => {
    const answer = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: authorization,
      body: JSON.stringify({ query, variables: { input } }),
    });
    const { data, errors } = await answer.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  const { customerCreate } = await graphql(
    'mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }',
    {
      email: 'ann@example.com',
    },
  );
  const customerId = customerCreate.customer.id;
  const card = await tilled.card();
  await graphql('mutation ($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) { paymentMethod { id } } }', {
    customerId,
    tilledPaymentMethodId: card.id,
  });
  const direct = await startDirect(tilled, card.id);
  await tilled.latency(LATENCY_MS);
  // Twice as long as other rounds: at 50 a second a short one has too few requests for a p95.
  const load = (requests) => ({ connections: RATE, seconds: 2 * seconds, rate: RATE, requests });
  const query = 'mutation ($input: PaymentCreateInput!) { paymentCreate(input: $input) { payment { id status } userErrors { code } } }';
  const amount = { amountMinor: 1990, currency: 'usd' };
  const payments = function* () {
    for (;;) {
      const variables = { input: { customerId, amount, idempotencyKey: randomUUID() } };
      yield { method: 'POST', path: '/graphql', headers: authorization, body: JSON.stringify({ query, variables }) };
    }
  };
  const raw = await interleaved(
    [
      { contestant: gateway, load: load(payments()) },
      { contestant: direct, load: load([{ method: 'POST', path: '/', body: '{}' }]) },
    ],
    rounds,
  );
  const [{ succeeded }] = await stage.foundation.database.query(
    "select count(*) as succeeded from billing_payments where app_id = ? and status = 'SUCCEEDED'",
    [APP],
  );
  for (const contestant of [gateway, direct]) await contestant.stop();
  tilled.stop();
  return {
    raw: { paymentCreate: { ...raw, succeeded: Number(succeeded), ratePerSecond: RATE, latencyOfEachCallMs: LATENCY_MS } },
    ratios: { paymentCreateExtraMsP50: raw.gateway.p50 - raw.direct.p50, paymentCreateExtraMsP95: raw.gateway.p95 - raw.direct.p95 },
  };
}
