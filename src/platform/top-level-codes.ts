/** What a code of `errors[].extensions.code` means for who reads it. */
interface CodeMeaning {
  /** The status of the HTTP answers that carry it. */
  readonly http: string;
  /** What happened, and what to do. */
  readonly meaning: string;
}

/**
 * Every code that a top-level error may carry; a closed list, part of the public contract. What else is thrown is
 * answered as INTERNAL.
 */
export const TOP_LEVEL_CODES = {
  UNAUTHENTICATED: {
    http: '401',
    meaning:
      'There is no credential, it is unknown, revoked or expired, its customer was deleted, or its app does not allow the origin of the page. Nothing was done. Send `Authorization: Bearer …` with a key or session that is good.',
  },
  FORBIDDEN: {
    http: '403',
    meaning:
      'The credential does not reach a field of the operation, the document is not one that sessions may send, the app does not let its customer sessions do this (`PortalPolicy`), or `X-App-Id` names another app. Nothing was done. Leave it out, or ask the operator for a key that reaches it.',
  },
  RATE_LIMITED: {
    http: '429',
    meaning:
      'More requests, or more wrong credentials, than are allowed in the window. Nothing was done. Wait for `rateLimit.retryAfterMs`, then repeat with the same key.',
  },
  BAD_REQUEST: {
    http: '400, 405, 408 or 431',
    meaning:
      'What came is not a request of GraphQL over HTTP: no JSON in UTF-8, no query, a batch, a mutation by GET, another method than GET and POST, or too slow. Nothing was done. Change the request as `message` says.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    http: '415',
    meaning:
      'The body is not `application/json`, its charset is not UTF-8, or it is packed (`content-encoding`). Nothing was done. Change that.',
  },
  PAYLOAD_TOO_LARGE: {
    http: '413',
    meaning:
      'The body is larger than 128 KiB, or what the deployment allows (1 MiB for deliveries). Nothing was done. Send less at a time.',
  },
  NOT_FOUND: { http: '404', meaning: 'Nothing listens at this address. Send GraphQL to `/graphql`.' },
  GRAPHQL_PARSE_FAILED: {
    http: '400',
    meaning: 'The document is not GraphQL, or has too many tokens. Nothing was done. Change the document.',
  },
  GRAPHQL_VALIDATION_FAILED: {
    http: '400',
    meaning:
      'The document does not fit the schema, or is too deep or has too many aliases. Nothing was done. Change the document as `message` says.',
  },
  OPERATION_RESOLUTION_FAILURE: {
    http: '400',
    meaning: 'The document has several operations, or none of the name that was asked for. Nothing was done. Name one in `operationName`.',
  },
  BAD_USER_INPUT: {
    http: '400, or 200 beside the data of other fields',
    meaning:
      'A variable or an argument has a wrong form, a page is asked for that cannot be, or something stands beside a mutation that may move money. The field at `path`, or all without one, was not done. Change it as `message` says.',
  },
  QUERY_TOO_COMPLEX: {
    http: '400',
    meaning:
      'The operation asks for more than one request may: `cost` has what it asks for and what is allowed. Nothing was done. Ask for fewer fields or smaller pages.',
  },
  PERSISTED_QUERY_NOT_FOUND: {
    http: '404',
    meaning: 'The app registered no document with this hash. Nothing was done. Send the text with it, or have the operator register it.',
  },
  PCI_VIOLATION: {
    http: '400',
    meaning:
      'There is card or bank data in the request, at `field`. Nothing was done or stored. Collect it with Tilled.js and send the id pm_… only.',
  },
  TIMEOUT: {
    http: '503',
    meaning: 'The answer took too long. What was begun goes on. Repeat a mutation with the same key, and ask for less in a query.',
  },
  UNAVAILABLE: {
    http: '503',
    meaning:
      'The database is away, read-only, frozen, full, or too busy with the same rows, as in a failover. What was asked for may have been done. Wait for `retryAfterMs` (header `Retry-After`), then repeat with the same key: that finds out, and does nothing twice.',
  },
  INTERNAL: {
    http: '500, or 200 beside the data of other fields',
    meaning:
      'A fault of ours; it was logged. What was asked for may have been done: repeat a mutation with the same key. If it stays, call a person, with the `x-request-id` of the answer.',
  },
} as const satisfies Readonly<Record<string, CodeMeaning>>;

/** A code of a top-level error. */
export type TopLevelCode = keyof typeof TOP_LEVEL_CODES;
