// The wire of Tilled for gateway and sandbox: snake_case, ISO times, amounts in minor units, absent = null.
// Lists of values are closed here; a client must still tolerate a value it does not know.

/** Currencies of a payment, lower case. */
export const CURRENCIES = ['aud', 'cad', 'dkk', 'eur', 'hkd', 'jpy', 'nzd', 'nok', 'gbp', 'zar', 'sek', 'chf', 'usd'] as const;
export type TilledCurrency = (typeof CURRENCIES)[number];

/** Kinds of payment method. */
export const PAYMENT_METHOD_TYPES = ['card', 'ach_debit', 'eft_debit', 'card_present'] as const;
export type TilledPaymentMethodType = (typeof PAYMENT_METHOD_TYPES)[number];

/** Card brands of SDK 1.0.13; newer ones are in HEAD_ONLY_CARD_BRANDS. */
// biome-ignore format: one value a line would bury the rest of the file
export const CARD_BRANDS = [
  'amex', 'diners', 'discover', 'jcb', 'maestro', 'mastercard', 'solo', 'visa', 'visa_debit', 'visa_electron', 'unknown',
] as const;
export type TilledCardBrand = (typeof CARD_BRANDS)[number] | (typeof HEAD_ONLY_CARD_BRANDS)[number];

/** Card brands Tilled added after SDK 1.0.13. */
export const HEAD_ONLY_CARD_BRANDS = ['interac'] as const;

/** Card funding of SDK 1.0.13; newer ones are in HEAD_ONLY_CARD_FUNDINGS. */
export const CARD_FUNDINGS = ['credit', 'debit', 'prepaid', 'unknown'] as const;
export type TilledCardFunding = (typeof CARD_FUNDINGS)[number] | (typeof HEAD_ONLY_CARD_FUNDINGS)[number];

/** Card fundings Tilled added after SDK 1.0.13. */
export const HEAD_ONLY_CARD_FUNDINGS = ['charge_card'] as const;

/** Outcomes of an address or CVC check. */
export const CARD_CHECKS = ['pass', 'fail', 'unavailable', 'unchecked'] as const;
export type TilledCardCheck = (typeof CARD_CHECKS)[number];

/** Kinds of bank account as Tilled reports them. */
export const BANK_ACCOUNT_TYPES = ['checking', 'savings', 'unknown'] as const;
export type TilledBankAccountType = (typeof BANK_ACCOUNT_TYPES)[number];

/** States of a payment intent. There is no "failed": a decline is requires_payment_method with last_payment_error. */
// biome-ignore format: one value a line would bury the rest of the file
export const PAYMENT_INTENT_STATUSES = [
  'requires_payment_method', 'requires_confirmation', 'requires_action', 'processing', 'requires_capture', 'succeeded', 'canceled',
] as const;
export type TilledPaymentIntentStatus = (typeof PAYMENT_INTENT_STATUSES)[number];

/** Why we may cancel a payment intent. */
export const CANCELLATION_REASONS = ['duplicate', 'fraudulent', 'requested_by_customer', 'abandoned'] as const;
export type TilledCancellationReason = (typeof CANCELLATION_REASONS)[number];

/** Whether a confirmed card payment is captured at once or by a later call. */
export const CAPTURE_METHODS = ['automatic', 'manual'] as const;
export type TilledCaptureMethod = (typeof CAPTURE_METHODS)[number];

/** Who initiated a payment with a stored method, and why. */
export const OCCURRENCE_TYPES = ['consumer_ad_hoc', 'merchant_ad_hoc', 'merchant_recurring'] as const;
export type TilledOccurrenceType = (typeof OCCURRENCE_TYPES)[number];

/** States of a charge. */
export const CHARGE_STATUSES = ['succeeded', 'pending', 'failed'] as const;
export type TilledChargeStatus = (typeof CHARGE_STATUSES)[number];

