import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { getNamedType, print } from 'graphql';
import type { Log, LogFields } from '../../src/platform/log.js';
import { type Furniture, furnish } from '../support/furnish.js';
import * as ops from '../support/operations.generated.js';
import {
  type InputPlace,
  leastVariables,
  operationOf,
  placesOf,
  type RootField,
  rootFieldsOf,
  withValueAt,
} from '../support/schema-walk.js';
import { tableNames } from '../support/tables.js';
import { type TestApp, World } from '../support/world.js';

/** A number nobody uses in another test, in the ways people write it. */
const CANARY = '4000056655665556';
const WRITTEN = [
  CANARY,
  '4000 0566 5566 5556',
  '4000-0566-5566-5556',
  '4000.0566.5566.5556',
  `ref 7 ${CANARY}`,
  '٤٠٠٠٠٥٦٦٥٥٦٦٥٥٥٦',
  '4000, 0566, 5566, 5556',
  '4000   0566     5566   5556',
  '④⓪⓪⓪ ⓪⑤⑥⑥ ⑤⑤⑥⑥ ⑤⑤⑤⑥',
];
const TRACES = [...WRITTEN, encodeURIComponent('4000 0566 5566 5556'), '4000+0566', '5566%205556', '56655665556'];
/** Written so in a document, it is meant to be the number. */
const ESCAPED = [String.raw`"\u0034000056655665556"`, String.raw`"40000566\u{35}5665556"`, '"""4000\n  0566\n  5566 5556"""'];

/** Everything that is logged, before anything is blotted out of it. */
const logged: string[] = [];
const note =
  (level: string) =>
  (message: string, fields: LogFields = {}) =>
    void logged.push(JSON.stringify([level, message, fields]));
const LOG: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error'), child: () => LOG };

let world: World;
let app: TestApp;
let furniture: Furniture;
let roots: readonly RootField[];
const answers: string[] = [];

beforeAll(async () => {
  world = await World.create({ log: LOG });
  app = await world.app();
  furniture = await furnish(world, app);
  roots = rootFieldsOf(world.gateway.schema);
});
afterAll(() => world.close({ divergences: 1 }));

const fill = ({ path, type }: InputPlace): unknown => {
  const name = path.at(-1) ?? '';
  if (name === 'url') return 'https://example.com/billing';
  if (name in furniture.strings) return furniture.strings[name as keyof Furniture['strings']];
  const ours = Object.entries(furniture.ids).find(([noun]) => name.toLowerCase() === `${noun.toLowerCase()}id`);
  return SAMPLES[getNamedType(type).name] ?? ours?.[1] ?? 'text';
};
const SAMPLES: Readonly<Record<string, unknown>> = {
  MinorUnits: 100,
  CurrencyCode: 'usd',
  Int: 1,
  Boolean: true,
  DateTime: '2027-01-01T00:00:00Z',
};

