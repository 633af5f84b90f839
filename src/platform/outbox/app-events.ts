import { inserting } from '../db/sql.js';
import type { EventSource, PendingAppEvent } from './outbox.js';

/** Which form payloads have. It grows by fields without changing; a change that breaks readers changes it. */
export const EVENT_SCHEMA_VERSION = '1';

const COLUMNS =
  'app_id, id, type, schema_version, object_id, sequence, person_id, cause, payload, occurred_at, created_at, unpublished_since';
const ROWS_A_STATEMENT = 200;

/** Tells the app, once the open transaction is committed, what happened to an object. */
export function recordAppEvent(tx: EventSource, event: Omit<PendingAppEvent, 'id'>): void {
  tx.db.pendingAppEvents().push({ ...event, id: tx.newId('ev') });
}

/** Writes what a transaction tells its app, in one statement for all of it. To be awaited before its commit. */
export async function writeAppEvents(tx: EventSource): Promise<void> {
  const events = tx.db.pendingAppEvents().splice(0);
  const shared = { cause: causeOf(tx), occurredAt: tx.businessNow(), now: tx.now() };
  const payloadOf = remembering();
  for (let start = 0; start < events.length; start += ROWS_A_STATEMENT) {
    const rows = events.slice(start, start + ROWS_A_STATEMENT);
    await tx.db.run(
      inserting('billing_app_events', COLUMNS, rows.length),
      rows.flatMap((event) => valuesOf(tx.caller.app.id, { event, ...shared, payload: payloadOf(event) })),
    );
  }
}

/** Events of one object in one transaction show the same. */
function remembering(): (event: PendingAppEvent) => string {
  const known = new Map<string, string>();
  return ({ objectId, payload }) => {
    const text = known.get(objectId) ?? JSON.stringify(payload());
    known.set(objectId, text);
    return text;
  };
}

interface Written {
  readonly event: PendingAppEvent;
  readonly payload: string;
  readonly cause: string;
  readonly occurredAt: Date;
  readonly now: Date;
}

function valuesOf(appId: string, { event, payload, cause, occurredAt, now }: Written): unknown[] {
  const { id, type, objectId, sequence, personId } = event;
  return [appId, id, type, EVENT_SCHEMA_VERSION, objectId, sequence, personId, cause, payload, occurredAt, now, now];
}

const CAUSE_LENGTH_MAX = 255;
/** What a job that follows webhook events has for its cause begins so. */
const WEBHOOK_EVENT = 'whe_';

/** What made it happen: a mutation and its request, the webhook events that made us look, a job, a command. */
export function causeOf({ caller: { actor, requestId }, request: { mutation, cause } }: EventSource): string {
  const told = () => {
    if (mutation !== null) return `mutation:${mutation} ${requestId}`;
    if (cause?.startsWith(WEBHOOK_EVENT)) return `webhook:${cause}`;
    const [what = requestId] = ('id' in actor ? actor.id : undefined)?.split(' ') ?? [];
    return `${actor.kind}:${what}${cause === null ? '' : ` ${cause}`}`;
  };
  return told().slice(0, CAUSE_LENGTH_MAX);
}