/** Why a charge failed: cards, banks (ACH return codes R..), terminals. An open list: Tilled adds to it. */
// biome-ignore format: one value a line would bury the rest of the file
export const DECLINE_CODES = [
  'account_closed', 'account_frozen', 'account_number_invalid', 'authorization_revoked', 'avs_check_failed', 'bank_account_blocked',
  'call_issuer', 'card_not_supported', 'expired_card', 'fraudulent', 'generic_decline', 'incorrect_cvc', 'insufficient_funds',
  'invalid_expiry', 'invalid_field', 'invalid_number', 'limit_exceeded', 'no_account', 'not_authorized', 'not_permitted',
  'processing_error', 'not_recognized', 'pickup_card', 'restricted_card', 'risk_blocked', 'service_not_allowed', 'stop_payment',
  'try_again_later', 'authentication_required', 'do_not_honor', 'duplicate_transaction', 'format_error', 'incorrect_pin',
  'invalid_account', 'invalid_address', 'invalid_amount', 'invalid_credentials', 'invalid_merchant_account', 'invalid_request',
  'invalid_token', 'invalid_transaction', 'invalid_zip', 'issuer_not_available', 'lost_card', 'no_action_taken', 'no_card',
  'pin_try_exceeded', 'stolen_card', 'terminal_authentication_required', 'R01', 'R02', 'R03', 'R04', 'R05', 'R06', 'R07', 'R08',
  'R09', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15', 'R16', 'R17', 'R18', 'R19', 'R20', 'R21', 'R22', 'R23', 'R24', 'R25', 'R26',
  'R27', 'R28', 'R29', 'R30', 'R31', 'R32', 'R33', 'R34', 'R35', 'R36', 'R37', 'R38', 'R39', 'R40', 'R41', 'R42', 'R43', 'R44',
  'R45', 'R46', 'R47', 'R50', 'R51', 'R52', 'R53', 'R61', 'R62', 'R63', 'R64', 'R65', 'R66', 'R67', 'R68', 'R69', 'R70', 'R71',
  'R72', 'R73', 'R74', 'R75', 'R76', 'R77', 'R80', 'R81', 'R82', 'R83', 'R84', 'R85', 'internal_error', 'card_removed', 'canceled',
  'device_is_busy',
] as const;
export type TilledDeclineCode = (typeof DECLINE_CODES)[number] | (typeof HEAD_ONLY_DECLINE_CODES)[number];

/** Decline codes Tilled added after SDK 1.0.13. */
export const HEAD_ONLY_DECLINE_CODES = ['partial_authorization'] as const;

/** States of a refund. */
export const REFUND_STATUSES = ['pending', 'succeeded', 'failed', 'canceled', 'requires_action'] as const;
export type TilledRefundStatus = (typeof REFUND_STATUSES)[number];

/** Reasons we may give for a refund; free text is refused. */
export const REFUND_REASONS = ['duplicate', 'fraudulent', 'requested_by_customer'] as const;
export type TilledRefundReason = (typeof REFUND_REASONS)[number];

/** Reasons only Tilled itself gives. */
export const REFUND_REASONS_OF_TILLED = ['expired_uncaptured_charge', 'partial_capture', 'reversal'] as const;

/** Why a refund failed. */
// biome-ignore format: one value a line would bury the rest of the file
export const REFUND_FAILURE_CODES = [
  'expired_or_canceled_card', 'lost_or_stolen_card', 'fraudulent', 'risk_blocked', 'declined',
  'proprietary_card_activity_regulations', 'blacklisted_card', 'not_permitted', 'processing_error', 'device_is_busy',
  'try_again_later',
] as const;
export type TilledRefundFailureCode = (typeof REFUND_FAILURE_CODES)[number];

/** States of a dispute; the warning_ ones are inquiries. */
// biome-ignore format: one value a line would bury the rest of the file
export const DISPUTE_STATUSES = [
  'warning_needs_response', 'warning_under_review', 'warning_closed', 'needs_response', 'under_review', 'closed', 'won', 'lost',
] as const;
export type TilledDisputeStatus = (typeof DISPUTE_STATUSES)[number];

/** What a file of dispute evidence shows. */
// biome-ignore format: one value a line would bury the rest of the file
export const DISPUTE_FILE_TYPES = [
  'customer_communications', 'refund_policy', 'cancellation_policy', 'customer_signature', 'receipt', 'service_documentation',
  'duplicate_charge_documentation', 'shipping_documentation', 'uncategorized',
] as const;
export type TilledDisputeFileType = (typeof DISPUTE_FILE_TYPES)[number];

