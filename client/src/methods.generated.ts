/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { Calls, CallOptions, Done, Method, MutationOptions } from './calls.js';
import type { List } from './list.js';
import type { Feed } from './feed.js';
/** What to change of the settings of the app. What is absent stays. */
export type AppSettingsUpdateInput = {
  /** The colour of pages, #rrggbb. Null removes it. */
  brandColor?: string | null | undefined;
  /** What pages call whom customers pay, 1 to 255 characters. Null removes it. */
  brandName?: string | null | undefined;
  /** The version that you read. If the object changed since, nothing is done and STALE_VERSION is answered: read it again and decide anew. Absent: not compared. */
  expectedVersion?: number | null | undefined;
  /** In which language and form pages show words, dates and amounts: a well-formed BCP 47 tag, e.g. de or fr. Null or absent: it stays. */
  locale?: string | null | undefined;
  /** What customer sessions may do by themselves. It holds for what they ask from then on. */
  portal?: PortalPolicyInput | null | undefined;
  /** In which time zone pages show dates: a name of the IANA database, e.g. Europe/Berlin. Null or absent: it stays. */
  timeZone?: string | null | undefined;
};

/** When a cancellation takes effect. */
export type CancelMode =
  /** At the end of what was paid, or of a trial, until when subscriptionReactivate takes it back; at once where nothing is paid: PAST_DUE, a pause that outlasted it. */
  | 'AT_PERIOD_END'
  /** At once and for good. Nothing is given back: refund a payment where something is owed. */
  | 'IMMEDIATELY';

/** When an approved card payment is taken. */
export type CaptureMethod =
  /** At once. */
  | 'AUTOMATIC'
  /** It is held (REQUIRES_CAPTURE) until paymentCapture takes it or paymentCancel releases it. The processor releases it by itself after 7 days. */
  | 'MANUAL';

/** A customer to make. One without an externalId and without an idempotency key is made again by every repeat. */
export type CustomerCreateInput = {
  /** Their e-mail address, at most 320 characters; kept in lower case. Several customers may have the same one. */
  email: string;
  /** The app's own id of them, 1 to 255 characters, unique in the app. If another customer has it, DUPLICATE_EXTERNAL_ID names that one. */
  externalId?: string | null | undefined;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
  /** Your own facts about it, kept here as they are; the processor does not get them. Neither card data nor secrets. */
  metadata?: Record<string, string | null> | null | undefined;
  /** Their whole name, 1 to 255 characters. */
  name?: string | null | undefined;
};

/** A customer to forget: personal data is removed and payment methods are detached; financial records stay. */
export type CustomerDeleteInput = {
  /** The customer to forget. It cannot be undone. */
  id: string;
};

/** The customer that a browser may act for, and for how long. */
export type CustomerSessionCreateInput = {
  /** Whom the session is for. It reaches this customer and nobody else. */
  customerId: string;
  /** Where the portal leads back to, of an origin of the app (billing apps update --cors-origin). Absent: nowhere. */
  returnUrl?: string | null | undefined;
  /** For how long it is good, in seconds, from 60 to 86,400. One session cannot be ended early: keep it short. */
  ttlSeconds?: number | null | undefined;
};

/** Absent fields stay; metadata merges key by key, and a null value removes its key. */
export type CustomerUpdateInput = {
  /** A new e-mail address, at most 320 characters. Null or absent: it stays. */
  email?: string | null | undefined;
  /** The version that you read. If the object changed since, nothing is done and STALE_VERSION is answered: read it again and decide anew. Absent: not compared. */
  expectedVersion?: number | null | undefined;
  /** The customer to change. */
  id: string;
  /** Keys to set. Those not named stay, and a null value removes its key. Beyond 50 keys in all it is INVALID. */
  metadata?: Record<string, string | null> | null | undefined;
  /** A new name, 1 to 255 characters. Null removes the name; absent, it stays. */
  name?: string | null | undefined;
  /** Makes the customer anew at the processor where missingSince says that somebody deleted them there; without it such a customer is answered CONFLICT. Their payment methods have to be collected anew. Nothing is done anew for a customer who is there. */
  recreate?: boolean | null | undefined;
};

/** A range of time. A side that is absent is open. */
export type DateTimeRangeInput = {
  /** From this moment on. */
  from?: string | null | undefined;
  /** Up to this moment, without it: so ranges that follow each other have each entry once. */
  to?: string | null | undefined;
};

/** What the app says to a dispute. The processor takes it once. */
export type DisputeEvidenceSubmitInput = {
  /** Concedes instead: no evidence is sent, now or later, and the cardholder keeps the money. It cannot be taken back. */
  accept?: boolean | null | undefined;
  /** What happened, in words for the bank, 1 to 5,000 characters; may be empty with accept. It is sent, and not kept here. */
  description: string;
  /** A dispute whose isEvidenceAccepted is true. */
  disputeId: string;
  /** 1 to 10 of the processor's files (file_…), uploaded for disputes: the processor takes no evidence without one. None with accept. */
  fileIds?: Array<string> | null | undefined;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
};

/** How far a dispute is. WARNING_… are inquiries: the bank asks, and has not taken the money. Do not refund a payment that is disputed otherwise without a person's decision. */
export type DisputeStatus =
  /** It ended without a verdict that we know. It changes no more. */
  | 'CLOSED'
  /** The cardholder keeps the money. Do not refund it as well. */
  | 'LOST'
  /** The bank took the money back until it is decided. Send evidence with disputeEvidenceSubmit before evidenceDueAt, or it is lost. */
  | 'NEEDS_RESPONSE'
  /** The evidence is being looked at. Nothing is to be done. */
  | 'UNDER_REVIEW'
  /** The inquiry ended; no money was taken. It may still become a dispute. */
  | 'WARNING_CLOSED'
  /** The bank inquires. Answer before evidenceDueAt, or refund, so that no dispute follows. */
  | 'WARNING_NEEDS_RESPONSE'
  /** The answer to the inquiry is being looked at. Nothing is to be done. */
  | 'WARNING_UNDER_REVIEW'
  /** The app keeps the money. It may still be appealed. */
  | 'WON';

/** How an object differs. */
export type DivergenceClass =
  /** The processor has a second object (tilledId) for one of ours (objectId), which follows its own. If the second took money, or will, give it back or cancel it there. */
  | 'DUPLICATE_AT_TILLED'
  /** A fact differs, such as an amount. Most heal by themselves at the next look. */
  | 'FIELD'
  /** The processor reports a state that cannot follow ours; it was not taken over. A person has to see which side is right. */
  | 'ILLEGAL_STATE'
  /** We have an object that the processor does not know. */
  | 'MISSING_AT_TILLED'
  /** The processor has an object of the app that we do not know. */
  | 'MISSING_HERE';

/** What kind of object differs. */
export type DivergenceKind =
  /** Somebody who pays. */
  | 'CUSTOMER'
  /** An objection to a payment. */
  | 'DISPUTE'
  /** Money taken, or to be taken. */
  | 'PAYMENT'
  /** A card or bank account. */
  | 'PAYMENT_METHOD'
  /** Money given back. */
  | 'REFUND'
  /** A payment that repeats. */
  | 'SUBSCRIPTION';

/** A divergence that a person dealt with. If the sides still differ, the next comparison opens a new one. */
export type DivergenceResolveInput = {
  /** A divergence that is OPEN. */
  id: string;
  /** What was found and done, for whoever asks later; 1 to 1,000 characters. */
  note: string;
};

/** Whether a divergence is open, or how it was closed. */
export type DivergenceStatus =
  /** A later look found both sides equal. */
  | 'HEALED'
  /** Both sides differed when they were compared last. */
  | 'OPEN'
  /** A person said that they dealt with it. */
  | 'RESOLVED';

/** Unit of the time between two payments of a subscription. */
export type IntervalUnit =
  /** Calendar months: on the same day, or the last one of a shorter month. */
  | 'MONTH'
  /** Weeks of 7 days. */
  | 'WEEK'
  /** Calendar years: on the same day; 29 February is the 28th in other years. */
  | 'YEAR';

/** An amount to move: at least 1 and at most 99,999,999 minor units. */
export type MoneyInput = {
  /** How much, in minor units: 1990 is 19.90 USD, or 1990 JPY. From 1 to 99,999,999. */
  amountMinor: number;
  /** Which currency: one of aud, cad, chf, dkk, eur, gbp, hkd, jpy, nok, nzd, sek, usd, zar. The app's account at the processor has to take it. */
  currency: string;
};

/** What is happening about an open request. */
export type OpenIntentState =
  /** It failed too often for a fault of ours and is not tried again until a person says so: find the cause, then `billing jobs retry`. */
  | 'DEAD'
  /** Somebody is at it now. Wait. */
  | 'RUNNING'
  /** It is tried again by itself at nextTryAt. */
  | 'WAITING';

/** When a pause begins. */
export type PauseMode =
  /** When what was paid, or a trial, is used up, an hour before the next payment: see pauseAt. At once where nothing is paid. Until then subscriptionResume takes it back. */
  | 'AT_PERIOD_END'
  /** At once. What was paid stays paid until currentPeriodEnd, and nothing of it is given back. */
  | 'NOW';

/** A payment to call off. What was captured is refunded instead. */
export type PaymentCancelInput = {
  /** A payment that is REQUIRES_CAPTURE, REQUIRES_ACTION or FAILED. */
  id: string;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
};

/** A payment that is held, and how much of it to take. */
export type PaymentCaptureInput = {
  /** At most what is held; the rest is released. Absent: all of it. It can be captured once only. */
  amount?: MoneyInput | null | undefined;
  /** A payment that is REQUIRES_CAPTURE. */
  id: string;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
};

/** Money to take from a customer, once. */
export type PaymentCreateInput = {
  /** How much to take, or to hold. */
  amount: MoneyInput;
  /** Whether to take it at once or to hold it until paymentCapture. */
  captureMethod?: CaptureMethod | null | undefined;
  /** Who pays. */
  customerId: string;
  /** The app's own words about it, 1 to 500 characters; the processor does not get them. */
  description?: string | null | undefined;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
  /** Your own facts about it, kept here as they are; the processor does not get them. Neither card data nor secrets. */
  metadata?: Record<string, string | null> | null | undefined;
  /** An attached method of this customer. Absent: the customer's default method. */
  paymentMethodId?: string | null | undefined;
  /** What of the amount goes to the platform, for marketplaces on the processor: in the currency of the amount, and at most the amount. If less than the fee is captured, the fee is what is captured. Absent: no fee. */
  platformFee?: MoneyInput | null | undefined;
  /** The app's own name for what is paid, e.g. order:789, 1 to 255 characters. While a payment under it took the money, or may still take it, no second one is made: asked for the same amount, customer and capture that one is answered, with `replayed: true`, else DUPLICATE_REFERENCE. After a payment that FAILED or was CANCELED it is free for another try, with a new idempotency key. */
  referenceId?: string | null | undefined;
};

/** A payment method to attach to a customer, and whether it becomes the default. The first one always does. */
export type PaymentMethodAttachInput = {
  /** Whose it becomes. A customer session may name its own customer only. */
  customerId: string;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
  /** Whether it takes the place of the default there is. */
  setAsDefault?: boolean | null | undefined;
  /** The id pm_… that Tilled.js gave the page for what was typed into its hosted fields. Card data is never sent here. */
  tilledPaymentMethodId: string;
};

/** A payment method to detach. If it is the default, the newest other method that has not expired becomes it. */
export type PaymentMethodDetachInput = {
  /** The payment method. It cannot be attached again: collect it anew instead. */
  id: string;
};

/** A payment method to charge from now on where none is named. */
export type PaymentMethodSetDefaultInput = {
  /** An attached payment method. Subscriptions keep the method they have. */
  id: string;
};

/** How a payment method pays. */
export type PaymentMethodType =
  /** A bank account in the US, debited by ACH. A payment is PROCESSING for days and may come back after it succeeded. */
  | 'ACH_DEBIT'
  /** A card whose number was typed in. The answer comes at once. */
  | 'CARD'
  /** A card that was read by a terminal. */
  | 'CARD_PRESENT'
  /** A bank account in Canada, debited by EFT. A payment is PROCESSING for days and may come back after it succeeded. */
  | 'EFT_DEBIT';

/** How far a payment is. Ship on SUCCEEDED; everything else is either not decided or took nothing. */
export type PaymentStatus =
  /** Called off, or a hold that was released. It takes nothing any more. */
  | 'CANCELED'
  /** The app keeps no money of it: declined, refused, or a bank debit that came back. failureCode says why. */
  | 'FAILED'
  /** Recorded, and not decided: the processor is being asked, or asks its bank. Read it again. */
  | 'PENDING'
  /** A bank debit that is on its way; it takes days. Read it again, or wait. */
  | 'PROCESSING'
  /** The payer has to do something, such as confirm it with their bank. Let them finish, or cancel it. */
  | 'REQUIRES_ACTION'
  /** The amount is held and not taken. Capture it or cancel it within 7 days. */
  | 'REQUIRES_CAPTURE'
  /** The money was taken. A bank debit may still come back, and is FAILED then. */
  | 'SUCCEEDED'
  /** The processor was asked and has not answered. It is being found out by itself and never guessed. Read it again; do not take the money another way meanwhile. */
  | 'UNKNOWN';

/** What customer sessions may do by themselves. What is absent stays. */
export type PortalPolicyInput = {
  /** How a session may cancel its customer's subscriptions; empty: not at all. With AT_PERIOD_END it may also take back an end that the app itself set. Null or absent: it stays. */
  mayCancel?: Array<CancelMode> | null | undefined;
};

