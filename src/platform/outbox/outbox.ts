import type { EntityManager } from '@mikro-orm/core';
import type { IdPrefix } from '../ids.js';
import type { Actor } from '../tenancy/actor.js';
import { type EventDetails, OutboxEvent } from './outbox-event.entity.js';

/** In whose name events are written, and where: a scope with an open transaction. */
export interface EventSource {
  readonly appId: string;
  readonly actor: Actor;
  readonly requestId: string;
  readonly cause: string | null;
  now(): Date;
  newId(prefix: IdPrefix): string;
  writer(): EntityManager;
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
  tx.writer().persist(newEvent(tx, { type: `${noun}.${to.toLowerCase()}`, objectId, fromStatus: from, toStatus: to }));
}

/** Writes down what happened to an object, in the open transaction. */
export function recordEvent(
  tx: EventSource,
  event: { readonly type: string; readonly objectId: string; readonly details?: EventDetails },
): void {
  tx.writer().persist(newEvent(tx, { ...event, fromStatus: '', toStatus: '' }));
}

/** An event of a scope, not yet persisted. */
export function newEvent(
  tx: EventSource,
  event: { readonly type: string; readonly objectId: string; fromStatus: string; toStatus: string; readonly details?: EventDetails },
): OutboxEvent {
  return tx.writer().create(
    OutboxEvent,
    {
      appId: tx.appId,
      id: tx.newId('evt'),
      details: null,
      ...event,
      actor: tx.actor.kind,
      actorId: idOf(tx.actor),
      requestId: tx.requestId,
      cause: tx.cause,
      createdAt: tx.now(),
    },
    { persist: false },
  );
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