/** Purposes a file may be uploaded for. */
export const FILE_PURPOSES = ['logo', 'icon', 'dispute_evidence', 'onboarding_documentation', 'isv_cover_sheet'] as const;
export type TilledFilePurpose = (typeof FILE_PURPOSES)[number];

/** File types of SDK 1.0.13; newer ones are in HEAD_ONLY_FILE_TYPES. */
export const FILE_TYPES = ['png', 'jpg', 'pdf', 'csv', 'tiff', 'ico'] as const;
export type TilledFileType = (typeof FILE_TYPES)[number] | (typeof HEAD_ONLY_FILE_TYPES)[number];

/** File types Tilled added after SDK 1.0.13. */
export const HEAD_ONLY_FILE_TYPES = ['xlsx', 'xls', 'zip'] as const;

/** States of a subscription. */
export const SUBSCRIPTION_STATUSES = ['pending', 'active', 'past_due', 'paused', 'canceled'] as const;
export type TilledSubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

/** Units of a billing interval. */
export const INTERVAL_UNITS = ['week', 'month', 'year'] as const;
export type TilledIntervalUnit = (typeof INTERVAL_UNITS)[number];

/** States of a checkout session. */
export const CHECKOUT_SESSION_STATUSES = ['open', 'complete', 'expired'] as const;
export type TilledCheckoutSessionStatus = (typeof CHECKOUT_SESSION_STATUSES)[number];

/** Kinds of account. */
export const ACCOUNT_TYPES = ['partner', 'merchant', 'reseller'] as const;
export type TilledAccountType = (typeof ACCOUNT_TYPES)[number];

/** States of an account in SDK 1.0.13; newer ones are in HEAD_ONLY_ACCOUNT_STATUSES. */
// biome-ignore format: one value a line would bury the rest of the file
export const ACCOUNT_STATUSES = [
  'active', 'requires_pricing', 'funding_hold', 'account_review', 'partially_active', 'action_required', 'created', 'started',
  'disabled', 'rejected', 'withdrawn',
] as const;
export type TilledAccountStatus = (typeof ACCOUNT_STATUSES)[number] | (typeof HEAD_ONLY_ACCOUNT_STATUSES)[number];

/** Account states Tilled added after SDK 1.0.13. */
export const HEAD_ONLY_ACCOUNT_STATUSES = ['onboarding'] as const;

/** States of a capability; only an active one can take payments of its type. */
export const CAPABILITY_STATUSES = ['created', 'started', 'submitted', 'active', 'disabled', 'in_review', 'rejected', 'withdrawn'] as const;
export type TilledCapabilityStatus = (typeof CAPABILITY_STATUSES)[number];

/** Event types of SDK 1.0.13. Refunds, invoices and subscription.deleted have none. */
// biome-ignore format: one value a line would bury the rest of the file
export const EVENT_TYPES = [
  'account.updated', 'charge.captured', 'charge.expired', 'charge.failed', 'charge.succeeded', 'charge.pending', 'charge.refunded',
  'charge.refund.pending', 'charge.refund.updated', 'charge.updated', 'customer.created', 'customer.deleted', 'customer.updated',
  'dispute.created', 'dispute.updated', 'payment_intent.canceled', 'payment_intent.created', 'payment_intent.payment_failed',
  'payment_intent.processing', 'payment_intent.requires_action', 'payment_intent.succeeded',
  'payment_intent.amount_capturable_updated', 'payment_method.attached', 'payment_method.detached', 'payment_method.updated',
  'payout.created', 'payout.failed', 'payout.paid', 'payout.updated', 'platform_fee.created', 'platform_fee.refunded',
  'subscription.created', 'subscription.canceled', 'subscription.updated', 'report_run.succeeded', 'report_run.failed',
  'outbound_transfer.pending', 'outbound_transfer.failed', 'outbound_transfer.canceled', 'outbound_transfer.succeeded',
] as const;
export type TilledEventType = (typeof EVENT_TYPES)[number] | (typeof HEAD_ONLY_EVENT_TYPES)[number];

