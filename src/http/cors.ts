import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Door } from './door.js';
import type { HttpParts } from './parts.js';

const SHARED: FastifyCorsOptions = {
  methods: ['GET', 'POST'],
  allowedHeaders: [
    ...['authorization', 'content-type', 'idempotency-key', 'x-request-id'],
    // What clients and tracing libraries add of their own accord.
    ...['apollo-require-preflight', 'apollographql-client-name', 'apollographql-client-version', 'x-apollo-operation-name'],
    ...['traceparent', 'tracestate', 'baggage', 'sentry-trace'],
  ],
  exposedHeaders: [
    ...['x-request-id', 'idempotency-replayed', 'data-age-ms', 'retry-after'],
    ...['ratelimit', 'ratelimit-policy', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
  ],
  // Credentials travel in a header that the page sets, never in cookies.
  credentials: false,
  maxAge: 600,
  strictPreflight: true,
};

/** Origins that a process tells of: whoever likes can make up more. */
const STRANGERS_TOLD_MAX = 100;
const ORIGIN_CHARS_TOLD = 200;

type CorsParts = Pick<HttpParts, 'access' | 'log'> & { readonly door: Door };

/**
 * Lets pages of other sites read answers where the credential's app allows their origin, and nobody else. Where only
 * another app allows it they read what they would with a wrong credential, so that they cannot tell one from the other;
 * a page must also learn that its session ended.
 */
export async function allowOrigins(server: FastifyInstance, { access, log, door }: CorsParts): Promise<void> {
  const told = new Set<string>();
  /** Once each: a page that is refused only says so in its browser, where no operator looks. */
  const tell = (origin: string, app: string | null) => {
    const stranger = `${app} ${origin}`.slice(0, ORIGIN_CHARS_TOLD);
    if (told.has(stranger) || told.size >= STRANGERS_TOLD_MAX) return;
    told.add(stranger);
    const remedy = `billing apps update ${app ?? '<app>'} --cors-origin …`;
    log.info('origin not allowed', { origin: origin.slice(0, ORIGIN_CHARS_TOLD), app, remedy });
  };
  const isAllowed = async (request: FastifyRequest): Promise<boolean> => {
    const { origin } = request.headers;
    if (origin === undefined) return false;
    const app = door.findScope(request)?.caller.app ?? null;
    const isSomeApps = await access.apps.allowsOrigin(origin);
    const isAllowed = app === null ? isSomeApps : app.corsOrigins.includes(origin);
    if (!isAllowed) tell(origin, app?.id ?? null);
    if (!isAllowed && isSomeApps) await door.turnAway(request);
    return isSomeApps;
  };
  await server.register(cors, { delegator: async (request: FastifyRequest) => ({ ...SHARED, origin: await isAllowed(request) }) });
}
