import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { GraphQLError } from 'graphql';
import { formatError } from '../graphql/errors.js';
import type { Log } from '../platform/log.js';
import type { TopLevelCode } from '../platform/top-level-codes.js';

/** What an error is, and where in the request it is. */
export interface Problem {
  readonly code: TopLevelCode;
  readonly field?: readonly string[];
}

/** Answers an error of HTTP in the shape of a GraphQL one, so that clients read one shape only. */
export function answerProblem(reply: FastifyReply, status: number, problem: TopLevelCode | Problem, message: string): FastifyReply {
  return answer(reply, status, { message, extensions: typeof problem === 'string' ? { code: problem } : problem });
}

/** Answers what was thrown before GraphQL was asked as GraphQL would have: same words, status, headers and log. */
export function answerThrown(reply: FastifyReply, thrown: Error, log: Log): FastifyReply {
  const error = thrown instanceof GraphQLError ? thrown : new GraphQLError(thrown.message, { originalError: thrown });
  const { status = 500, headers = [] } = (error.extensions['http'] ?? {}) as { status?: number; headers?: Iterable<[string, string]> };
  for (const [name, value] of headers) reply.header(name, value);
  return answer(reply, status, formatError(error.toJSON(), thrown, log));
}

/** For clients such as Apollo Client, to which plain JSON with another status than 200 is no answer of GraphQL. */
const GRAPHQL_RESPONSE = 'application/graphql-response+json';

function answer(reply: FastifyReply, status: number, error: object): FastifyReply {
  const type = reply.request.headers.accept?.includes(GRAPHQL_RESPONSE) ? GRAPHQL_RESPONSE : 'application/json';
  return reply
    .status(status)
    .header('content-type', `${type}; charset=utf-8`)
    .send({ errors: [error] });
}

/** Whether a body is packed, as with gzip: it would have to be unpacked to be bounded. */
export function isEncoded({ headers }: FastifyRequest): boolean {
  const encoding = headers['content-encoding'] ?? 'identity';
  return encoding.trim().toLowerCase() !== 'identity';
}

/** The refusal of a body that is packed. */
export function unsupportedEncoding(reply: FastifyReply): GraphQLError {
  // RFC 9110: what a 415 would have taken.
  reply.header('accept-encoding', 'identity');
  return new GraphQLError('Send the body as it is, without a content-encoding.', {
    extensions: { code: 'UNSUPPORTED_MEDIA_TYPE', http: { status: 415 } },
  });
}

/** Answers 405 at an address to all methods but those it takes, before anything else is looked at. */
export function refuseOtherMethods(server: FastifyInstance, url: string, taken: readonly HTTPMethods[]): void {
  const refuse = async (_: FastifyRequest, reply: FastifyReply) =>
    answerProblem(reply.header('allow', taken.join(', ')), 405, 'BAD_REQUEST', `This address takes ${taken.join(' and ')} only.`);
  const method = server.supportedMethods.filter((name) => name !== 'OPTIONS' && !taken.includes(name as HTTPMethods)) as HTTPMethods[];
  server.route({ url, method, exposeHeadRoute: false, onRequest: refuse, handler: refuse });
}