/** What to give back of one payment. */
export type RefundCreateInput = {
  /** Refund although a dispute is open or lost, so that the cardholder may be paid twice. */
  acknowledgeDispute?: boolean | null | undefined;
  /** How much, in the payment's currency. Absent: everything that is left. */
  amount?: MoneyInput | null | undefined;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
  /** Your own facts about it, kept here as they are; the processor does not get them. Neither card data nor secrets. */
  metadata?: Record<string, string | null> | null | undefined;
  /** A payment that is SUCCEEDED. */
  paymentId: string;
  /** Why it is given back; the processor is told. */
  reason?: RefundReason | null | undefined;
  /** The app's own name for what is given back, e.g. return:12, 1 to 255 characters. While a refund under it gave the money, or may still give it, no second one is made: asked for the same payment and amount that one is answered, with `replayed: true`, else DUPLICATE_REFERENCE. After a refund that FAILED or was CANCELED it is free for another try, with a new idempotency key. */
  referenceId?: string | null | undefined;
  /** Whether the platform gives back its fee too: of a part of the payment the same part of the fee. Else the fee stays the platform's. */
  refundPlatformFee?: boolean | null | undefined;
};

/** Why money is given back; the processor is told. */
export type RefundReason =
  /** The customer was charged twice. */
  | 'DUPLICATE'
  /** The payment was not made by the owner of the card or account. */
  | 'FRAUDULENT'
  /** The customer asked for it. */
  | 'REQUESTED_BY_CUSTOMER';

/** How far a refund is. */
export type RefundStatus =
  /** Called off at the processor: nothing was given back. */
  | 'CANCELED'
  /** Nothing was given back; failureCode says why. Its part of the payment can be refunded anew, with a new key and reference. */
  | 'FAILED'
  /** Not decided. The bank takes its time, or it is a part of a payment that the processor has not batched yet: then it is sent by itself after the nightly batch. Nothing is to be done. */
  | 'PENDING'
  /** The processor needs something of a person: look at it in the processor's dashboard. */
  | 'REQUIRES_ACTION'
  /** The money was given back. A bank may still send it back, and then it is FAILED. */
  | 'SUCCEEDED'
  /** The processor was asked and has not answered. It is being found out by itself and never guessed. Do not refund it another way meanwhile. */
  | 'UNKNOWN';

/** A subscription to end, and when. */
export type SubscriptionCancelInput = {
  /** The version that you read. If the object changed since, nothing is done and STALE_VERSION is answered: read it again and decide anew. Absent: not compared. */
  expectedVersion?: number | null | undefined;
  /** A subscription that is not CANCELED. */
  id: string;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
  /** When it ends. */
  mode: CancelMode;
};

/** A subscription to begin. A trial is a later billingCycleAnchor: nothing is taken before it. */
export type SubscriptionCreateInput = {
  /** When the first payment is taken, and the day of the cycle. Absent: now. More than 5 minutes ago it is INVALID. */
  billingCycleAnchor?: string | null | undefined;
  /** Who pays. */
  customerId: string;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
  /** How many of these units lie between two payments, from 1 to 365. */
  intervalCount?: number | null | undefined;
  /** Unit of the time from one payment to the next. */
  intervalUnit?: IntervalUnit | null | undefined;
  /** Your own facts about it, kept here as they are; the processor does not get them. Neither card data nor secrets. */
  metadata?: Record<string, string | null> | null | undefined;
  /** An attached method of this customer. Absent: the customer's default method. */
  paymentMethodId?: string | null | undefined;
  /** The app's own code of what is paid for, 1 to 100 characters; a label. */
  planCode?: string | null | undefined;
  /** The app's own name of what is paid for, 1 to 255 characters; a label. */
  planName?: string | null | undefined;
  /** What the platform keeps of each payment, at most the price and in its currency. Absent: nothing. */
  platformFee?: MoneyInput | null | undefined;
  /** What each payment takes. */
  price: MoneyInput;
};

/** A subscription to pause, and until when. */
export type SubscriptionPauseInput = {
  /** A subscription that is PENDING or ACTIVE. A missed payment is collected first: subscriptionRetry. */
  id: string;
  /** When the pause begins. */
  mode?: PauseMode | null | undefined;
  /** When it resumes by itself, after the pause began. Absent: it waits for subscriptionResume. */
  resumeAt?: string | null | undefined;
};

/** A subscription that is about to end and is to go on. */
export type SubscriptionReactivateInput = {
  /** A subscription whose cancelAtPeriodEnd is true. */
  id: string;
};

/** A paused subscription to go on with. */
export type SubscriptionResumeInput = {
  /** A subscription that is PAUSED, or whose pauseAt is to be taken back. */
  id: string;
};

/** A missed payment to collect now. */
export type SubscriptionRetryInput = {
  /** A subscription that is PAST_DUE. */
  id: string;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
};

/** How a subscription stands. */
export type SubscriptionStatus =
  /** It is collected as it should be. currentPeriodEnd says until when it is paid: after a pause that may be over. */
  | 'ACTIVE'
  /** It ended, and nothing more is collected. Final: make a new one to begin again. */
  | 'CANCELED'
  /** Its last payment was declined. Ask the customer for another payment method and give it to subscriptionUpdate, which collects what was missed; or try the same one again with subscriptionRetry. nextPaymentAt says whether it is tried by itself. */
  | 'PAST_DUE'
  /** Nothing is collected until it resumes. */
  | 'PAUSED'
  /** Its first payment was not made yet: a trial, or it is being made. */
  | 'PENDING';

/** What to change of a subscription. Absent fields stay. */
export type SubscriptionUpdateInput = {
  /** The version that you read. If the object changed since, nothing is done and STALE_VERSION is answered: read it again and decide anew. Absent: not compared. */
  expectedVersion?: number | null | undefined;
  /** A subscription that is not CANCELED. */
  id: string;
  /** Keys to set. Those not named stay, and a null value removes its key. Beyond 50 keys in all it is INVALID. */
  metadata?: Record<string, string | null> | null | undefined;
  /** An attached method of the same customer, which is charged from the next payment on. In the place of the one that failed of a PAST_DUE subscription it is charged with the missed payment at once. */
  paymentMethodId?: string | null | undefined;
  /** A new code, 1 to 100 characters. Null removes it. */
  planCode?: string | null | undefined;
  /** A new name, 1 to 255 characters. Null removes it. */
  planName?: string | null | undefined;
  /** What the platform keeps of each payment from the next one on, at most the price and in its currency. */
  platformFee?: MoneyInput | null | undefined;
  /** What each payment takes from the next one on, in the same currency. Nothing is prorated. */
  price?: MoneyInput | null | undefined;
};

/** What went wrong, as expected, and what to do. Codes are added, never renamed: treat one that you do not know like PROCESSOR_REJECTED. */
export type UserErrorCode =
  /** The operator of the gateway suspended the app: nothing is sold. Nothing was done. Ask the operator why; once the app is resumed repeat with the same key. Refunds, cancellations and reads go on, and a repeat of what was begun before is answered. */
  | 'APP_SUSPENDED'
  /** Something else stands in the way, and `message` says what. Nothing was done. Wait for it, or put it right, and repeat with the same key. */
  | 'CONFLICT'
  /** Another customer of the app has this externalId. Nothing was done. Read that one with customerByExternalId, or take another externalId and a new key. */
  | 'DUPLICATE_EXTERNAL_ID'
  /** A payment, or refund, that differs has this referenceId, and its money was moved or may still be. Nothing was done. Take another reference and a new key for something new. */
  | 'DUPLICATE_REFERENCE'
  /** The first request with this key has not ended. Wait for retryAfterMs, then repeat with the same key. */
  | 'IDEMPOTENCY_IN_PROGRESS'
  /** This key came with other input before. Nothing was done. Use a new key for a new request; for a repeat send the same input. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** The object's state does not allow it. Nothing was done. Read the object again; what you want may be done already. Another try needs a new key. */
  | 'ILLEGAL_TRANSITION'
  /** The input breaks a rule; `field` says where and `message` what is allowed. Nothing was done. Change the input; the same key may be used again. */
  | 'INVALID'
  /** The app has no such object; another app's answers the same. Nothing was done. Check the id, and use a new key. */
  | 'NOT_FOUND'
  /** The customer has no payment method to charge. Nothing was done. Attach one, or name one, and use a new key. */
  | 'NO_PAYMENT_METHOD'
  /** The processor was asked and has not answered: it may have happened. It is being found out by itself. Read the object, or repeat with the same key after retryAfterMs. Never send it with a new key: it could be done twice. */
  | 'OUTCOME_UNKNOWN'
  /** The payment was called off and takes no money: by somebody, by the end of its hold, or because the processor never said what became of it. To try again use a new key; its referenceId is free. */
  | 'PAYMENT_CANCELED'
  /** The bank or the processor declined, or a bank debit came back: the app keeps no money of it. `declineCode` says why. If `retryable`, try again later, else ask the payer for another method; both with a new key. */
  | 'PAYMENT_DECLINED'
  /** A dispute of the payment is open or lost: a refund may pay the cardholder twice. Nothing was done. Have a person decide; to refund all the same send acknowledgeDispute: true, with the same key or a new one. */
  | 'PAYMENT_DISPUTED'
  /** A live subscription is paid with this method. Nothing was done. Give the subscription another one, then repeat with the same key. */
  | 'PAYMENT_METHOD_IN_USE'
  /** The processor refused for good, and `message` has its reason. No money moved. Change what it says, and use a new key; if nothing is wrong with the input, a person has to look at the account. */
  | 'PROCESSOR_REJECTED'
  /** The processor could not be reached, or takes nothing now. Nothing happened. Wait for retryAfterMs, then repeat with the same key. */
  | 'PROCESSOR_UNAVAILABLE'
  /** More was asked for than is left to refund. Nothing was done. `message` says how much is left: ask for no more than that, with a new key. */
  | 'REFUND_TOO_LARGE'
  /** The object changed since you read it. Nothing was done. Read it again, decide anew, and send its new version with a new key. */
  | 'STALE_VERSION'
  /** The address of an endpoint is none that may be delivered to; `message` says why. Nothing was done. Give one that begins with https:// and is reached from the public internet, with the same key or a new one. */
  | 'TARGET_REFUSED';

/** What to send again: one delivery, or all events of a range of time that an endpoint wants. */
export type WebhookDeliveryResendInput = {
  /** One delivery, wd_…, whatever became of it. */
  deliveryId?: string | null | undefined;
  /** An endpoint, we_…, in place of a delivery; with `since`. */
  endpointId?: string | null | undefined;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
  /** All events that were recorded from this moment on, delivered or not. */
  since?: string | null | undefined;
  /** Up to this moment, without it. Absent: until now. More than 10,000 events are INVALID; while 10,000 deliveries wait for the endpoint it is a CONFLICT. */
  until?: string | null | undefined;
};

/** How far a delivery is. */
export type WebhookDeliveryStatus =
  /** The receiver answered 2xx. */
  | 'DELIVERED'
  /** The last attempt failed, and it is tried again at nextAttemptAt. */
  | 'FAILED'
  /** It is not tried any more. Send it again with webhookDeliveryResend once the receiver is well. */
  | 'GAVE_UP'
  /** It was not tried yet: its turn comes, or an earlier event of the same object is not through. */
  | 'PENDING';

/** An address to tell of the events of your app. */
export type WebhookEndpointCreateInput = {
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
  /** Types of docs/events.md, or beginnings that end with `.*`, e.g. `payment.*`; at most 100. A type that no event has is INVALID. Absent or empty: all, also those that are added later. */
  types?: Array<string> | null | undefined;
  /** Where events are posted: https://, 1 to 2,048 characters, without user name and password. An address that is not of the public internet is TARGET_REFUSED, now or at each delivery. */
  url: string;
};

/** An endpoint to delete. */
export type WebhookEndpointDeleteInput = {
  /** The endpoint, we_…. */
  id: string;
};

/** An endpoint that is to sign with a new secret. */
export type WebhookEndpointSecretRotateInput = {
  /** The endpoint, we_…. */
  id: string;
  /** Makes the request safe to repeat: within 30 days the same key with the same input answers what became of the first request, and nothing is done twice. Make a new random one for each thing you want done, 1 to 255 characters, and keep it until you know the outcome. The header Idempotency-Key does the same; two that differ are INVALID. Without a key a repeat is a new request. */
  idempotencyKey?: string | null | undefined;
  /** For how long the old secret signs too, in hours, from 0 to 168. Change your receiver within that time. */
  overlapHours?: number | null | undefined;
};

/** An endpoint to try. */
export type WebhookEndpointTestInput = {
  /** The endpoint, we_…; it may be disabled. */
  id: string;
  /** endpoint.test, or a type of docs/events.md, whose example there is sent then: its ids are of nothing that there is. */
  type?: string | null | undefined;
};

/** What to change of an endpoint. What is absent stays. */
export type WebhookEndpointUpdateInput = {
  /** The version that you read. If the object changed since, nothing is done and STALE_VERSION is answered: read it again and decide anew. Absent: not compared. */
  expectedVersion?: number | null | undefined;
  /** The endpoint, we_…. */
  id: string;
  /** Whether events are delivered. True also sends what waited when it was disabled, and forgets that it failed. */
  isEnabled?: boolean | null | undefined;
  /** Types of docs/events.md, or beginnings that end with `.*`, e.g. `payment.*`; at most 100. A type that no event has is INVALID. Empty: all. */
  types?: Array<string> | null | undefined;
  /** Where events are posted: https://, 1 to 2,048 characters, without user name and password. An address that is not of the public internet is TARGET_REFUSED, now or at each delivery. */
  url?: string | null | undefined;
};

