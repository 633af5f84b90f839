/** What the argument `input` of every mutation is. */
export const INPUT = 'What is asked for. What breaks a rule is answered as INVALID with the path of the field, and nothing is done.';

/** What an idempotency key does; also said of the header. */
export const IDEMPOTENCY_KEY =
  'Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request.';

/** What a mutation does with the version its caller has read. */
export const EXPECTED_VERSION =
  'The version that you read. If the object changed since, nothing is done and STALE_VERSION is answered: read it again and decide anew. Absent: not compared.';

/** Metadata of something new. */
export const METADATA = 'Your own facts about it, kept here as they are; the processor does not get them. Neither card data nor secrets.';

/** Metadata of something that is there. */
export const METADATA_CHANGES = 'Keys to set. Those not named stay, and a null value removes its key. Beyond 50 keys in all it is INVALID.';

/** When a row was made. */
export const CREATED_AT = 'When it was recorded here first.';

/** When a row changed. */
export const UPDATED_AT = 'When something about it changed last.';
