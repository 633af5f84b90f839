import type { PublishedEvent } from '../events/app-event.repository.js';
import { isWanted } from '../events/event-filter.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { DELIVER } from './deliverer.js';
import { WebhookDeliveryRepository } from './delivery.repository.js';
import { WebhookEndpointRepository } from './endpoint.repository.js';

/** Hands published events on to the endpoints that want them. */
export class FanOut {
  constructor(private readonly jobs: Jobs) {}

  /** In the transaction that publishes: what is published is delivered, and nothing else. It only adds. */
  async add(tx: Scope, events: readonly PublishedEvent[]): Promise<void> {
    const endpoints = (await WebhookEndpointRepository.of(tx).live()).filter(({ isEnabled }) => isEnabled);
    const deliveries = endpoints.flatMap(({ id: endpointId, types }) =>
      events
        .filter(({ type }) => isWanted(type, types))
        .map(({ id: eventId, objectId: lane, position }) => ({ endpointId, eventId, lane, position })),
    );
    if (deliveries.length === 0) return;
    const wanted = new Set(deliveries.map(({ endpointId }) => endpointId));
    // Before the deliveries, as who delivers has them: the other way round they could wait for each other.
    await this.jobs.enqueueAll(
      tx,
      [...wanted].map((subject) => ({ kind: DELIVER, subject })),
    );
    await WebhookDeliveryRepository.of(tx).append(deliveries);
  }
}
