import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import axeCore from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const SCREENS = path.join(import.meta.dirname, '../../docs/screens');
/** Widths of a phone and of a desktop, CSS pixels. */
const WIDTHS = { phone: 390, desktop: 1_280 };

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** axe-core's own global in a page. */
declare const axe: { run(): Promise<{ readonly violations: readonly Violation[] }> };

/** Headless Chromium with one page that a person looks at, and all that goes wrong in it. */
export class PortalPage {
  /** What the browser refused, and what was thrown in the page. */
  readonly faults: string[] = [];
  /** Every address that was asked for. */
  readonly requests: string[] = [];

  private constructor(
    private readonly browser: Browser,
    readonly page: Page,
  ) {
    page.on('console', (message) => message.type() === 'error' && this.faults.push(message.text()));
    page.on('pageerror', (error) => this.faults.push(String(error)));
    page.on('request', (request) => this.requests.push(request.url()));
  }

  static async open(locale = 'en-US'): Promise<PortalPage> {
    // Root has no sandbox, and what runs here is ours.
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    const context = await browser.newContext({ locale });
    return new PortalPage(browser, await context.newPage());
  }

  /** Opens an address as from a link that somebody sent: nothing of the page before is kept. */
  async follow(url: string): Promise<void> {
    await this.page.goto('about:blank');
    await this.page.goto(url);
  }

  /** What axe-core finds wrong, a sentence each. */
  async violations(): Promise<string[]> {
    // Not a script of the page: its policy would refuse it, and has to.
    await this.page.evaluate(axeCore.source);
    const { violations } = await this.page.evaluate(() => axe.run());
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  }

  /** Keeps a picture in docs/screens if SCREENS is set, as a phone and as a desktop show it. */
  async picture(name: string): Promise<void> {
    if (process.env['SCREENS'] === undefined) return;
    for (const [device, width] of Object.entries(WIDTHS)) {
      await this.page.setViewportSize({ width, height: 844 });
      await writeFile(path.join(SCREENS, `${name}-${device}.png`), await this.page.screenshot({ fullPage: true }));
    }
  }

  /** Types into a field of the processor's, which is a page of its own. */
  async typeInto(group: string, text: string): Promise<void> {
    await this.page.getByRole('group', { name: group }).locator('iframe').contentFrame().locator('#value').fill(text);
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}
