import { Field, Int, InterfaceType, ObjectType, registerEnumType } from 'type-graphql';
import { UserErrorCode, type UserErrorFacts } from '../platform/errors.js';
import { redactedText } from '../platform/log.js';

registerEnumType(UserErrorCode, { name: 'UserErrorCode', description: 'What went wrong, as expected. Codes are added, never renamed.' });

/** An expected failure in the payload of the mutation it belongs to. */
@InterfaceType({
  description:
    'An expected failure, in the payload of the mutation it belongs to. Top-level GraphQL errors are kept for authentication, throttling, malformed documents and faults of ours. If something fails below a mutation that was carried out, `extensions.outcome` tells what became of it: { operation, id, status, userErrors }.',
  resolveType: (value: UserError) => value.constructor.name,
})
export abstract class UserError {
  @Field(() => UserErrorCode)
  code!: UserErrorCode;

  @Field({ description: 'A sentence for developers: what is wrong and what to do.' })
  message!: string;

  @Field(() => [String], { nullable: true, description: 'Path into the input.' })
  field!: readonly string[] | null;
}

/** A failure its code and message say all about. */
@ObjectType({ implements: UserError, simpleResolvers: true, description: 'A failure that its code and message say all about.' })
export class GenericUserError extends UserError {}

/** The payment was declined. */
@ObjectType({ implements: UserError, simpleResolvers: true, description: 'The bank or the processor declined the payment.' })
export class PaymentDeclined extends UserError {
  @Field({ description: "The processor's code, e.g. insufficient_funds. New codes may appear." })
  declineCode!: string;

  @Field({ description: 'Whether the same method may work later; otherwise ask for another one.' })
  retryable!: boolean;
}

/** The same request may work a little later. */
@ObjectType({
  implements: UserError,
  simpleResolvers: true,
  description: 'The same request, with the same idempotency key, may work a little later.',
})
export class RetryLater extends UserError {
  @Field(() => Int, { description: 'How long to wait before repeating it, ms.' })
  retryAfterMs!: number;
}

/** The GraphQL object for an expected failure. What was sent may stand in its message, so secrets are redacted. */
export function userError(facts: UserErrorFacts): UserError {
  const { code, field = null } = facts;
  const message = redactedText(facts.message);
  if (facts.declineCode !== undefined) {
    const { declineCode, isRetryable = false } = facts;
    return Object.assign(new PaymentDeclined(), { code, message, field, declineCode, retryable: isRetryable });
  }
  if (facts.retryAfterMs !== undefined) return Object.assign(new RetryLater(), { code, message, field, retryAfterMs: facts.retryAfterMs });
  return Object.assign(new GenericUserError(), { code, message, field });
}
