import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { Host } from '../../src/platform/db/host.js';
import { HostProbe } from '../../src/platform/db/host-probe.js';

const LOOKED_MS = 3_000;

it.each([
  ['ends', (socket: Socket) => void socket.end()],
  ['resets', (socket: Socket) => void socket.resetAndDestroy()],
])('a host whose proxy takes connections and %s them at once is asked about once a second', async (_, refuse) => {
  let connections = 0;
  const proxy = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    refuse(socket);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = { host: '127.0.0.1', port: (proxy.address() as AddressInfo).port };
  const host = new Host(
    address,
    (onEnd) => new HostProbe({ options: { ...address, user: 'billing', password: 'secret' }, tls: null, onEnd }),
    () => undefined,
  );
  void host.look();
  await sleep(LOOKED_MS);
  host.close();
  proxy.close();
  expect(host.standing).toBe('silent');
  // Each look tries it twice, since a connection may be ended by others.
  expect(connections).toBeLessThanOrEqual((2 * LOOKED_MS) / 1_000 + 2);
});
