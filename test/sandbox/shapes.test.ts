import { describe, expect, it } from '@jest/globals';
import * as sdk from 'tilled-node';
import * as shapes from '../../src/tilled/tilled.shapes.js';

/** A word Tilled added after SDK 1.0.13: the known difference between its types and ours. */
type NewWord =
  | (typeof shapes.HEAD_ONLY_CARD_BRANDS)[number]
  | (typeof shapes.HEAD_ONLY_CARD_FUNDINGS)[number]
  | (typeof shapes.HEAD_ONLY_DECLINE_CODES)[number]
  | (typeof shapes.HEAD_ONLY_FILE_TYPES)[number]
  | (typeof shapes.HEAD_ONLY_ACCOUNT_STATUSES)[number]
  | (typeof shapes.HEAD_ONLY_EVENT_TYPES)[number]
  | 'statement'
  | 'bank_verification';

/** A type of the SDK as the wire has it: whatever it calls optional may be null, and words may be new. */
type Wire<T> = T extends string
  ? T | NewWord
  : T extends number | boolean | null | undefined
    ? T
    : T extends readonly (infer Item)[]
      ? Wire<Item>[]
      : { [Key in keyof T]: undefined extends T[Key] ? Wire<Exclude<T[Key], undefined>> | null | undefined : Wire<T[Key]> };

/** What may be sent of it: Tilled's prose, not its types, says that a null in metadata removes the key. */
type Accepted<T> = Omit<Wire<T>, 'metadata' | 'enabled_events'> & { metadata?: Record<string, string | null> | null };

/** Compiles only when ours is one of theirs. */
type Fits<Theirs, Ours extends Theirs> = Ours;

/** What we read fits what the SDK says is sent: a field renamed, missing or of another type stops the compiler here. */
type Answers = [
  Fits<Wire<sdk.Customer>, shapes.TilledCustomer>,
  Fits<Wire<sdk.PaymentMethod>, shapes.TilledPaymentMethod>,
  Fits<Wire<sdk.PaymentIntent>, shapes.TilledPaymentIntent>,
  Fits<Wire<sdk.Charge>, shapes.TilledCharge>,
  Fits<Wire<sdk.Refund>, shapes.TilledRefund>,
  Fits<Wire<sdk.BalanceTransaction>, shapes.TilledBalanceTransaction>,
  Fits<Wire<sdk.Dispute>, shapes.TilledDispute>,
  Fits<Wire<sdk.ModelFile>, shapes.TilledFile>,
  Fits<Wire<sdk.Subscription>, shapes.TilledSubscription>,
  Fits<Wire<sdk.CheckoutSession>, shapes.TilledCheckoutSession>,
  Fits<Wire<sdk.Event>, shapes.TilledEvent<object>>,
  Fits<Wire<sdk.WebhookEndpoint>, shapes.TilledWebhookEndpoint>,
  Fits<Wire<sdk.Account>, shapes.TilledAccount>,
  Fits<Wire<sdk.AccountCapability>, shapes.TilledCapability>,
  Fits<Wire<sdk.HealthOutput>, shapes.TilledHealth>,
  Fits<Wire<sdk.ListCustomers200Response>, shapes.TilledList<shapes.TilledCustomer>>,
];

