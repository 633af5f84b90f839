import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type InstalledClient, installClient, snippet } from '../support/client-package.js';
import { olderNode } from '../support/older-node.mjs';
import { World } from '../support/world.js';

const run = promisify(execFile);
const TSC = path.resolve('node_modules/typescript/bin/tsc');
const STRICT = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2023,dom,dom.iterable', '--types', ''];
/** What an app writes whose compiler knows what events hold and calls give. */
const TYPED = `
import { type BillingEvent, createClient, type Payment } from '@billing-gateway/client';
export async function cents(event: BillingEvent): Promise<number> {
  if (event.type === 'payment.succeeded') return event.data.object.amount.amountMinor;
  if (event.type === 'customer.created') return event.data.object.email.length;
  const { payment } = await createClient({ url: '', credential: '' }).paymentCapture({ id: '' });
  const text: Payment['status'] = payment.status;
  return text.length;
}
`;

let installed: InstalledClient;

beforeAll(async () => {
  installed = await installClient();
});
afterAll(() => installed.remove());

describe('the tarball of the client', () => {
  it('holds what runs, its types, its terms and its words, and nothing else', () => {
    const needed = ['LICENSE', 'README.md', 'package.json', 'persisted-documents.json', 'dist/index.js', 'dist/index.d.ts'];
    expect(installed.files).toEqual(expect.arrayContaining(needed));
    expect(installed.files.filter((file) => !needed.includes(file) && !/^dist\/[\w.]+\.(js|d\.ts)$/.test(file))).toEqual([]);
  });

  it('is of ES modules alone, and imports nothing but itself', async () => {
    const scripts = installed.files.filter((file) => file.endsWith('.js'));
    const texts = await Promise.all(
      scripts.map((file) => readFile(path.join(installed.folder, 'node_modules/@billing-gateway/client', file), 'utf8')),
    );
    const imported = texts.flatMap((text) => [...text.matchAll(/\bfrom '([^']+)'/g)].map(([, from = '']) => from));
    expect(imported.length).toBeGreaterThan(5);
    expect(imported.filter((from) => !/^\.\/[\w.]+\.js$/.test(from))).toEqual([]);
    expect(texts.filter((text) => /\brequire\(|module\.exports/.test(text))).toEqual([]);
  });

  it('has types that compile strictly, with nothing else installed, and refuse what is wrong', async () => {
    const compile = async (text: string) => {
      await writeFile(path.join(installed.folder, 'typed.ts'), text);
      return run(process.execPath, [TSC, ...STRICT, 'typed.ts'], { cwd: installed.folder }).then(
        () => '',
        ({ stdout }: { stdout: string }) => stdout,
      );
    };
    expect(await compile(TYPED)).toBe('');
    expect(await compile(TYPED.replace('amount.amountMinor', 'email.length'))).toContain("Property 'email' does not exist");
    expect(await compile(TYPED.replace("paymentCapture({ id: '' })", 'paymentCapture({})'))).toContain('id');
  });
});

describe('the program of its README, on the oldest Node there is here', () => {
  it('takes a payment and lists it', async () => {
    const world = await World.create();
    const app = await world.app();
    await writeFile(path.join(installed.folder, 'shop.js'), await snippet());
    const env = { BILLING_URL: world.url, BILLING_SERVICE_KEY: app.key, CARD: await world.newCard(app) };
    const node = olderNode() ?? '';
    const { stdout, stderr } = await run(node, ['shop.js'], { cwd: installed.folder, env });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^SUCCEEDED 19\.90\npay_\w+ SUCCEEDED\n$/);
    await world.close();
  });
});
