import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { getNamedType } from 'graphql';
import { type Furniture, furnish } from '../support/furnish.js';
import { billing } from '../support/processes.js';
import { type InputPlace, leastVariables, operationOf, placesOf, rootFieldsOf, withValueAt } from '../support/schema-walk.js';
import { rowsOfApp, tableNames } from '../support/tables.js';
import { type TestApp, World } from '../support/world.js';

/** What would do something if it ever became part of a statement, on any of the databases. */
const STATEMENTS = [
  "x' or '1'='1' -- ",
  "x'; drop table billing_customers; -- ",
  'x" or sleep(5) or "',
  "x\\' union select hash from billing_api_keys # ",
  'x`) or 1=1 /* ',
  "x'||(select session_secret from billing_apps limit 1)||'",
];

let world: World;
let app: TestApp;
let other: TestApp;
let furniture: Furniture;

beforeAll(async () => {
  world = await World.create();
  [app, other] = [await world.app(), await world.app()];
  furniture = await furnish(world, app);
  await furnish(world, other);
});
afterAll(() => world.close({ divergences: 2 }));

const SAMPLES: Readonly<Record<string, unknown>> = {
  MinorUnits: 100,
  CurrencyCode: 'usd',
  Int: 1,
  Boolean: true,
  DateTime: '2027-01-01T00:00:00Z',
};
const fill = ({ path, type }: InputPlace): unknown => {
  const name = path.at(-1) ?? '';
  if (name in furniture.strings) return furniture.strings[name as keyof Furniture['strings']];
  const ours = Object.entries(furniture.ids).find(([noun]) => name.toLowerCase() === `${noun.toLowerCase()}id`);
  return SAMPLES[getNamedType(type).name] ?? ours?.[1] ?? 'text';
};

describe('SQL in a text', () => {
  it('stays a text in every value that any query or mutation takes: it becomes part of no statement', async () => {
    const roots = rootFieldsOf(world.gateway.schema);
    const [tables, before] = [await tableNames(world.gateway.database), await rowsOfApp(world, other)];
    const seen: string[] = [];
    const stop = world.gateway.database.listen((sql) => void seen.push(sql));
    let sent = 0;
    for (const root of roots) {
      for (const place of placesOf(root).filter(({ type }) => ['String', 'ID', 'Metadata'].includes(getNamedType(type).name))) {
        const text = STATEMENTS[sent % STATEMENTS.length] ?? '';
        const value = getNamedType(place.type).name === 'Metadata' ? { [text.slice(0, 40)]: text } : text;
        const variables = withValueAt(leastVariables(root, fill), place.path, value);
        const answer = await world.post({ query: operationOf(root, 0), variables }, { credential: app.key });
        expect([root.name, place.path, answer.errors.map(({ extensions }) => extensions.code)]).toEqual([
          root.name,
          place.path,
          expect.not.arrayContaining(['INTERNAL']),
        ]);
        sent += 1;
      }
    }
    for (const text of STATEMENTS) {
      await world.post({ query: '{ app { id } }' }, { credential: text.trim() });
      await world.post({ query: '{ app { id } }' }, { credential: app.key, headers: { 'idempotency-key': text, 'x-app-id': text } });
      await fetch(`${world.url}/api/billing/webhooks/${encodeURIComponent(text)}`, {
        method: 'POST',
        body: JSON.stringify({ account_id: text }),
      });
    }
    stop();
    expect(sent).toBeGreaterThan(60);
    expect(seen.length).toBeGreaterThan(100);
    expect(seen.filter((sql) => STATEMENTS.some((text) => sql.includes(text.slice(2, 14))))).toEqual([]);
    expect(await tableNames(world.gateway.database)).toEqual(tables);
    expect(await rowsOfApp(world, other)).toEqual(before);
  });
});

describe('half of a character', () => {
  it('is refused by name in every text that any query or mutation takes', async () => {
    const sent = { query: 0, mutation: 0 };
    for (const root of rootFieldsOf(world.gateway.schema)) {
      for (const place of placesOf(root).filter(({ type }) => ['String', 'ID', 'Metadata'].includes(getNamedType(type).name))) {
        const value = getNamedType(place.type).name === 'Metadata' ? { key: 'A\ud800B' } : 'A\ud800B';
        const variables = withValueAt(leastVariables(root, fill), place.path, value);
        const { data, errors } = await world.post<Record<string, { readonly userErrors: readonly { field: readonly string[] }[] }>>(
          { query: operationOf(root, 1), variables },
          { credential: app.key },
        );
        const named =
          root.operation === 'query'
            ? errors.map(({ extensions, message }) => [extensions.code, message.includes(place.path.join('.'))])
            : data?.[root.name]?.userErrors.map(({ field }) => field.slice(0, place.path.length - 1).join('.'));
        const expected = root.operation === 'query' ? ['BAD_USER_INPUT', true] : place.path.slice(1).join('.');
        expect([root.name, place.path, named, errors.slice(1)]).toEqual([root.name, place.path, expect.arrayContaining([expected]), []]);
        sent[root.operation] += 1;
      }
    }
    expect(sent.query).toBeGreaterThan(15);
    expect(sent.mutation).toBeGreaterThan(40);
  });
});

