import { createHash } from 'node:crypto';
import type { ApolloServerPlugin, GraphQLRequest } from '@apollo/server';
import { GraphQLError } from 'graphql';
import { forbidden, orUnavailable } from '../graphql/errors.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { HttpParts } from './parts.js';
import { PORTAL_DOCUMENTS } from './portal.documents.js';

type DocumentParts = Pick<HttpParts, 'operations' | 'sessionDocuments'>;

/** What is put in the place of a refused document, which must not even be parsed. */
const NOTHING = '{ __typename }';

/** Where clients put the id of a document if not into `extensions.persistedQuery`. */
const ID_NAMES = ['documentId', 'id', 'doc_id'] as const;

/** What a request says that it wants to run. */
interface Wish {
  /** The text it sends, if any. */
  readonly text: string | undefined;
  /** The SHA-256 it gives, if any. */
  readonly hash: string | undefined;
}

/**
 * Documents by their hash (`extensions.persistedQuery.sha256Hash`, or `documentId`, `id` and `doc_id` beside the
 * variables), from those the app registered and those of the portal: no request ever registers one. Customer sessions
 * may send nothing else, unless the deployment lets them; so they cannot look at the schema either.
 */
export function registeredDocuments(parts: DocumentParts): ApolloServerPlugin<Scope> {
  return {
    requestDidStart: async ({ request, contextValue: scope }) => {
      const wish = wishOf(request);
      const found = wish instanceof GraphQLError ? wish : await orUnavailable(documentFor(parts, scope, wish)).catch(asRefusal);
      const { persistedQuery: _, ...extensions } = request.extensions ?? {};
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

/** Clients that send a hash say "no text" with null, with an empty text, or with nothing. */
function wishOf({ query, extensions, http }: GraphQLRequest): Wish | GraphQLError {
  const text = query?.trim() ? query : undefined;
  const persisted: unknown = extensions?.['persistedQuery'] ?? null;
  if (persisted === null) return { text, hash: text === undefined ? documentIdOf(http) : undefined };
  const { sha256Hash } = persisted as { readonly sha256Hash?: unknown };
  if (typeof sha256Hash !== 'string') return refused('BAD_REQUEST', 400, 'extensions.persistedQuery.sha256Hash is the hash in a string.');
  return { text, hash: bare(sha256Hash) };
}

function documentIdOf(http: GraphQLRequest['http']): string | undefined {
  const body = http?.body;
  const search = new URLSearchParams(http?.search);
  const values = ID_NAMES.map((name) => (typeof body === 'object' && body !== null ? Reflect.get(body, name) : search.get(name)));
  const id = values.find((value) => typeof value === 'string' && value !== '');
  return typeof id === 'string' ? bare(id) : undefined;
}

/** graphql-codegen, and the draft of GraphQL over HTTP, write the algorithm before a hash. */
function bare(hash: string): string {
  return hash.replace(/^sha256:/, '');
}

/** The document to run, undefined where none was sent, or why none will be. */
async function documentFor(
  { operations, sessionDocuments }: DocumentParts,
  scope: Scope,
  { text, hash }: Wish,
): Promise<string | undefined | GraphQLError> {
  const mustBeRegistered = scope.caller.actor.kind === 'customer' && sessionDocuments !== 'any';
  if (hash === undefined && !mustBeRegistered) return text;
  const own = text === undefined ? undefined : createHash('sha256').update(text).digest('hex');
  if (hash !== undefined && own !== undefined && own !== hash)
    return refused('BAD_REQUEST', 400, 'extensions.persistedQuery.sha256Hash is not that of the query.');
  const wanted = hash ?? own;
  const known = wanted === undefined ? null : (PORTAL_DOCUMENTS.get(wanted) ?? (await operations.find(scope, wanted)));
  if (known !== null) return known;
  if (hash === undefined)
    return forbidden('Customer sessions send registered documents only: register this text, or send the hash of one.');
  return mustBeRegistered || text === undefined ? notFound() : text;
}

function asRefusal(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  throw error;
}

/** Clients look for the message, which is that of automatic persisted queries, and then send the text. */
function notFound(): GraphQLError {
  const hint = 'The app registered no document with this SHA-256: billing operations register.';
  return new GraphQLError('PersistedQueryNotFound', { extensions: { code: 'PERSISTED_QUERY_NOT_FOUND', hint, http: { status: 404 } } });
}

function refused(code: string, status: number, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status } } });
}
