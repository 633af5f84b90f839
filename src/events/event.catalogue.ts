/** A type of events, as an app subscribes to it. */
export interface EventType {
  /** The GraphQL type of the object that is told of. */
  readonly object: string;
  /** When it is written. */
  readonly when: string;
}

/** Every type of event that an app is told. A type is never renamed; new ones may be added. */
export const EVENT_TYPES = {
  'customer.created': { object: 'Customer', when: 'A customer was made, or imported.' },
  'customer.updated': { object: 'Customer', when: 'What is known of a customer changed, or the processor has no such customer any more.' },
  'customer.deleted': { object: 'Customer', when: 'A customer was deleted. The payload says nothing of the person any more.' },
  'customer.removed': { object: 'Customer', when: 'An import was rolled back: this customer was never there.' },
  'payment_method.attached': { object: 'PaymentMethod', when: 'A card or bank account can be charged from now on.' },
  'payment_method.updated': { object: 'PaymentMethod', when: 'Its expiry or another masked fact changed, or whether it is the default.' },
  'payment_method.detached': { object: 'PaymentMethod', when: 'It is never charged again.' },
  'payment_method.removed': { object: 'PaymentMethod', when: 'An import was rolled back: this method was never there.' },
  'subscription.created': { object: 'Subscription', when: 'The processor has taken it on, or refused to: then it is CANCELED at once.' },
  'subscription.activated': { object: 'Subscription', when: 'It is ACTIVE: its first payment was made, or one that was missed.' },
  'subscription.renewed': { object: 'Subscription', when: 'A further period was paid: currentPeriodEnd moved on.' },
  'subscription.changed': {
    object: 'Subscription',
    when: 'Anything else of it changed: price, payment method, labels, dates, a planned pause.',
  },
  'subscription.past_due': { object: 'Subscription', when: 'A payment was declined: ask the customer for another payment method.' },
  'subscription.paused': { object: 'Subscription', when: 'Nothing is collected until it resumes.' },
  'subscription.resumed': { object: 'Subscription', when: 'It is not paused any more.' },
  'subscription.cancel_scheduled': { object: 'Subscription', when: 'It will end at cancelAt.' },
  'subscription.canceled': { object: 'Subscription', when: 'It ended.' },
  'subscription.removed': { object: 'Subscription', when: 'An import was rolled back: this subscription was never there.' },
  'payment.created': { object: 'Payment', when: 'What became of it was first known; the event of its status comes with it.' },
  'payment.requires_action': { object: 'Payment', when: 'The payer has to do something.' },
  'payment.processing': { object: 'Payment', when: 'A bank debit is on its way.' },
  'payment.requires_capture': { object: 'Payment', when: 'The amount is held.' },
  'payment.succeeded': { object: 'Payment', when: 'The money was taken. Ship on this one.' },
  'payment.failed': { object: 'Payment', when: 'It was declined or refused, or a bank debit came back after it succeeded.' },
  'payment.canceled': { object: 'Payment', when: 'It was called off, or a hold was released.' },
  'payment.unknown': { object: 'Payment', when: 'The processor has not answered. What became of it is found out by itself, and told.' },
  'payment.captured': { object: 'Payment', when: 'What was held was taken, all or a part of it.' },
  'payment.refunded': { object: 'Payment', when: 'More of it was given back for certain.' },
  'payment.updated': { object: 'Payment', when: 'Anything else of it changed.' },
  'payment.removed': { object: 'Payment', when: 'It was UNKNOWN, and nothing was asked of the processor: it was never there.' },
  'refund.created': { object: 'Refund', when: 'The processor has it, or what became of it was first known.' },
  'refund.pending': { object: 'Refund', when: 'The bank takes its time.' },
  'refund.requires_action': { object: 'Refund', when: "The processor needs something of a person, in the processor's dashboard." },
  'refund.succeeded': { object: 'Refund', when: 'The money was given back.' },
  'refund.failed': { object: 'Refund', when: 'Nothing was given back, or the bank sent it back.' },
  'refund.canceled': { object: 'Refund', when: 'It was called off at the processor.' },
  'refund.unknown': { object: 'Refund', when: 'The processor has not answered. What became of it is found out by itself, and told.' },
  'refund.updated': { object: 'Refund', when: 'Anything else of it changed, such as the reason for which it failed.' },
  'refund.removed': { object: 'Refund', when: 'It was UNKNOWN, and nothing was asked of the processor: it was never there.' },
  'dispute.created': { object: 'Dispute', when: 'A bank asks about a payment, or took it back. Look at evidenceDueAt.' },
  'dispute.warning_needs_response': { object: 'Dispute', when: 'The bank inquires, and waits for evidence again.' },
  'dispute.warning_under_review': { object: 'Dispute', when: 'The answer to the inquiry is being looked at.' },
  'dispute.warning_closed': { object: 'Dispute', when: 'The inquiry ended; no money was taken.' },
  'dispute.needs_response': { object: 'Dispute', when: 'An inquiry became a dispute, or a decision was appealed: evidence is waited for.' },
  'dispute.under_review': { object: 'Dispute', when: 'The evidence is being looked at.' },
  'dispute.closed': { object: 'Dispute', when: 'It ended without a verdict that is known.' },
  'dispute.won': { object: 'Dispute', when: 'The app keeps the money.' },
  'dispute.lost': { object: 'Dispute', when: 'The cardholder keeps the money.' },
  'dispute.evidence_submitted': { object: 'Dispute', when: 'Evidence was sent, from here or in the dashboard of the processor.' },
  'dispute.updated': {
    object: 'Dispute',
    when: 'Anything else of it changed: its amount, until when evidence is taken, or the app conceded it.',
  },
  'app.limit_reached': {
    object: 'App',
    when: 'Requests are refused: `cause` is job:limit.requests for those of its keys, job:limit.session for those of one customer, job:limit.sessions for those of all sessions. At most once an hour for each.',
  },
  'divergence.opened': { object: 'Divergence', when: "Our books and the processor's differ: a person has to look." },
  'divergence.closed': { object: 'Divergence', when: 'A later look found both sides equal, or a person dealt with it.' },
  'webhook_endpoint.disabled': {
    object: 'WebhookEndpoint',
    when: 'One of your endpoints is told nothing any more: it answered 410, or failed for five days. disabledReason says which.',
  },
} as const satisfies Readonly<Record<string, EventType>>;

/** The name of a type. */
export type EventTypeName = keyof typeof EVENT_TYPES;