/** Event types Tilled added after SDK 1.0.13. */
// biome-ignore format: one value a line would bury the rest of the file
export const HEAD_ONLY_EVENT_TYPES = [
  'esignature_document.sent', 'esignature_document.completed', 'esignature_signer.sent', 'esignature_signer.viewed',
  'esignature_signer.completed', 'independent_credit.succeeded',
] as const;

/** Our words on an object: at most 50 keys of 40 characters, values of 500. Null or '' in an update removes a key. */
export type TilledMetadata = Record<string, string>;
export type TilledMetadataParams = Record<string, string | null> | null;

/** One page of a list, newest first. */
export interface TilledList<T> {
  items: T[];
  has_more: boolean;
  limit: number;
  offset: number;
  total: number;
}

/** The body of an error, when it is JSON at all. */
export interface TilledErrorBody {
  statusCode?: number;
  message: string | string[];
  error?: string;
  code?: string;
}

/** A person or company that pays. There is no single name field. */
export interface TilledCustomer {
  id: string;
  account_id: string;
  created_at: string;
  updated_at: string;
  email: string | null;
  first_name: string | null;
  middle_name: string | null;
  last_name: string | null;
  phone: string | null;
  metadata: TilledMetadata | null;
}

/** Body of POST and PATCH customers. */
export interface TilledCustomerParams {
  email?: string | null;
  first_name?: string | null;
  middle_name?: string | null;
  last_name?: string | null;
  phone?: string | null;
  metadata?: TilledMetadataParams;
}

/** An address of Tilled: street and zip, not line1 and postal_code. */
export interface TilledAddress {
  street: string | null;
  street2: string | null;
  city: string | null;
  state: string | null;
  zip: string | null;
  country: string | null;
}

/** Who is billed with a payment method. */
export interface TilledBillingDetails {
  name: string | null;
  email: string | null;
  phone: string | null;
  address: TilledAddress | null;
}

/** What Tilled tells about a card. */
export interface TilledCardDetails {
  apple_pay: boolean | null;
  brand: TilledCardBrand | null;
  funding: TilledCardFunding | null;
  last4: string | null;
  exp_month: number | null;
  exp_year: number | null;
  holder_name: string | null;
  checks: {
    address_line1_check: TilledCardCheck | null;
    address_postal_code_check: TilledCardCheck | null;
    cvc_check: TilledCardCheck | null;
  } | null;
}

/** What Tilled tells about a US bank account: two digits, not four. */
export interface TilledAchDetails {
  account_type: TilledBankAccountType | null;
  bank_name: string | null;
  last2: string | null;
  routing_number: string | null;
}

/** What Tilled tells about a Canadian bank account. */
export interface TilledEftDetails {
  bank_name: string | null;
  institution_id: string | null;
  last2: string | null;
  transit_number: string | null;
}

/** A way to pay. Single-use with an expires_at until it is attached to a customer. */
export interface TilledPaymentMethod {
  id: string;
  type: TilledPaymentMethodType;
  chargeable: boolean;
  created_at: string;
  updated_at: string;
  customer_id: string | null;
  expires_at: string | null;
  nick_name: string | null;
  billing_details: TilledBillingDetails | null;
  metadata: TilledMetadata | null;
  card: TilledCardDetails | null;
  card_present: TilledCardDetails | null;
  ach_debit: TilledAchDetails | null;
  eft_debit: TilledEftDetails | null;
  terminal_reader: null;
}

/** Billing details as sent: anything may be left out. */
export type TilledBillingDetailsParams = Partial<Omit<TilledBillingDetails, 'address'>> & { address?: Partial<TilledAddress> | null };

/** Body of POST payment-methods as the gateway may send it: a token, never numbers. */
export interface TilledPaymentMethodCreateParams {
  type: TilledPaymentMethodType;
  payment_token: string;
  billing_details?: TilledBillingDetailsParams;
  nick_name?: string;
  metadata?: TilledMetadata;
}

