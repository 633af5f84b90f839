import { Arg, Args, ArgsType, Ctx, Field, ID, InputType, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { Allow } from '../../graphql/access.js';
import { type ConnectionValue, connection, PageArgs, pageOf } from '../../graphql/connection.js';
import { type PayloadOf, plainPayload, respond } from '../../graphql/payload.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { WebhookService } from './webhook.service.js';
import { WebhookEvent, WebhookEventConnection, WebhookEventStatus } from './webhook-event.entity.js';
import { WebhookEventRepository } from './webhook-event.repository.js';

@ArgsType()
class WebhookEventsArgs extends PageArgs {
  @Field(() => [WebhookEventStatus], { nullable: true })
  status?: WebhookEventStatus[] | null;

  @Field(() => String, { nullable: true })
  type?: string | null;
}

@InputType({ description: 'Has the object of the event fetched and recorded again; always safe.' })
class WebhookEventReplayInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType({ simpleResolvers: true })
class WebhookEventPayload extends plainPayload() {
  @Field(() => WebhookEvent, { nullable: true })
  webhookEvent!: WebhookEvent | null;
}

@Resolver(() => WebhookEvent)
export class WebhookEventResolver {
  constructor(private readonly service: WebhookService) {}

  @Allow('service', 'operator')
  @Query(() => WebhookEventConnection, { description: 'Newest first.' })
  webhookEvents(@Args(() => WebhookEventsArgs) args: WebhookEventsArgs, @Ctx() scope: Scope): Promise<ConnectionValue<WebhookEvent>> {
    return connection(WebhookEventRepository.of(scope).list(pageOf(args), args.status ?? null, args.type ?? null));
  }

  @Allow('service', 'operator')
  @Mutation(() => WebhookEventPayload)
  webhookEventReplay(
    @Arg('input', () => WebhookEventReplayInput) input: WebhookEventReplayInput,
    @Ctx() scope: Scope,
  ): Promise<PayloadOf<'webhookEvent', WebhookEvent>> {
    return respond('webhookEvent', input, () => this.service.replay(scope, input.id));
  }
}
