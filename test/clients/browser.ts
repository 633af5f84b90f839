import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import type { Client, Connection, Documents } from './client.js';
import type { Hooks } from './page.js';

const run = promisify(execFile);
const PROJECT = path.join(import.meta.dirname, '../..');
/** Where Debian's package puts it. */
const CHROMIUM = '/usr/bin/chromium';
const BUNDLE_BYTES_MAX = 16 * 1024 ** 2;

/** A page's own global functions. */
declare const open: Hooks['open'];
declare const ask: Hooks['ask'];

/** Headless Chromium, and a site with the page of test/clients/page.ts. */
export interface Browser {
  /** The origin of the site. */
  readonly site: string;
  newPage(): Promise<Page>;
  /** A browser that remembers nothing yet. */
  newContext(): Promise<BrowserContext>;
  /** A client that runs in a page of the site. */
  openClient(name: string, connection: Connection, documents: Documents): Promise<Client>;
  close(): Promise<void>;
}

/** Starts the browser and the site. */
export async function startBrowser(): Promise<Browser> {
  const options = ['--bundle', '--format=iife', '--define:process.env.NODE_ENV="production"'];
  const esbuild = [path.join(PROJECT, 'node_modules/.bin/esbuild'), path.join(import.meta.dirname, 'page.ts'), ...options];
  const { stdout: script } = await run(esbuild[0] ?? '', esbuild.slice(1), { cwd: PROJECT, maxBuffer: BUNDLE_BYTES_MAX });
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8');
    response.end(isScript ? script : '<!doctype html><title>Shop</title><script src="/page.js"></script>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Root has no sandbox, and what runs here is ours.
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  const newPage = async () => {
    const page = await browser.newPage();
    await page.goto(site);
    return page;
  };
  return {
    site,
    newPage,
    newContext: () => browser.newContext(),
    openClient: async (name, connection, documents) => {
      const page = await newPage();
      await page.evaluate(([...given]) => open(...given), [name, connection, JSON.parse(JSON.stringify(documents))] as const);
      const client = new Proxy({} as Client, {
        get: (_, method) =>
          method === 'then'
            ? undefined
            : (argument: unknown) => page.evaluate(([name, given]) => ask(name, given), [method, argument] as [never, never]),
      });
      return client;
    },
    close: async () => {
      await browser.close();
      server.close();
      await once(server, 'close');
    },
  };
}