/** Body of PATCH payment-methods. */
export interface TilledPaymentMethodUpdateParams {
  billing_details?: TilledBillingDetailsParams;
  nick_name?: string | null;
  metadata?: TilledMetadataParams;
}

/** Body of PUT payment-methods/{id}/attach. */
export interface TilledPaymentMethodAttachParams {
  customer_id: string;
}

/** Why the last attempt on a payment intent failed. */
export interface TilledPaymentError {
  charge_id: string;
  message: string;
  code: TilledDeclineCode | null;
}

/** An intent to collect a payment, with whole customer and payment_method. Never log the client_secret. */
export interface TilledPaymentIntent {
  id: string;
  account_id: string;
  amount: number;
  amount_capturable: number;
  amount_received: number;
  capture_method: TilledCaptureMethod;
  charges: TilledCharge[];
  client_secret: string;
  created_at: string;
  updated_at: string;
  currency: TilledCurrency;
  payment_method_types: TilledPaymentMethodType[];
  status: TilledPaymentIntentStatus;
  canceled_at: string | null;
  cancellation_reason: TilledCancellationReason | 'automatic' | null;
  customer: TilledCustomer | null;
  payment_method: TilledPaymentMethod | null;
  last_payment_error: TilledPaymentError | null;
  next_action?: TilledNextAction | null;
  level3: TilledLevel3 | null;
  metadata: TilledMetadata | null;
  occurrence_type: TilledOccurrenceType | null;
  platform_fee_amount: number | null;
  statement_descriptor_suffix: string | null;
  subscription_id: string | null;
}

/**
 * What the payer has to do while an intent is `requires_action`. Our assumption: the SDK has the status and no such
 * field; without it the payer acts with the client_secret alone.
 */
export interface TilledNextAction {
  type: string;
  redirect_to_url: { url: string } | null;
  expires_at: string | null;
}

/** Line item details for lower interchange on business cards; every field required. */
export interface TilledLevel3 {
  duty_amount: number;
  shipping_amount: number;
  shipping_address_country: string;
  shipping_address_zip: string;
  shipping_from_zip: string;
  line_items: {
    product_code: string;
    product_description: string;
    quantity: number;
    unit_amount: number;
    tax_amount: number;
  }[];
}

/** Body of POST payment-intents. There is no customer_id and no description: put them in metadata. */
export interface TilledPaymentIntentCreateParams {
  amount: number;
  currency: TilledCurrency;
  payment_method_types: TilledPaymentMethodType[];
  payment_method_id?: string;
  confirm?: boolean;
  capture_method?: TilledCaptureMethod;
  platform_fee_amount?: number;
  statement_descriptor_suffix?: string;
  occurrence_type?: TilledOccurrenceType;
  level3?: TilledLevel3;
  metadata?: TilledMetadata;
}

/** Body of PATCH payment-intents. */
export type TilledPaymentIntentUpdateParams = Partial<Omit<TilledPaymentIntentCreateParams, 'confirm' | 'metadata'>> & {
  metadata?: TilledMetadataParams;
};

/** Body of POST payment-intents/{id}/confirm. */
export interface TilledPaymentIntentConfirmParams {
  payment_method_id?: string;
}

/** Body of POST payment-intents/{id}/capture. */
export interface TilledPaymentIntentCaptureParams {
  amount_to_capture?: number;
  platform_fee_amount?: number;
}

/** Body of POST payment-intents/{id}/cancel. */
export interface TilledPaymentIntentCancelParams {
  cancellation_reason?: TilledCancellationReason;
}

/** One attempt at a payment intent. It has no amount, currency or customer of its own. */
export interface TilledCharge {
  id: string;
  payment_intent_id: string;
  payment_method_id: string;
  status: TilledChargeStatus;
  captured: boolean;
  amount_captured: number;
  amount_refunded: number;
  refunded: boolean;
  refunds: TilledRefund[];
  created_at: string;
  updated_at: string;
  captured_at: string | null;
  failed_at: string | null;
  failure_code: TilledDeclineCode | null;
  failure_message: string | null;
  next_steps: string | null;
  details: Record<string, string | null> | null;
  balance_transaction: TilledBalanceTransaction | null;
  platform_fee: null;
}

