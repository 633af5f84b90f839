import type { FastifyReply } from 'fastify';
import type { TopLevelCode } from '../platform/top-level-codes.js';

/** What an error is, and where in the request it is. */
export interface Problem {
  readonly code: TopLevelCode;
  readonly field?: readonly string[];
}

/** Answers an error of HTTP in the shape of a GraphQL one, so that clients read one shape only. */
export function answerProblem(reply: FastifyReply, status: number, problem: TopLevelCode | Problem, message: string): FastifyReply {
  const extensions = typeof problem === 'string' ? { code: problem } : problem;
  return reply
    .status(status)
    .header('content-type', 'application/json; charset=utf-8')
    .send({ errors: [{ message, extensions }] });
}
