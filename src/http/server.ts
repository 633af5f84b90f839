import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import helmet from 'helmet';
import { ASK_AGAIN_SECONDS, UNAVAILABLE_MESSAGE } from '../graphql/errors.js';
import { hasCardNumber } from '../platform/card-number.js';
import { isPassing } from '../platform/db/outage.js';
import { boundConnections, HTTP_BOUNDS, SILENT_MS_MAX } from '../platform/http-bounds.js';
import { trustedBy } from '../platform/limits/client-address.js';
import { errorFields, type Log } from '../platform/log.js';
import { isTracing, openSpan } from '../platform/spans.js';
import type { TopLevelCode } from '../platform/top-level-codes.js';
import { CardDataGuard } from './card-data.guard.js';
import { endGently } from './ending.js';
import { serveExplorer } from './explorer.route.js';
import { GRAPHQL_METHODS, GRAPHQL_URLS, graphqlRoute } from './graphql.route.js';
import { OPS_URLS, opsRoute } from './ops.route.js';
import type { HttpParts } from './parts.js';
import { servePortal } from './portal.route.js';
import { answerProblem, answerThrown, refuseOtherMethods } from './problem.js';
import { discardUnread } from './unread-body.js';
import { isDelivery, WEBHOOK_URLS, webhookRoute } from './webhook.route.js';

/**
 * The largest body of a delivery, bytes: an event has some dozens of kilobytes, and one that was refused for its size
 * would be lost until a backfill. GraphQL has a smaller one of its own.
 */
const BODY_BYTES_MAX = 1_048_576;
/** Connections at once, unless it is said: some 10 KB each. */
const CONNECTIONS_MAX = 4_096;

/** What arrives until it has ended is answered like all else, and how long that may take is for who closes it. */
const ENDING = { return503OnClosing: false, pluginTimeout: 0, forceCloseConnections: 'idle' } as const;

/** The gateway's HTTP server, not yet listening. */
export async function createHttpServer(parts: HttpParts): Promise<FastifyInstance> {
  const server = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: HTTP_BOUNDS.requestTimeout,
    connectionTimeout: SILENT_MS_MAX,
    http: HTTP_BOUNDS,
    clientErrorHandler: answerUnreadable,
    genReqId: (request) => requestIdOf(request.headers['x-request-id']),
    ...ENDING,
    frameworkErrors: (error, request, reply) => answerError(parts.log, error, request, reply),
  });
  boundConnections(server.server, {
    max: parts.connectionsMax ?? CONNECTIONS_MAX,
    isProxy: trustedBy(parts.trustedProxies ?? []),
    onRefused: () => parts.metrics.rateLimited.inc({ limit: 'connections' }),
  });
  const always = securityHeaders();
  const steps = new WeakMap<FastifyRequest, ReturnType<typeof openSpan>>();
  server.addHook('onRequest', (request, reply, next) => {
    reply.header('x-request-id', request.id);
    // A delivery's answer is read by no browser, and a dozen headers are a twentieth of what it costs.
    if (!isDelivery(request)) reply.headers(always);
    if (!isTracing()) return next();
    const { traceparent } = request.headers;
    const route = request.routeOptions.url ?? 'none';
    const step = {
      kind: 'http',
      name: `${request.method} ${route}`,
      attributes: { 'http.route': route, 'billing.request_id': request.id },
    } as const;
    steps.set(request, openSpan({ ...step, traceparent: typeof traceparent === 'string' ? traceparent : undefined }, next));
  });
  server.addHook('onResponse', (request, reply, next) => {
    steps.get(request)?.({ 'http.response.status_code': reply.statusCode });
    // The pattern of the route: what was really asked for may be anything.
    const labels = { route: request.routeOptions.url ?? 'none', status: String(reply.statusCode) };
    parts.metrics.httpSeconds.observe(labels, reply.elapsedTime / 1000);
    next();
  });
  new CardDataGuard(parts).watch(server);
  server.setErrorHandler((error: FastifyError, request, reply) => answerError(parts.log, error, request, reply));
  discardUnread(server);
  await addRoutes(server, parts);
  return server;
}

