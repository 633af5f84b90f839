import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { billing } from '../support/processes.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let folder: string;

beforeAll(async () => {
  world = await World.create();
});
beforeEach(async () => {
  app = await world.app();
  folder = await mkdtemp(path.join(tmpdir(), 'billing-import-files-'));
});
afterAll(() => world.close());

async function file(name: string, content: string | Buffer): Promise<string> {
  const where = path.join(folder, name);
  await writeFile(where, content);
  return where;
}

/** What an import says: its status, its answer, its problems as `[line, field, problem]`, and what it writes for people. */
async function imports(...args: readonly string[]) {
  const report = path.join(folder, 'report.jsonl');
  const { status, stdout, stderr } = await billing(['import', '--app', app.id, '--report', report, '--json', ...args], world.environment);
  const problems = (await readFile(report, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return {
    status,
    stderr,
    answer: JSON.parse(stdout || 'null'),
    problems: problems.map(({ line, field, problem }) => [line, field, problem]),
  };
}

const rowsOfCustomers = async () =>
  (await world.rows('billing_customers', app)).map((row) => [
    row['external_id'],
    row['email'],
    row['name'],
    JSON.parse(String(row['metadata'])),
  ]);

describe('the report of an import', () => {
  it('is beside the file that is imported unless it is told another place, and says where, and there is none without a file', async () => {
    const bad = await file('bad.csv', 'externalId,email\na,nobody\n');
    const beside = await billing(['import', '--app', app.id, '--customers', bad], world.environment);
    expect([beside.status, beside.stdout]).toEqual([
      1,
      expect.stringContaining(`All of them are in ${path.join(folder, 'import-report.jsonl')}.`),
    ]);
    expect(await readFile(path.join(folder, 'import-report.jsonl'), 'utf8')).toContain('"field":"email"');
    expect(await billing(['import', '--app', app.id], world.environment)).toMatchObject({ status: 1 });
    expect(existsSync('import-report.jsonl')).toBe(false);
    const nowhere = await billing(['import', '--app', app.id, '--customers', bad, '--report', '/nowhere/report.jsonl'], world.environment);
    expect([nowhere.status, nowhere.stderr]).toEqual([1, expect.stringMatching(/^The report cannot be written .*--report\.\n$/)]);
  });
});

describe('a CSV file', () => {
  it('is read with semicolons and their announcement, blanks around headers, rows without values and a column without a name', async () => {
    const text =
      'sep=;\r\n externalId ; email;name ;;\r\na;ann@example.com;"Lee; Ann";;\r\n\r\n;;;;\r\nb;bob@example.com;Bob;;\r\n;;;;\r\n;;;;\r\n';
    const { status, answer, problems } = await imports('--customers', await file('c.csv', text));
    expect([status, problems, answer.counts.customers]).toEqual([0, [], expect.objectContaining({ created: 2, failed: 0 })]);
    expect(await rowsOfCustomers()).toEqual([
      ['a', 'ann@example.com', 'Lee; Ann', {}],
      ['b', 'bob@example.com', 'Bob', {}],
    ]);
  });

  it('with a stray quote in line 52 is told by that line, and the lines before it are counted and checked', async () => {
    const lines = Array.from({ length: 100 }, (_, index) => `c${index},${index === 9 ? 'nobody' : 'a@example.com'},Ann`);
    lines[50] = 'c50,a@example.com,5" pipe';
    const stray = await imports('--customers', await file('c.csv', ['externalId,email,name', ...lines].join('\n')));
    expect([stray.status, stray.answer.lines.customers]).toEqual([1, 51]);
    expect(stray.problems).toEqual([
      [11, 'email', 'is not an e-mail address'],
      [52, null, expect.stringMatching(/is no CSV.*INVALID_OPENING_QUOTE/)],
    ]);
    lines[50] = 'c50,a@example.com,"Ann';
    const open = await imports('--customers', await file('c.csv', ['externalId,email,name', ...lines].join('\n')));
    expect(open.problems.at(-1)).toEqual([52, null, expect.stringContaining('is no CSV')]);
  });

  it('tells the line on which a record begins, after records of several lines and empty lines', async () => {
    const text = 'externalId,email,note\n\na,ann@example.com,"Ann\nof\nall"\n\n,,\nb,nobody,Bob\n';
    const { problems } = await imports('--customers', await file('c.csv', text), '--dry-run');
    expect(problems).toEqual([[8, 'email', 'is not an e-mail address']]);
  });

  it.each([
    ['with a header twice', 'c.csv', 'externalId, email,email \na,b@example.com,c@example.com\n', /has the column email twice/],
    ['that is a workbook', 'c.csv', Buffer.from('504b0304140006', 'hex'), /is an Excel workbook/],
    ['that is UTF-16', 'c.csv', Buffer.from('\ufeffexternalId\n', 'utf16le'), /is UTF-16/],
    ['that is JSON', 'c.csv', '[{"externalId": "a"}]', /looks like JSON/],
    ['that is a page', 'c.csv', '<!doctype html><html>', /looks like HTML/],
    ['that is empty', 'c.csv', '\n', /is empty/],
    [
      'without a column that is a field',
      'c.csv',
      'Id,Mail\n1,a@example.com\n2,b@example.com\n',
      /none of the columns that are looked for: externalId, .*--mapping/,
    ],
    ['that is one array in place of JSON Lines', 'c.jsonl', '[\n{"externalId": "a"}]', /is one JSON array/],
    ['that is no JSON Lines', 'c.jsonl', 'externalId,email\n', /is no JSON Lines/],
  ])('%s is refused in one sentence, and not a line at a time', async (_, name, content, sentence) => {
    const { status, stderr, problems } = await imports('--customers', await file(name, content));
    expect([status, problems]).toEqual([1, []]);
    expect(stderr.trim()).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('numbers and texts', () => {
  it('are what is written: in JSON Lines, in CSV and in the mapping', async () => {
    const mapping = await file(
      'm.yaml',
      'customers: { columns: { id: externalId, mail: email, big: metadata.big, price: metadata.price }, constants: { metadata.code: 007, metadata.ratio: 1.10, metadata.yes: yes } }',
    );
    const source = await file('c.jsonl', '{"id":9007199254740993,"mail":"a@example.com","big":9007199254740993,"price":1.10}\n');
    expect((await imports('--customers', source, '--mapping', mapping)).problems).toEqual([]);
    const csv = await file('c.csv', 'id,mail,big,price\n007,b@example.com,9007199254740993,1.10\n');
    expect((await imports('--customers', csv, '--mapping', mapping)).problems).toEqual([]);
    const metadata = { big: '9007199254740993', price: '1.10', code: '007', ratio: '1.10', yes: 'yes' };
    expect(await rowsOfCustomers()).toEqual([
      ['9007199254740993', 'a@example.com', null, metadata],
      ['007', 'b@example.com', null, metadata],
    ]);
  });
});

describe('what the API takes', () => {
  it('an import takes, and no more: e-mail addresses, texts, telephone and order numbers, UUIDs, results of checks, last digits', async () => {
    const text = [
      'externalId,email,Phone,Order,Card CVC Status,Account Number,PIN Code,Card Number',
      'a,ann&bob@example.com,+447911123407,INV-202601-000012345,pass,000123456789,560001,4242',
      'b,team/billing@example.com,+4915112345678,41111111-1111-1111-1111-111111111111,unchecked,12345,110001,************4242',
    ].join('\n');
    const { status, problems, answer } = await imports('--customers', await file('c.csv', text));
    expect([status, problems, answer.counts.customers.created]).toEqual([0, [], 2]);
    const lines = [
      { externalId: 'a\u001b[2J', email: 'a@example.com' },
      { externalId: 'b', email: 'b@example.com', name: 'Bob\nBob' },
      { externalId: 'c', email: 'c@example.com', name: 'half \ud800' },
    ];
    const texts = await imports('--customers', await file('t.jsonl', lines.map((line) => JSON.stringify(line)).join('\n')));
    expect(texts.problems.map(([line, field]) => [line, field])).toEqual([
      [1, 'externalId'],
      [2, 'name'],
      [3, 'name'],
    ]);
    const refused = ['no@', '@example.com', 'a b@example.com'].map((email, index) => `x${index},${email}`);
    const other = await imports('--customers', await file('d.csv', ['externalId,email', ...refused].join('\n')));
    expect(other.problems.map(([line, field]) => [line, field])).toEqual([
      [2, 'email'],
      [3, 'email'],
      [4, 'email'],
    ]);
  });
});

describe('subscriptions', () => {
  const header = 'externalId,customerExternalId,priceMinor,currency,intervalUnit,intervalCount,billingCycleAnchor';

  it('have the price, interval and moment that their source means, once it says how it writes them', async () => {
    const card = await world.newCard(app);
    const common = [
      ...['--customers', await file('c.csv', 'externalId,email\nx,new@example.com\n')],
      ...['--payment-methods', await file('p.jsonl', JSON.stringify({ tilledPaymentMethodId: card, customerExternalId: 'x' }))],
    ];
    const mapping = await file(
      'm.yaml',
      `subscriptions:
  columns: { Ref: externalId, Who: customerExternalId, Price: priceMinor, Cur: currency, Per: intervalUnit, Times: intervalCount, Begins: billingCycleAnchor }
  formats: { priceMinor: decimal-point, billingCycleAnchor: utc }
customers: { columns: { externalId: externalId, email: email } }
paymentMethods: { columns: { tilledPaymentMethodId: tilledPaymentMethodId, customerExternalId: customerExternalId } }
`,
    );
    const lines = [
      '1,x,19.90,usd,quarterly,,2027-01-31T00:00:00+0000',
      '2,x,"1,019.00",usd,2 weeks,2,2027-01-31 01:47',
      '3,x,5,usd,Month,,2027-01-31T00:00:00Z',
    ];
    const subscriptions = await file('s.csv', ['Ref,Who,Price,Cur,Per,Times,Begins', ...lines].join('\n'));
    const { status, problems } = await imports(...common, '--subscriptions', subscriptions, '--mapping', mapping, '--create-subscriptions');
    expect([status, problems]).toEqual([0, []]);
    const rows = (await world.rows('billing_subscriptions', app)).toSorted(
      (one, other) => Number(other['interval_count']) - Number(one['interval_count']),
    );
    expect(rows.map((row) => [Number(row['price_minor']), row['interval_unit'], Number(row['interval_count'])])).toEqual([
      [101_900, 'WEEK', 4],
      [1990, 'MONTH', 3],
      [500, 'MONTH', 1],
    ]);
  });

  it('are not taken at a price in another format than is said, and nothing is rounded', async () => {
    const lines = [
      '1,x,19.90,usd,month,,2027-01-31T00:00:00Z',
      '2,x,1990,usd,month,,2027-01-31 01:47',
      '3,x,1990,usd,fortnight,,2027-01-31T00:00:00Z',
    ];
    const { problems } = await imports('--subscriptions', await file('s.csv', [header, ...lines].join('\n')), '--create-subscriptions');
    expect(problems.map(([line, field]) => [line, field])).toEqual([
      [2, 'priceMinor'],
      [3, 'billingCycleAnchor'],
      [4, 'intervalUnit'],
    ]);
  });

  it('are made only with --create-subscriptions, also beside lines that are left out for their problems', async () => {
    const card = await world.newCard(app);
    const files = [
      ...['--customers', await file('c.csv', 'externalId,email\nx,new@example.com\n')],
      ...['--payment-methods', await file('p.jsonl', JSON.stringify({ tilledPaymentMethodId: card, customerExternalId: 'x' }))],
      ...['--subscriptions', await file('s.csv', `${header}\n1,x,1990,usd,month,1,2027-01-31T00:00:00Z\n`)],
    ];
    const { status, problems } = await imports(...files, '--skip-invalid');
    expect([status, problems]).toEqual([1, [[2, null, expect.stringContaining('--create-subscriptions')]]]);
    expect(await world.rows('billing_subscriptions', app)).toEqual([]);
  });
});

describe('a mapping', () => {
  it.each([
    [
      'that calls quarterly a month',
      'subscriptions: { columns: { P: intervalUnit }, values: { intervalUnit: { quarterly: month } } }',
      /quarterly is not month.*"3 month"/,
    ],
    ['with two columns for one field', 'customers: { columns: { A: email, B: email } }', /email comes from two places/],
    ['with an unknown format', 'subscriptions: { formats: { priceMinor: dollars } }', /formats\.priceMinor/],
    ['that leads nowhere', 'customers: { columns: { A: nowhere } }', /no field nowhere/],
  ])('%s is refused', async (_, mapping, sentence) => {
    const { status, stderr } = await imports('--customers', await file('c.csv', 'A,B\n1,2\n'), '--mapping', await file('m.yaml', mapping));
    expect([status, stderr]).toEqual([1, expect.stringMatching(sentence)]);
  });
});

/** The mapping that docs/import.md has under a heading. */
async function documented(heading: string): Promise<string> {
  const text = await readFile(path.join(import.meta.dirname, '../../docs/import.md'), 'utf8');
  const [, section = ''] = text.split(`### ${heading}\n`);
  return file('documented.yaml', /```yaml\n(.*?)```/s.exec(section)?.[1] ?? '');
}

/** A CSV file with these columns, of which each row says some. */
function table(header: string, rows: readonly Readonly<Record<string, string>>[]): string {
  const quoted = (cells: readonly string[]) => cells.map((cell) => `"${cell}"`).join(',');
  return [header, ...rows.map((row) => quoted(header.split(',').map((column) => row[column] ?? '')))].join('\r\n');
}

/** As the exports of peers have it: last digits, results of checks, amounts in major units, moments without a zone. */
const STRIPE_CARD = {
  ...{ 'Card ID': 'card_1MzXyZ2eZvKYlo2C', 'Card Last4': '4242', 'Card Brand': 'Visa', 'Card Funding': 'credit', 'Card Exp Month': '12' },
  ...{ 'Card Exp Year': '2027', 'Card Fingerprint': 'ztg6Hv5g3sbjBE57', 'Card CVC Status': 'pass', 'Card AVS Zip Status': 'unchecked' },
};
const STRIPE_CUSTOMERS =
  'id,Description,Email,Name,Created (UTC),Delinquent,Card ID,Card Last4,Card Brand,Card Funding,Card Exp Month,Card Exp Year,' +
  'Card Fingerprint,Card CVC Status,Card AVS Zip Status,Plan,Status,Total Spend,Payment Count,Refunded Volume,Dispute Losses';
const STRIPE_PAYMENTS =
  'id,Description,Seller Message,Created (UTC),Amount,Amount Refunded,Currency,Converted Amount,Converted Amount Refunded,Fee,Tax,' +
  'Converted Currency,Mode,Status,Statement Descriptor,Customer ID,Customer Description,Customer Email,Captured,Card ID,Card Last4,' +
  'Card Brand,Card Funding,Card Exp Month,Card Exp Year,Card Name,Card Address Line1,Card Address Line2,Card Address City,' +
  'Card Address State,Card Address Country,Card Address Zip,Card Issue Country,Card Fingerprint,Card CVC Status,Card AVS Zip Status,' +
  'Card AVS Line1 Status,Card Tokenization Method,Disputed Amount,Dispute Status,Dispute Reason,Dispute Date (UTC),' +
  'Dispute Evidence Due (UTC),Invoice ID,Payment Source Type,Destination,Transfer,Interchange Costs,Merchant Service Charge';
const RECURLY_ACCOUNTS =
  'account_code,account_email,account_username,account_company_name,account_first_name,account_last_name,account_has_billing_info,' +
  'account_created_at,account_address1,account_address2';
const CHARGEBEE_CUSTOMERS =
  'customer[id],customer[first_name],customer[last_name],customer[email],customer[phone],customer[company],customer[auto_collection],' +
  'customer[taxability],customer[preferred_currency_code],customer[net_term_days]';

describe('what peers export', () => {
  it('is brought in with the mappings that are documented: customers and payments of Stripe', async () => {
    const person = {
      Email: 'ann@example.com',
      Name: 'Ann Lee',
      'Created (UTC)': '2014-02-03 01:47',
      'Total Spend': '19.00',
      Status: 'Active',
    };
    const customers = table(STRIPE_CUSTOMERS, [{ ...STRIPE_CARD, ...person, id: 'cus_29a92b191', Plan: 'gold' }]);
    const first = await imports('--customers', await file('c.csv', customers), '--mapping', await documented('Stripe: customers'));
    expect([first.status, first.problems, first.answer.counts.customers.created]).toEqual([0, [], 1]);
    const paid = {
      ...STRIPE_CARD,
      Amount: '1,249.00',
      Currency: 'usd',
      'Customer ID': 'cus_292ab3c2b',
      'Customer Email': 'bob@example.com',
    };
    const payments = table(STRIPE_PAYMENTS, [
      { ...paid, id: 'ch_3QSlijsVumgdnQ' },
      { ...paid, id: 'ch_3PimG0oAu3LRSg' },
      { ...STRIPE_CARD, id: 'ch_guest' },
    ]);
    const mapping = await documented('Stripe: payments');
    const second = await imports('--customers', await file('p.csv', payments), '--mapping', mapping, '--skip-invalid');
    expect([second.status, second.problems.map(([line]) => line), second.answer.counts.customers.created]).toEqual([1, [4, 4], 1]);
    expect(await rowsOfCustomers()).toEqual([
      [...['cus_29a92b191', 'ann@example.com', 'Ann Lee'], { stripe_created: '2014-02-03 01:47', stripe_plan: 'gold', source: 'stripe' }],
      ['cus_292ab3c2b', 'bob@example.com', null, { source: 'stripe' }],
    ]);
  });

  it('is brought in with the mappings that are documented: accounts of Recurly', async () => {
    const account = {
      ...{ account_code: '123456789', account_email: 'jj@example.com', account_company_name: 'Bluth Industries, Inc.' },
      ...{ account_first_name: 'JJ', account_last_name: 'Smith', account_created_at: '2012-06-27 03:47:28 PDT' },
    };
    const csv = await file('a.csv', table(RECURLY_ACCOUNTS, [account]));
    const { status, problems } = await imports('--customers', csv, '--mapping', await documented('Recurly'));
    expect([status, problems]).toEqual([0, []]);
    const metadata = { company: 'Bluth Industries, Inc.', recurly_created: '2012-06-27 03:47:28 PDT', source: 'recurly' };
    expect(await rowsOfCustomers()).toEqual([['123456789', 'jj@example.com', 'JJ Smith', metadata]]);
  });

  it('is brought in with the mappings that are documented: customers and subscriptions of Chargebee, but for those that ended', async () => {
    const customer = {
      'customer[id]': 'cb1',
      'customer[first_name]': 'Ann',
      'customer[last_name]': 'Lee',
      'customer[email]': 'ann@example.com',
      'customer[phone]': '+19499999999',
    };
    const subscription = {
      ...{
        id: 's1',
        customer_id: 'cb1',
        plan_id: 'gold',
        plan_amount: 1990,
        currency_code: 'USD',
        billing_period: 3,
        billing_period_unit: 'month',
      },
      ...{ next_billing_at: 1801353600, status: 'active', object: 'subscription', deleted: false },
    };
    const lines = [subscription, { ...subscription, id: 's2', status: 'non_renewing' }, { ...subscription, id: 's3', status: 'cancelled' }];
    const files = [
      ...['--customers', await file('c.csv', table(CHARGEBEE_CUSTOMERS, [customer])), '--mapping', await documented('Chargebee')],
      ...[
        '--subscriptions',
        await file('s.jsonl', lines.map((line) => JSON.stringify(line)).join('\n')),
        '--create-subscriptions',
        '--skip-invalid',
      ],
    ];
    const { problems, answer } = await imports(...files, '--dry-run');
    expect(problems).toEqual([2, 3].map((line) => [line, null, 'is canceled where it comes from: a new one would collect']));
    expect([answer.counts.customers.created, answer.counts.subscriptions.created]).toEqual([1, 1]);
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));
