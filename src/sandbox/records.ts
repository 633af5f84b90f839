import type {
  TilledAccount,
  TilledCharge,
  TilledCheckoutSession,
  TilledCurrency,
  TilledCustomer,
  TilledDeclineCode,
  TilledDispute,
  TilledEventType,
  TilledFile,
  TilledPaymentIntent,
  TilledPaymentMethod,
  TilledRefund,
  TilledSubscription,
  TilledWebhookEndpoint,
} from '../tilled/tilled.shapes.js';

// What the sandbox keeps. Mostly the wire shape less what is embedded in it, plus what Tilled knows and does not tell.
// A record is never changed in place: a changed copy is put.

/** An account and who may act for it. Its account_id is its own id. */
export type AccountRecord = TilledAccount & { account_id: string; partner_id: string | null };

/** An API key; its id is the hash of it. */
export interface KeyRecord {
  id: string;
  /** Its ends, to be told from others by. Absent where an earlier version kept the key itself for an id. */
  hint?: string;
  account_id: string;
  type: 'secret' | 'publishable';
  scopes: string[];
}

/** What becomes of a confirmed card payment instead of money or a decline; the last is that nothing was tried. */
export const CONFIRM_OUTCOMES = ['processing', 'requires_action', 'requires_payment_method'] as const;

/** What an intent that requires an action says: where to send the payer, or nothing, as far as the SDK knows. */
export const NEXT_ACTIONS = ['redirect_to_url', 'none'] as const;

/** What becomes of a card refund instead of success. */
export const REFUND_OUTCOMES = ['pending', 'failed'] as const;

/** An outcome a test wants, of the next `times` or, when null, of all. */
export interface Wish<T> {
  outcome: T;
  times: number | null;
}

/** What tests want of payments with a method. A decline begins after as many payments as passes_left. */
export interface MethodWishes {
  passes_left: number;
  confirm: Wish<(typeof CONFIRM_OUTCOMES)[number]> | null;
  /** What an intent that requires an action says of it, and how long the action may take; absent is a redirect. */
  next_action?: { kind: (typeof NEXT_ACTIONS)[number]; life_ms: number | null };
  refund: Wish<(typeof REFUND_OUTCOMES)[number]> | null;
}

/** A payment method without its numbers. `chargeable` ends when it is used up or detached. */
export type PaymentMethodRecord = TilledPaymentMethod & {
  account_id: string;
  declines_with: TilledDeclineCode | null;
  wishes?: MethodWishes;
  was_detached?: boolean;
};

/** A single-use token of the hosted fields: the method it will become. */
export interface TokenRecord {
  id: string;
  account_id: string;
  expires_at: string;
  details: Pick<TilledPaymentMethod, 'type' | 'card' | 'card_present' | 'ach_debit' | 'eft_debit' | 'billing_details'>;
}

/** A payment intent, its embedded objects as ids. */
export type PaymentIntentRecord = Omit<TilledPaymentIntent, 'charges' | 'customer' | 'payment_method'> & {
  customer_id: string | null;
  payment_method_id: string | null;
};

/** A charge, with the amount and currency Tilled does not repeat on it, and whether the nightly batch took it. */
export type ChargeRecord = Omit<TilledCharge, 'refunds' | 'balance_transaction'> & {
  account_id: string;
  amount: number;
  currency: TilledCurrency;
  is_batched: boolean;
  balance_transaction_id: string;
};

/** A refund; its balance transaction is made from it. */
export type RefundRecord = Omit<TilledRefund, 'balance_transaction'> & {
  account_id: string;
  currency: TilledCurrency;
  balance_transaction_id: string;
};

/** A dispute; its balance transactions are made from it. */
export type DisputeRecord = Omit<TilledDispute, 'balance_transactions'> & { balance_transaction_id: string };

/** An uploaded file. Its contents are not kept. */
export type FileRecord = TilledFile & { account_id: string };

/** A subscription, and whether a payment of it ever went through. */
export type SubscriptionRecord = TilledSubscription & { has_been_paid: boolean };

/** An event. Its body is the JSON that is delivered and listed, so that both are the same bytes' worth. */
export interface EventRecord {
  id: string;
  account_id: string;
  type: TilledEventType;
  created_at: string;
  object_id: string;
  body: string;
}

/** A webhook endpoint with its secret. */
export type WebhookEndpointRecord = TilledWebhookEndpoint & { secret: string };

/** Something to be done at a time. Of two at the same time the lower rank goes first, then the older. */
export interface Due {
  id: string;
  account_id: string;
  due_ms: number;
  rank: number;
}

/** What a timer does when it is due. */
export type TimerKind =
  | 'authorization.expire'
  | 'action.expire'
  | 'bank.settle'
  | 'refund.settle'
  | 'batch'
  | 'dispute.open'
  | 'dispute.decide'
  | 'dispute.lose'
  | 'subscription.cancel'
  | 'subscription.pause'
  | 'subscription.resume'
  | 'subscription.charge'
  | 'checkout.expire';

/** A timer on an object; its id is kind and object, so that there is one of each. */
export type TimerRecord = Due & { kind: TimerKind; object_id: string };

/** A delivery not yet done: attempt counts from 1. */
export type DeliveryRecord = Due & { event_id: string; endpoint_id: string; attempt: number };

export type CustomerRecord = TilledCustomer;
export type CheckoutSessionRecord = TilledCheckoutSession;