/** A row of Tilled's ledger. Amounts of fees may be fractional. */
export interface TilledBalanceTransaction {
  id: string;
  account_id: string;
  amount: number;
  currency: TilledCurrency;
  type: 'charge' | 'refund' | 'dispute' | 'dispute_won';
  status: 'available' | 'pending';
  source_id: string;
  source_type: 'charge' | 'refund' | 'dispute';
  available_on: string;
  fee: number;
  net: number;
  fee_details: never[];
  fee_type: null;
  fee_subtype: null;
  payout_id: string | null;
  description: string | null;
  created_at: string;
  updated_at: string;
}

/** Money given back. The currency is that of the payment intent. */
export interface TilledRefund {
  id: string;
  amount: number;
  charge_id: string;
  payment_intent_id: string;
  payment_method_id: string | null;
  status: TilledRefundStatus;
  balance_transaction: TilledBalanceTransaction;
  created_at: string;
  updated_at: string;
  reason: TilledRefundReason | (typeof REFUND_REASONS_OF_TILLED)[number] | null;
  failure_code: TilledRefundFailureCode | null;
  failure_message: string | null;
  metadata: TilledMetadata | null;
}

/** Body of POST refunds: the payment intent, not the charge; no currency. Without amount: everything left. */
export interface TilledRefundCreateParams {
  payment_intent_id: string;
  amount?: number;
  reason?: TilledRefundReason;
  refund_platform_fee?: boolean;
  metadata?: TilledMetadata;
}

/** A cardholder's objection to a charge. Evidence is accepted until closing_at. */
export interface TilledDispute {
  id: string;
  account_id: string;
  charge_id: string;
  amount: number;
  currency: TilledCurrency;
  status: TilledDisputeStatus;
  status_history: { status: TilledDisputeStatus; status_date: string }[];
  balance_transactions: TilledBalanceTransaction[];
  created_at: string;
  updated_at: string;
  closing_at: string | null;
  losing_at: string | null;
  reversed_at: string | null;
  reason_description: string | null;
  evidence: { description: string; files: { file: TilledFile; type: TilledDisputeFileType }[] } | null;
}

/** Body of POST disputes/{id}: at least one file, uploaded before. */
export interface TilledDisputeEvidenceParams {
  description?: string;
  files: { file_id: string; type: TilledDisputeFileType }[];
}

/** An uploaded file, without its contents. */
export interface TilledFile {
  id: string;
  filename: string;
  purpose: TilledFilePurpose;
  size: number;
  type: TilledFileType;
  created_at: string;
  updated_at: string;
  expires_at: string | null;
  title: string | null;
  url: string | null;
}

/** A repeating payment. Tilled knows no trial, period, quantity, item or invoice. */
export interface TilledSubscription {
  id: string;
  account_id: string;
  customer_id: string;
  payment_method_id: string;
  price: number;
  currency: TilledCurrency;
  interval_unit: TilledIntervalUnit;
  interval_count: number;
  billing_cycle_anchor: string;
  status: TilledSubscriptionStatus;
  created_at: string;
  updated_at: string;
  next_payment_at: string | null;
  cancel_at: string | null;
  canceled_at: string | null;
  pause_at: string | null;
  paused_at: string | null;
  resume_at: string | null;
  platform_fee_amount: number | null;
  metadata: TilledMetadata | null;
}

/** Body of POST subscriptions. A trial is a later anchor; an end at the period's end is cancel_at. */
export interface TilledSubscriptionCreateParams {
  customer_id: string;
  payment_method_id: string;
  price: number;
  currency: TilledCurrency;
  interval_unit: TilledIntervalUnit;
  interval_count?: number;
  billing_cycle_anchor: string;
  cancel_at?: string;
  platform_fee_amount?: number;
  metadata?: TilledMetadata;
}

/** Body of PATCH subscriptions. Interval, anchor, currency and customer cannot change. */
export interface TilledSubscriptionUpdateParams {
  price?: number;
  payment_method_id?: string;
  cancel_at?: string | null;
  pause_at?: string | null;
  resume_at?: string | null;
  platform_fee_amount?: number | null;
  metadata?: TilledMetadataParams;
}

