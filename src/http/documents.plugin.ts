import { createHash } from 'node:crypto';
import type { ApolloServerPlugin } from '@apollo/server';
import { GraphQLError } from 'graphql';
import { forbidden } from '../graphql/errors.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { HttpParts } from './parts.js';

type DocumentParts = Pick<HttpParts, 'operations' | 'sessionDocuments'>;

/** What is put in the place of a refused document, which must not even be parsed. */
const NOTHING = '{ __typename }';

/**
 * Documents by their hash (`extensions.persistedQuery.sha256Hash`), from those the app registered: no request ever
 * registers one. Customer sessions may send nothing else, unless the deployment lets them; so they cannot look at the
 * schema either.
 */
export function registeredDocuments(parts: DocumentParts): ApolloServerPlugin<Scope> {
  return {
    requestDidStart: async ({ request, contextValue: scope }) => {
      const { persistedQuery, ...extensions } = request.extensions ?? {};
      const found = await documentFor(parts, scope, request.query, persistedQuery);
      request.extensions = extensions;
      if (!(found instanceof GraphQLError)) {
        request.query = found;
        return;
      }
      // Apollo takes what is thrown here for a fault of ours: the refusal waits for the next step that may refuse.
      Object.assign(request, { query: NOTHING, operationName: undefined, variables: {} });
      return {
        didResolveOperation: async () => {
          throw found;
        },
      };
    },
  };
}

/** The document to run, undefined where none was sent, or why none will be. */
async function documentFor(
  { operations, sessionDocuments }: DocumentParts,
  scope: Scope,
  sent: string | undefined,
  persistedQuery: unknown,
): Promise<string | undefined | GraphQLError> {
  const mustBeRegistered = scope.caller.actor.kind === 'customer' && sessionDocuments !== 'any';
  if (persistedQuery === undefined) {
    return mustBeRegistered ? forbidden('Customer sessions send registered documents only: extensions.persistedQuery.sha256Hash.') : sent;
  }
  // graphql-codegen writes its hashes with the algorithm before them.
  const hash = String((persistedQuery as { sha256Hash?: unknown } | null)?.sha256Hash).replace(/^sha256:/, '');
  if (sent !== undefined && createHash('sha256').update(sent).digest('hex') !== hash)
    return refused('BAD_REQUEST', 400, 'extensions.persistedQuery.sha256Hash is not that of the query.');
  const known = await operations.find(scope, hash);
  if (known === null && (mustBeRegistered || sent === undefined))
    return refused('PERSISTED_QUERY_NOT_FOUND', 404, 'The app registered no document with this hash: billing operations register.');
  return known ?? sent;
}

function refused(code: string, status: number, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status } } });
}
