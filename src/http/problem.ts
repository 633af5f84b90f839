import type { FastifyReply } from 'fastify';
import type { TopLevelCode } from '../platform/top-level-codes.js';

/** Answers an error of HTTP in the shape of a GraphQL one, so that clients read one shape only. */
export function answerProblem(reply: FastifyReply, status: number, code: TopLevelCode, message: string): FastifyReply {
  return reply
    .status(status)
    .header('content-type', 'application/json; charset=utf-8')
    .send({ errors: [{ message, extensions: { code } }] });
}
