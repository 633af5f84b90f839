import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql';
import { Allow } from '../../graphql/access.js';
import { INPUT } from '../../graphql/descriptions.js';
import { MOVES_MONEY } from '../../graphql/money.js';
import { type PayloadOf, respond } from '../../graphql/payload.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { Subscription } from '../subscriptions/subscription.entity.js';
import { SubscriptionPayload, SubscriptionRetryInput } from '../subscriptions/subscription.inputs.js';
import { MissedPaymentService } from './missed-payment.service.js';

@Resolver(() => Subscription)
export class MissedPaymentResolver {
  constructor(private readonly service: MissedPaymentService) {}

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload, {
    description:
      'Collects the missed payment of a PAST_DUE subscription now, which pays the period that runs. A decline is PAYMENT_DECLINED with its declineCode: it stays PAST_DUE. OUTCOME_UNKNOWN: the processor has it and has not taken it yet, which may last half an hour; read the subscription again, or repeat with the same key.',
  })
  subscriptionRetry(
    @Arg('input', () => SubscriptionRetryInput, { description: INPUT }) input: SubscriptionRetryInput,
    @Ctx() scope: Scope,
  ): Promise<PayloadOf<'subscription', Subscription>> {
    return respond('subscription', input, () => this.service.retry(scope, input));
  }
}
