import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError } from 'graphql';
import { forbidden, orUnavailable, unauthenticated } from '../graphql/errors.js';
import { countRefusal } from '../graphql/operations.js';
import { limitHeaders } from '../graphql/request-limit.js';
import { bearerOf } from '../platform/bearer.js';
import { clientAddressReader, networkOf } from '../platform/limits/client-address.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { HttpParts } from './parts.js';
import { answerThrown, isEncoded, unsupportedEncoding } from './problem.js';

type DoorParts = Pick<HttpParts, 'access' | 'limits' | 'log' | 'metrics' | 'trustedProxies'> & { readonly bodyBytesMax: number };

declare module 'fastify' {
  interface FastifyRequest {
    /** What became of it at the door: what it may do, or what it is answered; null before, and where there is none. */
    admission: Scope | Error | null;
  }
}

/** How long a body may take until who sent it is looked at again, ms. */
const AGED_MS = 1_000;

/**
 * Who may come in at /graphql, from the headers alone: whoever may not is answered before a byte of the body is read,
 * and a body that is too large or packed is not read for anybody.
 */
export class Door {
  private readonly addressOf: ReturnType<typeof clientAddressReader>;

  constructor(private readonly parts: DoorParts) {
    this.addressOf = clientAddressReader(parts.trustedProxies ?? []);
  }

  /** Looks at every request of a server, lets `between` be asked of it, and then answers those who may not come in. */
  async guard(server: FastifyInstance, between: () => Promise<void>): Promise<void> {
    // Not in a WeakMap, which would hold what was read for a request, young as it is, until a full collection.
    server.decorateRequest('admission', null);
    server.addHook('onRequest', async (request, reply) => {
      // A preflight has no credential; it is answered between.
      if (request.method !== 'OPTIONS') request.admission = await orUnavailable(this.look(request, reply)).catch(errorOf);
    });
    await between();
    server.addHook('onRequest', (request, reply, next) => {
      if (request.admission instanceof Error) this.refuse(reply, request.admission);
      else next();
    });
    // A body may take half a minute, and meanwhile a key be revoked, or an app suspended.
    server.addHook('preHandler', async (request, reply) => {
      const scope = this.findScope(request);
      if (scope === null || reply.elapsedTime < AGED_MS) return;
      request.admission = await orUnavailable(this.authenticated(request)).catch(errorOf);
      if (request.admission instanceof Error) return this.refuse(reply, request.admission);
      request.admission.request.limitDecision = scope.request.limitDecision;
    });
  }

  /** Hands on the scope of a request that was let in, once. Throws for all others. */
  takeScope(request: FastifyRequest): Scope {
    const scope = this.findScope(request);
    if (scope === null) throw new Error('A request passed the door that was not let in.');
    // A connection that is kept holds its last request, and so all rows that were read for it.
    request.admission = null;
    return scope;
  }

  /** The scope of a request if it was let in; null for all others. */
  findScope({ admission }: FastifyRequest): Scope | null {
    return admission instanceof Error ? null : admission;
  }

  /**
   * Takes back that a request was let in, as one whose credential opens nothing: it is counted and answered as that
   * one would be.
   */
  async turnAway(request: FastifyRequest): Promise<void> {
    request.admission = await this.failure(networkOf(this.addressOf(request.raw)), wrongCredential()).catch(errorOf);
  }

  private refuse(reply: FastifyReply, refusal: Error): FastifyReply {
    countRefusal(this.parts.metrics, refusal);
    return answerThrown(reply, refusal, this.parts.log);
  }

  private async look(request: FastifyRequest, reply: FastifyReply): Promise<Scope> {
    if (Number(request.headers['content-length'] ?? 0) > this.parts.bodyBytesMax) throw tooLarge(this.parts.bodyBytesMax);
    if (isEncoded(request)) throw unsupportedEncoding(reply);
    const scope = await this.authenticated(request);
    const decision = await this.parts.limits.requests.count(scope);
    scope.request.limitDecision = decision;
    reply.headers(limitHeaders(decision));
    return scope;
  }

  private async authenticated(request: FastifyRequest): Promise<Scope> {
    const { access, limits } = this.parts;
    const credential = bearerOf(request.headers.authorization);
    if (credential === null) throw unauthenticated('Send Authorization: Bearer with an API key or a customer session.');
    const network = networkOf(this.addressOf(request.raw));
    const blockedForMs = await limits.failedAuthentications.blockedForMs(network);
    // A right credential is never refused for a neighbour's wrong ones; of these none costs a query any more.
    if (blockedForMs > 0 && !(await access.mayBeRight(credential))) throw this.tooManyFailures(blockedForMs);
    const facts = { requestId: request.id, idempotencyKey: headerOf(request, 'idempotency-key') };
    const scope = await access.authenticate(credential, facts);
    const claimedApp = headerOf(request, 'x-app-id');
    if (scope !== null && (claimedApp === undefined || claimedApp === scope.appId)) return scope;
    if (blockedForMs > 0) throw this.tooManyFailures(blockedForMs);
    throw await this.failure(
      network,
      scope === null ? wrongCredential() : forbidden('X-App-Id names another app than the credential belongs to: leave it out.'),
    );
  }

  /** Counts a failed authentication; what it is answered. */
  private async failure(network: string, refusal: GraphQLError): Promise<GraphQLError> {
    const { isAllowed, resetMs } = await this.parts.limits.failedAuthentications.noteFailure(network);
    return isAllowed ? refusal : this.tooManyFailures(resetMs);
  }

  private tooManyFailures(resetMs: number): GraphQLError {
    this.parts.metrics.rateLimited.inc({ limit: 'failed_authentications' });
    const headers = new Map([['retry-after', String(Math.ceil(resetMs / 1000))]]);
    return new GraphQLError('Too many credentials from this address were wrong: wait, then use a key that works.', {
      extensions: { code: 'RATE_LIMITED', rateLimit: { retryAfterMs: resetMs }, http: { status: 429, headers } },
    });
  }
}

function wrongCredential(): GraphQLError {
  return unauthenticated('The credential is unknown, revoked or expired, or its app does not allow pages of this origin.');
}

function tooLarge(bytesMax: number): GraphQLError {
  return new GraphQLError(`The body is larger than ${bytesMax} bytes.`, {
    extensions: { code: 'PAYLOAD_TOO_LARGE', http: { status: 413 } },
  });
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
