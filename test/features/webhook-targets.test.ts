import type { LookupAddress } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Certificates } from '../support/certificates.js';
import { deliveriesOf, listen } from '../support/listening.js';
import { Receiver } from '../support/receiver.js';
import { type TestApp, World } from '../support/world.js';

let world: World;
let app: TestApp;
let receiver: Receiver;
let certificates: Certificates;
const trusted = getCACertificates();
/** What the names of these tests lead to, one answer a look-up; the last one stays. */
let answers: LookupAddress[][] = [];
let lookups = 0;

const NETWORKS = ['127.0.0.1'];

beforeAll(async () => {
  certificates = await Certificates.make();
  setDefaultCACertificates([...trusted, await readFile(certificates.file('ca'), 'utf8')]);
  const resolve = (_: string, told: (error: null, addresses: LookupAddress[]) => void) => {
    const answer = answers[Math.min(lookups, answers.length - 1)] ?? [];
    lookups += 1;
    told(null, answer);
  };
  world = await World.create({ deliveries: { networks: NETWORKS, resolve, timeoutMs: 500 } });
});
beforeEach(async () => {
  app = await world.app();
  [answers, lookups] = [[], 0];
});
afterEach(() => receiver?.close());
afterAll(async () => {
  setDefaultCACertificates(trusted);
  await certificates.close();
  await world.close();
});

const at = (...addresses: string[]): LookupAddress[] => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

/** What became of one event at an address. */
async function outcomeAt(url: string) {
  await listen(world, app, url);
  await world.customer(app);
  await world.settle();
  const [delivery] = await deliveriesOf(world, app);
  return { status: delivery?.status, lastStatus: delivery?.lastStatus, lastError: delivery?.lastError, log: delivery?.attemptLog };
}

const REFUSED = { status: 'FAILED', lastStatus: null, lastError: expect.stringContaining('the operator does not list it') };

describe('a name', () => {
  it.each([
    ['127.0.0.2'],
    ['169.254.169.254'],
    ['::1'],
    ['::ffff:127.0.0.2'],
    ['::ffff:169.254.169.254'],
    ['10.0.0.1'],
    ['0.0.0.0'],
  ])('that leads to %s gets nothing', async (address) => {
    // It listens on all addresses of the machine, so that nothing but we keeps the request from it.
    receiver = await Receiver.start(() => 200, null, '::');
    answers = [at(address)];
    expect(await outcomeAt(`http://evil.example:${receiver.port}/`)).toMatchObject(REFUSED);
    expect([receiver.received.length, receiver.connections]).toEqual([0, 0]);
  });

  it('that leads to several addresses is reached at those alone that are allowed', async () => {
    receiver = await Receiver.start();
    answers = [at('169.254.169.254', '10.0.0.1', '127.0.0.1')];
    expect(await outcomeAt(`http://mixed.example:${receiver.port}/`)).toMatchObject({ status: 'DELIVERED' });
  });

  it('is looked up for the connection itself: an answer that changes in between leads nowhere else', async () => {
    receiver = await Receiver.start(() => 200, null, '::');
    answers = [at('127.0.0.1'), at('169.254.169.254')];
    expect(await outcomeAt(`http://rebinding.example:${receiver.port}/`)).toMatchObject({ status: 'DELIVERED' });
    expect(lookups).toBe(1);
    await receiver.dropConnections();
    await world.advance({ ms: 3_000 });
    await world.customer(app, { email: 'bob@example.com' });
    await world.settle();
    expect((await deliveriesOf(world, app)).at(-1)).toMatchObject(REFUSED);
    expect([lookups, receiver.received.length]).toEqual([2, 1]);
  });

  it('that is not there is said to be so, without an address', async () => {
    receiver = await Receiver.start();
    answers = [[]];
    expect(await outcomeAt('http://nowhere.example/')).toMatchObject(REFUSED);
  });
});

describe('an answer', () => {
  it('that redirects is not followed', async () => {
    const other = await Receiver.start();
    receiver = await Receiver.start((_, response) => void response.writeHead(307, { location: other.url }).end());
    expect(await outcomeAt(receiver.url)).toMatchObject({
      status: 'FAILED',
      lastStatus: 307,
      lastError: expect.stringContaining('not followed'),
    });
    expect(other.received).toEqual([]);
    await other.close();
  });

  it('that does not come is waited for only so long', async () => {
    receiver = await Receiver.start(() => undefined);
    expect(await outcomeAt(receiver.url)).toMatchObject({ status: 'FAILED', lastStatus: null, lastError: 'no answer within 1 s' });
  });

  it('that never ends, and one that is huge, counts by its status and is kept in part', async () => {
    receiver = await Receiver.start((_, response) => {
      response.writeHead(200);
      const more = setInterval(() => response.write('x'.repeat(100_000)), 1);
      response.on('close', () => clearInterval(more));
      return undefined;
    });
    const outcome = await outcomeAt(receiver.url);
    expect(outcome).toMatchObject({ status: 'DELIVERED', lastStatus: 200 });
    expect(outcome.log?.[0]?.answer).toBe('x'.repeat(500));
  });

  it('of a connection that is closed at once is none', async () => {
    receiver = await Receiver.start((_, response) => void response.destroy());
    expect(await outcomeAt(receiver.url)).toMatchObject({
      status: 'FAILED',
      lastStatus: null,
      lastError: 'the connection was closed without an answer',
    });
  });
});

describe('by https', () => {
  it('a receiver is told whose certificate is of its name, and another is not', async () => {
    const tls = { cert: await readFile(certificates.file('server'), 'utf8'), key: await readFile(certificates.key('server'), 'utf8') };
    receiver = await Receiver.start(() => 200, tls);
    answers = [at('127.0.0.1')];
    expect(await outcomeAt(`https://localhost:${receiver.port}/`)).toMatchObject({ status: 'DELIVERED' });
    app = await world.app();
    expect(await outcomeAt(`https://other.example:${receiver.port}/`)).toMatchObject({
      status: 'FAILED',
      lastError: 'the certificate is for another name',
    });
    expect(receiver.received).toHaveLength(1);
  });
});
