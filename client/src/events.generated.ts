import type { Erasable } from './events.js';
import type * as api from './methods.generated.js';
/** A App as its events show it. */
export type AppSnapshot = Pick<api.App, '__typename' | 'id' | 'name' | 'suspendedAt'> & Erasable;

/** A Customer as its events show it. */
export type CustomerSnapshot = Pick<api.Customer, '__typename' | 'id' | 'version' | 'externalId' | 'email' | 'name' | 'metadata' | 'missingSince' | 'createdAt' | 'updatedAt'> & Erasable;

/** A Dispute as its events show it. */
export type DisputeSnapshot = Pick<api.Dispute, '__typename' | 'id' | 'status' | 'reason' | 'evidenceDueAt' | 'evidenceSubmittedAt' | 'concededAt' | 'createdAt' | 'updatedAt' | 'amount' | 'payment'> & Erasable;

/** A Divergence as its events show it. */
export type DivergenceSnapshot = Pick<api.Divergence, '__typename' | 'id' | 'kind' | 'class' | 'objectId' | 'tilledId' | 'status' | 'detections' | 'occurredAt' | 'detectedAt' | 'seenAt' | 'closedAt' | 'closedBy' | 'note'> & Erasable;

/** A Payment as its events show it. */
export type PaymentSnapshot = Pick<api.Payment, '__typename' | 'id' | 'status' | 'captureMethod' | 'referenceId' | 'description' | 'failureCode' | 'failureMessage' | 'metadata' | 'createdAt' | 'updatedAt' | 'platformFee' | 'amount' | 'captured' | 'refunded' | 'customer' | 'paymentMethod' | 'subscription'> & Erasable;

/** A PaymentMethod as its events show it. */
export type PaymentMethodSnapshot = Pick<api.PaymentMethod, '__typename' | 'id' | 'type' | 'brand' | 'last4' | 'expMonth' | 'expYear' | 'bankName' | 'bankLast' | 'createdAt' | 'detachedAt' | 'isDefault' | 'customer'> & Erasable;

/** A Refund as its events show it. */
export type RefundSnapshot = Pick<api.Refund, '__typename' | 'id' | 'status' | 'reason' | 'referenceId' | 'failureCode' | 'failureMessage' | 'createdAt' | 'updatedAt' | 'amount' | 'payment'> & Erasable;

/** A Subscription as its events show it. */
export type SubscriptionSnapshot = Pick<api.Subscription, '__typename' | 'id' | 'version' | 'status' | 'planCode' | 'planName' | 'intervalUnit' | 'intervalCount' | 'billingCycleAnchor' | 'currentPeriodStart' | 'currentPeriodEnd' | 'nextPaymentAt' | 'cancelAtPeriodEnd' | 'cancelAt' | 'canceledAt' | 'pauseAt' | 'pausedAt' | 'resumeAt' | 'metadata' | 'createdAt' | 'updatedAt' | 'price' | 'customer' | 'paymentMethod'> & { readonly platformFee: NonNullable<api.SubscriptionPlatformFeeQuery['subscription']>['platformFee']; } & Erasable;

/** A WebhookEndpoint as its events show it. */
export type WebhookEndpointSnapshot = Pick<api.WebhookEndpoint, '__typename' | 'id' | 'version' | 'url' | 'isEnabled' | 'disabledReason' | 'failingSince' | 'createdAt' | 'updatedAt'> & Erasable;

