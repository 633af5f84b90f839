import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { credentialOf } from './credential.js';
import type { HttpParts } from './parts.js';

const SHARED: FastifyCorsOptions = {
  methods: ['GET', 'POST'],
  allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'apollo-require-preflight', 'x-request-id'],
  exposedHeaders: ['x-request-id', 'idempotency-replayed', 'retry-after', 'ratelimit', 'ratelimit-policy'],
  // Credentials travel in a header that the page sets, never in cookies.
  credentials: false,
  maxAge: 600,
  strictPreflight: true,
};

/** Lets pages of other sites read answers where the credential's app allows their origin, and nobody else. */
export async function allowOrigins(server: FastifyInstance, access: HttpParts['access']): Promise<void> {
  await server.register(cors, {
    delegator: async (request: FastifyRequest) => ({ ...SHARED, origin: await isAllowed(access, request) }),
  });
}

/**
 * A preflight has no credential, so it asks whether any app allows the origin, and so does a credential that opens
 * nothing: its page must learn that it has to sign in again. Everything else is answered for the app of the credential.
 */
async function isAllowed(access: HttpParts['access'], request: FastifyRequest): Promise<boolean> {
  const { origin } = request.headers;
  if (origin === undefined) return false;
  const credential = request.method === 'OPTIONS' ? null : credentialOf(request);
  const scope = credential === null ? null : await access.authenticate(credential, { requestId: request.id });
  return scope === null ? access.apps.allowsOrigin(origin) : scope.caller.app.corsOrigins.includes(origin);
}
