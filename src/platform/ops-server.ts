import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { bearerOf } from './bearer.js';
import { withDeadline } from './deadline.js';
import type { Degradation } from './degradation.js';
import { boundConnections, HTTP_BOUNDS, SILENT_MS_MAX } from './http-bounds.js';

/** Who may read the metrics: everybody, nobody (there is no such page), or who shows the token. */
export type MetricsAccess = 'open' | 'closed' | { readonly token: string };

/** The status of an answer to who asks for the metrics with this Authorization header: 200, 401 or 404. */
export function metricsStatus(access: MetricsAccess, authorization: string | undefined): 200 | 401 | 404 {
  if (access === 'closed') return 404;
  if (access === 'open') return 200;
  const token = bearerOf(authorization) ?? '';
  // Hashes have one length, and comparing them takes one time, whatever was sent.
  return timingSafeEqual(sha256(token), sha256(access.token)) ? 200 : 401;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** How a process says that it is well. */
interface Health {
  /** Why the process cannot do its work: its database is away, takes no writes or is not migrated. Null when it can. */
  readonly whyNotReady: () => Promise<string | null>;
  /** What is out of reach or out of order without which the process still does its work. */
  readonly degraded: () => readonly Degradation[];
  /** Whether the process was asked to end; not if absent. */
  readonly isEnding?: () => boolean;
}

/** A database that takes longer to say that it is well, ms, is none to serve from. */
const READY_MS_MAX = 2_000;

/** What is said to anybody of something that is out of order. Why it is so is for who may read the metrics. */
type Told = Omit<Degradation, 'reason'> & Partial<Degradation>;

/** What /readyz answers. */
export type Readiness =
  | { readonly status: 'ready'; readonly degraded?: readonly Told[] }
  | { readonly status: 'unavailable'; readonly reason?: string };

/** Whether the process can do its work, and to whom may read the metrics why it cannot. */
export async function readiness(
  health: Health,
  { access, authorization }: { readonly access: MetricsAccess; readonly authorization: string | undefined },
): Promise<Readiness> {
  const isOperator = metricsStatus(access, authorization) === 200;
  const degraded = health.degraded().map(({ reason, ...told }) => (isOperator ? { ...told, reason } : told));
  const frozen = () => `The database did not answer within ${READY_MS_MAX} ms.`;
  const reason = await withDeadline(READY_MS_MAX, health.whyNotReady()).catch(frozen);
  if (reason !== null) return isOperator ? { status: 'unavailable', reason } : { status: 'unavailable' };
  return degraded.length === 0 ? { status: 'ready' } : { status: 'ready', degraded };
}

interface OpsParts {
  readonly health: Health;
  readonly registry: Registry;
  readonly metricsAccess: MetricsAccess;
  readonly host: string;
  readonly port: number;
}

/** A scraper, a balancer and whoever looks: more connections than these need none. */
const CONNECTIONS_MAX = 64;

/** GET /healthz, /readyz and /metrics of a process that serves nothing else. Resolves once it listens. */
export async function serveOps({ host, port, ...parts }: OpsParts): Promise<Server> {
  const server = createServer(HTTP_BOUNDS, answererOf(parts));
  server.setTimeout(SILENT_MS_MAX);
  boundConnections(server, { max: CONNECTIONS_MAX, isProxy: () => false, onRefused: () => undefined });
  server.listen({ host, port });
  await once(server, 'listening');
  return server;
}

function answererOf({ health, registry, metricsAccess }: Omit<OpsParts, 'host' | 'port'>) {
  return async (request: IncomingMessage, reply: ServerResponse): Promise<unknown> => {
    const path = request.url?.split('?')[0];
    // Nothing here has a body: who sends one all the same is not read to the end.
    if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
      reply.setHeader('connection', 'close');
    if (request.method !== 'GET' && request.method !== 'HEAD') return reply.writeHead(405, { allow: 'GET, HEAD' }).end();
    const json = (body: object) => reply.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    if (path === '/healthz') return json({ status: 'ok' });
    if (path === '/readyz') {
      const isEnding = health.isEnding?.() === true;
      const ready = await readiness(health, { access: metricsAccess, authorization: request.headers.authorization });
      if (isEnding || ready.status === 'unavailable') reply.statusCode = 503;
      return json(isEnding ? { status: 'draining' } : ready);
    }
    reply.statusCode = path === '/metrics' ? metricsStatus(metricsAccess, request.headers.authorization) : 404;
    if (reply.statusCode !== 200) return reply.end();
    return reply.setHeader('content-type', registry.contentType).end(await registry.metrics());
  };
}
