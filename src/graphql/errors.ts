import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLErrorOptions, type GraphQLFormattedError } from 'graphql';
import { AppError } from '../platform/errors.js';
import { errorFields, type Log, redactedText } from '../platform/log.js';
import { TOP_LEVEL_CODES } from '../platform/top-level-codes.js';

/** Characters of a message that are shown: what was sent may be a megabyte. */
const MESSAGE_LENGTH_MAX = 1_000;

/** What GraphQL says after as many wrong variables as it words; it comes without a code. */
const TOO_MANY_WRONG = /^Too many errors processing variables/;

type Nodes = GraphQLErrorOptions['nodes'];

/** Nobody, or not who they say they are. */
export function unauthenticated(message: string): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: 'UNAUTHENTICATED', http: { status: 401, headers: new Map([['www-authenticate', 'Bearer']]) } },
  });
}

/** Known, but not allowed this; `nodes` is where the document says it. */
export function forbidden(message: string, nodes?: Nodes): GraphQLError {
  return new GraphQLError(message, { nodes, extensions: { code: 'FORBIDDEN', http: { status: 403 } } });
}

/** An operation that cannot be meant so; `nodes` is where the document says it. */
export function badUserInput(message: string, nodes?: Nodes): GraphQLError {
  return new GraphQLError(message, { nodes, extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } });
}

/**
 * The only exit for top-level errors. The caller's faults keep their message and code; everything else is logged in
 * full and answered as INTERNAL without a word of what happened. Never throws.
 */
export function formatError(formatted: GraphQLFormattedError, thrown: unknown, log: Log): GraphQLFormattedError {
  const original = unwrapResolverError(thrown);
  const place = { ...(formatted.locations ? { locations: formatted.locations } : {}), ...(formatted.path ? { path: formatted.path } : {}) };
  if (original instanceof AppError)
    return { message: redactedText(original.message), ...place, extensions: { code: 'BAD_USER_INPUT', reason: original.code } };
  const code = TOO_MANY_WRONG.test(formatted.message) ? 'BAD_USER_INPUT' : String(formatted.extensions?.code ?? 'INTERNAL');
  if (!isCallersFault(code)) {
    log.error('request failed', { path: formatted.path?.join('.'), ...errorFields(original) });
    return { message: 'Something went wrong on our side. It has been logged.', ...place, extensions: { code: 'INTERNAL' } };
  }
  const { http: _, stacktrace: __, ...extensions } = (formatted.extensions ?? {}) as Record<string, unknown>;
  // GraphQL's own messages repeat the value that was sent, whatever it was.
  return { message: redactedText(formatted.message.slice(0, MESSAGE_LENGTH_MAX)), ...place, extensions: { ...extensions, code } };
}

/** Whether a code is one that says what the caller did; everything else is INTERNAL. */
function isCallersFault(code: string): boolean {
  return Object.hasOwn(TOP_LEVEL_CODES, code) && code !== 'INTERNAL';
}
