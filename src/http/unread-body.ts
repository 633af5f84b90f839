import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** Of a body that nobody reads at most so much is still taken, bytes, and for so long, ms. */
const UNREAD_BYTES_MAX = 1_048_576;
const UNREAD_MS_MAX = 5_000;

/**
 * Has what is still to come of a request that was answered already be thrown away, so that who is still sending gets to
 * read the answer and may use the connection again. Of too much of it, or too slow, the connection is closed.
 */
export function discardUnread(server: FastifyInstance): void {
  server.addHook('onSend', (request, _reply, payload, next) => {
    if (!request.raw.complete && !request.raw.readableEnded) discard(request.raw);
    next(null, payload);
  });
}

function discard(message: IncomingMessage): void {
  const hangUp = () => message.destroy();
  const impatience = setTimeout(hangUp, UNREAD_MS_MAX).unref();
  let left = UNREAD_BYTES_MAX;
  message.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) hangUp();
  });
  for (const end of ['end', 'close']) message.once(end, () => clearTimeout(impatience));
}
