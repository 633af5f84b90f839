import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AppIdentity } from '../platform/tenancy/app-identity.js';
import { credentialOf } from './credential.js';
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
    ...['x-request-id', 'idempotency-replayed', 'retry-after'],
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

type CorsParts = Pick<HttpParts, 'access' | 'log'>;

/** Lets pages of other sites read answers where the credential's app allows their origin, and nobody else. */
export async function allowOrigins(server: FastifyInstance, { access, log }: CorsParts): Promise<void> {
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
    const app = await askedFor(access, request);
    const isKnown = app === null ? await access.apps.allowsOrigin(origin) : app.corsOrigins.includes(origin);
    if (!isKnown) tell(origin, app?.id ?? null);
    return isKnown;
  };
  await server.register(cors, { delegator: async (request: FastifyRequest) => ({ ...SHARED, origin: await isAllowed(request) }) });
}

/**
 * The app whose origins count; null where any app's do: a preflight has no credential, and the page of a credential
 * that opens nothing must learn that it has to sign in again.
 */
async function askedFor(access: CorsParts['access'], request: FastifyRequest): Promise<AppIdentity | null> {
  const credential = request.method === 'OPTIONS' ? null : credentialOf(request);
  const scope = credential === null ? null : await access.authenticate(credential, { requestId: request.id });
  return scope?.caller.app ?? null;
}
