import type { NewJob } from '../platform/jobs/jobs.js';
import { EVENT_TYPES, type TilledEvent, type TilledEventType } from '../tilled/tilled.shapes.js';

/** Kinds of objects that are fetched again when an event names them. */
export type ObjectKind = 'customer' | 'payment_method' | 'payment_intent' | 'subscription' | 'dispute';

/** The object at Tilled that an event is about. */
export interface EventObject {
  readonly kind: ObjectKind;
  readonly id: string;
}

/** What an event type does here: which object is looked at again, and whether the event itself is a fact to keep. */
interface EventRule {
  /** Where the id of the object is in the event's data. */
  readonly object: { readonly kind: ObjectKind; readonly property: 'id' | 'payment_intent_id' } | null;
  /** Kept append-only: looking at the object again may find that it was overtaken by a later success. */
  readonly isFact: boolean;
}

const RECORDED: EventRule = { object: null, isFact: false };
const customer: EventRule = { object: { kind: 'customer', property: 'id' }, isFact: false };
const paymentMethod: EventRule = { object: { kind: 'payment_method', property: 'id' }, isFact: false };
const paymentIntent: EventRule = { object: { kind: 'payment_intent', property: 'id' }, isFact: false };
// Charges and refunds are part of their payment intent, which is what is fetched.
const charge: EventRule = { object: { kind: 'payment_intent', property: 'payment_intent_id' }, isFact: false };
const subscription: EventRule = { object: { kind: 'subscription', property: 'id' }, isFact: false };
const dispute: EventRule = { object: { kind: 'dispute', property: 'id' }, isFact: false };
const factOf = (rule: EventRule): EventRule => ({ ...rule, isFact: true });

/** Every event type that Tilled emits. Types that are not here are recorded and handled no further, never refused. */
const EVENT_CATALOGUE: Readonly<Record<string, EventRule>> = {
  ...Object.fromEntries(EVENT_TYPES.map((type) => [type, RECORDED])),
  'customer.created': customer,
  'customer.updated': customer,
  'customer.deleted': customer,
  'payment_method.attached': paymentMethod,
  'payment_method.detached': paymentMethod,
  'payment_method.updated': paymentMethod,
  'payment_intent.created': paymentIntent,
  'payment_intent.processing': paymentIntent,
  'payment_intent.requires_action': paymentIntent,
  'payment_intent.amount_capturable_updated': paymentIntent,
  'payment_intent.succeeded': paymentIntent,
  'payment_intent.canceled': paymentIntent,
  'payment_intent.payment_failed': factOf(paymentIntent),
  'charge.succeeded': charge,
  'charge.pending': charge,
  'charge.captured': charge,
  'charge.expired': charge,
  'charge.updated': charge,
  'charge.refunded': charge,
  'charge.failed': factOf(charge),
  'charge.refund.pending': charge,
  'charge.refund.updated': factOf(charge),
  'subscription.created': subscription,
  'subscription.updated': subscription,
  'subscription.canceled': subscription,
  'dispute.created': factOf(dispute),
  'dispute.updated': dispute,
  // Names of the launch checklist that Tilled does not emit: treated as the events that it emits instead.
  'subscription.deleted': subscription,
  'invoice.payment_failed': factOf(paymentIntent),
  'refund.created': charge,
  'refund.updated': factOf(charge),
};

/** The types a webhook endpoint is registered for: those that do something, by the names Tilled knows. */
export const REGISTERED_TYPES: readonly TilledEventType[] = EVENT_TYPES.filter((type) => EVENT_CATALOGUE[type]?.object !== null);

/** The kinds for which there is a job that fetches and records an object. */
export const OBJECT_KINDS: readonly ObjectKind[] = ['customer', 'payment_method', 'payment_intent', 'subscription', 'dispute'];

/** What to look at again after an event; null for events that are only recorded. */
export function objectOf(event: TilledEvent): EventObject | null {
  const object = Object.hasOwn(EVENT_CATALOGUE, event.type) ? EVENT_CATALOGUE[event.type]?.object : null;
  if (!object) return null;
  const id = (event.data as Record<string, unknown>)[object.property];
  return typeof id === 'string' && id.length > 0 && id.length <= 64 ? { kind: object.kind, id } : null;
}

/** The kind of the job that fetches and records an object of this kind. */
export function jobKindOf(kind: ObjectKind): string {
  return `sync.${kind}`;
}

/** One job for each object that events are about. */
export function jobsAbout(events: readonly { readonly objectKind: ObjectKind | null; readonly objectId: string | null }[]): NewJob[] {
  const jobs = events.flatMap(({ objectKind, objectId }) =>
    objectKind === null || objectId === null ? [] : [{ kind: jobKindOf(objectKind), subject: objectId }],
  );
  return [...new Map(jobs.map((job) => [`${job.kind} ${job.subject}`, job])).values()];
}

/** What is kept of an event that the state of its object may not show any more. */
export interface EventFact {
  readonly eventId: string;
  readonly type: string;
  readonly objectId: string;
  readonly paymentIntentId: string | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly amountMinor: number | null;
  readonly occurredAt: Date;
}

/** The fact an event is, or null: a failed attempt, an opened dispute, news of a refund. */
export function factOfEvent(event: TilledEvent, receivedAt: Date): EventFact | null {
  const isFact = Object.hasOwn(EVENT_CATALOGUE, event.type) && EVENT_CATALOGUE[event.type]?.isFact === true;
  const data = event.data as Record<string, unknown>;
  const objectId = text(data.id, 64);
  if (!isFact || objectId === null) return null;
  const error = (data.last_payment_error ?? {}) as Record<string, unknown>;
  return {
    eventId: event.id,
    type: event.type,
    objectId,
    paymentIntentId: objectOf(event)?.kind === 'payment_intent' ? (objectOf(event)?.id ?? null) : null,
    code: text(error.code ?? data.failure_code ?? data.status, 64),
    message: text(error.message ?? data.failure_message ?? data.reason_description, 500),
    amountMinor: Number.isSafeInteger(data.amount) ? Number(data.amount) : null,
    occurredAt: Number.isNaN(Date.parse(event.created_at)) ? receivedAt : new Date(event.created_at),
  };
}

function text(value: unknown, length: number): string | null {
  return typeof value === 'string' ? value.slice(0, length) : null;
}
