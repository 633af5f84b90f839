import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { Node } from '../../graphql/node.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { DisputeRepository } from '../disputes/dispute.repository.js';
import { DivergenceRepository } from '../kit/divergence.repository.js';
import { PaymentMethodRepository } from '../payment-methods/payment-method.repository.js';
import { PaymentRepository } from '../payments/payment.repository.js';
import { RefundRepository } from '../refunds/refund.repository.js';
import { SubscriptionRepository } from '../subscriptions/subscription.repository.js';
import { WebhookEventRepository } from '../webhooks/webhook-event.repository.js';

/** How a node is found, by the prefix of its id. */
const FINDERS: Readonly<Record<string, (scope: Scope, id: string) => Promise<Node | null>>> = {
  cus: (scope, id) => CustomerRepository.of(scope).findLive(id),
  pm: (scope, id) => PaymentMethodRepository.of(scope).find(id),
  sub: (scope, id) => SubscriptionRepository.of(scope).find(id),
  pay: (scope, id) => PaymentRepository.of(scope).find(id),
  re: (scope, id) => RefundRepository.of(scope).find(id),
  dp: (scope, id) => DisputeRepository.of(scope).find(id),
  // As webhookEvents: not for read-only keys, whose holders look after customers and not after deliveries.
  whe: async (scope, id) => (scope.actor.kind === 'read_only' ? null : WebhookEventRepository.of(scope).find(id)),
  dv: async (scope, id) => (scope.actor.kind === 'read_only' ? null : DivergenceRepository.of(scope).find(id)),
};

@Resolver()
export class NodeResolver {
  @Allow(...READERS, 'customer')
  @Query(() => Node, { nullable: true, description: "Null for another app's id, as for a random one." })
  async node(@Arg('id', () => ID) id: string, @Ctx() scope: Scope): Promise<Node | null> {
    const [prefix = ''] = id.split('_');
    return Object.hasOwn(FINDERS, prefix) ? ((await FINDERS[prefix]?.(scope, id)) ?? null) : null;
  }
}
