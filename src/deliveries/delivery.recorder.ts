import type { Scope } from '../platform/tenancy/scope.js';
import { WebhookDeliveryStatus } from './delivery.entity.js';
import { type SameEnd, type WaitingDelivery, WebhookDeliveryRepository } from './delivery.repository.js';
import { type Attempted, loggedAfter, type RoundResult } from './delivery.round.js';
import { isTooOldToWait, waitMsAfter } from './retry.plan.js';

const { DELIVERED, FAILED, GAVE_UP } = WebhookDeliveryStatus;

/** What to write down of a round. Made once, outside the transaction, which may be begun anew. */
export interface RoundRecord {
  readonly ends: readonly SameEnd[];
  /** Ids of deliveries that wait behind another of their lane. */
  readonly behind: readonly string[];
  /** Lanes in which nothing waits for another attempt any more. */
  readonly freed: readonly string[];
}

/** What a round comes to in rows. `blocked` was not sent: an earlier one of its lane has to come first. */
export function recordOf({ attempted, held }: RoundResult, blocked: readonly WaitingDelivery[]): RoundRecord {
  const ends = [...Map.groupBy(attempted, keyOf).values()].flatMap(sameEnd);
  const waiting = new Set(ends.filter(({ waitMs }) => waitMs !== null).flatMap(({ logs }) => [...logs.keys()]));
  const waits = new Set(attempted.filter(({ delivery }) => waiting.has(delivery.id)).map(({ delivery }) => delivery.lane));
  // Only behind one that had failed before does anything wait.
  const triedAgain = new Set(attempted.filter(({ delivery }) => delivery.attempts > 0).map(({ delivery }) => delivery.lane));
  return {
    ends,
    behind: [...blocked, ...held.filter(({ lane }) => waits.has(lane))].map(({ id }) => id),
    freed: [...triedAgain].filter((lane) => !waits.has(lane)),
  };
}

/** Writes it down, in a few statements however many deliveries there are. */
export async function writeRecord(tx: Scope, endpointId: string, { ends, behind, freed }: RoundRecord): Promise<void> {
  const deliveries = WebhookDeliveryRepository.of(tx);
  for (const end of ends) await deliveries.record(end);
  await deliveries.putBehind(behind);
  // After that, so that what was put behind one that is through goes on too.
  await deliveries.letOn(endpointId, freed);
}

function keyOf(attempted: Attempted): string {
  const { delivery, reply } = attempted;
  return JSON.stringify([delivery.attempts, reply.status, reply.error, reply.retryAfterMs, isLast(attempted)]);
}

function isLast({ delivery, at }: Attempted): boolean {
  return isTooOldToWait(at.getTime() - delivery.createdAt.getTime());
}

function sameEnd(group: readonly Attempted[]): SameEnd[] {
  const [first] = group;
  if (first === undefined) return [];
  const { reply, delivery } = first;
  const attempts = delivery.attempts + 1;
  const waitMs = reply.error === null || isLast(first) ? null : waitMsAfter(attempts, reply.retryAfterMs);
  const status = reply.error === null ? DELIVERED : waitMs === null ? GAVE_UP : FAILED;
  const logs = new Map(group.map((attempted) => [attempted.delivery.id, loggedAfter(attempted.delivery.log, attempted)]));
  return [{ status, attempts, lastStatus: reply.status, lastError: reply.error, waitMs, logs }];
}
