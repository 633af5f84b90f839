import { RequestError, UserError } from './errors.js';
/** The operator of the gateway suspended the app: nothing is sold. Nothing was done. Ask the operator why; once the app is resumed repeat with the same key. Refunds, cancellations and reads go on, and a repeat of what was begun before is answered. */
export class AppSuspended extends UserError<'APP_SUSPENDED'> {}

/** Something else stands in the way, and `message` says what. Nothing was done. Wait for it, or put it right, and repeat with the same key. */
export class Conflict extends UserError<'CONFLICT'> {}

/** Another customer of the app has this externalId. Nothing was done. Read that one with customerByExternalId, or take another externalId and a new key. */
export class DuplicateExternalId extends UserError<'DUPLICATE_EXTERNAL_ID'> {}

/** A payment, or refund, that differs has this referenceId, and its money was moved or may still be. Nothing was done. Take another reference and a new key for something new. */
export class DuplicateReference extends UserError<'DUPLICATE_REFERENCE'> {}

/** The first request with this key has not ended. Wait for retryAfterMs, then repeat with the same key. */
export class IdempotencyInProgress extends UserError<'IDEMPOTENCY_IN_PROGRESS'> {}

/** This key came with other input before. Nothing was done. Use a new key for a new request; for a repeat send the same input. */
export class IdempotencyKeyReused extends UserError<'IDEMPOTENCY_KEY_REUSED'> {}

/** The object's state does not allow it. Nothing was done. Read the object again; what you want may be done already. Another try needs a new key. */
export class IllegalTransition extends UserError<'ILLEGAL_TRANSITION'> {}

/** The input breaks a rule; `field` says where and `message` what is allowed. Nothing was done. Change the input; the same key may be used again. */
export class Invalid extends UserError<'INVALID'> {}

/** The app has no such object; another app's answers the same. Nothing was done. Check the id, and use a new key. */
export class NotFound extends UserError<'NOT_FOUND'> {}

/** The customer has no payment method to charge. Nothing was done. Attach one, or name one, and use a new key. */
export class NoPaymentMethod extends UserError<'NO_PAYMENT_METHOD'> {}

/** The processor was asked and has not answered: it may have happened. It is being found out by itself. Read the object, or repeat with the same key after retryAfterMs. Never send it with a new key: it could be done twice. */
export class OutcomeUnknown extends UserError<'OUTCOME_UNKNOWN'> {}

/** The payment was called off and takes no money: by somebody, by the end of its hold, or because the processor never said what became of it. To try again use a new key; its referenceId is free. */
export class PaymentCanceled extends UserError<'PAYMENT_CANCELED'> {}

/** The bank or the processor declined, or a bank debit came back: the app keeps no money of it. `declineCode` says why. If `retryable`, try again later, else ask the payer for another method; both with a new key. */
export class PaymentDeclined extends UserError<'PAYMENT_DECLINED'> {}

/** A dispute of the payment is open or lost: a refund may pay the cardholder twice. Nothing was done. Have a person decide; to refund all the same send acknowledgeDispute: true, with the same key or a new one. */
export class PaymentDisputed extends UserError<'PAYMENT_DISPUTED'> {}

/** A live subscription is paid with this method. Nothing was done. Give the subscription another one, then repeat with the same key. */
export class PaymentMethodInUse extends UserError<'PAYMENT_METHOD_IN_USE'> {}

/** The processor refused for good, and `message` has its reason. No money moved. Change what it says, and use a new key; if nothing is wrong with the input, a person has to look at the account. */
export class ProcessorRejected extends UserError<'PROCESSOR_REJECTED'> {}

/** The processor could not be reached, or takes nothing now. Nothing happened. Wait for retryAfterMs, then repeat with the same key. */
export class ProcessorUnavailable extends UserError<'PROCESSOR_UNAVAILABLE'> {}

/** More was asked for than is left to refund. Nothing was done. `message` says how much is left: ask for no more than that, with a new key. */
export class RefundTooLarge extends UserError<'REFUND_TOO_LARGE'> {}

/** The object changed since you read it. Nothing was done. Read it again, decide anew, and send its new version with a new key. */
export class StaleVersion extends UserError<'STALE_VERSION'> {}

/** The address of an endpoint is none that may be delivered to; `message` says why. Nothing was done. Give one that begins with https:// and is reached from the public internet, with the same key or a new one. */
export class TargetRefused extends UserError<'TARGET_REFUSED'> {}

/** There is no credential, it is unknown, revoked or expired, its customer was deleted, or its app does not allow the origin of the page. Nothing was done. Send `Authorization: Bearer …` with a key or session that is good. */
export class Unauthenticated extends RequestError<'UNAUTHENTICATED'> {}

/** The credential does not reach a field of the operation, the document is not one that sessions may send, the app does not let its customer sessions do this (`PortalPolicy`), or `X-App-Id` names another app. Nothing was done. Leave it out, or ask the operator for a key that reaches it. */
export class Forbidden extends RequestError<'FORBIDDEN'> {}

/** More requests, or more wrong credentials, than are allowed in the window. Nothing was done. Wait for `rateLimit.retryAfterMs`, then repeat with the same key. */
export class RateLimited extends RequestError<'RATE_LIMITED'> {}

