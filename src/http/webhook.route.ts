import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { withDeadline } from '../platform/deadline.js';
import { clientAddressReader } from '../platform/limits/client-address.js';
import { errorFields } from '../platform/log.js';
import type { Receipt } from '../webhooks/webhook.delivery.js';
import type { HttpParts } from './parts.js';
import { answerProblem, answerThrown, isEncoded, unsupportedEncoding } from './problem.js';

/**
 * How long a delivery may wait for the database, ms: less than Tilled waits (10 s). A database that hangs without
 * refusing is answered for here. What is committed after all was not answered 200, comes again, and is a duplicate
 * then.
 */
const RECEIVE_MS_MAX = 5_000;

/** Where deliveries come, by POST. */
export const WEBHOOK_URLS: readonly string[] = ['/api/billing/webhooks', '/api/billing/webhooks/:appId'];

/** Whether a request came to where deliveries do: an address that only begins like it does not. */
export function isDelivery({ method, routeOptions }: FastifyRequest): boolean {
  return method === 'POST' && WEBHOOK_URLS.includes(routeOptions.url ?? '');
}

/**
 * POST /api/billing/webhooks[/:appId]: Tilled's deliveries. The body stays the bytes that were signed; 200 means that
 * the event is stored, and anything else that Tilled should deliver it again or that it was not from Tilled.
 */
export function webhookRoute(parts: Pick<HttpParts, 'inbox' | 'limits' | 'log' | 'metrics' | 'trustedProxies'>) {
  const addressOf = clientAddressReader(parts.trustedProxies ?? []);
  return async (server: FastifyInstance): Promise<void> => {
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    server.addHook('onRequest', (request, reply, next) => {
      if (isEncoded(request)) answerThrown(reply, unsupportedEncoding(reply), parts.log);
      else next();
    });
    const receive = async (request: FastifyRequest, reply: FastifyReply) => {
      const { appId = null } = request.params as { appId?: string };
      const address = addressOf(request.raw);
      const delivery = {
        rawBody: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
        headers: request.headers,
        appId,
        isSuspect: await parts.limits.deliveries.isSuspect(address),
        waitMs: (owner: string) => parts.limits.deliveries.waitMs(owner),
      };
      try {
        const receipt = await withDeadline(RECEIVE_MS_MAX, parts.inbox.receive(delivery));
        parts.metrics.webhookDeliveries.inc({ outcome: receipt.kind });
        if (receipt.kind === 'limited') parts.metrics.rateLimited.inc({ limit: 'webhooks' });
        // One that Tilled signed, and whose time is wrong, is no stranger's.
        const isForeign = receipt.kind === 'unverified' || receipt.kind === 'unknown_endpoint';
        if (isForeign) await parts.limits.deliveries.noteUnverified(address);
        return answerReceipt(reply, receipt);
      } catch (error) {
        parts.metrics.webhookDeliveries.inc({ outcome: 'unavailable' });
        parts.log.error('webhook could not be recorded', { requestId: request.id, ...errorFields(error) });
        return answerProblem(reply.header('retry-after', '30'), 503, 'UNAVAILABLE', 'The event could not be recorded: deliver it again.');
      }
    };
    for (const route of WEBHOOK_URLS) server.post(route, receive);
  };
}

function answerReceipt(reply: FastifyReply, receipt: Receipt): FastifyReply {
  switch (receipt.kind) {
    case 'recorded':
      return reply.status(200).send({ received: true, duplicate: false });
    case 'duplicate':
      return reply.status(200).send({ received: true, duplicate: true });
    case 'unknown_endpoint':
      return answerProblem(reply, 404, 'NOT_FOUND', 'No app listens here.');
    case 'removed':
      return answerProblem(
        reply,
        410,
        'NOT_FOUND',
        'The app was removed. Take this endpoint away at Tilled: nothing that it delivers is kept.',
      );
    case 'unverified':
    case 'stale':
      return answerProblem(reply, 401, 'UNAUTHENTICATED', `The signature was not accepted (${receipt.reason}).`);
    case 'limited':
      reply.header('retry-after', String(Math.ceil(receipt.retryAfterMs / 1000)));
      return answerProblem(reply, 429, 'RATE_LIMITED', 'Too many deliveries: deliver it again later.');
    case 'unusable':
      return answerProblem(reply, 400, 'BAD_REQUEST', receipt.reason);
  }
}
