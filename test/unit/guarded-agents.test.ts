import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GuardedAgents } from '../../src/deliveries/guarded-agents.js';
import type { Resolve } from '../../src/deliveries/names.js';
import { post } from '../../src/deliveries/post.js';
import { TargetGuard } from '../../src/deliveries/target.guard.js';

/** Takes connections, and says nothing. */
let silent: Server;
let connections = 0;
let ended = 0;
const PATIENCE_MS = 100;
const MESSAGE = { headers: { 'content-length': '2' }, body: '{}' };

beforeEach(async () => {
  [connections, ended] = [0, 0];
  silent = createServer((socket) => {
    connections += 1;
    socket.resume().on('error', () => undefined);
    socket.on('close', () => {
      ended += 1;
    });
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
});
afterEach(async () => {
  silent.close();
  await once(silent, 'close');
});

const postTo = (scheme: string, resolve: Resolve) => {
  const agents = new GuardedAgents(new TargetGuard(['127.0.0.1'], resolve), PATIENCE_MS);
  return post(new URL(`${scheme}://slow.example:${(silent.address() as AddressInfo).port}/`), MESSAGE, agents, PATIENCE_MS);
};

describe('a request that is given up', () => {
  it('while its name is looked up opens no connection afterwards', async () => {
    const waiting: (() => void)[] = [];
    const reply = await postTo('http', (_, told) => waiting.push(() => told(null, [{ address: '127.0.0.1', family: 4 }])));
    expect(reply).toMatchObject({ status: null });
    await sleep(PATIENCE_MS);
    for (const answer of waiting) answer();
    await sleep(PATIENCE_MS);
    expect([waiting.length, connections]).toEqual([1, 0]);
  });

  it.each(['http', 'https'])('because nobody answers leaves no connection behind: %s', async (scheme) => {
    const reply = await postTo(scheme, (_, told) => told(null, [{ address: '127.0.0.1', family: 4 }]));
    expect(reply).toMatchObject({ status: null });
    await sleep(PATIENCE_MS);
    expect([connections, ended]).toEqual([1, 1]);
  });
});
