import { typesWanted } from '../events/event-filter.js';
import { Conflict, InvalidInput } from '../platform/errors.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { DELIVER } from './deliverer.js';
import type { WebhookDeliveryResendInput } from './delivery.inputs.js';
import { type NewDelivery, WebhookDeliveryRepository } from './delivery.repository.js';
import type { WebhookEndpoint } from './endpoint.entity.js';
import { WebhookEndpointRepository } from './endpoint.repository.js';

/** So many events of a range of time at most are sent again at once. */
const RESENT_MAX = 10_000;

/** Sends events again, outside of the order of their objects. */
export class WebhookDeliveryService {
  constructor(private readonly jobs: Jobs) {}

  /** Sends one delivery again, or all events of a range of time that an endpoint wants; returns how many. */
  async resend(scope: Scope, { deliveryId, endpointId, since, until }: WebhookDeliveryResendInput): Promise<number> {
    if (deliveryId && !endpointId && !since && !until) return this.resendOne(scope, deliveryId);
    if (deliveryId || !endpointId || !since)
      throw InvalidInput.because(['deliveryId'], 'Give deliveryId alone, or endpointId with since and perhaps until.');
    const range = { since, until: until ?? scope.now() };
    if (range.since >= range.until) throw InvalidInput.because(['until'], 'until must be after since.');
    return this.resendRange(scope, endpointId, range);
  }

  private async resendOne(scope: Scope, id: string): Promise<number> {
    const { endpointId, appEventId: eventId, position } = await WebhookDeliveryRepository.of(scope).get(id, ['deliveryId']);
    return this.add(scope, endpointId, async () => [{ endpointId, eventId, position, lane: null }]);
  }

  private resendRange(scope: Scope, endpointId: string, range: { readonly since: Date; readonly until: Date }): Promise<number> {
    return this.add(scope, endpointId, async (tx, endpoint) => {
      if (await WebhookDeliveryRepository.of(tx).areWaiting(endpointId, RESENT_MAX))
        throw new Conflict(`${RESENT_MAX} deliveries wait for the endpoint already: ask again once fewer do.`);
      // The database leaves out what is not wanted: the events of years may be in that time.
      const types = typesWanted(endpoint.types, 'types');
      const deliveries: NewDelivery[] = [];
      for (let afterId: string | null = ''; afterId !== null; ) {
        const part = await WebhookDeliveryRepository.of(tx).eventsWithin({ ...range, types }, afterId);
        for (const { id: eventId, position } of part.events) deliveries.push({ endpointId, eventId, position, lane: null });
        if (deliveries.length > RESENT_MAX)
          throw InvalidInput.because(['until'], `More than ${RESENT_MAX} events are in that time: ask for a shorter one.`);
        afterId = part.lastId;
      }
      return deliveries;
    });
  }

  private async add(
    scope: Scope,
    endpointId: string,
    choose: (tx: Scope, endpoint: WebhookEndpoint) => Promise<readonly NewDelivery[]>,
  ): Promise<number> {
    // An id that is none is no subject of a job either.
    await WebhookEndpointRepository.of(scope).getLive(endpointId, ['endpointId']);
    return scope.transaction(async (tx) => {
      await this.jobs.enqueue(tx, { kind: DELIVER, subject: endpointId });
      const endpoint = await WebhookEndpointRepository.of(tx).lockLive(endpointId);
      if (!endpoint.isEnabled) throw new Conflict('The endpoint is disabled: enable it first.');
      const deliveries = await choose(tx, endpoint);
      await WebhookDeliveryRepository.of(tx).append(deliveries);
      return deliveries.length;
    });
  }
}
