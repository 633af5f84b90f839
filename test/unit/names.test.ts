import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { namesOf } from '../../src/deliveries/names.js';

/** Name servers that do not answer, and that know no name. */
let silent: Socket;
let unknowing: Socket;
let asked = 0;
const [RESPONSE, NO_SUCH_NAME] = [0x80, 3];

beforeEach(async () => {
  asked = 0;
  silent = createSocket('udp4', () => {
    asked += 1;
  });
  unknowing = createSocket('udp4', (question, { port, address }) => {
    const answer = Buffer.from(question);
    answer[2] = (answer[2] ?? 0) | RESPONSE;
    answer[3] = NO_SUCH_NAME;
    unknowing.send(answer, port, address);
  });
  for (const socket of [silent, unknowing]) {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  }
});
afterEach(() => {
  silent.close();
  unknowing.close();
});

const at = (socket: Socket) => [`127.0.0.1:${socket.address().port}`];
const resolved = (name: string, how: Parameters<typeof namesOf>[0]) =>
  new Promise((resolve) => {
    namesOf(how)(name, (error, addresses) => resolve(error?.code ?? addresses.map(({ address }) => address)));
  });

describe('a name whose server does not answer', () => {
  it('holds up no look-up of anything else, however many there are', async () => {
    const names = Array.from({ length: 64 }, (_, index) => resolved(`n${index}.example.com`, { knowsHost: true, servers: at(silent) }));
    while (asked < 64) await sleep(5);
    const beganAt = performance.now();
    await lookup('localhost');
    expect(await resolved('localhost', { knowsHost: true, servers: at(silent) })).toContain('127.0.0.1');
    expect(await resolved('other.example.com', { knowsHost: false, servers: at(unknowing) })).toBe('ENOTFOUND');
    expect(performance.now() - beganAt).toBeLessThan(1_500);
    expect(new Set(await Promise.all(names))).toEqual(new Set(['EAI_AGAIN']));
  }, 30_000);
});

describe('a name that no server knows', () => {
  it('is looked for in the file of the host where that may be, and is not there otherwise', async () => {
    // Every host has this one in its file, or knows it.
    expect(await resolved('localhost', { knowsHost: true, servers: at(unknowing) })).toContain('127.0.0.1');
    expect(await resolved('localhost', { knowsHost: false, servers: at(unknowing) })).toBe('ENOTFOUND');
  });
});
