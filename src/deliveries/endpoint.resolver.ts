import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import { Arg, Ctx, Extensions, Info, Mutation, Query, Resolver } from 'type-graphql';
import { mayRead } from '../events/event.visibility.js';
import { typesWanted } from '../events/event-filter.js';
import { Allow, READERS } from '../graphql/access.js';
import { INPUT } from '../graphql/descriptions.js';
import { forbidden } from '../graphql/errors.js';
import { MOVES_NO_MONEY } from '../graphql/money.js';
import { type PayloadOf, respond } from '../graphql/payload.js';
import { Scope } from '../platform/tenancy/scope.js';
import { WebhookEndpoint } from './endpoint.entity.js';
import {
  WebhookEndpointCreateInput,
  WebhookEndpointDeleteInput,
  WebhookEndpointPayload,
  WebhookEndpointSecretRotateInput,
  WebhookEndpointUpdateInput,
} from './endpoint.inputs.js';
import { WebhookEndpointRepository } from './endpoint.repository.js';
import { type EndpointOutcome, WebhookEndpointService } from './endpoint.service.js';

type Answer = PayloadOf<'webhookEndpoint', WebhookEndpoint> & { readonly secret: string | null };

@Resolver(() => WebhookEndpoint)
export class WebhookEndpointResolver {
  constructor(private readonly service: WebhookEndpointService) {}

  @Allow(...READERS, { needs: 'events:read' })
  @Query(() => [WebhookEndpoint], { description: 'The endpoints of the app, oldest first: at most 50.' })
  webhookEndpoints(@Ctx() scope: Scope): Promise<WebhookEndpoint[]> {
    return WebhookEndpointRepository.of(scope).live();
  }

  @Allow('service', { needs: 'events:write' })
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => WebhookEndpointPayload, {
    description: 'Has the events of the app posted to an address of yours from now on, signed with the secret that is answered.',
  })
  webhookEndpointCreate(
    @Arg('input', () => WebhookEndpointCreateInput, { description: INPUT }) input: WebhookEndpointCreateInput,
    @Ctx() scope: Scope,
    @Info() { schema }: GraphQLResolveInfo,
  ): Promise<Answer> {
    return answer(input, () => this.service.create(scope, input, readableBy(scope, schema)));
  }

  @Allow('service', { needs: 'events:write' })
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => WebhookEndpointPayload, {
    description: 'Changes where events are posted and which, or switches that off and on. What is on its way may still come as before.',
  })
  webhookEndpointUpdate(
    @Arg('input', () => WebhookEndpointUpdateInput, { description: INPUT }) input: WebhookEndpointUpdateInput,
    @Ctx() scope: Scope,
    @Info() { schema }: GraphQLResolveInfo,
  ): Promise<Answer> {
    return answer(input, () => this.service.update(scope, input, readableBy(scope, schema)));
  }

  @Allow('service', { needs: 'events:write' })
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => WebhookEndpointPayload, {
    description: 'Ends deliveries to an endpoint for good, and gives up what waits for it. Its deliveries stay listed for 30 days.',
  })
  webhookEndpointDelete(
    @Arg('input', () => WebhookEndpointDeleteInput, { description: INPUT }) input: WebhookEndpointDeleteInput,
    @Ctx() scope: Scope,
  ): Promise<Answer> {
    return answer(input, () => this.service.delete(scope, input));
  }

  @Allow('service', { needs: 'events:write' })
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => WebhookEndpointPayload, {
    description:
      'Gives an endpoint a new secret, which is answered. The old one signs too for overlapHours, so that your receiver can change in between; one that was rotated out before ends now.',
  })
  webhookEndpointSecretRotate(
    @Arg('input', () => WebhookEndpointSecretRotateInput, { description: INPUT }) input: WebhookEndpointSecretRotateInput,
    @Ctx() scope: Scope,
  ): Promise<Answer> {
    return answer(input, () => this.service.rotateSecret(scope, input));
  }
}

/** Throws FORBIDDEN for types that a caller may not read: it has none of them posted to an address of its choice. */
function readableBy({ caller: { actor } }: Scope, schema: GraphQLSchema): (types: readonly string[]) => void {
  return (types) => {
    const hidden = typesWanted(types, 'types').find((type) => !mayRead(schema, actor, type));
    if (hidden !== undefined)
      throw forbidden(`This key may not read what ${hidden} tells of, so it may not have it posted either. Nothing was done.`);
  };
}

/** The payload, with the secret beside the endpoint. */
async function answer(input: object, work: () => Promise<EndpointOutcome>): Promise<Answer> {
  let secret: string | null = null;
  const payload = await respond('webhookEndpoint', input, async () => {
    const outcome = await work();
    secret = outcome.secret;
    return outcome;
  });
  return { ...payload, secret };
}
