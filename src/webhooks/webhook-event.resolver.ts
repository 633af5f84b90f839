import {
  Arg,
  Args,
  ArgsType,
  Ctx,
  Extensions,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { Payment } from '../billing/payments/payment.entity.js';
import { Allow, READERS } from '../graphql/access.js';
import { type ConnectionValue, connection, PageArgs, PartArgs, pageOf, partOf } from '../graphql/connection.js';
import { INPUT } from '../graphql/descriptions.js';
import { DateTimeRangeInput, rangesOf } from '../graphql/list-filters.js';
import { MOVES_NO_MONEY } from '../graphql/money.js';
import { type PayloadOf, plainPayload, respond } from '../graphql/payload.js';
import { NestedPage } from '../graphql/reads/row-resolvers.js';
import { Reads, Selected, type SelectedColumns } from '../graphql/reads/selected-columns.js';
import { Scope } from '../platform/tenancy/scope.js';
import { WebhookService } from './webhook.service.js';
import { WebhookEvent, WebhookEventConnection, WebhookEventStatus } from './webhook-event.entity.js';
import { WebhookEventRepository } from './webhook-event.repository.js';
import { WebhookFact } from './webhook-fact.entity.js';
import { WebhookFactRepository } from './webhook-fact.repository.js';

@ArgsType()
class WebhookEventsArgs extends PageArgs {
  @Field(() => [WebhookEventStatus], { nullable: true, description: 'Only events in one of these states. Absent: all.' })
  status?: WebhookEventStatus[] | null;

  @Field(() => String, { nullable: true, description: 'Only events of exactly this type, e.g. payment_intent.succeeded. Absent: of all.' })
  type?: string | null;

  @Field(() => DateTimeRangeInput, { nullable: true, description: 'Only events that arrived first within this time. Absent: all.' })
  receivedAt?: DateTimeRangeInput | null;
}

@InputType({ description: 'An event to handle again.' })
class WebhookEventReplayInput {
  @Field(() => ID, { description: 'Our id whe_… of the event.' })
  id!: string;
}

@ObjectType({ simpleResolvers: true, description: 'What became of a mutation of an event.' })
class WebhookEventPayload extends plainPayload() {
  @Field(() => WebhookEvent, { nullable: true, description: 'The event as it is now; null where nothing was done.' })
  webhookEvent!: WebhookEvent | null;
}

@ObjectType({ simpleResolvers: true, description: 'How well webhooks are being handled.' })
class WebhookHealth {
  @Field(() => Int, { description: 'Events waiting for their turn.' })
  received!: number;

  @Field(() => Int, { description: 'Events that failed and will be tried again.' })
  failed!: number;

  @Field(() => Int, { description: 'Events that wait for a person: replay them once the cause is gone.' })
  dead!: number;

  @Field(() => Date, {
    nullable: true,
    description: 'When the oldest event that is neither handled nor dead was delivered; null where there is none.',
  })
  oldestUnhandledAt!: Date | null;

  @Field(() => Int, { description: 'How long the oldest event that is not dead has been waiting, ms.' })
  lagMs!: number;
}

@Resolver(() => WebhookEvent)
export class WebhookEventResolver {
  constructor(private readonly service: WebhookService) {}

  @Allow('service', 'operator')
  @Query(() => WebhookEventConnection, { description: 'The events that the processor delivered, newest first.' })
  webhookEvents(
    @Args(() => WebhookEventsArgs) args: WebhookEventsArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<WebhookEvent>> {
    const page = { ...pageOf(args, columns), ranges: rangesOf({ receivedAt: args.receivedAt }) };
    return connection(WebhookEventRepository.of(scope).list(page, args.status ?? null, args.type ?? null));
  }

  @Allow('service', 'operator', { needs: 'webhooks:read' })
  @Query(() => WebhookHealth, { description: 'How well webhooks are being handled. `dead` above 0, or lagMs that grows, needs a person.' })
  webhookHealth(@Ctx() scope: Scope): Promise<WebhookHealth> {
    return this.service.health(scope);
  }

  @Allow('service', 'operator')
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => WebhookEventPayload, {
    description:
      'Has the object of an event fetched and recorded again, soon after; always safe. ILLEGAL_TRANSITION for an event that was only recorded.',
  })
  webhookEventReplay(
    @Arg('input', () => WebhookEventReplayInput, { description: INPUT }) input: WebhookEventReplayInput,
    @Ctx() scope: Scope,
  ): Promise<PayloadOf<'webhookEvent', WebhookEvent>> {
    return respond('webhookEvent', input, () => this.service.replay(scope, input.id));
  }
}

@Resolver(() => Payment)
export class PaymentFactsResolver {
  // In the processor's words, for people who look into a payment and not for who made it.
  @Allow(...READERS)
  @NestedPage()
  @Reads('tilledPaymentIntentId')
  @FieldResolver(() => [WebhookFact], {
    description:
      'Failed attempts and the like, also those that a later success overtook, in the order they arrived. At most `first`, 10 if absent; read on with afterId.',
  })
  facts(@Root() payment: Payment, @Args(() => PartArgs) args: PartArgs, @Ctx() scope: Scope): Promise<WebhookFact[]> | WebhookFact[] {
    const { tilledPaymentIntentId } = payment;
    return tilledPaymentIntentId === null ? [] : WebhookFactRepository.of(scope).shownOf(tilledPaymentIntentId, partOf(args));
  }
}
