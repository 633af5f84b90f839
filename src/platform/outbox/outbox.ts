import type { Scope } from '../tenancy/scope.js';
import { OutboxEvent } from './outbox-event.entity.js';

/** An object's change of state. */
export interface Transition {
  readonly noun: string;
  readonly objectId: string;
  readonly from: string;
  readonly to: string;
}

/** Writes a transition down in the transaction that makes it: both are kept, or neither. */
export function recordTransition(tx: Scope, transition: Transition): void {
  const em = tx.writer();
  const event = em.create(OutboxEvent, {
    appId: tx.appId,
    id: tx.newId('evt'),
    type: `${transition.noun}.${transition.to.toLowerCase()}`,
    objectId: transition.objectId,
    fromStatus: transition.from,
    toStatus: transition.to,
    actor: tx.actor.kind,
    requestId: tx.requestId,
    createdAt: tx.now(),
  });
  em.persist(event);
  tx.afterCommit(() => tx.metrics.countTransition(transition.noun, transition.to));
}
