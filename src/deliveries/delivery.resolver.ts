import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { AppEvent } from '../events/app-event.entity.js';
import { AppEventRepository } from '../events/app-event.repository.js';
import { Allow, READERS, UNCONFINED } from '../graphql/access.js';
import { type ConnectionValue, connection, pageOf } from '../graphql/connection.js';
import { INPUT } from '../graphql/descriptions.js';
import { MOVES_NO_MONEY } from '../graphql/money.js';
import { respond } from '../graphql/payload.js';
import { Reads, Selected, type SelectedColumns } from '../graphql/reads/selected-columns.js';
import type { UserError } from '../graphql/user-errors.js';
import type { Outcome } from '../platform/idempotency/mutation.js';
import { Scope } from '../platform/tenancy/scope.js';
import { WebhookAttempt, WebhookDelivery, WebhookDeliveryConnection } from './delivery.entity.js';
import { WebhookDeliveriesArgs, WebhookDeliveryPayload, WebhookDeliveryResendInput } from './delivery.inputs.js';
import { WebhookDeliveryRepository } from './delivery.repository.js';
import { WebhookDeliveryService } from './delivery.service.js';
import { WebhookEndpoint } from './endpoint.entity.js';
import { WebhookEndpointTestInput } from './endpoint.inputs.js';
import { WebhookEndpointRepository } from './endpoint.repository.js';
import { EndpointTestService, TEST_TYPE } from './endpoint-test.service.js';

interface Answer {
  readonly count: number;
  readonly replayed: boolean;
  readonly userErrors: UserError[];
}

@Resolver(() => WebhookDelivery)
export class WebhookDeliveryResolver {
  constructor(
    private readonly service: WebhookDeliveryService,
    private readonly tests: EndpointTestService,
  ) {}

  @Allow(...READERS)
  @Query(() => WebhookDeliveryConnection, { description: 'What was and is to be delivered to the endpoints of the app, newest first.' })
  webhookDeliveries(
    @Args(() => WebhookDeliveriesArgs) args: WebhookDeliveriesArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<WebhookDelivery>> {
    return connection(WebhookDeliveryRepository.of(scope).list(pageOf(args, columns), args));
  }

  @Allow('service', { needs: 'events:write' })
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => WebhookDeliveryPayload, {
    description:
      'Posts an event to an endpoint now, which no other endpoint and no feed has, and waits for the answer: webhookDeliveries has it. An answer of 2xx also ends the waiting of an endpoint that failed.',
  })
  webhookEndpointTest(
    @Arg('input', () => WebhookEndpointTestInput, { description: INPUT }) input: WebhookEndpointTestInput,
    @Ctx() scope: Scope,
  ): Promise<Answer> {
    return counted(input, async () => ({
      row: await this.tests.test(scope, input.id, input.type ?? TEST_TYPE),
      errors: [],
      replayed: false,
    }));
  }

  @Allow('service', 'operator', { needs: 'events:write' })
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => WebhookDeliveryPayload, {
    description:
      'Sends events again, soon after, each as a delivery of its own outside of the order of its object. Each call with another key, or none, sends them once more.',
  })
  webhookDeliveryResend(
    @Arg('input', () => WebhookDeliveryResendInput, { description: INPUT }) input: WebhookDeliveryResendInput,
    @Ctx() scope: Scope,
  ): Promise<Answer> {
    return counted(input, () => this.service.resend(scope, input));
  }

  @Reads('appEventId')
  @FieldResolver(() => ID, { description: 'The id of the event that is told, ev_…: the webhook-id under which it is sent.' })
  eventId(@Root() { appEventId }: WebhookDelivery): string {
    return appEventId;
  }

  // Some events tell of what a key that only reads, or is confined, may not see. `events` has those that it may.
  @Allow('service', 'operator', { needs: UNCONFINED })
  @Reads('appEventId')
  @FieldResolver(() => AppEvent, { description: 'What is told. After an erasure the event says no more than that.' })
  event(@Root() { appEventId }: WebhookDelivery, @Ctx() scope: Scope): Promise<AppEvent> {
    return AppEventRepository.of(scope).get(appEventId);
  }

  @Reads('endpointId')
  @FieldResolver(() => WebhookEndpoint, { description: 'Who is told; it may be deleted by now.' })
  endpoint(@Root() { endpointId }: WebhookDelivery, @Ctx() scope: Scope): Promise<WebhookEndpoint> {
    return WebhookEndpointRepository.of(scope).get(endpointId);
  }

  @Reads('attemptLog')
  @FieldResolver(() => [WebhookAttempt], { description: 'Every attempt, the first one first: at most ten. Empty after an erasure.' })
  attemptLog(@Root() { attemptLog }: WebhookDelivery): WebhookAttempt[] {
    return (attemptLog ?? []).map(({ at, ...attempt }) => ({ ...attempt, at: new Date(at) }));
  }
}

/** The payload of what is counted. */
async function counted(input: object, work: () => Promise<Outcome<number>>): Promise<Answer> {
  const { row, replayed, userErrors } = await respond('row', input, work);
  return { count: row ?? 0, replayed, userErrors };
}
