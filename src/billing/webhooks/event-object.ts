import type { TilledEvent } from '../../tilled/tilled.shapes.js';

/** Kinds of objects that are fetched again when an event names them. */
export type ObjectKind = 'customer' | 'payment_method' | 'payment_intent' | 'subscription' | 'dispute';

/** The object at Tilled that an event is about. */
export interface EventObject {
  readonly kind: ObjectKind;
  readonly id: string;
}

const KINDS: readonly ObjectKind[] = ['customer', 'payment_method', 'payment_intent', 'subscription', 'dispute'];

/**
 * What to look at again after an event; null for types that are only recorded (payouts, reports …). Charges and refunds
 * are part of their payment intent, which is what is fetched.
 */
export function objectOf(event: TilledEvent): EventObject | null {
  const [noun = ''] = event.type.split('.');
  const data = event.data as { id?: unknown; payment_intent_id?: unknown };
  if (noun === 'charge') return typeof data.payment_intent_id === 'string' ? { kind: 'payment_intent', id: data.payment_intent_id } : null;
  const kind = KINDS.find((candidate) => candidate === noun);
  return kind !== undefined && typeof data.id === 'string' ? { kind, id: data.id } : null;
}

/** The kind of the job that fetches and records an object of this kind. */
export function jobKindOf(kind: ObjectKind): string {
  return `sync.${kind}`;
}

/** The kinds for which there is such a job. */
export const OBJECT_KINDS: readonly ObjectKind[] = KINDS;
