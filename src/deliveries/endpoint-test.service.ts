import { InvalidInput } from '../platform/errors.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import { causeOf, EVENT_SCHEMA_VERSION } from '../platform/outbox/app-events.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { DELIVER } from './deliverer.js';
import { WebhookDeliveryStatus } from './delivery.entity.js';
import { WebhookDeliveryRepository } from './delivery.repository.js';
import { loggedAfter } from './delivery.round.js';
import type { WebhookEndpoint } from './endpoint.entity.js';
import { WebhookEndpointRepository } from './endpoint.repository.js';
import type { ToldEvent } from './message.js';
import type { Reply } from './post.js';
import type { Sender } from './sender.js';

/** The type of an event that says no more than that it can be received. */
export const TEST_TYPE = 'endpoint.test';

interface EndpointTestParts {
  readonly sender: Sender;
  readonly jobs: Jobs;
  /** An endpoint as events show it. */
  readonly shown: (endpoint: WebhookEndpoint) => object;
  /** What docs/events.md has as the example of a type; null where there is no such type. */
  readonly exampleOf: (type: string) => object | null;
}

interface Tested {
  readonly endpoint: WebhookEndpoint;
  readonly event: ToldEvent;
  readonly reply: Reply;
  readonly at: Date;
}

/** Tries endpoints: sends an event that is in no feed, and that no other endpoint hears of. */
export class EndpointTestService {
  constructor(private readonly parts: EndpointTestParts) {}

  /** Sends one now, signed as all are, and keeps what came of it as a delivery. It is not tried again. Returns 1. */
  async test(scope: Scope, id: string, type: string): Promise<number> {
    const endpoint = await WebhookEndpointRepository.of(scope).getLive(id);
    const event = this.eventOf(scope, endpoint, type);
    const at = scope.now();
    const reply = await this.parts.sender.to(endpoint, scope)({ event });
    await scope.transaction(async (tx) => {
      // It is well again: what waits for it need not wait any longer.
      if (reply.error === null && endpoint.isEnabled) await this.parts.jobs.enqueue(tx, { kind: DELIVER, subject: id });
      if (reply.error === null) await WebhookEndpointRepository.of(tx).markWell(id);
      await this.keep(tx, { endpoint, event, reply, at });
    });
    return 1;
  }

  /** Of what never happened: a receiver that acts on it finds nothing that it could do twice. */
  private eventOf(scope: Scope, endpoint: WebhookEndpoint, type: string): ToldEvent {
    const object = type === TEST_TYPE ? this.parts.shown(endpoint) : this.parts.exampleOf(type);
    if (object === null)
      throw InvalidInput.because(['type'], `There is no event of type ${type.slice(0, 64)}; docs/events.md has all types.`);
    const payload = JSON.stringify(object);
    return {
      ...{ id: scope.newId('ev'), type, schemaVersion: EVENT_SCHEMA_VERSION, sequence: 1, occurredAt: scope.businessNow() },
      ...{ cause: causeOf(scope), payload },
    };
  }

  /** The event has no place in the feed, and is the only one of its object, which is this delivery. */
  private async keep(tx: Scope, { endpoint, event, reply, at }: Tested): Promise<void> {
    const [id, now] = [tx.newId('wd'), tx.now()];
    const deliveries = WebhookDeliveryRepository.of(tx);
    await deliveries.addUnpublished(event, id);
    const delivery = { id, lane: id, attempts: 0, log: [], createdAt: now, event };
    deliveries.add({
      ...{ id, endpointId: endpoint.id, appEventId: event.id, lane: id, position: 0, turn: null, dueAt: null, createdAt: now },
      ...{ attempts: 1, lastStatus: reply.status, lastError: reply.error, attemptLog: loggedAfter([], { delivery, reply, at }) },
      ...(reply.error === null
        ? { status: WebhookDeliveryStatus.DELIVERED, deliveredAt: now }
        : { status: WebhookDeliveryStatus.GAVE_UP, deliveredAt: null }),
    });
  }
}
