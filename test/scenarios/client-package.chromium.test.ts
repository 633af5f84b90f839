import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { Webhook } from 'standardwebhooks';
import { type InstalledClient, installClient, snippet } from '../support/client-package.js';
import { type TestApp, World } from '../support/world.js';

const CHROMIUM = '/usr/bin/chromium';
const CLIENT = '/node_modules/@billing-gateway/client/dist/index.js';
const PAGE = `<!doctype html><title>Shop</title><script type="importmap">{"imports": {"@billing-gateway/client": "${CLIENT}"}}</script>`;
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

let world: World;
let app: TestApp;
let installed: InstalledClient;
let server: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [world, installed] = await Promise.all([World.create(), installClient()]);
  app = await world.app();
  // The files as the tarball has them: nothing bundles or translates them.
  server = createServer(async ({ url = '/' }, response) => {
    response.setHeader('content-type', url.endsWith('.js') ? 'text/javascript' : 'text/html');
    response.end(url === '/' ? PAGE : await readFile(path.join(installed.folder, path.posix.normalize(url))).catch(() => ''));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await world.gateway.access.apps.setOrigins(app.id, [site]);
  // Root has no sandbox, and what runs here is ours.
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  page = await browser.newPage();
  await page.goto(site);
});
afterAll(async () => {
  await browser.close();
  server.close();
  await installed.remove();
  await world.close();
});

/** Runs a module in the page, where `process.env` has these variables; what it prints. */
async function printed(program: string, env: Readonly<Record<string, string>>): Promise<string[]> {
  const lines: string[] = [];
  // Not what the browser says by itself of answers that were refused.
  const read = (message: { type(): string; text(): string }) => void (message.type() === 'log' && lines.push(message.text()));
  page.on('console', read);
  const source = `globalThis.process = { env: ${JSON.stringify(env)} };`;
  await page.evaluate(source);
  await page.evaluate(`import(URL.createObjectURL(new Blob([${JSON.stringify(program)}], { type: 'text/javascript' })))`);
  page.off('console', read);
  return lines;
}

describe('the client in Chromium, as its tarball has it', () => {
  it('runs the program of its README', async () => {
    const env = { BILLING_URL: world.url, BILLING_SERVICE_KEY: app.key, CARD: await world.newCard(app) };
    expect(await printed(await snippet(), env)).toEqual(['SUCCEEDED 19.90', expect.stringMatching(/^pay_\w+ SUCCEEDED$/)]);
  });

  it('acts for a customer with the session of a page, and throws the class of what is refused', async () => {
    const { customer, card } = await world.payer(app);
    const backend = await printed(
      `import { createClient } from '@billing-gateway/client';
       const { token } = await createClient({ url: process.env.BILLING_URL, credential: process.env.BILLING_SERVICE_KEY })
         .customerSessionCreate({ customerId: process.env.CUSTOMER });
       console.log(token);`,
      { BILLING_URL: world.url, BILLING_SERVICE_KEY: app.key, CUSTOMER: customer.id },
    );
    const lines = await printed(
      `import { createClient, Forbidden, NotFound } from '@billing-gateway/client';
       const billing = createClient({ url: process.env.BILLING_URL, credential: () => process.env.TOKEN });
       for await (const card of billing.customerPaymentMethods({ id: process.env.CUSTOMER })) console.log(card.id);
       await billing.paymentMethodDetach({ id: 'pm_nobody' }).catch((error) => console.log(error instanceof NotFound));
       await billing.payments().page().catch((error) => console.log(error instanceof Forbidden));`,
      { BILLING_URL: world.url, TOKEN: backend[0] ?? '', CUSTOMER: customer.id },
    );
    expect(lines).toEqual([card.id, 'true', 'true']);
  });

  it('believes a delivery that the library signed, and no other', async () => {
    const body = JSON.stringify({
      type: 'app.limit_reached',
      timestamp: 'now',
      schemaVersion: '1',
      data: { object: {}, sequence: 1, cause: 'job' },
    });
    const at = new Date();
    const headers = {
      'webhook-id': 'ev_1',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(SECRET).sign('ev_1', at, body),
    };
    const lines = await printed(
      `import { webhooks } from '@billing-gateway/client';
       const { BODY, HEADERS, SECRET } = process.env;
       console.log((await webhooks.verify(BODY, JSON.parse(HEADERS), SECRET)).type);
       await webhooks.verify(BODY + ' ', JSON.parse(HEADERS), SECRET).catch((error) => console.log(error.code));`,
      { BODY: body, HEADERS: JSON.stringify(headers), SECRET },
    );
    expect(lines).toEqual(['app.limit_reached', 'WRONG_SIGNATURE']);
  });
});