describe('what others wrote', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no terminal may get.
  const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/;
  const EVIL = 'Evil\u001b]0;title\u0007\u009b2J\rname\u0085';
  const run = async (...args: readonly string[]) => {
    const { stdout, stderr } = await billing(args, world.environment);
    expect([args, CONTROLS.test(stdout + stderr)]).toEqual([args, false]);
    return stdout;
  };

  it('comes to a terminal without control characters, and on a line of its own only where it is one', async () => {
    const { id } = await world.customer(app, { metadata: { note: 'two\nlines' } });
    // Stored before they were refused.
    await world.gateway.database.run('update billing_customers set name = ? where app_id = ? and id = ?', [`${EVIL}\nx`, app.id, id]);
    await world.gateway.database.run('update billing_apps set name = ? where id = ?', [`${EVIL}\nx`, other.id]);
    expect(await run('inspect', 'customer', id, '--show-personal')).toContain(
      'Evil\\u001b]0;title\\u0007\\u009b2J\\u000dname\\u0085\\u000ax',
    );
    expect(JSON.parse(await run('inspect', 'customer', id, '--show-personal', '--json')).row.name).toBe(`${EVIL}\nx`);
    expect(JSON.parse(await run('customers', 'export', '--app', app.id, '--customer', id)).billing_customers[0].name).toBe(`${EVIL}\nx`);
    expect((await run('apps', 'list')).trim().split('\n')).toHaveLength(2);
    await world.gateway.database.run("update billing_apps set name = 'Other' where id = ?", [other.id]);
    await run('inspect', 'customer', EVIL);
  });

  it('is refused where an app gets its name', async () => {
    for (const name of [EVIL, 'two\nlines', '  ']) {
      const made = await billing(['apps', 'create', 'evil', '--name', name], world.environment);
      expect([made.status, made.stderr]).toEqual([1, expect.stringMatching(/^The name of an app must .+\.\n$/)]);
    }
    expect(await world.gateway.access.findApp('evil')).toBeNull();
  });
});

describe('a credential', () => {
  it('is looked for by its hash, in the same statements however much of it is right', async () => {
    const wrong = [`${app.key.slice(0, -1)}~`, `${app.key.slice(0, 12)}${'x'.repeat(31)}`, 'bg_svc_x', `bg_svc_${'x'.repeat(5_000)}`];
    const shapes: string[][] = [];
    for (const credential of wrong) {
      const seen: [string, readonly unknown[]][] = [];
      const stop = world.gateway.database.listen((sql, parameters) => void seen.push([sql, parameters]));
      expect((await world.post({ query: '{ app { id } }' }, { credential })).status).toBe(401);
      stop();
      shapes.push(seen.map(([sql]) => sql));
      expect(JSON.stringify(seen)).not.toContain(credential.slice(0, 12));
    }
    for (const shape of shapes) expect(shape).toEqual(shapes[0]);
  });

  it('of Tilled, a signature, is compared in constant time', async () => {
    expect(await readFile('src/tilled/tilled.signature.ts', 'utf8')).toMatch(/timingSafeEqual\(/);
  });
});

describe('a header', () => {
  it.each([
    ['a line break in the request id', 'x-request-id: abcdefgh\r\n set-cookie: evil=1'],
    ['a bare line feed', 'x-request-id: abcdefgh\nset-cookie: evil=1'],
    ['a bare carriage return', 'x-request-id: abcdefgh\rset-cookie: evil=1'],
    ['an encoded line break', 'x-request-id: abcdefgh%0d%0aset-cookie:%20evil=1'],
    ['a null', 'x-request-id: abcdefgh\0'],
    ['two lengths', 'content-length: 5\r\ncontent-length: 50'],
    ['a length and pieces', 'transfer-encoding: chunked\r\ncontent-length: 5'],
    ['20 KB', `x-filler: ${'x'.repeat(20_000)}`],
  ])('with %s adds nothing to the answer', async (_, header) => {
    const answer = await rawRequest(`GET /healthz HTTP/1.1\r\nhost: x\r\n${header}\r\nconnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 (200|400|431) /);
    expect(answer).not.toMatch(/^set-cookie|evil/im);
    expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
  });
});

/** Sends these bytes over a connection of its own; everything that comes back. */
function rawRequest(text: string): Promise<string> {
  const { hostname, port } = new URL(world.url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