/** What came is not a request of GraphQL over HTTP: no JSON in UTF-8, no query, a batch, a mutation by GET, another method than GET and POST, or too slow. Nothing was done. Change the request as `message` says. */
export class BadRequest extends RequestError<'BAD_REQUEST'> {}

/** The body is not `application/json`, its charset is not UTF-8, or it is packed (`content-encoding`). Nothing was done. Change that. */
export class UnsupportedMediaType extends RequestError<'UNSUPPORTED_MEDIA_TYPE'> {}

/** The body is larger than 128 KiB, or what the deployment allows (1 MiB for deliveries). Nothing was done. Send less at a time. */
export class PayloadTooLarge extends RequestError<'PAYLOAD_TOO_LARGE'> {}

/** Nothing listens at this address. Send GraphQL to `/graphql`. */
export class AddressNotFound extends RequestError<'NOT_FOUND'> {}

/** The document is not GraphQL, or has too many tokens. Nothing was done. Change the document. */
export class GraphqlParseFailed extends RequestError<'GRAPHQL_PARSE_FAILED'> {}

/** The document does not fit the schema, or is too deep or has too many aliases. Nothing was done. Change the document as `message` says. */
export class GraphqlValidationFailed extends RequestError<'GRAPHQL_VALIDATION_FAILED'> {}

/** The document has several operations, or none of the name that was asked for. Nothing was done. Name one in `operationName`. */
export class OperationResolutionFailure extends RequestError<'OPERATION_RESOLUTION_FAILURE'> {}

/** A variable or an argument has a wrong form, a page is asked for that cannot be, or something stands beside a mutation that may move money. The field at `path`, or all without one, was not done. Change it as `message` says. */
export class BadUserInput extends RequestError<'BAD_USER_INPUT'> {}

/** The operation asks for more than one request may: `cost` has what it asks for and what is allowed. Nothing was done. Ask for fewer fields or smaller pages. */
export class QueryTooComplex extends RequestError<'QUERY_TOO_COMPLEX'> {}

/** The app registered no document with this hash. Nothing was done. Send the text with it, or have the operator register it. */
export class PersistedQueryNotFound extends RequestError<'PERSISTED_QUERY_NOT_FOUND'> {}

/** There is card or bank data in the request, at `field`. Nothing was done or stored. Collect it with Tilled.js and send the id pm_… only. */
export class PciViolation extends RequestError<'PCI_VIOLATION'> {}

/** The answer took too long. What was begun goes on. Repeat a mutation with the same key, and ask for less in a query. */
export class Timeout extends RequestError<'TIMEOUT'> {}

/** The database is away, read-only, frozen, full, or too busy with the same rows, as in a failover. What was asked for may have been done. Wait for `retryAfterMs` (header `Retry-After`), then repeat with the same key: that finds out, and does nothing twice. */
export class Unavailable extends RequestError<'UNAVAILABLE'> {}

/** A fault of ours; it was logged. What was asked for may have been done: repeat a mutation with the same key. If it stays, call a person, with the `x-request-id` of the answer. */
export class InternalError extends RequestError<'INTERNAL'> {}

/** The class of each code of userErrors. */
export const USER_ERRORS = { APP_SUSPENDED: AppSuspended, CONFLICT: Conflict, DUPLICATE_EXTERNAL_ID: DuplicateExternalId, DUPLICATE_REFERENCE: DuplicateReference, IDEMPOTENCY_IN_PROGRESS: IdempotencyInProgress, IDEMPOTENCY_KEY_REUSED: IdempotencyKeyReused, ILLEGAL_TRANSITION: IllegalTransition, INVALID: Invalid, NOT_FOUND: NotFound, NO_PAYMENT_METHOD: NoPaymentMethod, OUTCOME_UNKNOWN: OutcomeUnknown, PAYMENT_CANCELED: PaymentCanceled, PAYMENT_DECLINED: PaymentDeclined, PAYMENT_DISPUTED: PaymentDisputed, PAYMENT_METHOD_IN_USE: PaymentMethodInUse, PROCESSOR_REJECTED: ProcessorRejected, PROCESSOR_UNAVAILABLE: ProcessorUnavailable, REFUND_TOO_LARGE: RefundTooLarge, STALE_VERSION: StaleVersion, TARGET_REFUSED: TargetRefused } as const;

/** The class of each code of top-level errors. */
export const REQUEST_ERRORS = { UNAUTHENTICATED: Unauthenticated, FORBIDDEN: Forbidden, RATE_LIMITED: RateLimited, BAD_REQUEST: BadRequest, UNSUPPORTED_MEDIA_TYPE: UnsupportedMediaType, PAYLOAD_TOO_LARGE: PayloadTooLarge, NOT_FOUND: AddressNotFound, GRAPHQL_PARSE_FAILED: GraphqlParseFailed, GRAPHQL_VALIDATION_FAILED: GraphqlValidationFailed, OPERATION_RESOLUTION_FAILURE: OperationResolutionFailure, BAD_USER_INPUT: BadUserInput, QUERY_TOO_COMPLEX: QueryTooComplex, PERSISTED_QUERY_NOT_FOUND: PersistedQueryNotFound, PCI_VIOLATION: PciViolation, TIMEOUT: Timeout, UNAVAILABLE: Unavailable, INTERNAL: InternalError } as const;