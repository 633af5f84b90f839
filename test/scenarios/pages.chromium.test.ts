import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { composeLocalLimits } from '../../src/compose.limits.js';
import { createHttpServer } from '../../src/http/server.js';
import { systemClock } from '../../src/platform/clock.js';
import { type Browser, startBrowser } from '../clients/browser.js';
import { type Built, buildProject } from '../clients/project.js';
import { describeTrials } from '../clients/trial.js';
import { billing } from '../support/processes.js';
import { type TestApp, UNLIMITED, World } from '../support/world.js';

/** Whether the explorer keeps a text in its browser, which it does a moment after it was shown. */
const KEEPS = `async (text) => {
  const done = (asked) => new Promise((resolve) => { asked.onsuccess = () => resolve(asked.result); });
  const database = await done(indexedDB.open('AltairDB'));
  const rows = await Promise.all([...database.objectStoreNames].map((name) => done(database.transaction(name).objectStore(name).getAll())));
  database.close();
  return JSON.stringify(rows).includes(text);
}`;

let world: World;
let app: TestApp;
let built: Built;
let browser: Browser;
let lenient: FastifyInstance;
let lenientUrl: string;

beforeAll(async () => {
  built = await buildProject();
  world = await World.create({ sessionDocuments: 'registered' });
  app = await world.app();
  for (const file of built.manifests) await billing(['operations', 'register', '--app', app.id, '--file', file], world.environment);
  lenient = await createHttpServer({ ...world.gateway, limits: unlimited(), sessionDocuments: 'any', explorer: null });
  lenientUrl = await lenient.listen({ host: '127.0.0.1', port: 0 });
  browser = await startBrowser();
  await world.gateway.access.apps.setOrigins(app.id, [browser.site]);
});
afterAll(async () => {
  await browser.close();
  await lenient.close();
  await world.close();
  await built.remove();
});

describe('a page of another site, in Chromium', () => {
  const trial = (name: string, mode: 'own' | 'registered') => ({
    ...{ name, mode, who: 'session' as const },
    open: (connection: Parameters<Browser['openClient']>[1]) => browser.openClient(name, connection, built.documents),
  });
  describeTrials('Chromium', () => ({ world, app, lenientUrl }), [
    trial('@apollo/client', 'registered'),
    trial('@apollo/client', 'own'),
    trial('@urql/core', 'registered'),
    trial('@urql/core', 'own'),
  ]);

  it('sends what tracing libraries add, and reads limits and request ids', async () => {
    const page = await browser.newPage();
    const headers = {
      authorization: `Bearer ${app.key}`,
      'content-type': 'application/json',
      'x-request-id': 'page-0123456789',
      'apollographql-client-name': 'shop',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'shop=1',
      baggage: 'sentry-environment=test',
      'sentry-trace': '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1',
    };
    const read = await page.evaluate(
      async ([url, sent]) => {
        const response = await fetch(url, { method: 'POST', headers: sent, body: '{"query":"{ app { id } }"}' });
        return [response.status, response.headers.get('x-request-id'), response.headers.get('ratelimit-remaining')];
      },
      [`${world.url}/graphql`, headers] as const,
    );
    expect(read).toEqual([200, 'page-0123456789', expect.stringMatching(/^\d+$/)]);
  });

  it('reads nothing where its origin is not allowed', async () => {
    const page = await browser.newPage();
    await page.goto(browser.site.replace('127.0.0.1', 'localhost'));
    const asked = page.evaluate(
      ([url, credential]) =>
        fetch(`${url}/graphql?query={app{id}}`, { headers: { authorization: `Bearer ${credential}` } }).then(() => 'read'),
      [world.url, app.key] as const,
    );
    await expect(asked).rejects.toThrow(/Failed to fetch/);
  });
});

describe('the explorer, in Chromium', () => {
  it('asks with the key of the data that are there, whatever the browser kept of those before', async () => {
    const context = await browser.newContext();
    const keys = [await world.key(app, 'service'), await world.key(app, 'service')];
    const asked = [];
    let port = 0;
    for (const credential of [...keys, ...keys.slice(1)]) {
      const server = await createHttpServer({ ...world.gateway, limits: unlimited(), explorer: { credential } });
      port = Number(new URL(await server.listen({ host: '127.0.0.1', port })).port);
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${port}/graphql`);
      const request = page.waitForRequest((one) => one.method() === 'POST' && one.url().endsWith('/graphql'));
      await page
        .getByRole('button', { name: /send request/i })
        .first()
        .click();
      asked.push((await request).headers()['authorization']);
      await world.until(() => page.evaluate<boolean>(`(${KEEPS})(${JSON.stringify(credential)})`));
      await page.close();
      await server.close();
    }
    await context.close();
    expect(asked).toEqual([...keys, ...keys.slice(1)].map((key) => `Bearer ${key}`));
  });
});

function unlimited() {
  return composeLocalLimits({ ...world.gateway, clock: systemClock }, UNLIMITED);
}
