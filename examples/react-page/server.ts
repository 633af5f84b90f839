/**
 * Serves the page, and is its backend: makes a customer, sessions and payments. While `npm start` runs:
 *
 *   npm run example:page
 */
import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BillingError, createClient, UserError } from '@billing-gateway/client';
import { build } from 'esbuild';

const { BILLING_URL = '', BILLING_APP_ID = '', BILLING_SERVICE_KEY = '', PORT = '3001' } = process.env;
const { TILLED_BASE_URL = '', TILLED_PUBLIC_KEY = '', TILLED_ACCOUNT_ID = '' } = process.env;
const SITE = `http://127.0.0.1:${PORT}`;
const PAGE = '<!doctype html><html lang="en"><title>Shop</title><div id="shop"></div><script type="module" src="/page.js"></script></html>';

const billing = createClient({ url: BILLING_URL, credential: BILLING_SERVICE_KEY });

/** What the page asks its backend, by path. Each answer is JSON. */
const ANSWERS: Readonly<Record<string, (body: string) => Promise<object>>> = {
  '/session': async () => {
    const customerId = await customer();
    const { token } = await billing.customerSessionCreate({ customerId });
    const tilled = { script: `${TILLED_BASE_URL}/v2`, key: TILLED_PUBLIC_KEY, account: TILLED_ACCOUNT_ID };
    return { token, customerId, url: `${BILLING_URL}/graphql`, tilled };
  },
  // The page names the amount so that declines can be tried. A shop knows the price of an order: a page could pay less.
  '/pay': async (body) => {
    const { order, amountMinor } = JSON.parse(body) as { order: string; amountMinor: number };
    const input = { customerId: await customer(), amount: { amountMinor, currency: 'usd' }, referenceId: order };
    const { payment } = await billing.paymentCreate(input, { intent: order });
    return { status: payment.status };
  },
};

/** The one customer of this shop. */
async function customer(): Promise<string> {
  const externalId = 'react-page';
  const found = await billing.customerByExternalId({ externalId });
  if (found !== null) return found.id;
  return (await billing.customerCreate({ email: 'ann@example.com', name: 'Ann Lee', externalId }, { intent: externalId })).customer.id;
}

/** Lets this site's pages read answers of the gateway, which the gateway knows some seconds later. */
async function allowOrigin(): Promise<void> {
  const program = path.join(import.meta.dirname, '../../bin/billing.mjs');
  await promisify(execFile)(process.execPath, [program, 'apps', 'update', BILLING_APP_ID, '--cors-origin', SITE]);
  const headers = { origin: SITE, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
  const isAllowed = async () => {
    const answer = await fetch(`${BILLING_URL}/graphql`, { method: 'OPTIONS', headers });
    return answer.headers.get('access-control-allow-origin') === SITE;
  };
  while (!(await isAllowed())) await sleep(200);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
}

const bundle = await build({
  entryPoints: [path.join(import.meta.dirname, 'page.tsx')],
  ...{ bundle: true, format: 'esm', jsx: 'automatic', write: false },
  define: { 'process.env.NODE_ENV': '"production"' },
});
const [script] = bundle.outputFiles;

const server = createServer(async (request, response) => {
  const { url = '/' } = request;
  const answer = request.method === 'POST' ? ANSWERS[url] : undefined;
  if (answer === undefined) {
    const isScript = url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8');
    return response.end(isScript ? script?.text : PAGE);
  }
  response.setHeader('content-type', 'application/json');
  try {
    response.end(JSON.stringify(await answer(await bodyOf(request))));
  } catch (error) {
    if (!(error instanceof BillingError)) console.error(error);
    response.statusCode = error instanceof UserError ? 422 : 502;
    response.end(JSON.stringify({ code: error instanceof BillingError ? error.code : 'INTERNAL' }));
  }
});

await allowOrigin();
server.listen(Number(PORT), '127.0.0.1', () => console.log(`Open ${SITE}`));
