import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import { type TestApp, World } from '../support/world.js';

const SITE = 'https://shop.example.com';
const SESSION = '{ session { expiresAt returnUrl customer { id } cardFields { scriptUrl publishableKey accountId } } }';

let world: World;
let app: TestApp;
let customerId: string;

beforeAll(async () => {
  world = await World.create({ publicUrl: 'https://billing.example.com' });
  app = await world.app();
  await world.gateway.access.apps.setOrigins(app.id, [SITE, 'http://localhost:5173']);
  customerId = (await world.customer(app)).id;
});
afterAll(() => world.close());

const made = async (input: Partial<ops.CustomerSessionCreateInput>, of = app) =>
  (await world.ask(of, ops.CustomerSessionCreateDocument, { input: { customerId, ...input } })).customerSessionCreate;

describe('a link to the portal', () => {
  it('begins where the operator says that the gateway is reached, and has the token where no server sees it', async () => {
    const { url, token } = await made({});
    expect(url).toBe(`https://billing.example.com/portal/#${token}`);
  });

  it.each([`${SITE}/account?tab=1#x`, SITE, 'http://localhost:5173/'])('leads back to %s, of an origin of the app', async (returnUrl) => {
    const { token, expiresAt } = await made({ returnUrl });
    const { data } = await world.post({ query: SESSION }, { credential: token ?? '' });
    expect(data).toMatchObject({ session: { returnUrl, expiresAt, customer: { id: customerId } } });
  });

  it.each([
    'https://evil.example.com/',
    'https://shop.example.com.evil.example.com/',
    'https://shop.example.com@evil.example.com/',
    'https://user:word@shop.example.com/',
    'http://shop.example.com/',
    'https://shop.example.com:8443/',
    'https://SHOP.example.com.',
    '//shop.example.com/',
    '/account',
    'data:text/html,x',
    'javascript:void 0',
    '',
    ' ',
    `${SITE}/${'x'.repeat(1_000)}`,
  ])('never leads back to %j', async (returnUrl) => {
    const { token, url, userErrors } = await made({ returnUrl });
    expect([token, url, userErrors.map(({ code, field }) => [code, field])]).toEqual([null, null, [['INVALID', ['returnUrl']]]]);
  });

  it('leads nowhere for an app without origins, and for the origins of another', async () => {
    const other = await world.app();
    const { id } = await world.customer(other);
    expect((await made({ customerId: id, returnUrl: SITE }, other)).userErrors).toMatchObject([{ code: 'INVALID', field: ['returnUrl'] }]);
    const { token } = await made({ customerId: id }, other);
    const { data } = await world.post({ query: SESSION }, { credential: token ?? '' });
    expect(data).toMatchObject({ session: { returnUrl: null, cardFields: { accountId: other.accountId } } });
  });

  it('tells a session of itself, and nobody else', async () => {
    const { status, errors } = await world.post({ query: SESSION }, { credential: app.key });
    expect([status, errors[0]?.extensions.code]).toEqual([403, 'FORBIDDEN']);
  });
});

describe('the files of the portal', () => {
  it('say whose work is in them, and under which terms', async () => {
    const licences = await (await fetch(`${world.url}/portal/licences.md`)).text();
    for (const name of ['react', 'react-dom', 'react-aria-components']) expect(licences).toMatch(new RegExp(`^## ${name} - `, 'm'));
  });

  it('are kept by browsers as long as their names say, and the page itself never', async () => {
    const page = await fetch(`${world.url}/portal/`);
    const html = await page.text();
    expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const files = [...html.matchAll(/(?:src|href)="(\/portal\/assets\/[^"]+)"/g)].map(([, file]) => file);
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const file of files) {
      const answer = await fetch(`${world.url}${file}`);
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
      await answer.bytes();
    }
  });

  it.each(['br', 'gzip'])('come as %s to who takes that, which is at most 250 kB for the first page', async (encoding) => {
    const html = await (await fetch(`${world.url}/portal/`)).text();
    const files = ['/portal/', ...[...html.matchAll(/(?:src|href)="(\/portal\/assets\/[^"]+)"/g)].map(([, file]) => file)];
    let bytes = 0;
    for (const file of files) {
      const answer = await fetch(`${world.url}${file}`, { headers: { 'accept-encoding': encoding } });
      const told = ['content-encoding', 'vary'].map((name) => answer.headers.get(name));
      expect([file, ...told]).toEqual([file, encoding, expect.stringMatching(/accept-encoding/i)]);
      expect(answer.headers.get('content-type')).toMatch(/^(text\/html|application\/javascript|text\/css)/);
      bytes += Number(answer.headers.get('content-length'));
      await answer.text();
    }
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThanOrEqual(250_000);
  });

  it('may run scripts of their own and of Tilled alone, and stand in no frame', async () => {
    const { headers } = await fetch(`${world.url}/portal/`);
    const policy = headers.get('content-security-policy') ?? '';
    const { origin } = new URL(world.sandbox.url);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src 'self' ${origin};`);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  it.each([
    '/portal/../package.json',
    '/portal/%2e%2e/package.json',
    '/portal/none.js',
    '/portal/assets/',
    '/portal/.vite/manifest.json',
  ])('are no others: %s is not found', async (path) => {
    expect((await fetch(`${world.url}${path}`)).status).toBe(404);
  });
});
