import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { workMsMax } from '../config.stopping.js';
import { Admission } from '../graphql/admission.js';
import { forbidden, formatError, orUnavailable, unauthenticated } from '../graphql/errors.js';
import { countRefusals } from '../graphql/operations.js';
import { TELL_OUTCOME, TELL_UNAVAILABLE } from '../graphql/outcome.js';
import { type Cost, QueryCosts, shapeLimits, TOKENS_MAX } from '../graphql/query-limits.js';
import { compiledQueries } from '../graphql/reads/compiled-queries.js';
import { knownDocuments } from '../graphql/reads/known-documents.js';
import { limitHeaders } from '../graphql/request-limit.js';
import { knownRootTypes } from '../graphql/rules.js';
import { readVariables, WRONG_VARIABLES_SAID_MAX } from '../graphql/variables.js';
import { withDeadline } from '../platform/deadline.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { allowOrigins } from './cors.js';
import { credentialOf } from './credential.js';
import { registeredDocuments } from './documents.plugin.js';
import { takeJson } from './json-body.js';
import type { HttpParts } from './parts.js';

type GraphqlParts = Pick<
  HttpParts,
  'schema' | 'access' | 'operations' | 'sessionDocuments' | 'limits' | 'log' | 'metrics' | 'requestMsMax'
>;

/** How much of a document is read, and how many wrong variables are told. */
const BOUNDS = { parseOptions: { maxTokens: TOKENS_MAX }, executionOptions: { maxCoercionErrors: WRONG_VARIABLES_SAID_MAX } };

/** Says in a header, too, that an answer is that of an earlier request. */
const TELL_REPLAYS: ApolloServerPlugin<Scope> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ contextValue, response }) => {
      if (contextValue.request.hasReplayed) response.http.headers.set('idempotency-replayed', 'true');
    },
  }),
};

/** Tells in `extensions`, too, how the window stands. */
const TELL_LIMITS: ApolloServerPlugin<Scope> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ contextValue, response: { body } }) => {
      const decision = contextValue.request.limitDecision;
      if (decision === null || body.kind !== 'single') return;
      const { limit, remaining, resetMs } = decision;
      body.singleResult.extensions = { ...body.singleResult.extensions, rateLimit: { limit, remaining, resetMs } };
    },
  }),
};

/** Refuses operations above the budget, or not for the caller, before anything runs; tells others their cost. */
function admit(schema: GraphQLSchema): ApolloServerPlugin<Scope> {
  const [costs, admission] = [new QueryCosts(schema), new Admission(schema)];
  return {
    requestDidStart: async () => {
      let cost: Cost | null = null;
      return {
        didResolveOperation: async ({ document, operation, request, contextValue }) => {
          // An operation that the document does not have is refused next.
          if (operation === undefined) return;
          const variables = readVariables(schema, operation, request.variables ?? {});
          cost = costs.assertAffordable({ document, operationName: operation.name?.value, variables });
          admission.assertAdmitted({ document, operation, variables }, contextValue.caller.actor);
        },
        willSendResponse: async ({ response: { body } }) => {
          if (cost === null || body.kind !== 'single') return;
          body.singleResult.extensions = { ...body.singleResult.extensions, cost };
        },
      };
    },
  };
}

/** POST and GET /graphql: who is asking is settled before a word of the document is looked at. */
export function graphqlRoute(parts: GraphqlParts) {
  return async (server: FastifyInstance): Promise<void> => {
    const apollo = new ApolloServer<Scope>({
      schema: parts.schema,
      formatError: (formatted, error) => formatError(formatted, error, parts.log),
      includeStacktraceInErrorResponses: false,
      stopOnTerminationSignals: false,
      introspection: true,
      // Nothing runs without Authorization, which no page of another site can send unless it is allowed to.
      csrfPrevention: false,
      // Its registry is filled by whoever asks; ours is documents.plugin.
      persistedQueries: false,
      documentStore: knownDocuments(),
      ...BOUNDS,
      validationRules: [...shapeLimits, knownRootTypes],
      plugins: [
        ApolloServerPluginCacheControlDisabled(),
        ApolloServerPluginLandingPageDisabled(),
        ApolloServerPluginUsageReportingDisabled(),
        TELL_REPLAYS,
        compiledQueries<Scope>(),
        countRefusals(parts.metrics),
        registeredDocuments(parts),
        TELL_LIMITS,
        admit(parts.schema),
        TELL_UNAVAILABLE,
        TELL_OUTCOME,
      ],
    });
    await apollo.start();
    takeJson(server);
    await allowOrigins(server, parts);
    server.addHook('onClose', () => apollo.stop());
    const context = (request: FastifyRequest, reply: FastifyReply) => orUnavailable(admittedScope(parts, request, reply));
    const answer = fastifyApolloHandler(apollo, { context });
    for (const url of ['/graphql', '/graphql/']) {
      server.route({
        url,
        method: ['GET', 'POST'],
        // What took longer goes on. Not fastify's handlerTimeout: it aborts a signal at the end of every request.
        handler: (request, reply) => withDeadline(parts.requestMsMax ?? workMsMax(), Promise.resolve(answer.call(server, request, reply))),
      });
    }
  };
}

/** The scope of a request, counted among those of its credential. */
async function admittedScope(parts: GraphqlParts, request: FastifyRequest, reply: FastifyReply): Promise<Scope> {
  const scope = await scopeOf(parts, request);
  const decision = await parts.limits.requests.count(scope);
  scope.request.limitDecision = decision;
  reply.headers(limitHeaders(decision));
  return scope;
}

/** The scope of the request's credential. Throws UNAUTHENTICATED, or FORBIDDEN when a header names another app. */
async function scopeOf(parts: GraphqlParts, request: FastifyRequest): Promise<Scope> {
  const credential = credentialOf(request);
  if (credential === null) throw unauthenticated('Send Authorization: Bearer with an API key or a customer session.');
  const limit = parts.limits.failedAuthentications;
  const blockedForMs = await limit.blockedForMs(request.ip, credential);
  if (blockedForMs > 0) throw tooManyFailures(parts, blockedForMs);
  const scope = await parts.access.authenticate(credential, {
    requestId: request.id,
    idempotencyKey: headerOf(request, 'idempotency-key'),
  });
  if (scope === null) {
    const { isAllowed, resetMs } = await limit.noteFailure(request.ip, credential);
    if (!isAllowed) throw tooManyFailures(parts, resetMs);
    throw unauthenticated('The credential is unknown, revoked or expired.');
  }
  limit.noteSuccess(credential);
  const claimedApp = headerOf(request, 'x-app-id');
  if (claimedApp !== undefined && claimedApp !== scope.appId)
    throw forbidden('X-App-Id names another app than the credential belongs to: leave it out.');
  return scope;
}

function tooManyFailures({ metrics }: GraphqlParts, resetMs: number): GraphQLError {
  metrics.rateLimited.inc({ limit: 'failed_authentications' });
  const headers = new Map([['retry-after', String(Math.ceil(resetMs / 1000))]]);
  return new GraphQLError('Too many credentials from this address were wrong: wait, then use a key that works.', {
    extensions: { code: 'RATE_LIMITED', rateLimit: { retryAfterMs: resetMs }, http: { status: 429, headers } },
  });
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
