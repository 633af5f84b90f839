import type { App, Customer, Dispute, Divergence, Payment, PaymentMethod, Refund, Subscription } from './methods.generated.js';

/** The events of each kind of object: what happened, after the point. */
interface Happenings {
  customer: 'created' | 'updated' | 'deleted';
  payment_method: 'attached' | 'updated' | 'detached';
  subscription: 'created' | 'activated' | 'renewed' | 'changed' | 'past_due' | 'paused' | 'resumed' | 'cancel_scheduled' | 'canceled';
  payment:
    | ('created' | 'requires_action' | 'processing' | 'requires_capture' | 'succeeded' | 'failed' | 'canceled' | 'unknown')
    | ('captured' | 'refunded' | 'updated');
  refund: 'created' | 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled' | 'unknown';
  dispute: 'created' | 'evidence_submitted' | Lowercase<Dispute['status']>;
  divergence: 'opened' | 'closed';
  app: 'limit_reached';
}

/** What each kind of event shows. */
interface Objects {
  customer: Customer;
  payment_method: PaymentMethod;
  subscription: Subscription;
  payment: Payment;
  refund: Refund;
  dispute: Dispute;
  divergence: Divergence;
  app: App;
}

/** Every type of event that this package knows; a newer gateway may send more. */
export type EventType = { [Noun in keyof Happenings]: `${Noun}.${Happenings[Noun]}` }[keyof Happenings];

/** An event of one type. */
export interface EventOf<Type extends string, Shown> {
  /** The same when it is delivered again. */
  readonly id: string;
  readonly type: Type;
  /** When it happened. */
  readonly timestamp: string;
  readonly schemaVersion: string;
  readonly data: {
    /** The object as it was then. Of a customer who was erased since only `id` and `erased` are left. */
    readonly object: Shown;
    /** Counts the events of this object, from 1, without gaps. */
    readonly sequence: number;
    /** What made it happen: `mutation:refundCreate req_…`, `webhook:evt_…`, `job:payment.create`. */
    readonly cause: string;
  };
}

/** An event; its type tells what its object is. */
export type BillingEvent = {
  [Noun in keyof Happenings]: { [What in Happenings[Noun]]: EventOf<`${Noun}.${What}`, Objects[Noun]> }[Happenings[Noun]];
}[keyof Happenings];
