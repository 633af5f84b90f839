import type { EventObjects } from './events.generated.js';
import type { Event } from './methods.generated.js';

/** Every type of event that this package knows; a newer gateway may send more. */
export type EventType = keyof EventObjects;

/**
 * What becomes of an object in its events once its person is erased: besides `__typename` and `id` this is all there
 * is.
 */
export interface Erasable {
  readonly erased?: true;
}

/** An event of one type. */
export interface EventOf<Type extends EventType> {
  /** The same when it is delivered again. */
  readonly id: string;
  readonly type: Type;
  /** When it happened. */
  readonly timestamp: string;
  readonly schemaVersion: string;
  readonly data: {
    /** The object as the change left it. */
    readonly object: EventObjects[Type];
    /** Counts the events of this object, from 1, without gaps. */
    readonly sequence: number;
    /** What made it happen, for people. */
    readonly cause: string;
  };
}

/** An event, delivered or read in the feed; its type tells what its object is. */
export type BillingEvent = { [Type in EventType]: EventOf<Type> }[EventType];

/** An event of the feed, and where to read on behind it. */
export type FeedEvent = BillingEvent & {
  /** The `after` of what follows: keep it once the event is handled. */
  readonly cursor: string;
};

/** An event of the feed, as it would be delivered. */
export function feedEvent(event: Event, cursor: string): FeedEvent {
  const { id, type, occurredAt, schemaVersion, payload, sequence, cause } = event;
  return { id, type, timestamp: occurredAt, schemaVersion, data: { object: JSON.parse(payload), sequence, cause }, cursor } as FeedEvent;
}
