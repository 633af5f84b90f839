/** What a payment costs without a gateway: the same two calls to Tilled, nothing stored. The latency that ours is measured above. */
import { createServer } from 'node:http';

const headers = {
  'content-type': 'application/json',
  'tilled-api-key': process.env.TILLED_SECRET_KEY,
  'tilled-account': process.env.TILLED_ACCOUNT_ID,
};

createServer(async (request, response) => {
  for await (const _ of request);
  if (request.method === 'POST') {
    const intent = await call('/v1/payment-intents', {
      amount: 1990,
      currency: 'usd',
      payment_method_types: ['card'],
      payment_method_id: process.env.PAYMENT_METHOD_ID,
      capture_method: 'automatic',
      occurrence_type: 'merchant_ad_hoc',
    });
    await call(`/v1/payment-intents/${intent.id}/confirm`, {});
  }
  response.end('{}');
}).listen(Number(process.env.PORT), '127.0.0.1');

async function call(path, body) {
  const answer = await fetch(process.env.TILLED_BASE_URL + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status} ${await answer.text()}`);
  return answer.json();
}
