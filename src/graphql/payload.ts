import type { ValidationError } from 'class-validator';
import { type ClassType, Field, ObjectType } from 'type-graphql';
import { AppError, type InputProblem, InvalidInput, NotAllowed } from '../platform/errors.js';
import type { Outcome } from '../platform/idempotency/mutation.js';
import { forbidden } from './errors.js';
import { brokenRules } from './input-rules.js';
import { tidyTexts } from './input-texts.js';
import { UserError, userError } from './user-errors.js';

/** What every mutation's payload has. */
@ObjectType({ simpleResolvers: true })
abstract class Payload {
  @Field(() => [UserError], {
    description:
      'What went wrong, as expected; empty when all went well. Look here first: such failures are not among the top-level errors.',
  })
  userErrors!: UserError[];
}

/** What the payload of a mutation that can be repeated has. */
@ObjectType({ simpleResolvers: true })
abstract class RepeatablePayload extends Payload {
  @Field({
    description: 'Whether this is the answer to an earlier request with the same idempotency key or reference. Nothing was done anew then.',
  })
  replayed!: boolean;
}

/** Base of the payloads of repeatable mutations. */
export function repeatablePayload(): ClassType<RepeatablePayload> {
  return RepeatablePayload as unknown as ClassType<RepeatablePayload>;
}

/** Base of the payloads of other mutations. */
export function plainPayload(): ClassType<Payload> {
  return Payload as unknown as ClassType<Payload>;
}

/** A payload as resolvers return it: the noun under its name. */
export type PayloadOf<Noun extends string, Row> = { readonly [Name in Noun]: Row | null } & {
  readonly userErrors: UserError[];
  readonly replayed: boolean;
};

/**
 * Checks the input and runs the mutation. What goes wrong as expected is answered in userErrors; what the caller may
 * not do is thrown as FORBIDDEN, and anything else becomes INTERNAL.
 */
export async function respond<Noun extends string, Row>(
  noun: Noun,
  input: object,
  work: () => Promise<Outcome<Row>>,
): Promise<PayloadOf<Noun, Row>> {
  try {
    assertValid(input);
    const outcome = await work();
    return payload(noun, outcome.row, outcome.errors.map(userError), outcome.replayed);
  } catch (error) {
    if (error instanceof NotAllowed) throw forbidden(error.message);
    if (!(error instanceof AppError)) throw error;
    return payload<Noun, Row>(noun, null, userErrorsOf(error), false);
  }
}

function payload<Noun extends string, Row>(noun: Noun, row: Row | null, userErrors: UserError[], replayed: boolean): PayloadOf<Noun, Row> {
  return { [noun]: row, userErrors, replayed } as unknown as PayloadOf<Noun, Row>;
}

function userErrorsOf(error: AppError): UserError[] {
  if (!(error instanceof InvalidInput)) return [userError(error.facts())];
  return error.problems.map((problem) => userError({ code: error.code, ...problem }));
}

/** Trims the texts of an input. Throws InvalidInput with every rule of its class, and of texts, that is broken. */
function assertValid(input: object): void {
  const faults = tidyTexts(input);
  const known = new Set(faults.map(({ field }) => field.join('.')));
  const broken = brokenRules(input, { forbidUnknownValues: false, stopAtFirstError: true }).flatMap((found) => problemsOf(found, []));
  const problems = [...faults, ...broken.filter(({ field }) => !known.has(field.join('.')))];
  if (problems.length > 0) throw new InvalidInput(problems);
}

function problemsOf(found: ValidationError, path: readonly string[]): InputProblem[] {
  const field = [...path, found.property];
  const own = Object.values(found.constraints ?? {}).map((message) => ({ field, message: `${field.join('.')}: ${message}.` }));
  return [...own, ...(found.children ?? []).flatMap((child) => problemsOf(child, field))];
}
