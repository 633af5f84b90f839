import type { FastifyInstance } from 'fastify';
import type { HttpParts } from './parts.js';
import { answerProblem } from './problem.js';

/** GET /healthz: the process lives. GET /readyz: it can serve, which needs the database and the newest schema; what else is out of reach is named. */
export function opsRoute(parts: Pick<HttpParts, 'isReady' | 'degraded' | 'metrics'>) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get('/healthz', async () => ({ status: 'ok' }));
    server.get('/readyz', async (_request, reply) => {
      const degraded = parts.degraded();
      if (await parts.isReady()) return degraded.length === 0 ? { status: 'ready' } : { status: 'ready', degraded };
      return answerProblem(reply, 503, 'UNAVAILABLE', 'The database cannot be reached or is not migrated.');
    });
    server.get('/metrics', async (_request, reply) =>
      reply.type(parts.metrics.registry.contentType).send(await parts.metrics.registry.metrics()),
    );
  };
}
