import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLErrorOptions, type GraphQLFormattedError } from 'graphql';
import { isPassing } from '../platform/db/outage.js';
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

/** When it is worth asking again after the database could not do something, s. */
export const ASK_AGAIN_SECONDS = 2;

/** What is said where the database is away, read-only, frozen or full. It may have done what it did not answer. */
export const UNAVAILABLE_MESSAGE =
  'The database cannot do this now. Wait a little, then repeat: a mutation with the same idempotency key, since it may have been done.';

/** What is awaited; where the database could not do it, the refusal that says so. */
export function orUnavailable<Result>(work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    throw isPassing(error) ? unavailable(error) : error;
  });
}

function unavailable(cause: unknown): GraphQLError {
  const headers = new Map([['retry-after', String(ASK_AGAIN_SECONDS)]]);
  const originalError = cause instanceof Error ? cause : null;
  return new GraphQLError(UNAVAILABLE_MESSAGE, { originalError, extensions: { code: 'UNAVAILABLE', http: { status: 503, headers } } });
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
  if (isPassing(original) || formatted.extensions?.code === 'UNAVAILABLE') {
    log.warn('database not available', { path: formatted.path?.join('.'), ...errorFields(original) });
    const extensions = { code: 'UNAVAILABLE', retryable: true, retryAfterMs: ASK_AGAIN_SECONDS * 1000 };
    return { message: UNAVAILABLE_MESSAGE, ...place, extensions };
  }
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
