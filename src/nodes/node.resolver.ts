import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import { Arg, Ctx, ID, Info, Query, Resolver } from 'type-graphql';
import { CustomerRepository } from '../billing/customers/customer.repository.js';
import { DisputeRepository } from '../billing/disputes/dispute.repository.js';
import { DivergenceRepository } from '../billing/kit/divergence.repository.js';
import { PaymentMethodRepository } from '../billing/payment-methods/payment-method.repository.js';
import { PaymentRepository } from '../billing/payments/payment.repository.js';
import { RefundRepository } from '../billing/refunds/refund.repository.js';
import { SubscriptionRepository } from '../billing/subscriptions/subscription.repository.js';
import { WebhookDeliveryRepository } from '../deliveries/delivery.repository.js';
import { WebhookEndpointRepository } from '../deliveries/endpoint.repository.js';
import { AppEventRepository } from '../events/app-event.repository.js';
import { mayRead } from '../events/event.visibility.js';
import { Allow, mayReach, READERS } from '../graphql/access.js';
import { Node } from '../graphql/node.js';
import { Scope } from '../platform/tenancy/scope.js';
import { WebhookEventRepository } from '../webhooks/webhook-event.repository.js';

type Finder = (scope: Scope, id: string, schema: GraphQLSchema) => Promise<Node | null>;

/** Which type a node is of and how it is found, by the prefix of its id. */
const KINDS: Readonly<Record<string, readonly [string, Finder]>> = {
  cus: ['Customer', (scope, id) => CustomerRepository.of(scope).findLive(id)],
  pm: ['PaymentMethod', (scope, id) => PaymentMethodRepository.of(scope).find(id)],
  sub: ['Subscription', (scope, id) => SubscriptionRepository.of(scope).find(id)],
  pay: ['Payment', (scope, id) => PaymentRepository.of(scope).find(id)],
  re: ['Refund', (scope, id) => RefundRepository.of(scope).find(id)],
  dp: ['Dispute', (scope, id) => DisputeRepository.of(scope).find(id)],
  whe: ['WebhookEvent', (scope, id) => WebhookEventRepository.of(scope).find(id)],
  ev: ['Event', findEvent],
  we: ['WebhookEndpoint', (scope, id) => WebhookEndpointRepository.of(scope).findLive(id)],
  wd: ['WebhookDelivery', (scope, id) => WebhookDeliveryRepository.of(scope).find(id)],
  dv: ['Divergence', (scope, id) => DivergenceRepository.of(scope).find(id)],
};

@Resolver()
export class NodeResolver {
  @Allow(...READERS, 'customer', { needs: null })
  @Query(() => Node, {
    nullable: true,
    description: "Any object by its id. Null for another app's id, as for a random one, and for what is not for the caller.",
  })
  async node(
    @Arg('id', () => ID, { description: 'An id of any kind; its prefix says which.' }) id: string,
    @Ctx() scope: Scope,
    @Info() { schema }: GraphQLResolveInfo,
  ): Promise<Node | null> {
    const [prefix = ''] = id.split('_');
    const [typeName, find] = (Object.hasOwn(KINDS, prefix) ? KINDS[prefix] : undefined) ?? [];
    return find !== undefined && mayReach(schema, typeName ?? '', scope.caller.actor) ? find(scope, id, schema) : null;
  }
}

/** An event of an object that the caller may read. */
async function findEvent(scope: Scope, id: string, schema: GraphQLSchema): Promise<Node | null> {
  const event = await AppEventRepository.of(scope).find(id);
  return event !== null && mayRead(schema, scope.caller.actor, event.type) ? event : null;
}