/** What we send fits what the SDK says is accepted. Its enabled_events is left out: it is typed as one word and is a list. */
type Requests = [
  Fits<Accepted<sdk.CustomerCreateParams>, shapes.TilledCustomerParams>,
  Fits<Accepted<sdk.CustomerUpdateParams>, shapes.TilledCustomerParams>,
  Fits<Accepted<sdk.PaymentMethodCreateParams>, shapes.TilledPaymentMethodCreateParams>,
  Fits<Accepted<sdk.PaymentMethodUpdateParams>, shapes.TilledPaymentMethodUpdateParams>,
  Fits<Accepted<sdk.PaymentMethodAttachParams>, shapes.TilledPaymentMethodAttachParams>,
  Fits<Accepted<sdk.PaymentIntentCreateParams>, shapes.TilledPaymentIntentCreateParams>,
  Fits<Accepted<sdk.PaymentIntentUpdateParams>, shapes.TilledPaymentIntentUpdateParams>,
  Fits<Accepted<sdk.PaymentIntentConfirmParams>, shapes.TilledPaymentIntentConfirmParams>,
  Fits<Accepted<sdk.PaymentIntentCaptureParams>, shapes.TilledPaymentIntentCaptureParams>,
  Fits<Accepted<sdk.PaymentIntentCancelParams>, shapes.TilledPaymentIntentCancelParams>,
  Fits<Accepted<sdk.RefundCreateParams>, shapes.TilledRefundCreateParams>,
  Fits<Accepted<sdk.DisputeEvidenceCreateParams>, shapes.TilledDisputeEvidenceParams>,
  Fits<Accepted<sdk.SubscriptionCreateParams>, shapes.TilledSubscriptionCreateParams>,
  Fits<Accepted<sdk.SubscriptionUpdateParams>, shapes.TilledSubscriptionUpdateParams>,
  Fits<Accepted<sdk.SubscriptionPauseParams>, shapes.TilledSubscriptionPauseParams>,
  Fits<Accepted<sdk.SubscriptionRetryParams>, shapes.TilledSubscriptionRetryParams>,
  Fits<Accepted<sdk.CheckoutSessionCreateParams>, shapes.TilledCheckoutSessionCreateParams>,
  Fits<Accepted<sdk.WebhookEndpointUpdateParams>, shapes.TilledWebhookEndpointParams>,
];

/** Params send no field the SDK does not know: it would be dropped in silence. */
type UnknownFields =
  | Exclude<keyof shapes.TilledCustomerParams, keyof sdk.CustomerCreateParams>
  | Exclude<keyof shapes.TilledPaymentIntentCreateParams, keyof sdk.PaymentIntentCreateParams>
  | Exclude<keyof shapes.TilledPaymentIntentUpdateParams, keyof sdk.PaymentIntentUpdateParams>
  | Exclude<keyof shapes.TilledRefundCreateParams, keyof sdk.RefundCreateParams>
  | Exclude<keyof shapes.TilledSubscriptionCreateParams, keyof sdk.SubscriptionCreateParams>
  | Exclude<keyof shapes.TilledSubscriptionUpdateParams, keyof sdk.SubscriptionUpdateParams>
  | Exclude<keyof shapes.TilledCheckoutSessionCreateParams, keyof sdk.CheckoutSessionCreateParams>;

