import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ExampleStage } from '../support/example.js';

const CHROMIUM = '/usr/bin/chromium';

let stage: ExampleStage;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  stage = await ExampleStage.create();
  const { url } = await stage.start('react-page');
  // Root has no sandbox, and what runs here is ours.
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  page = await browser.newPage();
  await page.goto(url);
});
afterAll(async () => {
  await browser.close();
  await stage.close();
});

/** Types into a field of the processor's, which is a page of its own. */
async function type(field: string, text: string): Promise<void> {
  await page.locator(`#${field} iframe`).contentFrame().locator('#value').fill(text);
}

async function attach(number: string): Promise<void> {
  await type('cardNumber', number);
  await type('cardExpiry', '12/31');
  await type('cardCvv', '123');
  await page.getByRole('button', { name: 'Attach' }).click();
}

async function pay(cents: string): Promise<void> {
  await page.getByLabel('Cents').fill(cents);
  await page.getByRole('button', { name: 'Pay' }).click();
}

/** Waits until an entry of a list says this. */
function seen(list: string, text: string): Promise<void> {
  return page.getByRole('list', { name: list }).getByText(text, { exact: true }).waitFor();
}

describe('the React page', () => {
  it('attaches a card that the hosted fields collected, pays with it, and lists both', async () => {
    await attach('4111111111111111');
    await seen('Cards', 'visa 1111');
    await pay('1900');
    await seen('Payments', '19.00 SUCCEEDED');
    expect(await page.getByRole('alert').allTextContents()).toEqual(['', '']);
  });

  it('shows why a payment was declined, and the declined payment', async () => {
    await pay('777703');
    await page.getByText('PAYMENT_DECLINED', { exact: true }).waitFor();
    await seen('Payments', '7777.03 FAILED generic_decline');
  });

  it('shows what the processor says of a card that is none', async () => {
    await attach('4111111111111112');
    await page
      .getByRole('alert')
      .filter({ hasText: /Error: / })
      .waitFor();
    expect(await page.getByRole('list', { name: 'Cards' }).getByRole('listitem').count()).toBe(1);
  });
});
