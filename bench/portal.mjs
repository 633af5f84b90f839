/**
 * How long the portal takes until its customer can use it, from the link to the first button that can be pressed with
 * nothing left that keeps the page busy: as a desktop on this machine, and as a phone (processor 4 times slower, 1.6
 * Mbit/s, 150 ms a round trip: what Lighthouse calls slow 4G). With nothing kept by the browser, and opened again.
 * Exits 1 above 250 kB or 15 requests of a first page.
 *
 *   npm run bench:portal          Debian's chromium (`apt-get install chromium`)
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { chromium } from 'playwright-core';
import { startDemo } from './kit/demo.mjs';

const ROUNDS = 9;
const [BYTES_MAX, REQUESTS_MAX] = [250_000, 15];
const PAYMENTS = 20;
/** Nothing kept the page busy for so long, ms: it is at rest. */
const QUIET_MS = 500;
const DEVICES = {
  desktop: { width: 1_280, slower: 1, network: null },
  phone: { width: 390, slower: 4, network: { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 } },
};

const { url, key, dataDir, stop } = await startDemo();
try {
  const customerId = await furnish();
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  for (const [name, device] of Object.entries(DEVICES)) {
    const times = { first: [], again: [] };
    let size = null;
    for (let round = 0; round < ROUNDS; round += 1) {
      const context = await browser.newContext({ viewport: { width: device.width, height: 844 } });
      const first = await open(context, device, customerId);
      times.first.push(first.ms);
      times.again.push((await open(context, device, customerId)).ms);
      size = first;
      await context.close();
    }
    const of = (list) => `${Math.round(median(list))} ms (${Math.round(Math.min(...list))} to ${Math.round(Math.max(...list))})`;
    console.log(`${name}: interactive after ${of(times.first)}, opened again ${of(times.again)}; median of ${ROUNDS}`);
    console.log(`${name}: ${(size.bytes / 1_000).toFixed(0)} kB in ${size.requests} requests`);
    if (size.bytes > BYTES_MAX || size.requests > REQUESTS_MAX) process.exitCode = 1;
  }
  await browser.close();
} finally {
  await stop();
}

/** Opens a link in a new page: until it is interactive, ms; what came over the network, bytes with their headers. */
async function open(context, { slower, network }, customerId) {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  const seen = { bytes: 0, requests: 0 };
  devtools.on('Network.requestWillBeSent', () => (seen.requests += 1));
  devtools.on('Network.loadingFinished', ({ encodedDataLength }) => (seen.bytes += encodedDataLength));
  await devtools.send('Network.enable');
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: slower });
  if (network !== null) await devtools.send('Network.emulateNetworkConditions', network);
  await page.addInitScript(watch, QUIET_MS);
  await page.goto(await link(customerId));
  const ms = await page.evaluate(() => globalThis.interactive);
  await page.close();
  return { ms, ...seen };
}

/** Runs in the page: its promise `interactive` is when a button was there and the last long task before a rest was over. */
function watch(quietMs) {
  let busyUntil = 0;
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) busyUntil = Math.max(busyUntil, startTime + duration);
  }).observe({ type: 'longtask', buffered: true });
  globalThis.interactive = new Promise((resolve) => {
    let usableAt = null;
    const look = () => {
      if (document.querySelector('main button:not([disabled])') !== null) usableAt ??= performance.now();
      const at = Math.max(usableAt ?? Number.POSITIVE_INFINITY, busyUntil);
      if (performance.now() - at >= quietMs) resolve(at);
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

async function link(customerId) {
  const create = 'mutation ($input: CustomerSessionCreateInput!) { customerSessionCreate(input: $input) { url } }';
  return (await ask(create, { customerId })).url;
}

/** A customer with a card, a subscription and payments, whose app lets them cancel. */
async function furnish() {
  const { customer } = await ask('mutation ($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }', {
    email: 'ann@example.com',
  });
  const customerId = customer.id;
  const attach = 'mutation ($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) { paymentMethod { id } } }';
  await ask(attach, { customerId, tilledPaymentMethodId: await card(), setAsDefault: true });
  const subscribe = 'mutation ($input: SubscriptionCreateInput!) { subscriptionCreate(input: $input) { subscription { id } } }';
  await ask(subscribe, { customerId, price: { amountMinor: 1_990, currency: 'usd' }, planName: 'City plan' });
  const pay = 'mutation ($input: PaymentCreateInput!) { paymentCreate(input: $input) { payment { id } } }';
  for (let number = 1; number <= PAYMENTS; number += 1)
    await ask(pay, { customerId, amount: { amountMinor: 100 * number, currency: 'usd' }, description: `Order ${number}` });
  const set = 'mutation ($input: AppSettingsUpdateInput!) { appSettingsUpdate(input: $input) { settings { version } } }';
  await ask(set, { portal: { mayCancel: ['AT_PERIOD_END'] } });
  return customerId;
}

async function card() {
  const { TILLED_BASE_URL, TILLED_SECRET_KEY, TILLED_ACCOUNT_ID } = parseEnv(await readFile(path.join(dataDir, 'demo.env'), 'utf8'));
  const response = await fetch(`${TILLED_BASE_URL}/v1/payment-methods`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'tilled-api-key': TILLED_SECRET_KEY, 'tilled-account': TILLED_ACCOUNT_ID },
    body: JSON.stringify({
      type: 'card',
      card: { number: '4111111111111111', exp_month: 12, exp_year: 2039, cvc: '123' },
      billing_details: { name: 'Ann Lee', address: { street: '1 Main St', zip: '12345', country: 'US' } },
    }),
  });
  return (await response.json()).id;
}

async function ask(query, input) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables: { input } }) });
  const { data, errors } = await response.json();
  const [payload] = Object.values(data ?? {});
  if (errors !== undefined || !payload) throw new Error(JSON.stringify(errors ?? data));
  return payload;
}

function median(list) {
  const sorted = list.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}
