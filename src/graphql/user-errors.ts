import { Field, Int, InterfaceType, ObjectType } from 'type-graphql';
import { UserErrorCode, type UserErrorFacts } from '../platform/errors.js';
import { redactedText } from '../platform/log.js';
import { describeEnum } from './enums.js';

describeEnum(UserErrorCode, {
  name: 'UserErrorCode',
  description:
    'What went wrong, as expected, and what to do. Codes are added, never renamed: treat one that you do not know like PROCESSOR_REJECTED.',
  values: {
    INVALID:
      'The input breaks a rule; `field` says where and `message` what is allowed. Nothing was done. Change the input; the same key may be used again.',
    NOT_FOUND: "The app has no such object; another app's answers the same. Nothing was done. Check the id, and use a new key.",
    CONFLICT:
      'Something else stands in the way, and `message` says what. Nothing was done. Wait for it, or put it right, and repeat with the same key.',
    STALE_VERSION:
      'The object changed since you read it. Nothing was done. Read it again, decide anew, and send its new version with a new key.',
    DUPLICATE_EXTERNAL_ID:
      'Another customer of the app has this externalId. Nothing was done. Read that one with customerByExternalId, or take another externalId and a new key.',
    DUPLICATE_REFERENCE:
      'A payment, or refund, that differs has this referenceId, and its money was moved or may still be. Nothing was done. Take another reference and a new key for something new.',
    NO_PAYMENT_METHOD: 'The customer has no payment method to charge. Nothing was done. Attach one, or name one, and use a new key.',
    PAYMENT_METHOD_IN_USE:
      'A live subscription is paid with this method. Nothing was done. Give the subscription another one, then repeat with the same key.',
    PAYMENT_DECLINED:
      'The bank or the processor declined, or a bank debit came back: the app keeps no money of it. `declineCode` says why. If `retryable`, try again later, else ask the payer for another method; both with a new key.',
    PAYMENT_CANCELED:
      'The payment was called off and takes no money: by somebody, by the end of its hold, or because the processor never said what became of it. To try again use a new key; its referenceId is free.',
    PAYMENT_DISPUTED:
      'A dispute of the payment is open or lost: a refund may pay the cardholder twice. Nothing was done. Have a person decide; to refund all the same send acknowledgeDispute: true, with the same key or a new one.',
    ILLEGAL_TRANSITION:
      "The object's state does not allow it. Nothing was done. Read the object again; what you want may be done already. Another try needs a new key.",
    REFUND_TOO_LARGE:
      'More was asked for than is left to refund. Nothing was done. `message` says how much is left: ask for no more than that, with a new key.',
    APP_SUSPENDED:
      'The operator of the gateway suspended the app: nothing is sold. Nothing was done. Ask the operator why; once the app is resumed repeat with the same key. Refunds, cancellations and reads go on, and a repeat of what was begun before is answered.',
    IDEMPOTENCY_KEY_REUSED:
      'This key came with other input before. Nothing was done. Use a new key for a new request; for a repeat send the same input.',
    IDEMPOTENCY_IN_PROGRESS: 'The first request with this key has not ended. Wait for retryAfterMs, then repeat with the same key.',
    PROCESSOR_REJECTED:
      'The processor refused for good, and `message` has its reason. No money moved. Change what it says, and use a new key; if nothing is wrong with the input, a person has to look at the account.',
    PROCESSOR_UNAVAILABLE:
      'The processor could not be reached, or takes nothing now. Nothing happened. Wait for retryAfterMs, then repeat with the same key.',
    OUTCOME_UNKNOWN:
      'The processor was asked and has not answered: it may have happened. It is being found out by itself. Read the object, or repeat with the same key after retryAfterMs. Never send it with a new key: it could be done twice.',
    TARGET_REFUSED:
      'The address of an endpoint is none that may be delivered to; `message` says why. Nothing was done. Give one that begins with https:// and is reached from the public internet, with the same key or a new one.',
  },
});

/** An expected failure in the payload of the mutation it belongs to. */
@InterfaceType({
  description:
    'An expected failure, in the payload of the mutation it belongs to. Top-level GraphQL errors are kept for authentication, throttling, malformed documents and faults of ours. If something fails below a mutation that was carried out, `extensions.outcome` tells what became of it: { operation, id, status, userErrors }.',
  resolveType: (value: UserError) => value.constructor.name,
})
export abstract class UserError {
  @Field(() => UserErrorCode, { description: 'What went wrong, for programs. Decide by it what to do next.' })
  code!: UserErrorCode;

  @Field({ description: 'A sentence for developers: what is wrong and what to do.' })
  message!: string;

  @Field(() => [String], {
    nullable: true,
    description: 'Path of what is wrong in the input, e.g. ["amount", "amountMinor"]; null where no single field is to blame.',
  })
  field!: readonly string[] | null;
}

/** A failure its code and message say all about. */
@ObjectType({ implements: UserError, simpleResolvers: true, description: 'A failure that its code and message say all about.' })
export class GenericUserError extends UserError {}

/** The payment was declined. */
@ObjectType({
  implements: UserError,
  simpleResolvers: true,
  description: 'The bank or the processor declined the payment, or gave a bank debit back: the app keeps no money of it.',
})
export class PaymentDeclined extends UserError {
  @Field({ description: "The processor's code, e.g. insufficient_funds. New codes may appear." })
  declineCode!: string;

  @Field({ description: 'Whether the same method may work later, with a new idempotency key. If not, ask the payer for another one.' })
  retryable!: boolean;
}

/** The same request may work a little later. */
@ObjectType({
  implements: UserError,
  simpleResolvers: true,
  description: 'The same request, with the same idempotency key, may work a little later.',
})
export class RetryLater extends UserError {
  @Field(() => Int, { description: 'How long to wait before repeating it with the same idempotency key, ms.' })
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
