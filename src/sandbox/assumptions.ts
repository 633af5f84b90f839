// Everything the sandbox decides because nothing published says it: our assumptions, in one place, so that a first run
// against the real sandbox can correct them. docs/sandbox.md lists them beside what is known.

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Milliseconds in a day of 24 hours. */
export const DAY_MS = 24 * HOUR_MS;

/** Our assumption of how long unattached methods and tokens live. The SDK says 15 minutes, an article 5 for cards. */
export const SINGLE_USE_LIFE_MS = 15 * MINUTE_MS;

/** Known: an uncaptured authorization is canceled 7 days after the payment intent was created. */
export const AUTHORIZATION_LIFE_MS = 7 * DAY_MS;

/** Our assumption: a bank debit, and a refund of one, settles 3 days after it was confirmed. */
export const BANK_SETTLEMENT_MS = 3 * DAY_MS;

/** Our assumption: "shortly after midnight US-Eastern" is five past. */
export const BATCH_MINUTE_OF_DAY = 5;

/** Our assumption: the dispute of amount 777799 opens after 2 seconds ("within seconds"). */
export const DISPUTE_OPENS_AFTER_MS = 2 * SECOND_MS;

/** Our assumption: a REVERSAL or LOSS evidence is decided 5 seconds after it was sent. */
export const DISPUTE_REVIEW_MS = 5 * SECOND_MS;

/** Our assumption: evidence is accepted for 20 days. */
export const DISPUTE_CLOSES_AFTER_MS = 20 * DAY_MS;

/** Our assumption: a dispute nobody answered is lost 10 days after evidence closed. */
export const DISPUTE_LOSES_AFTER_MS = 30 * DAY_MS;

/** Our assumption: a refund is possible for 365 days ("within 12 months"). */
export const REFUND_WINDOW_MS = 365 * DAY_MS;

/** Our assumption: how far in the past an anchor may lie and be charged at once; further back is refused. */
export const ANCHOR_GRACE_MS = DAY_MS;

/** Our assumption: a checkout session without expires_at is open for a day. */
export const CHECKOUT_LIFE_MS = DAY_MS;

/** Known: events are listed for 30 days. */
export const EVENT_WINDOW_MS = 30 * DAY_MS;

/** Our assumption: attempts of one webhook delivery, as delays after the attempt before. */
export const WEBHOOK_RETRY_DELAYS_MS = [5 * SECOND_MS, 30 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS];

/** Our assumption: how long a receiver may take. Real milliseconds, whatever the virtual clock says. */
export const WEBHOOK_TIMEOUT_MS = 10 * SECOND_MS;

/** Our assumption: the most bytes of a body. Tilled's limit is unpublished; this one protects the process. */
export const BODY_BYTES_MAX = 12 * 1024 * 1024;
