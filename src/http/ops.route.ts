import type { FastifyInstance } from 'fastify';
import { metricsStatus, readiness } from '../platform/ops-server.js';
import type { HttpParts } from './parts.js';
import { answerProblem } from './problem.js';

/** Where a process says how it is. */
export const OPS_URLS = ['/healthz', '/readyz', '/metrics'] as const;

/**
 * GET /healthz: the process lives. GET /readyz: it can serve, which needs a database that takes writes and has the
 * newest schema, and it does not end; what else is out of reach is named, and why to who may read the metrics.
 * GET /metrics: for Prometheus.
 */
export function opsRoute(parts: Pick<HttpParts, 'whyNotReady' | 'degraded' | 'metrics' | 'metricsAccess'> & { isEnding: () => boolean }) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get('/healthz', async () => ({ status: 'ok' }));
    const access = parts.metricsAccess ?? 'closed';
    server.get('/readyz', async (request, reply) => {
      if (parts.isEnding()) return answerProblem(reply, 503, 'UNAVAILABLE', 'This gateway is draining: it ends, turn to another one.');
      const ready = await readiness(parts, { access, authorization: request.headers.authorization });
      if (ready.status === 'ready') return ready;
      return answerProblem(reply, 503, 'UNAVAILABLE', ready.reason ?? 'The database cannot be used, or is not migrated.');
    });
    server.get('/metrics', async (request, reply) => {
      const status = metricsStatus(access, request.headers.authorization);
      if (status === 404) return reply.callNotFound();
      if (status === 401)
        return answerProblem(reply.header('www-authenticate', 'Bearer'), 401, 'UNAUTHENTICATED', 'The metrics need their token.');
      return reply.type(parts.metrics.registry.contentType).send(await parts.metrics.registry.metrics());
    });
  };
}
