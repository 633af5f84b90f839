import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import { PortalPage } from '../support/portal-page.js';
import { type TestApp, World } from '../support/world.js';

const SITE = 'https://shop.example.com';
const RETURN_URL = `${SITE}/account?tab=billing`;

let world: World;
let app: TestApp;
let portal: PortalPage;
let customerId: string;

beforeAll(async () => {
  world = await World.create({ sessionDocuments: 'registered' });
  app = await world.app();
  await world.gateway.access.apps.setOrigins(app.id, [SITE]);
  const policy = { portal: { mayCancel: ['AT_PERIOD_END', 'IMMEDIATELY'] as ops.CancelMode[] } };
  await world.ask(app, ops.AppSettingsUpdateDocument, { input: { brandName: 'Green Bikes', brandColor: '#0b6b3a', ...policy } });
  const { customer } = await world.payer(app);
  customerId = customer.id;
  await world.subscription(app, customerId, { planName: 'City plan' });
  await world.payment(app, customerId, { description: 'A helmet' });
  await world.settle();
  portal = await PortalPage.open();
});
afterAll(async () => {
  await portal.close();
  await world.close();
});

async function link(of = app, customer = customerId): Promise<string> {
  const input = { customerId: customer, returnUrl: of === app ? RETURN_URL : null };
  const { customerSessionCreate } = await world.ask(of, ops.CustomerSessionCreateDocument, { input });
  return `${world.url}/portal/#${customerSessionCreate.token}`;
}

/** A button on the page. */
const button = (name: string) => portal.page.getByRole('button', { name, exact: true });
const seen = (text: string | RegExp) =>
  portal.page
    .getByText(text)
    .first()
    .waitFor({ timeout: 10_000 })
    .catch(async () => {
      throw new Error(`${text} is not there, but:\n${await portal.page.locator('body').innerText()}\n${portal.faults.join('\n')}`);
    });

describe('the portal, opened by a link', () => {
  it("shows subscriptions, cards and payments in the app's name and colour, within 15 requests, and nothing is amiss", async () => {
    await portal.follow(await link());
    await seen('City plan');
    await seen('$19.90 every month');
    await seen('Visa ending in 1111');
    await seen('A helmet');
    expect(await portal.page.title()).toBe('Green Bikes');
    expect(await portal.page.evaluate("getComputedStyle(document.querySelector('header')).backgroundColor")).toBe('rgb(11, 107, 58)');
    expect(await portal.page.getByRole('link', { name: 'Back to Green Bikes' }).getAttribute('href')).toBe(RETURN_URL);
    expect(portal.requests.filter((url) => url !== 'about:blank').length).toBeLessThanOrEqual(15);
    expect(await portal.violations()).toEqual([]);
    await portal.picture('portal');
  });

  it('keeps its token out of the address, and is still open when it is loaded again', async () => {
    expect(portal.page.url()).toBe(`${world.url}/portal/`);
    await portal.page.reload();
    await seen('City plan');
    expect(portal.requests.filter((url) => url.includes('bg_ses_'))).toEqual([]);
  });
});

