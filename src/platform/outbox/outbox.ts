import { inserting } from '../db/sql.js';
import type { IdPrefix } from '../ids.js';
import type { Actor } from '../tenancy/actor.js';
import type { EventDetails } from './outbox-event.entity.js';

/** An event of the open transaction. It is written at the end, before the commit. */
export interface PendingEvent {
  readonly id: string;
  readonly type: string;
  readonly objectId: string;
  readonly fromStatus: string;
  readonly toStatus: string;
  readonly createdAt: Date;
  details: EventDetails | null;
}

/** An event for the app, of the open transaction. It is written at the end, before the commit. */
export interface PendingAppEvent {
  readonly id: string;
  readonly type: string;
  readonly objectId: string;
  /** Its place among the events of its object, from 1 without gaps. */
  readonly sequence: number;
  /** Whose person it tells of; null where it tells of nobody. */
  readonly personId: string | null;
  /** The object as the commit leaves it, in the form of the API. Asked once everything is written. */
  readonly payload: () => object;
}

/** Who causes events, and where they are written: a scope with an open transaction. */
export interface EventSource {
  readonly caller: { readonly app: { readonly id: string }; readonly actor: Actor; readonly requestId: string };
  readonly request: { readonly cause: string | null; readonly mutation: string | null };
  readonly db: {
    /** The events of the open transaction that are not written yet. Throws outside one. */
    pendingEvents(): PendingEvent[];
    /** The same of events for the app. */
    pendingAppEvents(): PendingAppEvent[];
    run(sql: string, parameters: readonly unknown[]): Promise<number>;
  };
  now(): Date;
  businessNow(): Date;
  newId(prefix: IdPrefix): string;
}

/** An object's change of state. */
export interface Transition {
  readonly noun: string;
  readonly objectId: string;
  readonly from: string;
  readonly to: string;
}

/** Writes a transition down in the transaction that makes it: both are kept, or neither. */
export function recordTransition(tx: EventSource, { noun, objectId, from, to }: Transition): void {
  note(tx, { type: `${noun}.${to.toLowerCase()}`, objectId, fromStatus: from, toStatus: to, details: null });
}

/** Writes down what happened to an object, in the open transaction. */
export function recordEvent(
  tx: EventSource,
  { type, objectId, details = null }: { readonly type: string; readonly objectId: string; readonly details?: EventDetails | null },
): void {
  note(tx, { type, objectId, fromStatus: '', toStatus: '', details });
}

function note(tx: EventSource, event: Omit<PendingEvent, 'id' | 'createdAt'>): void {
  tx.db.pendingEvents().push({ ...event, id: tx.newId('evt'), createdAt: tx.now() });
}

const COLUMNS = 'app_id, id, type, object_id, from_status, to_status, actor, actor_id, request_id, cause, details, created_at';
const ROWS_A_STATEMENT = 200;

/** Writes the events of a transaction, in one statement for all that it did. To be awaited before its commit. */
export async function writeEvents(tx: EventSource): Promise<void> {
  const events = tx.db.pendingEvents().splice(0);
  for (let start = 0; start < events.length; start += ROWS_A_STATEMENT) {
    const rows = events.slice(start, start + ROWS_A_STATEMENT);
    await tx.db.run(
      inserting('billing_events', COLUMNS, rows.length),
      rows.flatMap((event) => valuesOf(tx, event)),
    );
  }
}

function valuesOf({ caller: { app, actor, requestId }, request }: EventSource, event: PendingEvent): unknown[] {
  const { id, type, objectId, fromStatus, toStatus, details, createdAt } = event;
  const told = details === null ? null : JSON.stringify(details);
  return [app.id, id, type, objectId, fromStatus, toStatus, actor.kind, idOf(actor), requestId, request.cause, told, createdAt];
}

function idOf(actor: Actor): string | null {
  switch (actor.kind) {
    case 'service':
    case 'read_only':
    case 'operator':
      return actor.keyId;
    case 'customer':
      return actor.customerId;
    default:
      return actor.id ?? null;
  }
}
