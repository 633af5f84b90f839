import { once } from 'node:events';
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/** How long a request may be on its way over a connection on which nothing was said, ms. */
const ON_ITS_WAY_MS = 500;

/**
 * Has a server end without refusing anybody: closing it first answers everything for `drainMs` as before, but tells
 * every connection that this was its last answer, so that balancers and clients turn to another gateway. Then nobody is
 * let in any more, and what is in hand is answered. Gives whether it is ending.
 */
export function endGently(server: FastifyInstance, drainMs: number): () => boolean {
  let isEnding = false;
  server.addHook('preClose', async () => {
    isEnding = true;
    await sleep(drainMs);
    await letGo(server.server);
  });
  // In the moment of the answer: what was in hand when the end began is told, too.
  server.addHook('onSend', (_request, reply, _payload, next) => {
    if (isEnding) reply.header('connection', 'close');
    next();
  });
  return () => isEnding;
}

/** Lets nobody in any more; resolves when every connection has ended. */
async function letGo(server: Server): Promise<void> {
  if (!server.listening) return;
  // Right after the system was asked who came, so that hardly anybody is left there, who would be reset.
  await setImmediate();
  const ended = once(server, 'close');
  // Not http's own close, which cuts connections that seem idle: a request may just be on its way over them.
  NetServer.prototype.close.call(server);
  const patience = setTimeout(() => server.closeIdleConnections(), ON_ITS_WAY_MS);
  await ended;
  clearTimeout(patience);
}