/** An event to handle again. */
export type WebhookEventReplayInput = {
  /** Our id whe_… of the event. */
  id: string;
};

/** How far an event was handled. */
export type WebhookEventStatus =
  /** It failed too often. Find out why in `error`, then send it again with webhookEventReplay. */
  | 'DEAD'
  /** Handling it failed, and is tried again by itself. */
  | 'FAILED'
  /** It was handled, or there was nothing to do about it. */
  | 'PROCESSED'
  /** It waits for its turn. */
  | 'RECEIVED';

type UserErrorFields_GenericUserError_Fragment = { __typename: 'GenericUserError', code: UserErrorCode, message: string, field: Array<string> | null };

type UserErrorFields_PaymentDeclined_Fragment = { __typename: 'PaymentDeclined', declineCode: string, retryable: boolean, code: UserErrorCode, message: string, field: Array<string> | null };

type UserErrorFields_RetryLater_Fragment = { __typename: 'RetryLater', retryAfterMs: number, code: UserErrorCode, message: string, field: Array<string> | null };

export type UserErrorFieldsFragment =
  | UserErrorFields_GenericUserError_Fragment
  | UserErrorFields_PaymentDeclined_Fragment
  | UserErrorFields_RetryLater_Fragment
;

export type AppFieldsFragment = { __typename: 'App', id: string, name: string, suspendedAt: string | null };

export type AuditEventFieldsFragment = { __typename: 'AuditEvent', actor: string, actorId: string | null, cause: string | null, createdAt: string, fromStatus: string | null, id: string, objectId: string, requestId: string, toStatus: string | null, type: string, call: { httpStatus: number | null, operation: string, outcome: string, processorRequestId: string | null } | null, changes: Array<{ after: string | null, before: string | null, field: string, isHidden: boolean }> };

export type CustomerFieldsFragment = { __typename: 'Customer', createdAt: string, email: string, externalId: string | null, id: string, metadata: Record<string, string | null>, missingSince: string | null, name: string | null, updatedAt: string, version: number, defaultPaymentMethod: { __typename: 'PaymentMethod', id: string } | null };

export type DisputeFieldsFragment = { __typename: 'Dispute', concededAt: string | null, createdAt: string, evidenceDueAt: string | null, evidenceSubmittedAt: string | null, id: string, isEvidenceAccepted: boolean, reason: string | null, status: DisputeStatus, updatedAt: string, amount: { amountMinor: number, currency: string, decimal: string }, payment: { __typename: 'Payment', id: string } | null };

export type DivergenceFieldsFragment = { __typename: 'Divergence', class: DivergenceClass, closedAt: string | null, closedBy: string | null, detectedAt: string, detections: number, id: string, kind: DivergenceKind, note: string | null, objectId: string | null, occurredAt: string | null, seenAt: string, status: DivergenceStatus, tilledId: string | null, facts: Array<{ differs: boolean, name: string, ours: string | null, tilled: string | null }> };

export type EventFieldsFragment = { __typename: 'Event', cause: string, createdAt: string, id: string, objectId: string, occurredAt: string, payload: string, schemaVersion: string, sequence: number, type: string };

export type OpenIntentFieldsFragment = { __typename: 'OpenIntent', ageSeconds: number, failedTries: number, id: string, nextTryAt: string | null, objectId: string, operation: string, since: string, state: OpenIntentState };

export type PaymentFieldsFragment = { __typename: 'Payment', captureMethod: CaptureMethod, createdAt: string, description: string | null, failureCode: string | null, failureMessage: string | null, id: string, metadata: Record<string, string | null>, referenceId: string | null, status: PaymentStatus, unknownSince: string | null, updatedAt: string, amount: { amountMinor: number, currency: string, decimal: string }, captured: { amountMinor: number, currency: string, decimal: string }, customer: { __typename: 'Customer', id: string }, paymentMethod: { __typename: 'PaymentMethod', id: string } | null, platformFee: { amountMinor: number, currency: string, decimal: string } | null, refunded: { amountMinor: number, currency: string, decimal: string }, subscription: { __typename: 'Subscription', id: string } | null };

export type PaymentMethodFieldsFragment = { __typename: 'PaymentMethod', bankLast: string | null, bankName: string | null, brand: string | null, createdAt: string, detachedAt: string | null, expMonth: number | null, expYear: number | null, id: string, isDefault: boolean, last4: string | null, type: PaymentMethodType, customer: { __typename: 'Customer', id: string } };

export type RefundFieldsFragment = { __typename: 'Refund', createdAt: string, failureCode: string | null, failureMessage: string | null, id: string, reason: RefundReason | null, referenceId: string | null, status: RefundStatus, unknownSince: string | null, updatedAt: string, amount: { amountMinor: number, currency: string, decimal: string }, payment: { __typename: 'Payment', id: string } };

export type SubscriptionFieldsFragment = { __typename: 'Subscription', billingCycleAnchor: string, cancelAt: string | null, cancelAtPeriodEnd: boolean, canceledAt: string | null, createdAt: string, currentPeriodEnd: string | null, currentPeriodStart: string | null, id: string, intervalCount: number, intervalUnit: IntervalUnit, metadata: Record<string, string | null>, nextPaymentAt: string | null, pauseAt: string | null, pausedAt: string | null, planCode: string | null, planName: string | null, resumeAt: string | null, status: SubscriptionStatus, updatedAt: string, version: number, customer: { __typename: 'Customer', id: string }, paymentMethod: { __typename: 'PaymentMethod', id: string }, price: { amountMinor: number, currency: string, decimal: string } };

export type WebhookDeliveryFieldsFragment = { __typename: 'WebhookDelivery', attempts: number, createdAt: string, deliveredAt: string | null, eventId: string, id: string, lastError: string | null, lastStatus: number | null, nextAttemptAt: string | null, status: WebhookDeliveryStatus, attemptLog: Array<{ answer: string, at: string, durationMs: number, error: string | null, status: number | null }>, endpoint: { __typename: 'WebhookEndpoint', id: string } };

export type WebhookEndpointFieldsFragment = { __typename: 'WebhookEndpoint', createdAt: string, disabledReason: string | null, failingSince: string | null, id: string, isEnabled: boolean, types: Array<string>, updatedAt: string, url: string, version: number };

export type WebhookEventFieldsFragment = { __typename: 'WebhookEvent', attempts: number, deliveries: number, error: string | null, eventId: string, id: string, processedAt: string | null, receivedAt: string, status: WebhookEventStatus, type: string };

export type WebhookFactFieldsFragment = { __typename: 'WebhookFact', code: string | null, id: string, message: string | null, occurredAt: string, type: string };

export type AppQueryVariables = Exact<{ [key: string]: never; }>;


export type AppQuery = { app: AppFieldsFragment };

export type AppSettingsQueryVariables = Exact<{ [key: string]: never; }>;


export type AppSettingsQuery = { app: { settings: { brandColor: string | null, brandName: string | null, locale: string, timeZone: string, version: number, portal: { mayCancel: Array<CancelMode> } } } };

export type AppSettingsUpdateMutationVariables = Exact<{
  input: AppSettingsUpdateInput;
}>;