describe('card data is refused before anything is done with it', () => {
  it('in every value that any query or mutation takes, as a variable and in the document', async () => {
    let sent = 0;
    for (const root of roots) {
      for (const place of placesOf(root)) {
        const written = WRITTEN[sent % WRITTEN.length] ?? CANARY;
        const variables = withValueAt(leastVariables(root, fill), place.path, valueFor(place, written));
        await expectRefused(JSON.stringify({ query: operationOf(root, 0), variables }));
        await expectRefused(JSON.stringify({ query: literalOf(root, place, written) }));
        sent += 2;
      }
    }
    expect(sent).toBeGreaterThan(120);
  });

  it('in literals of a document however they are escaped, and in the names that stand there', async () => {
    const of = (literal: string) =>
      expectRefused(
        JSON.stringify({ query: `mutation { customerCreate(input: { email: "bob@example.com", ${literal} }) { __typename } }` }),
      );
    for (const escaped of ESCAPED) {
      await of(`name: ${escaped}`);
      await of(`metadata: { note: ${escaped} }`);
    }
    await of(`metadata: { _${CANARY}: 1 }`);
    await of(String.raw`metadata: { card: { code: "1\u00323" } }`);
  });

  it('and the answer names the field, and shows no name that could be the number', async () => {
    const input = { email: 'bob@example.com', metadata: { note: CANARY } };
    const query = print(ops.CustomerCreateDocument);
    const fieldOf = async (body: unknown) =>
      (JSON.parse((await send(JSON.stringify(body), {})).text) as { errors: { extensions: { field: string[] } }[] }).errors[0]?.extensions
        .field;
    expect(await fieldOf({ query, variables: { input } })).toEqual(['variables', 'input', 'metadata', 'note']);
    expect(await fieldOf({ query, variables: { input: { metadata: { [CANARY]: 'note' } } } })).toEqual([
      'variables',
      'input',
      'metadata',
      '*',
    ]);
    expect(await fieldOf({ query: `{ customer(id: "${CANARY}") { id } }` })).toEqual(['query']);
  });

  it('in keys and values of metadata, by the name of a key and its digits, and as a number', async () => {
    const of = (metadata: unknown) =>
      expectRefused(
        JSON.stringify({ query: print(ops.CustomerCreateDocument), variables: { input: { email: 'bob@example.com', metadata } } }),
      );
    for (const written of WRITTEN) {
      await of({ note: written });
      await of({ [written]: 'note' });
      await of({ deeper: { and: [written] } });
      await of({ note: JSON.stringify({ card: { number: written } }) });
    }
    await of({ note: Number(CANARY) });
    for (const [name, digits] of [
      ['CVV2', '123'],
      ['card_cvc', 1234],
      ['routingNumber', '021000021'],
      ['cardExpiry', '12/27'],
    ] as const)
      await of({ [name]: digits });
    await of('bank account number: 000123456789');
  });

  it('in every part of a request body', async () => {
    const query = '{ app { id } }';
    await expectRefused(JSON.stringify({ query, operationName: CANARY }));
    await expectRefused(JSON.stringify({ query, extensions: { note: CANARY } }));
    await expectRefused(JSON.stringify({ query, other: CANARY }));
    await expectRefused(JSON.stringify({ query, [CANARY]: 1 }));
    await expectRefused(JSON.stringify({ query: `${query} # ${CANARY}` }));
    await expectRefused(JSON.stringify({ query: { note: CANARY } }));
    await expectRefused(JSON.stringify([{ query }, { query: `{ customer(id: "${CANARY}") { id } }` }]));
    await expectRefused(JSON.stringify(CANARY));
    await expectRefused(`query=${CANARY}`, { type: 'text/plain' });
    await expectRefused(JSON.stringify({ query: '{ customer(cvv: 123) { id } }' }));
    await expectRefused(JSON.stringify({ query: 'query($cvc: ID = "1234") { customer(id: $cvc) { id } }' }));
  });

  it('in an address and in headers', async () => {
    for (const written of WRITTEN) {
      const inUrl = encodeURIComponent(written);
      await expectRefused('', { method: 'GET', path: `/graphql?query=${inUrl}` });
      await expectRefused('', {
        method: 'GET',
        path: `/graphql?query={app{id}}&variables=${encodeURIComponent(JSON.stringify({ id: written }))}`,
      });
      await expectRefused('{}', { path: `/graphql?x=${inUrl}` });
      await expectRefused('', { method: 'GET', path: `/${inUrl}` });
      await expectRefused('{}', { path: `/api/billing/webhooks/${inUrl}` });
    }
    for (const written of WRITTEN.slice(0, 4)) {
      for (const name of ['idempotency-key', 'x-app-id', 'x-request-id', 'user-agent', 'x-anything']) {
        await expectRefused(JSON.stringify({ query: '{ app { id } }' }), { headers: { [name]: written } });
      }
    }
    await expectRefused('{}', { headers: { 'x-card-cvc': '123' } });
  });

  it('or, where nothing can be read, refused otherwise and forgotten', async () => {
    const others: [string, Sent][] = [
      [`{"query": "{ app { id } }", "note": "${CANARY}`, {}],
      [CANARY, { type: 'application/x-www-form-urlencoded' }],
      [`--x\r\n\r\n${CANARY}`, { type: 'multipart/form-data; boundary=x' }],
      [JSON.stringify({ query: CANARY }), { headers: { authorization: `Bearer ${CANARY}` } }],
      [JSON.stringify({ query: '{ app { id } }' }), { headers: { authorization: `Bearer ${CANARY}` } }],
      ['', { method: 'GET', path: `/%ff${CANARY}` }],
      ['', { method: 'PUT', path: '/nowhere', headers: { 'content-type': CANARY } }],
      [
        JSON.stringify({ id: CANARY, type: CANARY, account_id: app.accountId, data: { number: CANARY } }),
        { path: '/api/billing/webhooks' },
      ],
      [
        JSON.stringify({ id: CANARY }),
        { path: `/api/billing/webhooks/${app.id}`, headers: { 'tilled-signature': `t=${CANARY},v1=${CANARY}` } },
      ],
    ];
    for (const [body, sent] of others) expect((await send(body, sent)).status).toBeGreaterThanOrEqual(400);
  });

  it('and leaves no trace: in no answer, log line, row, metric, or request to the processor', async () => {
    await world.settle();
    const { database } = world.gateway;
    const tables = await tableNames(database);
    const rows = await Promise.all(tables.map((table) => database.query(`select * from ${table}`, [])));
    const places = {
      answers: answers.join('\n'),
      log: logged.join('\n'),
      rows: JSON.stringify(rows),
      requests: JSON.stringify(world.sandbox.requests()),
      metrics: await world.gateway.metrics.registry.metrics(),
    };
    expect(rows.flat().length).toBeGreaterThan(30);
    expect(answers.length).toBeGreaterThan(200);
    for (const [place, text] of Object.entries(places))
      expect([place, TRACES.filter((trace) => text.includes(trace))]).toEqual([place, []]);
    expect(logged.filter((line) => line.includes('card data refused')).length).toBeGreaterThan(200);
    expect(places.metrics).toMatch(/billing_card_data_refusals_total\{kind="card_number"\} \d{3}/);
  });
});

