import type { Server } from 'node:http';
import { networkOf } from './limits/client-address.js';

/**
 * What keeps a client from holding a connection for nothing, as node's own server has it: how long it may take to send
 * the headers, also the first it ever sends, and the whole request, ms, looked at every so often; all headers together,
 * bytes; and after how much silence, ms, the other side is asked by TCP whether it is still there.
 */
export const HTTP_BOUNDS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16_384,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
} as const;

/** How long nothing may move on a connection, ms: longer than an operation may take, and ends who does not read. */
export const SILENT_MS_MAX = 150_000;

interface ConnectionBounds {
  /** Connections in all. */
  readonly max: number;
  /** Whether an address is a proxy, and so many clients. */
  readonly isProxy: (address: string) => boolean;
  /** Told of each connection that was not taken. */
  readonly onRefused: () => void;
}

/** Takes so many connections at once, and from one address that is no trusted proxy's half of them: others get in. */
export function boundConnections(server: Server, { max, isProxy, onRefused }: ConnectionBounds): void {
  const open = new Map<string, number>();
  server.maxConnections = max;
  server.on('drop', onRefused);
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? '';
    const network = networkOf(address);
    const count = (open.get(network) ?? 0) + 1;
    if (count > max / 2 && !isProxy(address)) {
      onRefused();
      socket.destroy();
      return;
    }
    open.set(network, count);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left > 0) open.set(network, left);
      else open.delete(network);
    });
  });
}