/** The object of each type of event, and when it is written. */
export interface EventObjects {
  /** A customer was made, or imported. */
  'customer.created': CustomerSnapshot;
  /** What is known of a customer changed, or the processor has no such customer any more. */
  'customer.updated': CustomerSnapshot;
  /** A customer was deleted. The payload says nothing of the person any more. */
  'customer.deleted': CustomerSnapshot;
  /** An import was rolled back: this customer was never there. */
  'customer.removed': CustomerSnapshot;
  /** A card or bank account can be charged from now on. */
  'payment_method.attached': PaymentMethodSnapshot;
  /** Its expiry or another masked fact changed, or whether it is the default. */
  'payment_method.updated': PaymentMethodSnapshot;
  /** It is never charged again. */
  'payment_method.detached': PaymentMethodSnapshot;
  /** An import was rolled back: this method was never there. */
  'payment_method.removed': PaymentMethodSnapshot;
  /** The processor has taken it on, or refused to: then it is CANCELED at once. */
  'subscription.created': SubscriptionSnapshot;
  /** It is ACTIVE: its first payment was made, or one that was missed. */
  'subscription.activated': SubscriptionSnapshot;
  /** A further period was paid: currentPeriodEnd moved on. */
  'subscription.renewed': SubscriptionSnapshot;
  /** Anything else of it changed: price, payment method, labels, dates, a planned pause. */
  'subscription.changed': SubscriptionSnapshot;
  /** A payment was declined: ask the customer for another payment method. */
  'subscription.past_due': SubscriptionSnapshot;
  /** Nothing is collected until it resumes. */
  'subscription.paused': SubscriptionSnapshot;
  /** It is not paused any more. */
  'subscription.resumed': SubscriptionSnapshot;
  /** It will end at cancelAt. */
  'subscription.cancel_scheduled': SubscriptionSnapshot;
  /** It ended. */
  'subscription.canceled': SubscriptionSnapshot;
  /** An import was rolled back: this subscription was never there. */
  'subscription.removed': SubscriptionSnapshot;
  /** What became of it was first known; the event of its status comes with it. */
  'payment.created': PaymentSnapshot;
  /** The payer has to do something. */
  'payment.requires_action': PaymentSnapshot;
  /** A bank debit is on its way. */
  'payment.processing': PaymentSnapshot;
  /** The amount is held. */
  'payment.requires_capture': PaymentSnapshot;
  /** The money was taken. Ship on this one. */
  'payment.succeeded': PaymentSnapshot;
  /** It was declined or refused, or a bank debit came back after it succeeded. */
  'payment.failed': PaymentSnapshot;
  /** It was called off, or a hold was released. */
  'payment.canceled': PaymentSnapshot;
  /** The processor has not answered. What became of it is found out by itself, and told. */
  'payment.unknown': PaymentSnapshot;
  /** What was held was taken, all or a part of it. */
  'payment.captured': PaymentSnapshot;
  /** More of it was given back for certain. */
  'payment.refunded': PaymentSnapshot;
  /** Anything else of it changed. */
  'payment.updated': PaymentSnapshot;
  /** It was UNKNOWN, and nothing was asked of the processor: it was never there. */
  'payment.removed': PaymentSnapshot;
  /** The processor has it, or what became of it was first known. */
  'refund.created': RefundSnapshot;
  /** The bank takes its time. */
  'refund.pending': RefundSnapshot;
  /** The processor needs something of a person, in the processor's dashboard. */
  'refund.requires_action': RefundSnapshot;
  /** The money was given back. */
  'refund.succeeded': RefundSnapshot;
  /** Nothing was given back, or the bank sent it back. */
  'refund.failed': RefundSnapshot;
  /** It was called off at the processor. */
  'refund.canceled': RefundSnapshot;
  /** The processor has not answered. What became of it is found out by itself, and told. */
  'refund.unknown': RefundSnapshot;
  /** Anything else of it changed, such as the reason for which it failed. */
  'refund.updated': RefundSnapshot;
  /** It was UNKNOWN, and nothing was asked of the processor: it was never there. */
  'refund.removed': RefundSnapshot;
  /** A bank asks about a payment, or took it back. Look at evidenceDueAt. */
  'dispute.created': DisputeSnapshot;
  /** The bank inquires, and waits for evidence again. */
  'dispute.warning_needs_response': DisputeSnapshot;
  /** The answer to the inquiry is being looked at. */
  'dispute.warning_under_review': DisputeSnapshot;
  /** The inquiry ended; no money was taken. */
  'dispute.warning_closed': DisputeSnapshot;
  /** An inquiry became a dispute, or a decision was appealed: evidence is waited for. */
  'dispute.needs_response': DisputeSnapshot;
  /** The evidence is being looked at. */
  'dispute.under_review': DisputeSnapshot;
  /** It ended without a verdict that is known. */
  'dispute.closed': DisputeSnapshot;
  /** The app keeps the money. */
  'dispute.won': DisputeSnapshot;
  /** The cardholder keeps the money. */
  'dispute.lost': DisputeSnapshot;
  /** Evidence was sent, from here or in the dashboard of the processor. */
  'dispute.evidence_submitted': DisputeSnapshot;
  /** Anything else of it changed: its amount, until when evidence is taken, or the app conceded it. */
  'dispute.updated': DisputeSnapshot;
  /** Requests are refused: `cause` is job:limit.requests for those of its keys, job:limit.session for those of one customer, job:limit.sessions for those of all sessions. At most once an hour for each. */
  'app.limit_reached': AppSnapshot;
  /** Our books and the processor's differ: a person has to look. */
  'divergence.opened': DivergenceSnapshot;
  /** A later look found both sides equal, or a person dealt with it. */
  'divergence.closed': DivergenceSnapshot;
  /** One of your endpoints is told nothing any more: it answered 410, or failed for five days. disabledReason says which. */
  'webhook_endpoint.disabled': WebhookEndpointSnapshot;
}