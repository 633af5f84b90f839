import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Kit } from './kit.js';

const directory = mkdtempSync(join(tmpdir(), 'sandbox-control-'));

describe('the control surface', () => {
  let own: Kit;
  beforeAll(async () => {
    own = await Kit.openOwn();
  });
  afterAll(() => own.close());

  it.each([
    ['as text/plain, which a page of another site may send', { 'content-type': 'text/plain' }, 415],
    ['as a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['without a content type', {}, 415],
    ['as application/jsonp', { 'content-type': 'application/jsonp' }, 415],
    ['by a page of another site', { 'content-type': 'application/json', origin: 'https://evil.example' }, 403],
    ['by a page that hides where it is from', { 'content-type': 'application/json', origin: 'null' }, 403],
    ['to a name that leads here', { 'content-type': 'application/json', host: 'evil.example' }, 403],
    ['to a name that begins like ours', { 'content-type': 'application/json', host: 'localhost.evil.example:80' }, 403],
    ['to another address of this machine', { 'content-type': 'application/json', host: '192.168.1.5:4010' }, 403],
    ['to no name at all', { 'content-type': 'application/json', host: '' }, 403],
  ])('takes no command that is sent %s', async (_, headers: Record<string, string>, status) => {
    expect(await send(own, 'POST', '/_sandbox/reset', headers, '{"a":1}')).toBe(status);
    expect((await own.raw('GET', '/v1/accounts')).status).toBe(200);
  });

  it.each(['reset', 'drain'])('takes no command without a body from a page of another site (%s)', async (name) => {
    expect(await send(own, 'POST', `/_sandbox/${name}`, { origin: 'https://evil.example' })).toBe(403);
    expect((await own.raw('GET', '/v1/accounts')).status).toBe(200);
  });

  it('shows its state to no other name', async () => {
    for (const path of ['state', 'requests', 'faults', 'clock', 'underway'])
      expect([path, await send(own, 'GET', `/_sandbox/${path}`, { host: 'evil.example' })]).toEqual([path, 403]);
  });

  it.each([
    'localhost',
    '127.0.0.1',
    '[::1]',
    'localhost:4010',
    '127.8.9.10:1',
    'sandbox.localhost',
  ])('is there for this machine by the name %s', async (host) => {
    expect(await send(own, 'GET', '/_sandbox/clock', { host })).toBe(200);
    const json = { host, origin: `http://${host}`, 'content-type': 'application/json; charset=utf-8' };
    expect(await send(own, 'POST', '/_sandbox/faults', json, '{"clear":true}')).toBe(200);
    expect(await send(own, 'POST', '/_sandbox/drain', { host })).toBe(200);
  });
});

describe('the state file', () => {
  const stateFile = join(directory, 'sandbox.db');
  const keys = { accountId: 'acct_kept', secretKey: 'sk_of_the_state_file', publishableKey: 'pk_of_the_state_file' };
  const modes = () => readdirSync(directory).map((name) => (statSync(join(directory, name)).mode & 0o777).toString(8));
  const bytes = () =>
    readdirSync(directory)
      .map((name) => readFileSync(join(directory, name), 'latin1'))
      .join('\n');
  const works = async (own: Kit, secretKey: string) =>
    (await own.raw('GET', '/v1/accounts', { headers: { 'tilled-api-key': secretKey, 'tilled-account': keys.accountId } })).status;

  it('is for its owner alone, and holds no key', async () => {
    const own = await Kit.openOwn({ stateFile });
    const made = [own.secretKey, own.publishableKey];
    await own.sandbox.provision(keys);
    expect(await works(own, keys.secretKey)).toBe(200);
    expect(new Set(modes())).toEqual(new Set(['600']));
    for (const key of [...made, keys.secretKey, keys.publishableKey]) expect(bytes()).not.toContain(key);
    await own.close();
    expect(new Set(modes())).toEqual(new Set(['600']));
  });

  it('lets the keys it knows act after a restart, and makes another pair where none is named', async () => {
    const own = await Kit.openOwn({ stateFile });
    expect(await works(own, keys.secretKey)).toBe(200);
    expect(await own.sandbox.provision(keys)).toEqual(keys);
    expect(await own.sandbox.provision({ accountId: 'acct_kept' })).toEqual(keys);
    await own.close();
    const later = await Kit.openOwn({ stateFile });
    const other = await later.sandbox.provision({ accountId: 'acct_kept' });
    expect(other.secretKey).not.toBe(keys.secretKey);
    expect([await works(later, other.secretKey), await works(later, keys.secretKey)]).toEqual([200, 200]);
    await later.close();
  });

  it('of an earlier version, open to all and with keys in clear, is closed and rid of them', async () => {
    const file = new DatabaseSync(stateFile);
    const hash = createHash('sha256').update(keys.secretKey).digest('hex');
    const old = JSON.stringify({ id: keys.secretKey, account_id: keys.accountId, type: 'secret', scopes: ['*'] });
    const { changes } = file
      .prepare("update objects set id = ?, body = ? where collection = 'keys' and id = ?")
      .run(keys.secretKey, old, hash);
    file.close();
    chmodSync(stateFile, 0o644);
    expect([changes, bytes().includes(keys.secretKey), modes()]).toEqual([1, true, ['644']]);
    const own = await Kit.openOwn({ stateFile });
    expect(await works(own, keys.secretKey)).toBe(200);
    expect(bytes()).not.toContain(keys.secretKey);
    expect(new Set(modes())).toEqual(new Set(['600']));
    await own.close();
  });
});

function send(own: Kit, method: string, path: string, headers: Record<string, string>, body = ''): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(own.url);
    const sent = request({ hostname, port, method, path, headers, setHost: headers['host'] === undefined }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
