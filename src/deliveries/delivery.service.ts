import { typesWanted } from '../events/event-filter.js';
import { Conflict, InvalidInput } from '../platform/errors.js';
import type { LocalMutations } from '../platform/idempotency/local-mutations.js';
import type { LocalMutation, Outcome } from '../platform/idempotency/mutation.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { DELIVER } from './deliverer.js';
import type { WebhookDeliveryResendInput } from './delivery.inputs.js';
import { type NewDelivery, WebhookDeliveryRepository } from './delivery.repository.js';
import type { WebhookEndpoint } from './endpoint.entity.js';
import { WebhookEndpointRepository } from './endpoint.repository.js';

/** So many events of a range of time at most are sent again at once. */
const RESENT_MAX = 10_000;

/** Which deliveries are to be made for an endpoint. */
interface Choice {
  readonly endpointId: string;
  readonly deliveries: (endpoint: WebhookEndpoint) => Promise<readonly NewDelivery[]>;
}

/** Sends events again, outside of the order of their objects. */
export class WebhookDeliveryService {
  constructor(
    private readonly mutations: LocalMutations,
    private readonly jobs: Jobs,
  ) {}

  // A repeat sends nothing, and says so.
  private readonly resending: LocalMutation<number> = { operation: 'webhookDeliveryResend', sells: false, load: async () => 0 };

  /** Sends one delivery again, or all events of a range of time that an endpoint wants; its row is how many. */
  async resend(scope: Scope, input: WebhookDeliveryResendInput): Promise<Outcome<number>> {
    let count = 0;
    const intend = async (tx: Scope) => {
      const { endpointId, deliveries } = await chosenBy(tx, input);
      // An id that is none is no subject of a job either.
      await WebhookEndpointRepository.of(tx).getLive(endpointId, ['endpointId']);
      await this.jobs.enqueue(tx, { kind: DELIVER, subject: endpointId });
      const endpoint = await WebhookEndpointRepository.of(tx).lockLive(endpointId, ['endpointId']);
      if (!endpoint.isEnabled) throw new Conflict('The endpoint is disabled: enable it first.');
      const chosen = await deliveries(endpoint);
      await WebhookDeliveryRepository.of(tx).append(chosen);
      count = chosen.length;
      return { subject: endpointId, isDone: true as const };
    };
    const outcome = await this.mutations.run(scope, this.resending, { input, intend });
    return outcome.replayed ? outcome : { ...outcome, row: count };
  }
}

/** What an input asks for. Throws InvalidInput where it says too much or too little. */
async function chosenBy(tx: Scope, { deliveryId, endpointId, since, until }: WebhookDeliveryResendInput): Promise<Choice> {
  if (deliveryId && !endpointId && !since && !until) return one(tx, deliveryId);
  if (deliveryId || !endpointId || !since)
    throw InvalidInput.because(['deliveryId'], 'Give deliveryId alone, or endpointId with since and perhaps until.');
  const range = { since, until: until ?? tx.now() };
  if (range.since >= range.until) throw InvalidInput.because(['until'], 'until must be after since.');
  return { endpointId, deliveries: (endpoint) => within(tx, endpoint, range) };
}

async function one(tx: Scope, id: string): Promise<Choice> {
  const { endpointId, appEventId: eventId, position } = await WebhookDeliveryRepository.of(tx).get(id, ['deliveryId']);
  return { endpointId, deliveries: async () => [{ endpointId, eventId, position, lane: null }] };
}

async function within(
  tx: Scope,
  { id: endpointId, types }: WebhookEndpoint,
  range: { readonly since: Date; readonly until: Date },
): Promise<readonly NewDelivery[]> {
  if (await WebhookDeliveryRepository.of(tx).areWaiting(endpointId, RESENT_MAX))
    throw new Conflict(`${RESENT_MAX} deliveries wait for the endpoint already: ask again once fewer do.`);
  // The database leaves out what is not wanted: the events of years may be in that time.
  const wanted = { ...range, types: typesWanted(types, 'types') };
  const deliveries: NewDelivery[] = [];
  for (let afterId: string | null = ''; afterId !== null; ) {
    const part = await WebhookDeliveryRepository.of(tx).eventsWithin(wanted, afterId);
    for (const { id: eventId, position } of part.events) deliveries.push({ endpointId, eventId, position, lane: null });
    if (deliveries.length > RESENT_MAX)
      throw InvalidInput.because(['until'], `More than ${RESENT_MAX} events are in that time: ask for a shorter one.`);
    afterId = part.lastId;
  }
  return deliveries;
}
