import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { print } from 'graphql';
import { logLine } from '../../src/platform/log.js';
import { Samples } from '../support/card-samples.js';
import * as ops from '../support/operations.generated.js';
import { billing } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

/** As many as a customer may have entries of metadata. */
const IN_A_REQUEST = 50;
const HARMLESS = 20_000;
const CARDS = 20_000;
/** Requests under way at once. One number is enough to refuse a request, so each is in one of its own. */
const AT_ONCE = 20;
const REQUESTS_MS_MAX = 600_000;

let world: World;
let app: TestApp;
let folder: string;

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
  folder = await mkdtemp(path.join(tmpdir(), 'billing-cards-'));
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

const drawn = <T>(count: number, draw: () => T) => Array.from({ length: count }, draw);

describe('of 20,000 generated harmless values', () => {
  it('none is refused by the API, as the metadata of a customer', async () => {
    const samples = new Samples();
    const { id } = await world.customer(app);
    const values = drawn(HARMLESS, () => samples.harmless());
    const refused: string[] = [];
    for (let from = 0; from < values.length; from += IN_A_REQUEST) {
      const batch = values.slice(from, from + IN_A_REQUEST);
      const metadata = Object.fromEntries(batch.map((value, index) => [`${index % 2 === 0 ? 'track' : 'expiry'} ${index}`, value]));
      if ((await codeOf({ id, metadata })) !== undefined) refused.push(...batch);
    }
    expect([samples.seed, refused]).toEqual([samples.seed, []]);
    const [row] = await world.rows('billing_customers', app);
    expect(Object.values(JSON.parse(String(row?.['metadata'])) as object).toSorted()).toEqual(values.slice(-IN_A_REQUEST).toSorted());
  });

  it('none is blotted out in a log', () => {
    const samples = new Samples();
    const changed = drawn(HARMLESS, () => samples.harmless()).filter((value) => JSON.parse(logLine('seen', { value })).value !== value);
    expect([samples.seed, changed]).toEqual([samples.seed, []]);
  });

  it('none is a problem of an import', async () => {
    const samples = new Samples();
    const ending = await imported(drawn(HARMLESS, () => samples.harmless()));
    expect([samples.seed, ending]).toEqual([samples.seed, { status: 0, problems: [] }]);
  });
});

describe('of 20,000 generated card numbers, plain and in groups', () => {
  it(
    'none is let through by the API',
    async () => {
      const samples = new Samples();
      const { id } = await world.customer(app);
      const letThrough: string[] = [];
      const cards = drawn(CARDS, () => samples.cardNumber().written);
      for (let from = 0; from < CARDS; from += AT_ONCE) {
        const sent = cards.slice(from, from + AT_ONCE).map(async (written) => {
          const metadata = samples.one([{ note: written }, { [written]: 'note' }]);
          if ((await codeOf({ id, metadata })) !== 'PCI_VIOLATION') letThrough.push(written);
        });
        await Promise.all(sent);
      }
      expect([samples.seed, letThrough]).toEqual([samples.seed, []]);
    },
    REQUESTS_MS_MAX,
  );

  it('none is left in a log', () => {
    const samples = new Samples();
    const left = drawn(CARDS, () => samples.cardNumber()).filter(({ written }) => {
      const { message, value, nested } = JSON.parse(logLine(`failed with ${written}`, { value: written, nested: [written] }));
      return /\p{N}/u.test(message + value + nested);
    });
    expect([samples.seed, left]).toEqual([samples.seed, []]);
  });

  it('none is taken by an import, which names the line and the column', async () => {
    const samples = new Samples();
    const numbers = drawn(CARDS, () => samples.cardNumber().written);
    const { status, problems } = await imported(numbers, 1);
    const letThrough = numbers.filter((_, index) => problems[index]?.[0] !== index + 2 || problems[index]?.[1] !== 'note 0');
    expect([samples.seed, status, problems.length, letThrough]).toEqual([samples.seed, 1, CARDS, []]);
  });
});

/** What the API answers to metadata; undefined if it takes it. */
async function codeOf(input: { readonly id: string; readonly metadata: Readonly<Record<string, string>> }): Promise<unknown> {
  const { data, errors } = await world.post<{ customerUpdate: { userErrors: { code: string }[] } }>(
    { query: print(ops.CustomerUpdateDocument), variables: { input } },
    { credential: app.key },
  );
  return errors?.[0]?.extensions?.['code'] ?? data?.customerUpdate.userErrors[0]?.code;
}

/** Values in columns that are not looked at otherwise, of customers that would be new. */
async function imported(values: readonly string[], columns = IN_A_REQUEST) {
  const names = Array.from({ length: columns }, (_, index) => `note ${index}`);
  const lines = Array.from({ length: values.length / columns }, (_, line) =>
    [
      `c${line}`,
      'ann@example.com',
      ...values.slice(line * columns, (line + 1) * columns).map((value) => `"${value.replaceAll('"', '""')}"`),
    ].join(','),
  );
  const [file, report] = [path.join(folder, 'customers.csv'), path.join(folder, 'report.jsonl')];
  await writeFile(file, [['externalId', 'email', ...names].join(','), ...lines].join('\n'));
  const args = ['import', '--app', app.id, '--customers', file, '--dry-run', '--report', report, '--json'];
  const { status } = await billing(args, world.environment);
  const problems = (await readFile(report, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { line: number; field: string });
  return { status, problems: problems.map(({ line, field }) => [line, field]) };
}