describe('what the schema takes', () => {
  it('has no name of card or bank data', () => {
    const names = roots.flatMap((root) => placesOf(root).flatMap(({ path }) => path));
    expect(names.length).toBeGreaterThan(100);
    expect(names.filter((name) => /^pan$|card_?num|cv[cv]|expir|track|iban|account_?n|routing/i.test(name))).toEqual([]);
  });

  it('has a largest length for every text that a mutation keeps', async () => {
    const texts = roots
      .filter(({ operation }) => operation === 'mutation')
      .flatMap((root) =>
        placesOf(root)
          .filter(({ type }) => getNamedType(type).name === 'String')
          .map((place) => ({ root, place })),
      );
    expect(texts.length).toBeGreaterThan(15);
    for (const { root, place } of texts) {
      const variables = withValueAt(leastVariables(root, fill), place.path, 'x'.repeat(6_000));
      const query = operationOf(root, 1);
      const { data, errors } = await world.post<Record<string, { userErrors: unknown }>>({ query, variables }, { credential: app.key });
      expect([root.name, errors, data?.[root.name]?.userErrors]).toEqual([
        root.name,
        [],
        [expect.objectContaining({ code: 'INVALID', field: place.path.slice(1) })],
      ]);
    }
  });
});

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function expectRefused(body: string, sent: Sent = {}): Promise<void> {
  const { status, text } = await send(body, sent);
  expect([status, JSON.parse(text), body.slice(0, 200)]).toEqual([
    400,
    { errors: [{ message: expect.stringContaining('Tilled.js'), extensions: { code: 'PCI_VIOLATION', field: expect.any(Array) } }] },
    body.slice(0, 200),
  ]);
}

/** Sends exactly this, and keeps what comes back. */
function send(
  body: string,
  { method = 'POST', path = '/graphql', type = 'application/json', headers }: Sent,
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(world.url);
  const withBody = body === '' ? {} : { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) };
  const allHeaders = { authorization: `Bearer ${app.key}`, ...withBody, ...headers };
  return new Promise((resolve, reject) => {
    const sending = request({ hostname, port, method, path, headers: allHeaders }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => {
        answers.push(JSON.stringify(response.headers) + text);
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    sending.on('error', reject);
    sending.end(body === '' ? undefined : body);
  });
}

function valueFor({ type }: InputPlace, written: string): unknown {
  if (getNamedType(type).name === 'Metadata') return { note: written };
  return getNamedType(type).name === 'MinorUnits' ? Number(CANARY) : written;
}

/** An operation with a value written into it at one place. */
function literalOf({ operation, name }: RootField, { path, type }: InputPlace, written: string): string {
  const isNumber = ['Int', 'MinorUnits'].includes(getNamedType(type).name);
  const value = isNumber ? CANARY : JSON.stringify(written);
  const nested = path
    .toReversed()
    .reduce((inside, step, index) => (index === path.length - 1 ? `${step}: ${inside}` : `{ ${step}: ${inside} }`), value);
  return `${operation} { ${name}(${nested}) { __typename } }`;
}
