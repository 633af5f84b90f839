import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Registry } from 'prom-client';

/** Who may read the metrics: everybody, nobody (there is no such page), or who shows the token. */
export type MetricsAccess = 'open' | 'closed' | { readonly token: string };

/** The status of an answer to who asks for the metrics with this Authorization header: 200, 401 or 404. */
export function metricsStatus(access: MetricsAccess, authorization: string | undefined): 200 | 401 | 404 {
  if (access === 'closed') return 404;
  if (access === 'open') return 200;
  const given = /^bearer +(.+)$/i.exec(authorization ?? '')?.[1] ?? '';
  // Hashes have one length, and comparing them takes one time, whatever was sent.
  return timingSafeEqual(sha256(given), sha256(access.token)) ? 200 : 401;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

interface OpsParts {
  readonly registry: Registry;
  readonly metricsAccess: MetricsAccess;
  readonly host: string;
  readonly port: number;
}

/** GET /healthz and /metrics of a process that serves nothing else. Resolves once it listens. */
export async function serveOps({ registry, metricsAccess, host, port }: OpsParts): Promise<Server> {
  const server = createServer(async (request, reply) => {
    const path = request.url?.split('?')[0];
    if (path === '/healthz') return reply.setHeader('content-type', 'application/json').end('{"status":"ok"}');
    reply.statusCode = path === '/metrics' ? metricsStatus(metricsAccess, request.headers.authorization) : 404;
    if (reply.statusCode !== 200) return reply.end();
    return reply.setHeader('content-type', registry.contentType).end(await registry.metrics());
  });
  server.listen({ host, port });
  await once(server, 'listening');
  return server;
}