/** Body of POST subscriptions/{id}/pause. */
export interface TilledSubscriptionPauseParams {
  resume_at?: string;
}

/** Body of POST subscriptions/{id}/retry. Without a time: today. */
export interface TilledSubscriptionRetryParams {
  next_payment_at?: string;
}

/** One line of a checkout session. */
export interface TilledCheckoutLineItem {
  quantity: number;
  price_data: {
    currency: TilledCurrency;
    unit_amount: number;
    product_data: { name: string; description?: string | null; images?: string[] | null };
  };
}

/** A hosted page that collects one payment. */
export interface TilledCheckoutSession {
  id: string;
  account_id: string;
  amount_total: number;
  currency: TilledCurrency;
  line_items: TilledCheckoutLineItem[];
  payment_intent_id: string;
  payment_method_types: TilledPaymentMethodType[];
  status: TilledCheckoutSessionStatus;
  url: string;
  created_at: string;
  updated_at: string;
  cancel_url: string | null;
  success_url: string | null;
  customer_id: string | null;
  customer_details: { email: string } | null;
  expires_at: string | null;
  metadata: TilledMetadata | null;
}

/** Body of POST checkout-sessions. */
export interface TilledCheckoutSessionCreateParams {
  line_items: TilledCheckoutLineItem[];
  payment_intent_data: {
    payment_method_types: TilledPaymentMethodType[];
    platform_fee_amount?: number;
    metadata?: TilledMetadata;
  };
  customer_id?: string;
  customer_email?: string;
  success_url?: string;
  cancel_url?: string;
  expires_at?: string;
  metadata?: TilledMetadata;
}

/** Something that happened. Data is the complete resource itself; there is no data.object. */
export interface TilledEvent<T = unknown> {
  id: string;
  account_id: string;
  created_at: string;
  updated_at: string;
  type: TilledEventType;
  data: T;
}

/** Where events are delivered. The secret is in the answer to the create call only. */
export interface TilledWebhookEndpoint {
  id: string;
  account_id: string;
  url: string;
  enabled_events: (TilledEventType | '*')[];
  description: string | null;
  created_at: string;
  updated_at: string;
  secret?: string;
}

/** Body of POST (url and enabled_events required) and PATCH webhook-endpoints. */
export interface TilledWebhookEndpointParams {
  url?: string;
  enabled_events?: (TilledEventType | '*')[];
  description?: string | null;
}

/** A merchant or partner of Tilled. */
export interface TilledAccount {
  id: string;
  type: TilledAccountType;
  name: string | null;
  email: string | null;
  status: TilledAccountStatus | null;
  metadata: TilledMetadata | null;
  capabilities: TilledCapability[] | null;
  bank_accounts: never[];
  terminal_readers: never[];
  document_requests: never[];
  business_profile: null;
  settings: null;
  merchant_support: boolean | null;
  white_label_domain: string | null;
  created_at: string;
  updated_at: string;
}

/** Leave of an account to take one type of payment in one currency. */
export interface TilledCapability {
  id: string;
  status: TilledCapabilityStatus;
  pricing_template: TilledPricingTemplate;
  product_code: TilledProductCode;
  requirements_errors: never[];
  onboarding_application_progress: number;
  onboarding_application_url: string | null;
  attributes: null;
}

/** What a capability costs; only what names it is kept here. */
export interface TilledPricingTemplate {
  id: string;
  account_id: string;
  account_monthly_fee: number;
  account_monthly_minimum_fee: number;
  name: string;
  currency: TilledCurrency;
  payment_method_type: TilledPaymentMethodType;
  status: 'active' | 'archived' | 'pending';
  created_at: string;
  updated_at: string;
}

/** The deprecated ancestor of the pricing template. */
export interface TilledProductCode {
  id: string;
  currency: TilledCurrency;
  description: string;
  payment_method_type: TilledPaymentMethodType;
  region: 'US' | 'CA' | null;
  created_at: string;
  updated_at: string;
}

/** The answer of GET health. */
export interface TilledHealth {
  status: 'pass' | 'warn' | 'fail';
  description: string | null;
  notes: string[];
  version: string | null;
}