async function addRoutes(server: FastifyInstance, parts: HttpParts): Promise<void> {
  for (const url of GRAPHQL_URLS) refuseOtherMethods(server, url, GRAPHQL_METHODS);
  for (const url of WEBHOOK_URLS) refuseOtherMethods(server, url, ['POST']);
  for (const url of OPS_URLS) refuseOtherMethods(server, url, ['GET', 'HEAD']);
  await server.register(webhookRoute(parts));
  await server.register(opsRoute({ ...parts, isEnding: endGently(server, parts.drainMs ?? 0) }));
  await servePortal(server, parts);
  // Steps in front of some addresses that there are not.
  if (parts.explorer !== null) await serveExplorer(server, parts.explorer);
  server.addHook('onRequest', (request, reply, next) => {
    // Not left to the handler, before which the body would be read.
    if (request.is404) answerNotFound(request, reply);
    else next();
  });
  server.setNotFoundHandler(answerNotFound);
  await server.register(graphqlRoute(parts));
}

function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return answerProblem(reply, 404, 'NOT_FOUND', `There is no ${request.method} ${request.url.split('?')[0]}. GraphQL is at /graphql.`);
}

/** The headers of every answer to a browser, helmet's among them, written out once and not for each request. */
function securityHeaders(): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const answer = { setHeader: (name: string, value: string) => Object.assign(headers, { [name]: value }), removeHeader: () => undefined };
  const policy = { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } };
  helmet({ contentSecurityPolicy: policy })({} as IncomingMessage, answer as unknown as ServerResponse, (error) => {
    if (error !== undefined) throw error;
  });
  // What is answered is one caller's, or of this moment.
  return { ...headers, 'cache-control': 'no-store' };
}

/** What the parser says of bytes that are no request, by its code. */
const UNREADABLE: Readonly<Record<string, readonly [string, string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', `The headers are larger than ${HTTP_BOUNDS.maxHeaderSize} bytes.`],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time.'],
};

/** Answers what never became a request, in the shape of every other error, and hangs up. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, message] = UNREADABLE[error.code ?? ''] ?? ['400 Bad Request', 'That is not an HTTP request.'];
  const body = JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] });
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}`;
  socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`);
}

/** The caller's own request id if it is harmless, else a new one. */
function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{8,64}$/.test(given) && !hasCardNumber(given) ? given : randomUUID();
}

/** What fastify itself refuses, in words that say what to do. */
const REFUSALS: Readonly<Record<string, readonly [number, TopLevelCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the request as application/json.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'BAD_REQUEST', 'The body is empty: send {"query": "…"} as JSON.'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'BAD_REQUEST', 'The body is not valid JSON.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'BAD_REQUEST', 'The body does not have the length its header says.'],
  CHARSET_NOT_UTF8: [415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the request as application/json in UTF-8.'],
  BYTES_NOT_UTF8: [400, 'BAD_REQUEST', 'The body is not UTF-8, as JSON is.'],
  FST_ERR_BAD_URL: [400, 'BAD_REQUEST', 'The address is not a valid one.'],
  TOO_LATE: [
    503,
    'TIMEOUT',
    'This took too long. What it began goes on: ask for less, or repeat a mutation with the same idempotency key.',
  ],
};

function answerError(log: Log, error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return answerProblem(reply, 413, 'PAYLOAD_TOO_LARGE', `The body is larger than ${request.routeOptions.bodyLimit} bytes.`);
  const refusal = REFUSALS[error.code ?? ''];
  if (refusal !== undefined) return answerProblem(reply, ...refusal);
  if (error instanceof SyntaxError) return answerProblem(reply, 400, 'BAD_REQUEST', 'The body is not valid JSON.');
  if (isPassing(error)) {
    log.warn('database not available', { requestId: request.id, ...errorFields(error) });
    return answerProblem(reply.header('retry-after', String(ASK_AGAIN_SECONDS)), 503, 'UNAVAILABLE', UNAVAILABLE_MESSAGE);
  }
  if (error.statusCode !== undefined && error.statusCode < 500) return answerProblem(reply, error.statusCode, 'BAD_REQUEST', error.message);
  return answerThrown(reply, error, log.child({ requestId: request.id, method: request.method, address: request.url.split('?')[0] }));
}