/** Each list of ours beside the SDK's of the same meaning. */
const lists: [string, readonly string[], Record<string, string>][] = [
  ['currencies', shapes.CURRENCIES, sdk.PaymentIntentCurrency],
  ['currencies of subscriptions', shapes.CURRENCIES, sdk.SubscriptionCreateParamsCurrency],
  ['payment method types', shapes.PAYMENT_METHOD_TYPES, sdk.PaymentMethodType],
  ['card brands', shapes.CARD_BRANDS, sdk.CardDetailsBrand],
  ['card fundings', shapes.CARD_FUNDINGS, sdk.CardDetailsFunding],
  ['card checks', shapes.CARD_CHECKS, sdk.CardChecksCvcCheck],
  ['bank account types', shapes.BANK_ACCOUNT_TYPES, sdk.AchDebitDetailsAccountType],
  ['payment intent statuses', shapes.PAYMENT_INTENT_STATUSES, sdk.PaymentIntentStatus],
  ['cancellation reasons', shapes.CANCELLATION_REASONS, sdk.PaymentIntentCancelParamsCancellationReason],
  ['cancellation reasons with Tilled’s own', [...shapes.CANCELLATION_REASONS, 'automatic'], sdk.PaymentIntentCancellationReason],
  ['capture methods', shapes.CAPTURE_METHODS, sdk.PaymentIntentCaptureMethod],
  ['occurrence types', shapes.OCCURRENCE_TYPES, sdk.PaymentIntentOccurrenceType],
  ['charge statuses', shapes.CHARGE_STATUSES, sdk.ChargeStatus],
  ['decline codes of charges', shapes.DECLINE_CODES, sdk.ChargeFailureCode],
  ['decline codes of payment intents', shapes.DECLINE_CODES, sdk.PaymentIntentErrorCode],
  ['refund statuses', shapes.REFUND_STATUSES, sdk.RefundStatus],
  ['refund reasons we may give', shapes.REFUND_REASONS, sdk.RefundCreateParamsReason],
  ['refund reasons', [...shapes.REFUND_REASONS, ...shapes.REFUND_REASONS_OF_TILLED], sdk.RefundReason],
  ['refund failure codes', shapes.REFUND_FAILURE_CODES, sdk.RefundFailureCode],
  ['dispute statuses', shapes.DISPUTE_STATUSES, sdk.DisputeStatus],
  ['dispute file types', shapes.DISPUTE_FILE_TYPES, sdk.DisputeFileType],
  ['file purposes', shapes.FILE_PURPOSES, sdk.CreateFilePurpose],
  ['file types', shapes.FILE_TYPES, sdk.ModelFileType],
  ['subscription statuses', shapes.SUBSCRIPTION_STATUSES, sdk.SubscriptionStatus],
  ['interval units', shapes.INTERVAL_UNITS, sdk.SubscriptionIntervalUnit],
  ['checkout session statuses', shapes.CHECKOUT_SESSION_STATUSES, sdk.CheckoutSessionStatus],
  ['account types', shapes.ACCOUNT_TYPES, sdk.AccountType],
  ['account statuses', shapes.ACCOUNT_STATUSES, sdk.AccountStatus],
  ['capability statuses', shapes.CAPABILITY_STATUSES, sdk.AccountCapabilityStatus],
  ['event types', shapes.EVENT_TYPES, sdk.EventType],
  ['event types of endpoints', [...shapes.EVENT_TYPES, '*'], sdk.WebhookEndpointEnabledEvents],
];

describe('our shapes', () => {
  it('fit the types of the SDK and send no field it does not know, or this would not compile', () => {
    const checked: [Answers['length'], Requests['length']] = [16, 18];
    const hasUnknownFields: UnknownFields extends never ? false : true = false;
    expect([checked, hasUnknownFields]).toEqual([[16, 18], false]);
  });
});

describe('our lists of words', () => {
  it.each(lists)('have the same %s as the SDK', (_name, ours, theirs) => {
    expect([...ours].sort()).toEqual(Object.values(theirs).sort());
  });

  const newer: [string, readonly string[], readonly string[]][] = [
    ['card brands', shapes.HEAD_ONLY_CARD_BRANDS, shapes.CARD_BRANDS],
    ['card fundings', shapes.HEAD_ONLY_CARD_FUNDINGS, shapes.CARD_FUNDINGS],
    ['decline codes', shapes.HEAD_ONLY_DECLINE_CODES, shapes.DECLINE_CODES],
    ['file types', shapes.HEAD_ONLY_FILE_TYPES, shapes.FILE_TYPES],
    ['account statuses', shapes.HEAD_ONLY_ACCOUNT_STATUSES, shapes.ACCOUNT_STATUSES],
    ['event types', shapes.HEAD_ONLY_EVENT_TYPES, shapes.EVENT_TYPES],
  ];
  it.each(newer)('keep the newer %s apart', (_name, added, known) => {
    expect(added.filter((word) => known.includes(word))).toEqual([]);
  });

  it('know 40 event types of the SDK and 6 newer ones, none of a refund or an invoice', () => {
    expect([shapes.EVENT_TYPES.length, shapes.HEAD_ONLY_EVENT_TYPES.length]).toEqual([40, 6]);
    expect(shapes.EVENT_TYPES.filter((type) => /^(refund|invoice)\./.test(type))).toEqual([]);
  });
});