export type AppSettingsUpdateMutation = { appSettingsUpdate: { settings: { brandColor: string | null, brandName: string | null, locale: string, timeZone: string, version: number, portal: { mayCancel: Array<CancelMode> } } | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type CustomerQueryVariables = Exact<{
  id: string;
}>;


export type CustomerQuery = { customer: CustomerFieldsFragment | null };

export type CustomerByExternalIdQueryVariables = Exact<{
  externalId: string;
}>;


export type CustomerByExternalIdQuery = { customerByExternalId: CustomerFieldsFragment | null };

export type CustomerCreateMutationVariables = Exact<{
  input: CustomerCreateInput;
}>;


export type CustomerCreateMutation = { customerCreate: { replayed: boolean, customer: CustomerFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type CustomerDeleteMutationVariables = Exact<{
  input: CustomerDeleteInput;
}>;


export type CustomerDeleteMutation = { customerDelete: { replayed: boolean, customer: CustomerFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type CustomerPaymentMethodsQueryVariables = Exact<{
  id: string;
  afterId?: string | null | undefined;
  first?: number | null | undefined;
}>;


export type CustomerPaymentMethodsQuery = { customer: { paymentMethods: Array<PaymentMethodFieldsFragment> } | null };

export type CustomerPaymentsQueryVariables = Exact<{
  id: string;
  after?: string | null | undefined;
  createdAt?: DateTimeRangeInput | null | undefined;
  first?: number | null | undefined;
  metadata?: Record<string, string | null> | null | undefined;
  status?: Array<PaymentStatus> | PaymentStatus | null | undefined;
  updatedAt?: DateTimeRangeInput | null | undefined;
}>;


export type CustomerPaymentsQuery = { customer: { payments: { nodes: Array<PaymentFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

export type CustomerSessionCreateMutationVariables = Exact<{
  input: CustomerSessionCreateInput;
}>;


export type CustomerSessionCreateMutation = { customerSessionCreate: { expiresAt: string | null, token: string | null, url: string | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type CustomerSubscriptionsQueryVariables = Exact<{
  id: string;
  after?: string | null | undefined;
  createdAt?: DateTimeRangeInput | null | undefined;
  first?: number | null | undefined;
  metadata?: Record<string, string | null> | null | undefined;
  status?: Array<SubscriptionStatus> | SubscriptionStatus | null | undefined;
  updatedAt?: DateTimeRangeInput | null | undefined;
}>;


export type CustomerSubscriptionsQuery = { customer: { subscriptions: { nodes: Array<SubscriptionFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

export type CustomerUpdateMutationVariables = Exact<{
  input: CustomerUpdateInput;
}>;


export type CustomerUpdateMutation = { customerUpdate: { replayed: boolean, customer: CustomerFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type CustomersQueryVariables = Exact<{
  after?: string | null | undefined;
  createdAt?: DateTimeRangeInput | null | undefined;
  email?: string | null | undefined;
  first?: number | null | undefined;
  metadata?: Record<string, string | null> | null | undefined;
  updatedAt?: DateTimeRangeInput | null | undefined;
}>;


export type CustomersQuery = { customers: { nodes: Array<CustomerFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type DisputeQueryVariables = Exact<{
  id: string;
}>;


export type DisputeQuery = { dispute: DisputeFieldsFragment | null };

export type DisputeEvidenceSubmitMutationVariables = Exact<{
  input: DisputeEvidenceSubmitInput;
}>;


export type DisputeEvidenceSubmitMutation = { disputeEvidenceSubmit: { replayed: boolean, dispute: DisputeFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type DisputesQueryVariables = Exact<{
  after?: string | null | undefined;
  createdAt?: DateTimeRangeInput | null | undefined;
  first?: number | null | undefined;
  status?: Array<DisputeStatus> | DisputeStatus | null | undefined;
  updatedAt?: DateTimeRangeInput | null | undefined;
}>;


export type DisputesQuery = { disputes: { nodes: Array<DisputeFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type DivergenceQueryVariables = Exact<{
  id: string;
}>;


export type DivergenceQuery = { divergence: DivergenceFieldsFragment | null };

export type DivergenceResolveMutationVariables = Exact<{
  input: DivergenceResolveInput;
}>;


export type DivergenceResolveMutation = { divergenceResolve: { divergence: DivergenceFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type DivergencesQueryVariables = Exact<{
  after?: string | null | undefined;
  first?: number | null | undefined;
  kind?: Array<DivergenceKind> | DivergenceKind | null | undefined;
  status?: Array<DivergenceStatus> | DivergenceStatus | null | undefined;
}>;


export type DivergencesQuery = { divergences: { nodes: Array<DivergenceFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type EventsQueryVariables = Exact<{
  after?: string | null | undefined;
  first?: number | null | undefined;
  objectId?: string | null | undefined;
  type?: Array<string> | string | null | undefined;
}>;


export type EventsQuery = { events: { edges: Array<{ cursor: string, node: EventFieldsFragment }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type HistoryQueryVariables = Exact<{
  after?: string | null | undefined;
  first?: number | null | undefined;
  objectId: string;
}>;


export type HistoryQuery = { history: { nodes: Array<AuditEventFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type NodeQueryVariables = Exact<{
  id: string;
}>;


export type NodeQuery = { node:
    | { __typename: 'Customer', id: string }
    | { __typename: 'Dispute', id: string }
    | { __typename: 'Divergence', id: string }
    | { __typename: 'Event', id: string }
    | { __typename: 'Payment', id: string }
    | { __typename: 'PaymentMethod', id: string }
    | { __typename: 'Refund', id: string }
    | { __typename: 'Subscription', id: string }
    | { __typename: 'WebhookDelivery', id: string }
    | { __typename: 'WebhookEndpoint', id: string }
    | { __typename: 'WebhookEvent', id: string }
   | null };

export type OpenIntentsQueryVariables = Exact<{
  after?: string | null | undefined;
  first?: number | null | undefined;
  objectId?: string | null | undefined;
}>;


export type OpenIntentsQuery = { openIntents: { nodes: Array<OpenIntentFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type PaymentQueryVariables = Exact<{
  id: string;
}>;


export type PaymentQuery = { payment: PaymentFieldsFragment | null };

export type PaymentByReferenceIdQueryVariables = Exact<{
  referenceId: string;
}>;


export type PaymentByReferenceIdQuery = { paymentByReferenceId: PaymentFieldsFragment | null };

export type PaymentCancelMutationVariables = Exact<{
  input: PaymentCancelInput;
}>;


export type PaymentCancelMutation = { paymentCancel: { replayed: boolean, payment: PaymentFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type PaymentCaptureMutationVariables = Exact<{
  input: PaymentCaptureInput;
}>;


export type PaymentCaptureMutation = { paymentCapture: { replayed: boolean, payment: PaymentFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type PaymentCreateMutationVariables = Exact<{
  input: PaymentCreateInput;
}>;


export type PaymentCreateMutation = { paymentCreate: { replayed: boolean, payment: PaymentFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type PaymentDisputesQueryVariables = Exact<{
  id: string;
  afterId?: string | null | undefined;
  first?: number | null | undefined;
}>;


export type PaymentDisputesQuery = { payment: { disputes: Array<DisputeFieldsFragment> } | null };

export type PaymentFactsQueryVariables = Exact<{
  id: string;
  afterId?: string | null | undefined;
  first?: number | null | undefined;
}>;


export type PaymentFactsQuery = { payment: { facts: Array<WebhookFactFieldsFragment> } | null };

export type PaymentMethodQueryVariables = Exact<{
  id: string;
}>;


export type PaymentMethodQuery = { paymentMethod: PaymentMethodFieldsFragment | null };

export type PaymentMethodAttachMutationVariables = Exact<{
  input: PaymentMethodAttachInput;
}>;


export type PaymentMethodAttachMutation = { paymentMethodAttach: { replayed: boolean, paymentMethod: PaymentMethodFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type PaymentMethodDetachMutationVariables = Exact<{
  input: PaymentMethodDetachInput;
}>;


export type PaymentMethodDetachMutation = { paymentMethodDetach: { replayed: boolean, paymentMethod: PaymentMethodFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type PaymentMethodSetDefaultMutationVariables = Exact<{
  input: PaymentMethodSetDefaultInput;
}>;


export type PaymentMethodSetDefaultMutation = { paymentMethodSetDefault: { replayed: boolean, paymentMethod: PaymentMethodFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type PaymentNextActionQueryVariables = Exact<{
  id: string;
}>;


export type PaymentNextActionQuery = { payment: { nextAction: { clientSecret: string | null, expiresAt: string | null, type: string, url: string | null } | null } | null };

export type PaymentRefundsQueryVariables = Exact<{
  id: string;
  afterId?: string | null | undefined;
  first?: number | null | undefined;
}>;


export type PaymentRefundsQuery = { payment: { refunds: Array<RefundFieldsFragment> } | null };

export type PaymentsQueryVariables = Exact<{
  after?: string | null | undefined;
  createdAt?: DateTimeRangeInput | null | undefined;
  customerId?: string | null | undefined;
  first?: number | null | undefined;
  metadata?: Record<string, string | null> | null | undefined;
  referenceId?: string | null | undefined;
  status?: Array<PaymentStatus> | PaymentStatus | null | undefined;
  updatedAt?: DateTimeRangeInput | null | undefined;
}>;


export type PaymentsQuery = { payments: { nodes: Array<PaymentFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type RefundQueryVariables = Exact<{
  id: string;
}>;


export type RefundQuery = { refund: RefundFieldsFragment | null };

export type RefundCreateMutationVariables = Exact<{
  input: RefundCreateInput;
}>;


export type RefundCreateMutation = { refundCreate: { replayed: boolean, refund: RefundFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type RefundsQueryVariables = Exact<{
  after?: string | null | undefined;
  createdAt?: DateTimeRangeInput | null | undefined;
  first?: number | null | undefined;
  metadata?: Record<string, string | null> | null | undefined;
  paymentId?: string | null | undefined;
  updatedAt?: DateTimeRangeInput | null | undefined;
}>;


export type RefundsQuery = { refunds: { nodes: Array<RefundFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type SessionQueryVariables = Exact<{ [key: string]: never; }>;


export type SessionQuery = { session: { expiresAt: string, returnUrl: string | null, cardFields: { accountId: string, publishableKey: string, scriptUrl: string } | null, customer: { __typename: 'Customer', id: string } } };

export type SubscriptionQueryVariables = Exact<{
  id: string;
}>;


export type SubscriptionQuery = { subscription: SubscriptionFieldsFragment | null };

export type SubscriptionCancelMutationVariables = Exact<{
  input: SubscriptionCancelInput;
}>;


export type SubscriptionCancelMutation = { subscriptionCancel: { replayed: boolean, subscription: SubscriptionFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type SubscriptionCreateMutationVariables = Exact<{
  input: SubscriptionCreateInput;
}>;


export type SubscriptionCreateMutation = { subscriptionCreate: { replayed: boolean, subscription: SubscriptionFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type SubscriptionPauseMutationVariables = Exact<{
  input: SubscriptionPauseInput;
}>;


export type SubscriptionPauseMutation = { subscriptionPause: { replayed: boolean, subscription: SubscriptionFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type SubscriptionPaymentsQueryVariables = Exact<{
  id: string;
  after?: string | null | undefined;
  first?: number | null | undefined;
}>;


export type SubscriptionPaymentsQuery = { subscription: { payments: { nodes: Array<PaymentFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null };

export type SubscriptionPlatformFeeQueryVariables = Exact<{
  id: string;
}>;


export type SubscriptionPlatformFeeQuery = { subscription: { platformFee: { amountMinor: number, currency: string, decimal: string } | null } | null };

export type SubscriptionReactivateMutationVariables = Exact<{
  input: SubscriptionReactivateInput;
}>;


export type SubscriptionReactivateMutation = { subscriptionReactivate: { replayed: boolean, subscription: SubscriptionFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type SubscriptionResumeMutationVariables = Exact<{
  input: SubscriptionResumeInput;
}>;


export type SubscriptionResumeMutation = { subscriptionResume: { replayed: boolean, subscription: SubscriptionFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type SubscriptionRetryMutationVariables = Exact<{
  input: SubscriptionRetryInput;
}>;


export type SubscriptionRetryMutation = { subscriptionRetry: { replayed: boolean, subscription: SubscriptionFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type SubscriptionUpdateMutationVariables = Exact<{
  input: SubscriptionUpdateInput;
}>;


export type SubscriptionUpdateMutation = { subscriptionUpdate: { replayed: boolean, subscription: SubscriptionFieldsFragment | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type SubscriptionsQueryVariables = Exact<{
  after?: string | null | undefined;
  createdAt?: DateTimeRangeInput | null | undefined;
  customerId?: string | null | undefined;
  first?: number | null | undefined;
  metadata?: Record<string, string | null> | null | undefined;
  status?: Array<SubscriptionStatus> | SubscriptionStatus | null | undefined;
  updatedAt?: DateTimeRangeInput | null | undefined;
}>;


export type SubscriptionsQuery = { subscriptions: { nodes: Array<SubscriptionFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type WebhookDeliveriesQueryVariables = Exact<{
  after?: string | null | undefined;
  endpointId?: string | null | undefined;
  first?: number | null | undefined;
  status?: Array<WebhookDeliveryStatus> | WebhookDeliveryStatus | null | undefined;
}>;


export type WebhookDeliveriesQuery = { webhookDeliveries: { nodes: Array<WebhookDeliveryFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type WebhookDeliveryResendMutationVariables = Exact<{
  input: WebhookDeliveryResendInput;
}>;


export type WebhookDeliveryResendMutation = { webhookDeliveryResend: { count: number, replayed: boolean, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type WebhookEndpointCreateMutationVariables = Exact<{
  input: WebhookEndpointCreateInput;
}>;


export type WebhookEndpointCreateMutation = { webhookEndpointCreate: { replayed: boolean, secret: string | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    >, webhookEndpoint: WebhookEndpointFieldsFragment | null } };

export type WebhookEndpointDeleteMutationVariables = Exact<{
  input: WebhookEndpointDeleteInput;
}>;


export type WebhookEndpointDeleteMutation = { webhookEndpointDelete: { replayed: boolean, secret: string | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    >, webhookEndpoint: WebhookEndpointFieldsFragment | null } };

export type WebhookEndpointSecretRotateMutationVariables = Exact<{
  input: WebhookEndpointSecretRotateInput;
}>;


export type WebhookEndpointSecretRotateMutation = { webhookEndpointSecretRotate: { replayed: boolean, secret: string | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    >, webhookEndpoint: WebhookEndpointFieldsFragment | null } };

export type WebhookEndpointTestMutationVariables = Exact<{
  input: WebhookEndpointTestInput;
}>;


export type WebhookEndpointTestMutation = { webhookEndpointTest: { count: number, replayed: boolean, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    > } };

export type WebhookEndpointUpdateMutationVariables = Exact<{
  input: WebhookEndpointUpdateInput;
}>;


export type WebhookEndpointUpdateMutation = { webhookEndpointUpdate: { replayed: boolean, secret: string | null, userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    >, webhookEndpoint: WebhookEndpointFieldsFragment | null } };

export type WebhookEndpointsQueryVariables = Exact<{ [key: string]: never; }>;


export type WebhookEndpointsQuery = { webhookEndpoints: Array<WebhookEndpointFieldsFragment> };

export type WebhookEventReplayMutationVariables = Exact<{
  input: WebhookEventReplayInput;
}>;


export type WebhookEventReplayMutation = { webhookEventReplay: { userErrors: Array<
      | UserErrorFields_GenericUserError_Fragment
      | UserErrorFields_PaymentDeclined_Fragment
      | UserErrorFields_RetryLater_Fragment
    >, webhookEvent: WebhookEventFieldsFragment | null } };

export type WebhookEventsQueryVariables = Exact<{
  after?: string | null | undefined;
  first?: number | null | undefined;
  receivedAt?: DateTimeRangeInput | null | undefined;
  status?: Array<WebhookEventStatus> | WebhookEventStatus | null | undefined;
  type?: string | null | undefined;
}>;


export type WebhookEventsQuery = { webhookEvents: { nodes: Array<WebhookEventFieldsFragment>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type WebhookHealthQueryVariables = Exact<{ [key: string]: never; }>;


export type WebhookHealthQuery = { webhookHealth: { dead: number, failed: number, lagMs: number, oldestUnhandledAt: string | null, received: number } };

/** The application the credential belongs to. */
export type App = AppFieldsFragment;

/** One thing that happened to an object, and who made it happen. Never changed afterwards. */
export type AuditEvent = AuditEventFieldsFragment;

/** Someone who pays the app. Deleted ones are not found any more; their payments stay. */
export type Customer = CustomerFieldsFragment;

/** A cardholder's objection to a payment. It is answered once, by disputeEvidenceSubmit or in the processor's dashboard. */
export type Dispute = DisputeFieldsFragment;

/** A difference between our books and the processor's. Find out which side is right, put it right, then close it with divergenceResolve. */
export type Divergence = DivergenceFieldsFragment;

/** Something that happened to an object of the app. Events of one object are numbered; the feed has all, each once. */
export type Event = EventFieldsFragment;

/** A mutation that has not ended: its outcome is being found out, or it waits until the processor can do it. */
export type OpenIntent = OpenIntentFieldsFragment;

/** Money taken, or to be taken, from a customer. Look at `status` to know which. */
export type Payment = PaymentFieldsFragment;

/** A card or bank account of a customer; only masked facts are kept. It is collected by Tilled.js, never by this API. */
export type PaymentMethod = PaymentMethodFieldsFragment;

/** Money given back, or being given back. Its part of the payment is reserved from the moment it is asked for. */
export type Refund = RefundFieldsFragment;

/** A payment that repeats until it is canceled. The processor collects it by itself. */
export type Subscription = SubscriptionFieldsFragment;

/** One event on its way to one endpoint. Kept for 30 days. */
export type WebhookDelivery = WebhookDeliveryFieldsFragment;

/** An address of yours that is told of the events of your app, signed as Standard Webhooks says. */
export type WebhookEndpoint = WebhookEndpointFieldsFragment;

/** An event of the processor, verified and stored once. It only hints that an object changed: the object is fetched. */
export type WebhookEvent = WebhookEventFieldsFragment;

/** Something that happened to a payment and that its state may not show any more. */
export type WebhookFact = WebhookFactFieldsFragment;

/** Which types stand behind an interface: what caches ask for. */
export const possibleTypes = {"Node":["Customer","Dispute","Divergence","Event","Payment","PaymentMethod","Refund","Subscription","WebhookDelivery","WebhookEndpoint","WebhookEvent"],"UserError":["GenericUserError","PaymentDeclined","RetryLater"]};

const METHODS = {
  app: { name: 'app', path: ["app"], text: "query App{app{...AppFields}} fragment AppFields on App{__typename id name suspendedAt}" },
  appSettings: { name: 'appSettings', path: ["app","settings"], text: "query AppSettings{app{settings{brandColor brandName locale portal{mayCancel}timeZone version}}}" },
  appSettingsUpdate: { name: 'appSettingsUpdate', path: ["appSettingsUpdate"], text: "mutation AppSettingsUpdate($input:AppSettingsUpdateInput!){appSettingsUpdate(input:$input){settings{brandColor brandName locale portal{mayCancel}timeZone version}userErrors{...UserErrorFields}}} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  customer: { name: 'customer', path: ["customer"], text: "query Customer($id:ID!){customer(id:$id){...CustomerFields}} fragment CustomerFields on Customer{__typename createdAt defaultPaymentMethod{__typename id}email externalId id metadata missingSince name updatedAt version}" },
  customerByExternalId: { name: 'customerByExternalId', path: ["customerByExternalId"], text: "query CustomerByExternalId($externalId:String!){customerByExternalId(externalId:$externalId){...CustomerFields}} fragment CustomerFields on Customer{__typename createdAt defaultPaymentMethod{__typename id}email externalId id metadata missingSince name updatedAt version}" },
  customerCreate: { name: 'customerCreate', path: ["customerCreate"], text: "mutation CustomerCreate($input:CustomerCreateInput!){customerCreate(input:$input){customer{...CustomerFields}replayed userErrors{...UserErrorFields}}} fragment CustomerFields on Customer{__typename createdAt defaultPaymentMethod{__typename id}email externalId id metadata missingSince name updatedAt version} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  customerDelete: { name: 'customerDelete', path: ["customerDelete"], text: "mutation CustomerDelete($input:CustomerDeleteInput!){customerDelete(input:$input){customer{...CustomerFields}replayed userErrors{...UserErrorFields}}} fragment CustomerFields on Customer{__typename createdAt defaultPaymentMethod{__typename id}email externalId id metadata missingSince name updatedAt version} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  customerPaymentMethods: { name: 'customerPaymentMethods', path: ["customer","paymentMethods"], text: "query CustomerPaymentMethods($id:ID!$afterId:ID$first:Int){customer(id:$id){paymentMethods(afterId:$afterId first:$first){...PaymentMethodFields}}} fragment PaymentMethodFields on PaymentMethod{__typename bankLast bankName brand createdAt customer{__typename id}detachedAt expMonth expYear id isDefault last4 type}" },
  customerPayments: { name: 'customerPayments', path: ["customer","payments"], text: "query CustomerPayments($id:ID!$after:String$createdAt:DateTimeRangeInput$first:Int$metadata:Metadata$status:[PaymentStatus!]$updatedAt:DateTimeRangeInput){customer(id:$id){payments(after:$after createdAt:$createdAt first:$first metadata:$metadata status:$status updatedAt:$updatedAt){nodes{...PaymentFields}pageInfo{hasNextPage endCursor}}}} fragment PaymentFields on Payment{__typename amount{amountMinor currency decimal}captureMethod captured{amountMinor currency decimal}createdAt customer{__typename id}description failureCode failureMessage id metadata paymentMethod{__typename id}platformFee{amountMinor currency decimal}referenceId refunded{amountMinor currency decimal}status subscription{__typename id}unknownSince updatedAt}" },
  customerSessionCreate: { name: 'customerSessionCreate', path: ["customerSessionCreate"], text: "mutation CustomerSessionCreate($input:CustomerSessionCreateInput!){customerSessionCreate(input:$input){expiresAt token url userErrors{...UserErrorFields}}} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  customerSubscriptions: { name: 'customerSubscriptions', path: ["customer","subscriptions"], text: "query CustomerSubscriptions($id:ID!$after:String$createdAt:DateTimeRangeInput$first:Int$metadata:Metadata$status:[SubscriptionStatus!]$updatedAt:DateTimeRangeInput){customer(id:$id){subscriptions(after:$after createdAt:$createdAt first:$first metadata:$metadata status:$status updatedAt:$updatedAt){nodes{...SubscriptionFields}pageInfo{hasNextPage endCursor}}}} fragment SubscriptionFields on Subscription{__typename billingCycleAnchor cancelAt cancelAtPeriodEnd canceledAt createdAt currentPeriodEnd currentPeriodStart customer{__typename id}id intervalCount intervalUnit metadata nextPaymentAt pauseAt pausedAt paymentMethod{__typename id}planCode planName price{amountMinor currency decimal}resumeAt status updatedAt version}" },
  customerUpdate: { name: 'customerUpdate', path: ["customerUpdate"], text: "mutation CustomerUpdate($input:CustomerUpdateInput!){customerUpdate(input:$input){customer{...CustomerFields}replayed userErrors{...UserErrorFields}}} fragment CustomerFields on Customer{__typename createdAt defaultPaymentMethod{__typename id}email externalId id metadata missingSince name updatedAt version} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  customers: { name: 'customers', path: ["customers"], text: "query Customers($after:String$createdAt:DateTimeRangeInput$email:String$first:Int$metadata:Metadata$updatedAt:DateTimeRangeInput){customers(after:$after createdAt:$createdAt email:$email first:$first metadata:$metadata updatedAt:$updatedAt){nodes{...CustomerFields}pageInfo{hasNextPage endCursor}}} fragment CustomerFields on Customer{__typename createdAt defaultPaymentMethod{__typename id}email externalId id metadata missingSince name updatedAt version}" },
  dispute: { name: 'dispute', path: ["dispute"], text: "query Dispute($id:ID!){dispute(id:$id){...DisputeFields}} fragment DisputeFields on Dispute{__typename amount{amountMinor currency decimal}concededAt createdAt evidenceDueAt evidenceSubmittedAt id isEvidenceAccepted payment{__typename id}reason status updatedAt}" },
  disputeEvidenceSubmit: { name: 'disputeEvidenceSubmit', path: ["disputeEvidenceSubmit"], text: "mutation DisputeEvidenceSubmit($input:DisputeEvidenceSubmitInput!){disputeEvidenceSubmit(input:$input){dispute{...DisputeFields}replayed userErrors{...UserErrorFields}}} fragment DisputeFields on Dispute{__typename amount{amountMinor currency decimal}concededAt createdAt evidenceDueAt evidenceSubmittedAt id isEvidenceAccepted payment{__typename id}reason status updatedAt} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  disputes: { name: 'disputes', path: ["disputes"], text: "query Disputes($after:String$createdAt:DateTimeRangeInput$first:Int$status:[DisputeStatus!]$updatedAt:DateTimeRangeInput){disputes(after:$after createdAt:$createdAt first:$first status:$status updatedAt:$updatedAt){nodes{...DisputeFields}pageInfo{hasNextPage endCursor}}} fragment DisputeFields on Dispute{__typename amount{amountMinor currency decimal}concededAt createdAt evidenceDueAt evidenceSubmittedAt id isEvidenceAccepted payment{__typename id}reason status updatedAt}" },
  divergence: { name: 'divergence', path: ["divergence"], text: "query Divergence($id:ID!){divergence(id:$id){...DivergenceFields}} fragment DivergenceFields on Divergence{__typename class closedAt closedBy detectedAt detections facts{differs name ours tilled}id kind note objectId occurredAt seenAt status tilledId}" },
  divergenceResolve: { name: 'divergenceResolve', path: ["divergenceResolve"], text: "mutation DivergenceResolve($input:DivergenceResolveInput!){divergenceResolve(input:$input){divergence{...DivergenceFields}userErrors{...UserErrorFields}}} fragment DivergenceFields on Divergence{__typename class closedAt closedBy detectedAt detections facts{differs name ours tilled}id kind note objectId occurredAt seenAt status tilledId} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  divergences: { name: 'divergences', path: ["divergences"], text: "query Divergences($after:String$first:Int$kind:[DivergenceKind!]$status:[DivergenceStatus!]){divergences(after:$after first:$first kind:$kind status:$status){nodes{...DivergenceFields}pageInfo{hasNextPage endCursor}}} fragment DivergenceFields on Divergence{__typename class closedAt closedBy detectedAt detections facts{differs name ours tilled}id kind note objectId occurredAt seenAt status tilledId}" },
  events: { name: 'events', path: ["events"], text: "query Events($after:String$first:Int$objectId:ID$type:[String!]){events(after:$after first:$first objectId:$objectId type:$type){edges{cursor node{...EventFields}}pageInfo{hasNextPage endCursor}}} fragment EventFields on Event{__typename cause createdAt id objectId occurredAt payload schemaVersion sequence type}" },
  history: { name: 'history', path: ["history"], text: "query History($after:String$first:Int$objectId:ID!){history(after:$after first:$first objectId:$objectId){nodes{...AuditEventFields}pageInfo{hasNextPage endCursor}}} fragment AuditEventFields on AuditEvent{__typename actor actorId call{httpStatus operation outcome processorRequestId}cause changes{after before field isHidden}createdAt fromStatus id objectId requestId toStatus type}" },
  node: { name: 'node', path: ["node"], text: "query Node($id:ID!){node(id:$id){__typename id}}" },
  openIntents: { name: 'openIntents', path: ["openIntents"], text: "query OpenIntents($after:String$first:Int$objectId:ID){openIntents(after:$after first:$first objectId:$objectId){nodes{...OpenIntentFields}pageInfo{hasNextPage endCursor}}} fragment OpenIntentFields on OpenIntent{__typename ageSeconds failedTries id nextTryAt objectId operation since state}" },
  payment: { name: 'payment', path: ["payment"], text: "query Payment($id:ID!){payment(id:$id){...PaymentFields}} fragment PaymentFields on Payment{__typename amount{amountMinor currency decimal}captureMethod captured{amountMinor currency decimal}createdAt customer{__typename id}description failureCode failureMessage id metadata paymentMethod{__typename id}platformFee{amountMinor currency decimal}referenceId refunded{amountMinor currency decimal}status subscription{__typename id}unknownSince updatedAt}" },
  paymentByReferenceId: { name: 'paymentByReferenceId', path: ["paymentByReferenceId"], text: "query PaymentByReferenceId($referenceId:String!){paymentByReferenceId(referenceId:$referenceId){...PaymentFields}} fragment PaymentFields on Payment{__typename amount{amountMinor currency decimal}captureMethod captured{amountMinor currency decimal}createdAt customer{__typename id}description failureCode failureMessage id metadata paymentMethod{__typename id}platformFee{amountMinor currency decimal}referenceId refunded{amountMinor currency decimal}status subscription{__typename id}unknownSince updatedAt}" },
  paymentCancel: { name: 'paymentCancel', path: ["paymentCancel"], text: "mutation PaymentCancel($input:PaymentCancelInput!){paymentCancel(input:$input){payment{...PaymentFields}replayed userErrors{...UserErrorFields}}} fragment PaymentFields on Payment{__typename amount{amountMinor currency decimal}captureMethod captured{amountMinor currency decimal}createdAt customer{__typename id}description failureCode failureMessage id metadata paymentMethod{__typename id}platformFee{amountMinor currency decimal}referenceId refunded{amountMinor currency decimal}status subscription{__typename id}unknownSince updatedAt} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  paymentCapture: { name: 'paymentCapture', path: ["paymentCapture"], text: "mutation PaymentCapture($input:PaymentCaptureInput!){paymentCapture(input:$input){payment{...PaymentFields}replayed userErrors{...UserErrorFields}}} fragment PaymentFields on Payment{__typename amount{amountMinor currency decimal}captureMethod captured{amountMinor currency decimal}createdAt customer{__typename id}description failureCode failureMessage id metadata paymentMethod{__typename id}platformFee{amountMinor currency decimal}referenceId refunded{amountMinor currency decimal}status subscription{__typename id}unknownSince updatedAt} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  paymentCreate: { name: 'paymentCreate', path: ["paymentCreate"], text: "mutation PaymentCreate($input:PaymentCreateInput!){paymentCreate(input:$input){payment{...PaymentFields}replayed userErrors{...UserErrorFields}}} fragment PaymentFields on Payment{__typename amount{amountMinor currency decimal}captureMethod captured{amountMinor currency decimal}createdAt customer{__typename id}description failureCode failureMessage id metadata paymentMethod{__typename id}platformFee{amountMinor currency decimal}referenceId refunded{amountMinor currency decimal}status subscription{__typename id}unknownSince updatedAt} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  paymentDisputes: { name: 'paymentDisputes', path: ["payment","disputes"], text: "query PaymentDisputes($id:ID!$afterId:ID$first:Int){payment(id:$id){disputes(afterId:$afterId first:$first){...DisputeFields}}} fragment DisputeFields on Dispute{__typename amount{amountMinor currency decimal}concededAt createdAt evidenceDueAt evidenceSubmittedAt id isEvidenceAccepted payment{__typename id}reason status updatedAt}" },
  paymentFacts: { name: 'paymentFacts', path: ["payment","facts"], text: "query PaymentFacts($id:ID!$afterId:ID$first:Int){payment(id:$id){facts(afterId:$afterId first:$first){...WebhookFactFields}}} fragment WebhookFactFields on WebhookFact{__typename code id message occurredAt type}" },
  paymentMethod: { name: 'paymentMethod', path: ["paymentMethod"], text: "query PaymentMethod($id:ID!){paymentMethod(id:$id){...PaymentMethodFields}} fragment PaymentMethodFields on PaymentMethod{__typename bankLast bankName brand createdAt customer{__typename id}detachedAt expMonth expYear id isDefault last4 type}" },
  paymentMethodAttach: { name: 'paymentMethodAttach', path: ["paymentMethodAttach"], text: "mutation PaymentMethodAttach($input:PaymentMethodAttachInput!){paymentMethodAttach(input:$input){paymentMethod{...PaymentMethodFields}replayed userErrors{...UserErrorFields}}} fragment PaymentMethodFields on PaymentMethod{__typename bankLast bankName brand createdAt customer{__typename id}detachedAt expMonth expYear id isDefault last4 type} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  paymentMethodDetach: { name: 'paymentMethodDetach', path: ["paymentMethodDetach"], text: "mutation PaymentMethodDetach($input:PaymentMethodDetachInput!){paymentMethodDetach(input:$input){paymentMethod{...PaymentMethodFields}replayed userErrors{...UserErrorFields}}} fragment PaymentMethodFields on PaymentMethod{__typename bankLast bankName brand createdAt customer{__typename id}detachedAt expMonth expYear id isDefault last4 type} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  paymentMethodSetDefault: { name: 'paymentMethodSetDefault', path: ["paymentMethodSetDefault"], text: "mutation PaymentMethodSetDefault($input:PaymentMethodSetDefaultInput!){paymentMethodSetDefault(input:$input){paymentMethod{...PaymentMethodFields}replayed userErrors{...UserErrorFields}}} fragment PaymentMethodFields on PaymentMethod{__typename bankLast bankName brand createdAt customer{__typename id}detachedAt expMonth expYear id isDefault last4 type} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  paymentNextAction: { name: 'paymentNextAction', path: ["payment","nextAction"], text: "query PaymentNextAction($id:ID!){payment(id:$id){nextAction{clientSecret expiresAt type url}}}" },
  paymentRefunds: { name: 'paymentRefunds', path: ["payment","refunds"], text: "query PaymentRefunds($id:ID!$afterId:ID$first:Int){payment(id:$id){refunds(afterId:$afterId first:$first){...RefundFields}}} fragment RefundFields on Refund{__typename amount{amountMinor currency decimal}createdAt failureCode failureMessage id payment{__typename id}reason referenceId status unknownSince updatedAt}" },
  payments: { name: 'payments', path: ["payments"], text: "query Payments($after:String$createdAt:DateTimeRangeInput$customerId:ID$first:Int$metadata:Metadata$referenceId:String$status:[PaymentStatus!]$updatedAt:DateTimeRangeInput){payments(after:$after createdAt:$createdAt customerId:$customerId first:$first metadata:$metadata referenceId:$referenceId status:$status updatedAt:$updatedAt){nodes{...PaymentFields}pageInfo{hasNextPage endCursor}}} fragment PaymentFields on Payment{__typename amount{amountMinor currency decimal}captureMethod captured{amountMinor currency decimal}createdAt customer{__typename id}description failureCode failureMessage id metadata paymentMethod{__typename id}platformFee{amountMinor currency decimal}referenceId refunded{amountMinor currency decimal}status subscription{__typename id}unknownSince updatedAt}" },
  refund: { name: 'refund', path: ["refund"], text: "query Refund($id:ID!){refund(id:$id){...RefundFields}} fragment RefundFields on Refund{__typename amount{amountMinor currency decimal}createdAt failureCode failureMessage id payment{__typename id}reason referenceId status unknownSince updatedAt}" },
  refundCreate: { name: 'refundCreate', path: ["refundCreate"], text: "mutation RefundCreate($input:RefundCreateInput!){refundCreate(input:$input){refund{...RefundFields}replayed userErrors{...UserErrorFields}}} fragment RefundFields on Refund{__typename amount{amountMinor currency decimal}createdAt failureCode failureMessage id payment{__typename id}reason referenceId status unknownSince updatedAt} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  refunds: { name: 'refunds', path: ["refunds"], text: "query Refunds($after:String$createdAt:DateTimeRangeInput$first:Int$metadata:Metadata$paymentId:ID$updatedAt:DateTimeRangeInput){refunds(after:$after createdAt:$createdAt first:$first metadata:$metadata paymentId:$paymentId updatedAt:$updatedAt){nodes{...RefundFields}pageInfo{hasNextPage endCursor}}} fragment RefundFields on Refund{__typename amount{amountMinor currency decimal}createdAt failureCode failureMessage id payment{__typename id}reason referenceId status unknownSince updatedAt}" },
  session: { name: 'session', path: ["session"], text: "query Session{session{cardFields{accountId publishableKey scriptUrl}customer{__typename id}expiresAt returnUrl}}" },
  subscription: { name: 'subscription', path: ["subscription"], text: "query Subscription($id:ID!){subscription(id:$id){...SubscriptionFields}} fragment SubscriptionFields on Subscription{__typename billingCycleAnchor cancelAt cancelAtPeriodEnd canceledAt createdAt currentPeriodEnd currentPeriodStart customer{__typename id}id intervalCount intervalUnit metadata nextPaymentAt pauseAt pausedAt paymentMethod{__typename id}planCode planName price{amountMinor currency decimal}resumeAt status updatedAt version}" },
  subscriptionCancel: { name: 'subscriptionCancel', path: ["subscriptionCancel"], text: "mutation SubscriptionCancel($input:SubscriptionCancelInput!){subscriptionCancel(input:$input){replayed subscription{...SubscriptionFields}userErrors{...UserErrorFields}}} fragment SubscriptionFields on Subscription{__typename billingCycleAnchor cancelAt cancelAtPeriodEnd canceledAt createdAt currentPeriodEnd currentPeriodStart customer{__typename id}id intervalCount intervalUnit metadata nextPaymentAt pauseAt pausedAt paymentMethod{__typename id}planCode planName price{amountMinor currency decimal}resumeAt status updatedAt version} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  subscriptionCreate: { name: 'subscriptionCreate', path: ["subscriptionCreate"], text: "mutation SubscriptionCreate($input:SubscriptionCreateInput!){subscriptionCreate(input:$input){replayed subscription{...SubscriptionFields}userErrors{...UserErrorFields}}} fragment SubscriptionFields on Subscription{__typename billingCycleAnchor cancelAt cancelAtPeriodEnd canceledAt createdAt currentPeriodEnd currentPeriodStart customer{__typename id}id intervalCount intervalUnit metadata nextPaymentAt pauseAt pausedAt paymentMethod{__typename id}planCode planName price{amountMinor currency decimal}resumeAt status updatedAt version} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  subscriptionPause: { name: 'subscriptionPause', path: ["subscriptionPause"], text: "mutation SubscriptionPause($input:SubscriptionPauseInput!){subscriptionPause(input:$input){replayed subscription{...SubscriptionFields}userErrors{...UserErrorFields}}} fragment SubscriptionFields on Subscription{__typename billingCycleAnchor cancelAt cancelAtPeriodEnd canceledAt createdAt currentPeriodEnd currentPeriodStart customer{__typename id}id intervalCount intervalUnit metadata nextPaymentAt pauseAt pausedAt paymentMethod{__typename id}planCode planName price{amountMinor currency decimal}resumeAt status updatedAt version} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  subscriptionPayments: { name: 'subscriptionPayments', path: ["subscription","payments"], text: "query SubscriptionPayments($id:ID!$after:String$first:Int){subscription(id:$id){payments(after:$after first:$first){nodes{...PaymentFields}pageInfo{hasNextPage endCursor}}}} fragment PaymentFields on Payment{__typename amount{amountMinor currency decimal}captureMethod captured{amountMinor currency decimal}createdAt customer{__typename id}description failureCode failureMessage id metadata paymentMethod{__typename id}platformFee{amountMinor currency decimal}referenceId refunded{amountMinor currency decimal}status subscription{__typename id}unknownSince updatedAt}" },
  subscriptionPlatformFee: { name: 'subscriptionPlatformFee', path: ["subscription","platformFee"], text: "query SubscriptionPlatformFee($id:ID!){subscription(id:$id){platformFee{amountMinor currency decimal}}}" },
  subscriptionReactivate: { name: 'subscriptionReactivate', path: ["subscriptionReactivate"], text: "mutation SubscriptionReactivate($input:SubscriptionReactivateInput!){subscriptionReactivate(input:$input){replayed subscription{...SubscriptionFields}userErrors{...UserErrorFields}}} fragment SubscriptionFields on Subscription{__typename billingCycleAnchor cancelAt cancelAtPeriodEnd canceledAt createdAt currentPeriodEnd currentPeriodStart customer{__typename id}id intervalCount intervalUnit metadata nextPaymentAt pauseAt pausedAt paymentMethod{__typename id}planCode planName price{amountMinor currency decimal}resumeAt status updatedAt version} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  subscriptionResume: { name: 'subscriptionResume', path: ["subscriptionResume"], text: "mutation SubscriptionResume($input:SubscriptionResumeInput!){subscriptionResume(input:$input){replayed subscription{...SubscriptionFields}userErrors{...UserErrorFields}}} fragment SubscriptionFields on Subscription{__typename billingCycleAnchor cancelAt cancelAtPeriodEnd canceledAt createdAt currentPeriodEnd currentPeriodStart customer{__typename id}id intervalCount intervalUnit metadata nextPaymentAt pauseAt pausedAt paymentMethod{__typename id}planCode planName price{amountMinor currency decimal}resumeAt status updatedAt version} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  subscriptionRetry: { name: 'subscriptionRetry', path: ["subscriptionRetry"], text: "mutation SubscriptionRetry($input:SubscriptionRetryInput!){subscriptionRetry(input:$input){replayed subscription{...SubscriptionFields}userErrors{...UserErrorFields}}} fragment SubscriptionFields on Subscription{__typename billingCycleAnchor cancelAt cancelAtPeriodEnd canceledAt createdAt currentPeriodEnd currentPeriodStart customer{__typename id}id intervalCount intervalUnit metadata nextPaymentAt pauseAt pausedAt paymentMethod{__typename id}planCode planName price{amountMinor currency decimal}resumeAt status updatedAt version} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  subscriptionUpdate: { name: 'subscriptionUpdate', path: ["subscriptionUpdate"], text: "mutation SubscriptionUpdate($input:SubscriptionUpdateInput!){subscriptionUpdate(input:$input){replayed subscription{...SubscriptionFields}userErrors{...UserErrorFields}}} fragment SubscriptionFields on Subscription{__typename billingCycleAnchor cancelAt cancelAtPeriodEnd canceledAt createdAt currentPeriodEnd currentPeriodStart customer{__typename id}id intervalCount intervalUnit metadata nextPaymentAt pauseAt pausedAt paymentMethod{__typename id}planCode planName price{amountMinor currency decimal}resumeAt status updatedAt version} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  subscriptions: { name: 'subscriptions', path: ["subscriptions"], text: "query Subscriptions($after:String$createdAt:DateTimeRangeInput$customerId:ID$first:Int$metadata:Metadata$status:[SubscriptionStatus!]$updatedAt:DateTimeRangeInput){subscriptions(after:$after createdAt:$createdAt customerId:$customerId first:$first metadata:$metadata status:$status updatedAt:$updatedAt){nodes{...SubscriptionFields}pageInfo{hasNextPage endCursor}}} fragment SubscriptionFields on Subscription{__typename billingCycleAnchor cancelAt cancelAtPeriodEnd canceledAt createdAt currentPeriodEnd currentPeriodStart customer{__typename id}id intervalCount intervalUnit metadata nextPaymentAt pauseAt pausedAt paymentMethod{__typename id}planCode planName price{amountMinor currency decimal}resumeAt status updatedAt version}" },
  webhookDeliveries: { name: 'webhookDeliveries', path: ["webhookDeliveries"], text: "query WebhookDeliveries($after:String$endpointId:ID$first:Int$status:[WebhookDeliveryStatus!]){webhookDeliveries(after:$after endpointId:$endpointId first:$first status:$status){nodes{...WebhookDeliveryFields}pageInfo{hasNextPage endCursor}}} fragment WebhookDeliveryFields on WebhookDelivery{__typename attemptLog{answer at durationMs error status}attempts createdAt deliveredAt endpoint{__typename id}eventId id lastError lastStatus nextAttemptAt status}" },
  webhookDeliveryResend: { name: 'webhookDeliveryResend', path: ["webhookDeliveryResend"], text: "mutation WebhookDeliveryResend($input:WebhookDeliveryResendInput!){webhookDeliveryResend(input:$input){count replayed userErrors{...UserErrorFields}}} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  webhookEndpointCreate: { name: 'webhookEndpointCreate', path: ["webhookEndpointCreate"], text: "mutation WebhookEndpointCreate($input:WebhookEndpointCreateInput!){webhookEndpointCreate(input:$input){replayed secret userErrors{...UserErrorFields}webhookEndpoint{...WebhookEndpointFields}}} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}} fragment WebhookEndpointFields on WebhookEndpoint{__typename createdAt disabledReason failingSince id isEnabled types updatedAt url version}" },
  webhookEndpointDelete: { name: 'webhookEndpointDelete', path: ["webhookEndpointDelete"], text: "mutation WebhookEndpointDelete($input:WebhookEndpointDeleteInput!){webhookEndpointDelete(input:$input){replayed secret userErrors{...UserErrorFields}webhookEndpoint{...WebhookEndpointFields}}} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}} fragment WebhookEndpointFields on WebhookEndpoint{__typename createdAt disabledReason failingSince id isEnabled types updatedAt url version}" },
  webhookEndpointSecretRotate: { name: 'webhookEndpointSecretRotate', path: ["webhookEndpointSecretRotate"], text: "mutation WebhookEndpointSecretRotate($input:WebhookEndpointSecretRotateInput!){webhookEndpointSecretRotate(input:$input){replayed secret userErrors{...UserErrorFields}webhookEndpoint{...WebhookEndpointFields}}} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}} fragment WebhookEndpointFields on WebhookEndpoint{__typename createdAt disabledReason failingSince id isEnabled types updatedAt url version}" },
  webhookEndpointTest: { name: 'webhookEndpointTest', path: ["webhookEndpointTest"], text: "mutation WebhookEndpointTest($input:WebhookEndpointTestInput!){webhookEndpointTest(input:$input){count replayed userErrors{...UserErrorFields}}} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}}" },
  webhookEndpointUpdate: { name: 'webhookEndpointUpdate', path: ["webhookEndpointUpdate"], text: "mutation WebhookEndpointUpdate($input:WebhookEndpointUpdateInput!){webhookEndpointUpdate(input:$input){replayed secret userErrors{...UserErrorFields}webhookEndpoint{...WebhookEndpointFields}}} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}} fragment WebhookEndpointFields on WebhookEndpoint{__typename createdAt disabledReason failingSince id isEnabled types updatedAt url version}" },
  webhookEndpoints: { name: 'webhookEndpoints', path: ["webhookEndpoints"], text: "query WebhookEndpoints{webhookEndpoints{...WebhookEndpointFields}} fragment WebhookEndpointFields on WebhookEndpoint{__typename createdAt disabledReason failingSince id isEnabled types updatedAt url version}" },
  webhookEventReplay: { name: 'webhookEventReplay', path: ["webhookEventReplay"], text: "mutation WebhookEventReplay($input:WebhookEventReplayInput!){webhookEventReplay(input:$input){userErrors{...UserErrorFields}webhookEvent{...WebhookEventFields}}} fragment UserErrorFields on UserError{__typename code message field ...on PaymentDeclined{declineCode retryable}...on RetryLater{retryAfterMs}} fragment WebhookEventFields on WebhookEvent{__typename attempts deliveries error eventId id processedAt receivedAt status type}" },
  webhookEvents: { name: 'webhookEvents', path: ["webhookEvents"], text: "query WebhookEvents($after:String$first:Int$receivedAt:DateTimeRangeInput$status:[WebhookEventStatus!]$type:String){webhookEvents(after:$after first:$first receivedAt:$receivedAt status:$status type:$type){nodes{...WebhookEventFields}pageInfo{hasNextPage endCursor}}} fragment WebhookEventFields on WebhookEvent{__typename attempts deliveries error eventId id processedAt receivedAt status type}" },
  webhookHealth: { name: 'webhookHealth', path: ["webhookHealth"], text: "query WebhookHealth{webhookHealth{dead failed lagMs oldestUnhandledAt received}}" },
} as const satisfies Record<string, Method>;

/** A method for everything that the API can be asked. */

export class Methods {

  readonly #calls: Calls;


  constructor(calls: Calls) {
    this.#calls = calls;
  }


  /** The app that the credential belongs to. */
  app(variables: AppQueryVariables = {}, options: CallOptions = {}): Promise<AppQuery['app']> {
    return this.#calls.query<AppQuery['app']>(METHODS.app, variables, options);
  }

  /** What the app set for itself, and what holds where it set nothing. */
  appSettings(variables: AppSettingsQueryVariables = {}, options: CallOptions = {}): Promise<NonNullable<AppSettingsQuery['app']>['settings'] | null> {
    return this.#calls.query<NonNullable<AppSettingsQuery['app']>['settings'] | null>(METHODS.appSettings, variables, options);
  }

  /** Changes what the app sets for itself. Customer sessions see it at once, and may do what it says from then on. */
  appSettingsUpdate(input: AppSettingsUpdateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<AppSettingsUpdateMutation['appSettingsUpdate']>> {
    return this.#calls.mutate<AppSettingsUpdateMutation['appSettingsUpdate']>(METHODS.appSettingsUpdate, input, options);
  }

  /** One customer by id; null where there is none, where they were deleted, and for what is not for the caller. */
  customer(variables: CustomerQueryVariables, options: CallOptions = {}): Promise<CustomerQuery['customer']> {
    return this.#calls.query<CustomerQuery['customer']>(METHODS.customer, variables, options);
  }

  /** One customer by the app's own id of them; null where nobody has it. */
  customerByExternalId(variables: CustomerByExternalIdQueryVariables, options: CallOptions = {}): Promise<CustomerByExternalIdQuery['customerByExternalId']> {
    return this.#calls.query<CustomerByExternalIdQuery['customerByExternalId']>(METHODS.customerByExternalId, variables, options);
  }

  /** Makes a customer here and at the processor. If the processor refuses, none is made. Repeat with the same key after OUTCOME_UNKNOWN or PROCESSOR_UNAVAILABLE. */
  customerCreate(input: CustomerCreateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<CustomerCreateMutation['customerCreate']>> {
    return this.#calls.mutate<CustomerCreateMutation['customerCreate']>(METHODS.customerCreate, input, options);
  }

  /** Forgets a customer, here and at the processor: personal data is removed, payment methods are detached, payments and refunds stay. CONFLICT while a subscription is live or a payment is not decided; `message` says what to end first. */
  customerDelete(input: CustomerDeleteMutationVariables['input'], options: MutationOptions = {}): Promise<Done<CustomerDeleteMutation['customerDelete']>> {
    return this.#calls.mutate<CustomerDeleteMutation['customerDelete']>(METHODS.customerDelete, input, options);
  }

  /** Those attached now, oldest first. At most `first`, 10 if absent; read on with afterId. */
  customerPaymentMethods(variables: CustomerPaymentMethodsQueryVariables, options: CallOptions = {}): List<NonNullable<CustomerPaymentMethodsQuery['customer']>['paymentMethods'][number]> {
    return this.#calls.list<NonNullable<CustomerPaymentMethodsQuery['customer']>['paymentMethods'][number]>(METHODS.customerPaymentMethods, variables, options);
  }

  /** Their payments, newest first. */
  customerPayments(variables: CustomerPaymentsQueryVariables, options: CallOptions = {}): List<NonNullable<CustomerPaymentsQuery['customer']>['payments']['nodes'][number]> {
    return this.#calls.connection<NonNullable<CustomerPaymentsQuery['customer']>['payments']['nodes'][number]>(METHODS.customerPayments, variables, options);
  }

  /** Makes a short-lived token with which a browser may read this one customer and attach, choose and detach their payment methods. Each call makes another one. */
  customerSessionCreate(input: CustomerSessionCreateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<CustomerSessionCreateMutation['customerSessionCreate']>> {
    return this.#calls.mutate<CustomerSessionCreateMutation['customerSessionCreate']>(METHODS.customerSessionCreate, input, options);
  }

  /** Their subscriptions, newest first. */
  customerSubscriptions(variables: CustomerSubscriptionsQueryVariables, options: CallOptions = {}): List<NonNullable<CustomerSubscriptionsQuery['customer']>['subscriptions']['nodes'][number]> {
    return this.#calls.connection<NonNullable<CustomerSubscriptionsQuery['customer']>['subscriptions']['nodes'][number]>(METHODS.customerSubscriptions, variables, options);
  }

  /** Changes a customer here at once. The processor is told in the same request, or, if it does not answer, soon after by itself; that is no error. */
  customerUpdate(input: CustomerUpdateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<CustomerUpdateMutation['customerUpdate']>> {
    return this.#calls.mutate<CustomerUpdateMutation['customerUpdate']>(METHODS.customerUpdate, input, options);
  }

  /** The customers of the app, newest first, without deleted ones. */
  customers(variables: CustomersQueryVariables = {}, options: CallOptions = {}): List<CustomersQuery['customers']['nodes'][number]> {
    return this.#calls.connection<CustomersQuery['customers']['nodes'][number]>(METHODS.customers, variables, options);
  }

  /** One dispute by id; null where there is none, and for what is not for the caller. */
  dispute(variables: DisputeQueryVariables, options: CallOptions = {}): Promise<DisputeQuery['dispute']> {
    return this.#calls.query<DisputeQuery['dispute']>(METHODS.dispute, variables, options);
  }

  /** Answers a dispute: sends evidence, which the processor takes once, or concedes. What is wrong is refused before anything is sent. OUTCOME_UNKNOWN: repeat with the same key; it is sent at most once. */
  disputeEvidenceSubmit(input: DisputeEvidenceSubmitMutationVariables['input'], options: MutationOptions = {}): Promise<Done<DisputeEvidenceSubmitMutation['disputeEvidenceSubmit']>> {
    return this.#calls.mutate<DisputeEvidenceSubmitMutation['disputeEvidenceSubmit']>(METHODS.disputeEvidenceSubmit, input, options);
  }

  /** The disputes of the app, newest first. */
  disputes(variables: DisputesQueryVariables = {}, options: CallOptions = {}): List<DisputesQuery['disputes']['nodes'][number]> {
    return this.#calls.connection<DisputesQuery['disputes']['nodes'][number]>(METHODS.disputes, variables, options);
  }

  /** One divergence by id; null where there is none. */
  divergence(variables: DivergenceQueryVariables, options: CallOptions = {}): Promise<DivergenceQuery['divergence']> {
    return this.#calls.query<DivergenceQuery['divergence']>(METHODS.divergence, variables, options);
  }

  /** Closes a divergence. Nothing is changed at the processor, nor in the object. ILLEGAL_TRANSITION if it was closed already. */
  divergenceResolve(input: DivergenceResolveMutationVariables['input'], options: MutationOptions = {}): Promise<Done<DivergenceResolveMutation['divergenceResolve']>> {
    return this.#calls.mutate<DivergenceResolveMutation['divergenceResolve']>(METHODS.divergenceResolve, input, options);
  }

  /** Differences between our books and the processor's, newest first. */
  divergences(variables: DivergencesQueryVariables = {}, options: CallOptions = {}): List<DivergencesQuery['divergences']['nodes'][number]> {
    return this.#calls.connection<DivergencesQuery['divergences']['nodes'][number]>(METHODS.divergences, variables, options);
  }

  /** What happened in the app, oldest first, each event once. Read on with `after: endCursor` for ever: the endCursor of an empty page is its `after`, and no event that is committed later comes before it. A key reads events of the objects that it may read. */
  events(variables: EventsQueryVariables = {}, options: CallOptions = {}): Feed {
    return this.#calls.feed(METHODS.events, variables, options);
  }

  /** What happened to an object, newest first: requests, calls to the processor, webhooks and changes. Empty for an id that is not there. */
  history(variables: HistoryQueryVariables, options: CallOptions = {}): List<HistoryQuery['history']['nodes'][number]> {
    return this.#calls.connection<HistoryQuery['history']['nodes'][number]>(METHODS.history, variables, options);
  }

  /** Any object by its id. Null for another app's id, as for a random one, and for what is not for the caller. */
  node(variables: NodeQueryVariables, options: CallOptions = {}): Promise<NodeQuery['node']> {
    return this.#calls.query<NodeQuery['node']>(METHODS.node, variables, options);
  }

  /** Mutations of any kind whose outcome is not certain yet, newest first. */
  openIntents(variables: OpenIntentsQueryVariables = {}, options: CallOptions = {}): List<OpenIntentsQuery['openIntents']['nodes'][number]> {
    return this.#calls.connection<OpenIntentsQuery['openIntents']['nodes'][number]>(METHODS.openIntents, variables, options);
  }

  /** One payment by id; null where there is none, and for what is not for the caller. */
  payment(variables: PaymentQueryVariables, options: CallOptions = {}): Promise<PaymentQuery['payment']> {
    return this.#calls.query<PaymentQuery['payment']>(METHODS.payment, variables, options);
  }

  /** One payment by the app's own name for what it pays: of several the one that took the money or may take it; if none does, the newest. Null where there is none. `payments(referenceId:)` has all. */
  paymentByReferenceId(variables: PaymentByReferenceIdQueryVariables, options: CallOptions = {}): Promise<PaymentByReferenceIdQuery['paymentByReferenceId']> {
    return this.#calls.query<PaymentByReferenceIdQuery['paymentByReferenceId']>(METHODS.paymentByReferenceId, variables, options);
  }

  /** Calls a payment off that took nothing, and releases what it held. OUTCOME_UNKNOWN: repeat with the same key. A captured payment is refunded with refundCreate. */
  paymentCancel(input: PaymentCancelMutationVariables['input'], options: MutationOptions = {}): Promise<Done<PaymentCancelMutation['paymentCancel']>> {
    return this.#calls.mutate<PaymentCancelMutation['paymentCancel']>(METHODS.paymentCancel, input, options);
  }

  /** Takes what is held, once: all of it or the amount given; the rest is released. OUTCOME_UNKNOWN: repeat with the same key. */
  paymentCapture(input: PaymentCaptureMutationVariables['input'], options: MutationOptions = {}): Promise<Done<PaymentCaptureMutation['paymentCapture']>> {
    return this.#calls.mutate<PaymentCaptureMutation['paymentCapture']>(METHODS.paymentCapture, input, options);
  }

  /** Takes money from a customer, or holds it. Ship only on status SUCCEEDED. PAYMENT_DECLINED: ask for another method and use a new key. OUTCOME_UNKNOWN: repeat with the same key; the money is taken at most once. */
  paymentCreate(input: PaymentCreateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<PaymentCreateMutation['paymentCreate']>> {
    return this.#calls.mutate<PaymentCreateMutation['paymentCreate']>(METHODS.paymentCreate, input, options);
  }

  /** Objections to it, oldest first. At most `first`, 10 if absent; read on with afterId. */
  paymentDisputes(variables: PaymentDisputesQueryVariables, options: CallOptions = {}): List<NonNullable<PaymentDisputesQuery['payment']>['disputes'][number]> {
    return this.#calls.list<NonNullable<PaymentDisputesQuery['payment']>['disputes'][number]>(METHODS.paymentDisputes, variables, options);
  }

  /** Failed attempts and the like, also those that a later success overtook, in the order they arrived. At most `first`, 10 if absent; read on with afterId. */
  paymentFacts(variables: PaymentFactsQueryVariables, options: CallOptions = {}): List<NonNullable<PaymentFactsQuery['payment']>['facts'][number]> {
    return this.#calls.list<NonNullable<PaymentFactsQuery['payment']>['facts'][number]>(METHODS.paymentFacts, variables, options);
  }

  /** One payment method by id, also a detached one; null where there is none, and for what is not for the caller. */
  paymentMethod(variables: PaymentMethodQueryVariables, options: CallOptions = {}): Promise<PaymentMethodQuery['paymentMethod']> {
    return this.#calls.query<PaymentMethodQuery['paymentMethod']>(METHODS.paymentMethod, variables, options);
  }

  /** Attaches a payment method of Tilled.js to a customer, so that it can be charged. NOT_FOUND if the processor does not know it or it belongs to somebody else, PROCESSOR_REJECTED if it has expired or was used up: collect it anew and use a new key. */
  paymentMethodAttach(input: PaymentMethodAttachMutationVariables['input'], options: MutationOptions = {}): Promise<Done<PaymentMethodAttachMutation['paymentMethodAttach']>> {
    return this.#calls.mutate<PaymentMethodAttachMutation['paymentMethodAttach']>(METHODS.paymentMethodAttach, input, options);
  }

  /** Detaches a method, so that it is never charged again. PAYMENT_METHOD_IN_USE while a live subscription is paid with it: give the subscription another one first. */
  paymentMethodDetach(input: PaymentMethodDetachMutationVariables['input'], options: MutationOptions = {}): Promise<Done<PaymentMethodDetachMutation['paymentMethodDetach']>> {
    return this.#calls.mutate<PaymentMethodDetachMutation['paymentMethodDetach']>(METHODS.paymentMethodDetach, input, options);
  }

  /** Makes a method the one that is charged where none is named. Done twice it is done once. */
  paymentMethodSetDefault(input: PaymentMethodSetDefaultMutationVariables['input'], options: MutationOptions = {}): Promise<Done<PaymentMethodSetDefaultMutation['paymentMethodSetDefault']>> {
    return this.#calls.mutate<PaymentMethodSetDefaultMutation['paymentMethodSetDefault']>(METHODS.paymentMethodSetDefault, input, options);
  }

  /** What the payer has to do while it is REQUIRES_ACTION; else null. Asked of the processor each time: an error here says that it cannot be asked now, so read it again. */
  paymentNextAction(variables: PaymentNextActionQueryVariables, options: CallOptions = {}): Promise<NonNullable<PaymentNextActionQuery['payment']>['nextAction'] | null> {
    return this.#calls.query<NonNullable<PaymentNextActionQuery['payment']>['nextAction'] | null>(METHODS.paymentNextAction, variables, options);
  }

  /** What was given back of it, or tried, oldest first; refunds made in the processor's dashboard too. At most `first`, 10 if absent; all of them are in refunds(paymentId). */
  paymentRefunds(variables: PaymentRefundsQueryVariables, options: CallOptions = {}): List<NonNullable<PaymentRefundsQuery['payment']>['refunds'][number]> {
    return this.#calls.list<NonNullable<PaymentRefundsQuery['payment']>['refunds'][number]>(METHODS.paymentRefunds, variables, options);
  }

  /** The payments of the app, newest first. */
  payments(variables: PaymentsQueryVariables = {}, options: CallOptions = {}): List<PaymentsQuery['payments']['nodes'][number]> {
    return this.#calls.connection<PaymentsQuery['payments']['nodes'][number]>(METHODS.payments, variables, options);
  }

  /** One refund by id; null where there is none, and for what is not for the caller. */
  refund(variables: RefundQueryVariables, options: CallOptions = {}): Promise<RefundQuery['refund']> {
    return this.#calls.query<RefundQuery['refund']>(METHODS.refund, variables, options);
  }

  /** Gives back part or all of one payment. PENDING is no failure: it goes on by itself. OUTCOME_UNKNOWN: repeat with the same key; it is given back at most once. */
  refundCreate(input: RefundCreateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<RefundCreateMutation['refundCreate']>> {
    return this.#calls.mutate<RefundCreateMutation['refundCreate']>(METHODS.refundCreate, input, options);
  }

  /** The refunds of the app, newest first. */
  refunds(variables: RefundsQueryVariables = {}, options: CallOptions = {}): List<RefundsQuery['refunds']['nodes'][number]> {
    return this.#calls.connection<RefundsQuery['refunds']['nodes'][number]>(METHODS.refunds, variables, options);
  }

  /** The session that asks. */
  session(variables: SessionQueryVariables = {}, options: CallOptions = {}): Promise<SessionQuery['session']> {
    return this.#calls.query<SessionQuery['session']>(METHODS.session, variables, options);
  }

  /** One subscription by id; null where there is none, and for what is not for the caller. */
  subscription(variables: SubscriptionQueryVariables, options: CallOptions = {}): Promise<SubscriptionQuery['subscription']> {
    return this.#calls.query<SubscriptionQuery['subscription']>(METHODS.subscription, variables, options);
  }

  /** Ends a subscription, at once or at the end of the period. Nothing is given back. A customer session may where PortalPolicy.mayCancel has the mode, else it is FORBIDDEN. OUTCOME_UNKNOWN: read it again, or repeat with the same key. */
  subscriptionCancel(input: SubscriptionCancelMutationVariables['input'], options: MutationOptions = {}): Promise<Done<SubscriptionCancelMutation['subscriptionCancel']>> {
    return this.#calls.mutate<SubscriptionCancelMutation['subscriptionCancel']>(METHODS.subscriptionCancel, input, options);
  }

  /** Begins a subscription: the processor collects it from its anchor on. It is PENDING until the first payment was made, which may be some seconds later. OUTCOME_UNKNOWN: repeat with the same key. */
  subscriptionCreate(input: SubscriptionCreateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<SubscriptionCreateMutation['subscriptionCreate']>> {
    return this.#calls.mutate<SubscriptionCreateMutation['subscriptionCreate']>(METHODS.subscriptionCreate, input, options);
  }

  /** Stops collecting until subscriptionResume, or until resumeAt. What was paid is not given back. OUTCOME_UNKNOWN: read it again, or repeat with the same key. */
  subscriptionPause(input: SubscriptionPauseMutationVariables['input'], options: MutationOptions = {}): Promise<Done<SubscriptionPauseMutation['subscriptionPause']>> {
    return this.#calls.mutate<SubscriptionPauseMutation['subscriptionPause']>(METHODS.subscriptionPause, input, options);
  }

  /** What was collected for it, or tried, newest first. */
  subscriptionPayments(variables: SubscriptionPaymentsQueryVariables, options: CallOptions = {}): List<NonNullable<SubscriptionPaymentsQuery['subscription']>['payments']['nodes'][number]> {
    return this.#calls.connection<NonNullable<SubscriptionPaymentsQuery['subscription']>['payments']['nodes'][number]>(METHODS.subscriptionPayments, variables, options);
  }

  /** What the platform keeps of each payment: it goes to the partner account at the processor. Null where it keeps nothing. */
  subscriptionPlatformFee(variables: SubscriptionPlatformFeeQueryVariables, options: CallOptions = {}): Promise<NonNullable<SubscriptionPlatformFeeQuery['subscription']>['platformFee'] | null> {
    return this.#calls.query<NonNullable<SubscriptionPlatformFeeQuery['subscription']>['platformFee'] | null>(METHODS.subscriptionPlatformFee, variables, options);
  }

  /** Takes back a cancellation at period end that has not happened yet. A customer session may where PortalPolicy.mayCancel has AT_PERIOD_END, else it is FORBIDDEN. OUTCOME_UNKNOWN: read it again, or repeat with the same key. */
  subscriptionReactivate(input: SubscriptionReactivateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<SubscriptionReactivateMutation['subscriptionReactivate']>> {
    return this.#calls.mutate<SubscriptionReactivateMutation['subscriptionReactivate']>(METHODS.subscriptionReactivate, input, options);
  }

  /** Goes on collecting, by the same cycle as before, or takes back a pause that has not begun. What fell due meanwhile is not collected. OUTCOME_UNKNOWN: read it again, or repeat with the same key. */
  subscriptionResume(input: SubscriptionResumeMutationVariables['input'], options: MutationOptions = {}): Promise<Done<SubscriptionResumeMutation['subscriptionResume']>> {
    return this.#calls.mutate<SubscriptionResumeMutation['subscriptionResume']>(METHODS.subscriptionResume, input, options);
  }

  /** Collects the missed payment of a PAST_DUE subscription now, which pays the period that runs. A decline is PAYMENT_DECLINED with its declineCode: it stays PAST_DUE. OUTCOME_UNKNOWN: the processor has it and has not taken it yet, which may last half an hour; read the subscription again, or repeat with the same key. */
  subscriptionRetry(input: SubscriptionRetryMutationVariables['input'], options: MutationOptions = {}): Promise<Done<SubscriptionRetryMutation['subscriptionRetry']>> {
    return this.#calls.mutate<SubscriptionRetryMutation['subscriptionRetry']>(METHODS.subscriptionRetry, input, options);
  }

  /** Changes what is collected from the next payment on, and the labels at once. Nothing is collected now, but for what a PAST_DUE subscription missed when another method takes the place of the one that failed. OUTCOME_UNKNOWN: read it again, or repeat with the same key. */
  subscriptionUpdate(input: SubscriptionUpdateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<SubscriptionUpdateMutation['subscriptionUpdate']>> {
    return this.#calls.mutate<SubscriptionUpdateMutation['subscriptionUpdate']>(METHODS.subscriptionUpdate, input, options);
  }

  /** The subscriptions of the app, newest first. */
  subscriptions(variables: SubscriptionsQueryVariables = {}, options: CallOptions = {}): List<SubscriptionsQuery['subscriptions']['nodes'][number]> {
    return this.#calls.connection<SubscriptionsQuery['subscriptions']['nodes'][number]>(METHODS.subscriptions, variables, options);
  }

  /** What was and is to be delivered to the endpoints of the app, newest first. */
  webhookDeliveries(variables: WebhookDeliveriesQueryVariables = {}, options: CallOptions = {}): List<WebhookDeliveriesQuery['webhookDeliveries']['nodes'][number]> {
    return this.#calls.connection<WebhookDeliveriesQuery['webhookDeliveries']['nodes'][number]>(METHODS.webhookDeliveries, variables, options);
  }

  /** Sends events again, soon after, each as a delivery of its own outside of the order of its object. Each call with another key, or none, sends them once more. */
  webhookDeliveryResend(input: WebhookDeliveryResendMutationVariables['input'], options: MutationOptions = {}): Promise<Done<WebhookDeliveryResendMutation['webhookDeliveryResend']>> {
    return this.#calls.mutate<WebhookDeliveryResendMutation['webhookDeliveryResend']>(METHODS.webhookDeliveryResend, input, options);
  }

  /** Has the events of the app posted to an address of yours from now on, signed with the secret that is answered. */
  webhookEndpointCreate(input: WebhookEndpointCreateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<WebhookEndpointCreateMutation['webhookEndpointCreate']>> {
    return this.#calls.mutate<WebhookEndpointCreateMutation['webhookEndpointCreate']>(METHODS.webhookEndpointCreate, input, options);
  }

  /** Ends deliveries to an endpoint for good, and gives up what waits for it. Its deliveries stay listed for 30 days. */
  webhookEndpointDelete(input: WebhookEndpointDeleteMutationVariables['input'], options: MutationOptions = {}): Promise<Done<WebhookEndpointDeleteMutation['webhookEndpointDelete']>> {
    return this.#calls.mutate<WebhookEndpointDeleteMutation['webhookEndpointDelete']>(METHODS.webhookEndpointDelete, input, options);
  }

  /** Gives an endpoint a new secret, which is answered. The old one signs too for overlapHours, so that your receiver can change in between; one that was rotated out before ends now. */
  webhookEndpointSecretRotate(input: WebhookEndpointSecretRotateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<WebhookEndpointSecretRotateMutation['webhookEndpointSecretRotate']>> {
    return this.#calls.mutate<WebhookEndpointSecretRotateMutation['webhookEndpointSecretRotate']>(METHODS.webhookEndpointSecretRotate, input, options);
  }

  /** Posts an event to an endpoint now, which no other endpoint and no feed has, and waits for the answer: webhookDeliveries has it. An answer of 2xx also ends the waiting of an endpoint that failed. */
  webhookEndpointTest(input: WebhookEndpointTestMutationVariables['input'], options: MutationOptions = {}): Promise<Done<WebhookEndpointTestMutation['webhookEndpointTest']>> {
    return this.#calls.mutate<WebhookEndpointTestMutation['webhookEndpointTest']>(METHODS.webhookEndpointTest, input, options);
  }

  /** Changes where events are posted and which, or switches that off and on. What is on its way may still come as before. */
  webhookEndpointUpdate(input: WebhookEndpointUpdateMutationVariables['input'], options: MutationOptions = {}): Promise<Done<WebhookEndpointUpdateMutation['webhookEndpointUpdate']>> {
    return this.#calls.mutate<WebhookEndpointUpdateMutation['webhookEndpointUpdate']>(METHODS.webhookEndpointUpdate, input, options);
  }

  /** The endpoints of the app, oldest first: at most 50. */
  webhookEndpoints(variables: WebhookEndpointsQueryVariables = {}, options: CallOptions = {}): Promise<WebhookEndpointsQuery['webhookEndpoints']> {
    return this.#calls.query<WebhookEndpointsQuery['webhookEndpoints']>(METHODS.webhookEndpoints, variables, options);
  }

  /** Has the object of an event fetched and recorded again, soon after; always safe. ILLEGAL_TRANSITION for an event that was only recorded. */
  webhookEventReplay(input: WebhookEventReplayMutationVariables['input'], options: MutationOptions = {}): Promise<Done<WebhookEventReplayMutation['webhookEventReplay']>> {
    return this.#calls.mutate<WebhookEventReplayMutation['webhookEventReplay']>(METHODS.webhookEventReplay, input, options);
  }

  /** The events that the processor delivered, newest first. */
  webhookEvents(variables: WebhookEventsQueryVariables = {}, options: CallOptions = {}): List<WebhookEventsQuery['webhookEvents']['nodes'][number]> {
    return this.#calls.connection<WebhookEventsQuery['webhookEvents']['nodes'][number]>(METHODS.webhookEvents, variables, options);
  }

  /** How well webhooks are being handled. `dead` above 0, or lagMs that grows, needs a person. */
  webhookHealth(variables: WebhookHealthQueryVariables = {}, options: CallOptions = {}): Promise<WebhookHealthQuery['webhookHealth']> {
    return this.#calls.query<WebhookHealthQuery['webhookHealth']>(METHODS.webhookHealth, variables, options);
  }

}