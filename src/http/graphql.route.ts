import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { workMsMax } from '../config.stopping.js';
import { Admission } from '../graphql/admission.js';
import { formatError } from '../graphql/errors.js';
import { countRefusals } from '../graphql/operations.js';
import { TELL_OUTCOME, TELL_UNAVAILABLE } from '../graphql/outcome.js';
import { type Cost, QueryCosts, shapeLimits, TOKENS_MAX } from '../graphql/query-limits.js';
import { compiledQueries } from '../graphql/reads/compiled-queries.js';
import { knownDocuments } from '../graphql/reads/known-documents.js';
import { knownRootTypes } from '../graphql/rules.js';
import { readVariables, WRONG_VARIABLES_SAID_MAX } from '../graphql/variables.js';
import { withDeadline } from '../platform/deadline.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { allowOrigins } from './cors.js';
import { registeredDocuments } from './documents.plugin.js';
import { Door } from './door.js';
import { takeJson } from './json-body.js';
import type { HttpParts } from './parts.js';

type GraphqlParts = Pick<
  HttpParts,
  | ('schema' | 'access' | 'operations' | 'sessionDocuments' | 'limits' | 'log' | 'metrics')
  | ('requestMsMax' | 'trustedProxies' | 'graphqlBodyBytesMax')
>;

/** Where GraphQL is, and how it is asked. */
export const GRAPHQL_URLS = ['/graphql', '/graphql/'] as const;
export const GRAPHQL_METHODS = ['GET', 'POST'] as const;

/** The largest body taken unless it is said, bytes: a mutation has a few kilobytes, the largest text some dozens. */
const BODY_BYTES_MAX = 131_072;

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

/** Says in a header how old what was read may be, ms, where it was not read from the primary. */
const TELL_AGE: ApolloServerPlugin<Scope> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ contextValue, response }) => {
      const { ageMs } = contextValue.db;
      if (ageMs !== null) response.http.headers.set('data-age-ms', String(Math.ceil(ageMs)));
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

/** POST and GET /graphql: who is asking is settled before a byte of the body is read. */
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
        TELL_AGE,
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
    const bodyBytesMax = parts.graphqlBodyBytesMax ?? BODY_BYTES_MAX;
    const door = new Door({ ...parts, bodyBytesMax });
    await door.guard(server, () => allowOrigins(server, { ...parts, door }));
    server.addHook('onClose', () => apollo.stop());
    const answer = fastifyApolloHandler(apollo, { context: async (request: FastifyRequest) => door.takeScope(request) });
    for (const url of GRAPHQL_URLS) {
      server.route({
        url,
        method: [...GRAPHQL_METHODS],
        exposeHeadRoute: false,
        bodyLimit: bodyBytesMax,
        // What took longer goes on. Not fastify's handlerTimeout: it aborts a signal at the end of every request.
        handler: (request, reply) => withDeadline(parts.requestMsMax ?? workMsMax(), Promise.resolve(answer.call(server, request, reply))),
      });
    }
  };
}