describe('a customer in the portal', () => {
  it('cancels a subscription for the end of its period, and takes that back', async () => {
    await button('Cancel City plan').click();
    await portal.page.getByRole('radio', { name: /At the end of the period/ }).waitFor();
    expect(await portal.violations()).toEqual([]);
    await portal.picture('portal-cancel');
    await button('Cancel subscription').click();
    await seen(/^Active Ends on /);
    expect(await subscription()).toMatchObject({ status: 'ACTIVE', cancelAtPeriodEnd: true });
    await button('Keep City plan after all').click();
    await seen(/^Active Next payment on /);
    expect(await subscription()).toMatchObject({ status: 'ACTIVE', cancelAtPeriodEnd: false });
  });

  it('adds a card whose number only the processor sees, and makes it the default', async () => {
    await button('Add a card').click();
    await portal.page.getByLabel('Name on the card').fill('Ann Lee');
    await portal.page.getByLabel('Postal code').fill('12345');
    await portal.typeInto('Card number', '5555555555554444');
    await portal.typeInto('Expiry date', '12/31');
    await portal.typeInto('Security code', '123');
    expect(await portal.violations()).toEqual([]);
    await portal.picture('portal-card');
    await button('Save card').click();
    await button('Make Mastercard ending in 4444 the default').click();
    await button('Make Visa ending in 1111 the default').waitFor();
  });

  it('removes a card, and is told why one that pays a subscription has to stay', async () => {
    await button('Remove Visa ending in 1111').click();
    await button('Remove it').click();
    await seen('A subscription is paid with it');
    await button('Remove Mastercard ending in 4444').click();
    await button('Remove it').click();
    await portal.page.getByRole('heading', { name: 'Mastercard ending in 4444', exact: true }).waitFor({ state: 'detached' });
    const { customer } = await world.ask(app, ops.CustomerDocument, { id: customerId });
    expect(customer?.paymentMethods.map(({ last4 }) => last4)).toEqual(['1111']);
  });

  it('does all of that with the keyboard alone', async () => {
    await portal.follow(await link());
    await seen('City plan');
    await press('Cancel City plan', 'Enter');
    await portal.page.getByRole('alertdialog').waitFor();
    await portal.page.keyboard.press('Escape');
    await portal.page.getByRole('alertdialog').waitFor({ state: 'detached' });
    expect(await portal.page.evaluate("document.activeElement?.getAttribute('aria-label')")).toBe('Cancel City plan');
  });

  it('speaks German where the app does, with its dates and amounts', async () => {
    await world.ask(app, ops.AppSettingsUpdateDocument, { input: { locale: 'de-DE', timeZone: 'Europe/Berlin' } });
    await portal.follow(await link());
    await seen('19,90 $ pro Monat');
    await button('City plan kündigen').waitFor();
    expect(await portal.page.evaluate('document.documentElement.lang')).toBe('de-DE');
    expect(await portal.violations()).toEqual([]);
    await portal.picture('portal-de');
    await world.ask(app, ops.AppSettingsUpdateDocument, { input: { locale: 'en' } });
  });

  it('sees what apps and customers called things as text, whatever it is', async () => {
    const hostile = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>';
    const other = await world.app();
    const { customer } = await world.payer(other);
    await world.ask(other, ops.AppSettingsUpdateDocument, { input: { brandName: hostile.slice(0, 60) } });
    await world.subscription(other, customer.id, { planName: hostile });
    await world.payment(other, customer.id, { description: hostile });
    await portal.follow(await link(other, customer.id));
    await seen(hostile);
    expect(await portal.page.evaluate("'hurt' in window")).toBe(false);
    expect(await portal.page.locator('main img, main script').count()).toBe(0);
  });

  it('is told when the link is good no longer, and led back', async () => {
    await portal.follow(await link());
    await seen('City plan');
    await world.gateway.access.apps.rotateSessionSecret(app.id);
    await world.advance({ ms: 6_000 });
    await button('Cancel City plan').click();
    await button('Cancel subscription').click();
    await seen('This link is no longer good');
    expect(await portal.page.getByRole('link').getAttribute('href')).toBe(RETURN_URL);
    expect(await portal.violations()).toEqual([]);
    await portal.follow(`${world.url}/portal/`);
    await seen('This link is no longer good');
  });

  it('met nothing that the browser refused', () => {
    // Of requests that are answered 401 the browser speaks by itself.
    expect(portal.faults.filter((fault) => !fault.includes('401'))).toEqual([]);
  });
});

/** Goes to a button with the tab key, and presses another on it. */
async function press(name: string, key: string): Promise<void> {
  for (let steps = 0; steps < 30; steps += 1) {
    if ((await portal.page.evaluate("document.activeElement?.getAttribute('aria-label')")) === name) break;
    await portal.page.keyboard.press('Tab');
  }
  await portal.page.keyboard.press(key);
}

async function subscription() {
  const { customer } = await world.ask(app, ops.CustomerDocument, { id: customerId });
  return customer?.subscriptions.nodes[0];
}
