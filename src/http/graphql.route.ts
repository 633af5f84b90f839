import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { forbidden, formatError, unauthenticated } from '../graphql/errors.js';
import { countRefusals } from '../graphql/operations.js';
import { knownRootTypes, oneMoneyMutation } from '../graphql/rules.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { allowOrigins } from './cors.js';
import { credentialOf } from './credential.js';
import { registeredDocuments } from './documents.plugin.js';
import type { HttpParts } from './parts.js';

type GraphqlParts = Pick<HttpParts, 'schema' | 'access' | 'operations' | 'sessionDocuments' | 'requestLimit' | 'log' | 'metrics'>;

/** Says in a header, too, that an answer is that of an earlier request. */
const TELL_REPLAYS: ApolloServerPlugin<Scope> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ contextValue, response }) => {
      if (contextValue.hasReplayed) response.http.headers.set('idempotency-replayed', 'true');
    },
  }),
};

/** POST and GET /graphql: who is asking is settled before a word of the document is looked at. */
export function graphqlRoute(parts: GraphqlParts) {
  return async (server: FastifyInstance): Promise<void> => {
    const apollo = new ApolloServer<Scope>({
      schema: parts.schema,
      formatError: (formatted, error) => formatError(formatted, error, parts.log),
      includeStacktraceInErrorResponses: false,
      stopOnTerminationSignals: false,
      introspection: true,
      // Its registry is filled by whoever asks; ours is documents.plugin.
      persistedQueries: false,
      validationRules: [knownRootTypes, oneMoneyMutation],
      plugins: [
        ApolloServerPluginCacheControlDisabled(),
        ApolloServerPluginLandingPageDisabled(),
        ApolloServerPluginUsageReportingDisabled(),
        TELL_REPLAYS,
        countRefusals(parts.metrics),
        registeredDocuments(parts),
      ],
    });
    await apollo.start();
    await allowOrigins(server, parts.access);
    server.addHook('onClose', () => apollo.stop());
    const context = (request: FastifyRequest) => scopeOf(parts, request);
    server.route({ url: '/graphql', method: ['GET', 'POST'], handler: fastifyApolloHandler(apollo, { context }) });
  };
}

/** The scope of the request's credential. Throws UNAUTHENTICATED, or FORBIDDEN when a header names another app. */
async function scopeOf(parts: GraphqlParts, request: FastifyRequest): Promise<Scope> {
  const credential = credentialOf(request);
  if (credential === null) throw unauthenticated('Send Authorization: Bearer with an API key or a customer session.');
  const scope = await parts.access.authenticate(credential, {
    requestId: request.id,
    idempotencyKey: headerOf(request, 'idempotency-key'),
  });
  if (scope === null) throw unauthenticated('The credential is unknown, revoked or expired.');
  const claimedApp = headerOf(request, 'x-app-id');
  if (claimedApp !== undefined && claimedApp !== scope.appId)
    throw forbidden('X-App-Id names another app than the credential belongs to: leave it out.');
  await parts.requestLimit.count(scope);
  return scope;
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
