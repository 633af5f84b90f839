/**
 * A backend that takes money for orders and is told by webhooks what became of it. While `npm start` runs:
 *
 *   npm run example:backend
 *   curl -d order=7 -d email=ann@example.com -d card=pm_… -d amountMinor=1990 http://127.0.0.1:3000/orders
 */
import { BadUserInput, createClient, OutcomeUnknown, PaymentDeclined, UserError, WebhookRejected, webhooks } from '@billing-gateway/client';
import express, { type NextFunction, type Request, type Response } from 'express';
import { keysIn } from './keys.ts';
import { Orders } from './orders.ts';

const { BILLING_URL = '', BILLING_SERVICE_KEY = '', WEBHOOK_SECRET, KEYS_FILE = ':memory:', PORT = '3000' } = process.env;
const billing = createClient({ url: BILLING_URL, credential: BILLING_SERVICE_KEY, keyStorage: keysIn(KEYS_FILE) });
const orders = new Orders();
const secrets = WEBHOOK_SECRET?.split(' ') ?? [await endpointSecret(`http://127.0.0.1:${PORT}/webhooks`)];
const app = express();

// The bytes as they came: they were signed, and not what a parser makes of them.
app.post('/webhooks', express.raw({ type: () => true, limit: '1mb' }), async (request, response) => {
  const event = await webhooks.verify(request.body, request.headers, secrets);
  orders.take(event);
  console.log(`${event.type} ${event.id}`);
  response.sendStatus(204);
});

app.post('/orders', express.urlencoded({ extended: false }), async (request, response) => {
  const { order, email, card, amountMinor } = request.body as Record<string, string>;
  // Each step is an intent of its own: whoever sends the order again, after a crash too, pays it once.
  const { customer } = await billing.customerCreate({ email: email ?? '' }, { intent: `customer of ${order}` });
  await billing.paymentMethodAttach({ customerId: customer.id, tilledPaymentMethodId: card ?? '' }, { intent: `${card} of ${order}` });
  const amount = { amountMinor: Number(amountMinor), currency: 'usd' };
  const { payment } = await billing.paymentCreate({ customerId: customer.id, amount, referenceId: order }, { intent: `order ${order}` });
  orders.note(order ?? '', payment);
  response.status(201).json({ order, payment: payment.id, status: payment.status });
});

app.get('/orders/:order', (request, response) => {
  const found = orders.find(request.params.order);
  response.status(found === undefined ? 404 : 200).json(found ?? { code: 'NOT_FOUND' });
});

app.use((error: unknown, _: Request, response: Response, next: NextFunction) => {
  if (response.headersSent) return next(error);
  if (error instanceof WebhookRejected) return response.status(400).json({ code: error.code });
  // It is being found out. An event tells how it ended; nobody is asked for another card meanwhile.
  if (error instanceof OutcomeUnknown) return response.status(202).json({ code: error.code, payment: error.objectId });
  if (error instanceof PaymentDeclined) return response.status(402).json({ code: error.code, declineCode: error.declineCode });
  if (error instanceof UserError) return response.status(422).json({ code: error.code, field: error.field });
  // Such as an amount that is no number.
  if (error instanceof BadUserInput) return response.status(422).json({ code: error.code });
  console.error(error);
  return response.status(500).json({ code: 'INTERNAL' });
});

app.listen(Number(PORT), '127.0.0.1', () => console.log(`The shop listens on http://127.0.0.1:${PORT}`));

/** Has the gateway tell this shop. A secret is shown once: this one is new with each start, a real shop keeps it. */
async function endpointSecret(url: string): Promise<string> {
  const known = (await billing.webhookEndpoints()).find((endpoint) => endpoint.url === url);
  const { secret } =
    known === undefined
      ? await billing.webhookEndpointCreate({ url })
      : await billing.webhookEndpointSecretRotate({ id: known.id, overlapHours: 0 });
  if (secret === null) throw new Error('The secret was shown before.');
  return secret;
}
