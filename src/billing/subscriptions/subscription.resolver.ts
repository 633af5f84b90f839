import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection } from '../../graphql/connection.js';
import { INPUT } from '../../graphql/descriptions.js';
import { filteredPage } from '../../graphql/list-filters.js';
import { MOVES_MONEY } from '../../graphql/money.js';
import { type PayloadOf, respond } from '../../graphql/payload.js';
import { NestedPage } from '../../graphql/reads/row-resolvers.js';
import { Reads, Selected, type SelectedColumns } from '../../graphql/reads/selected-columns.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { Customer } from '../customers/customer.entity.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { PaymentMethod } from '../payment-methods/payment-method.entity.js';
import { PaymentMethodRepository } from '../payment-methods/payment-method.repository.js';
import { Subscription, SubscriptionConnection } from './subscription.entity.js';
import {
  CustomerSubscriptionsArgs,
  SubscriptionCancelInput,
  SubscriptionCreateInput,
  SubscriptionPauseInput,
  SubscriptionPayload,
  SubscriptionReactivateInput,
  SubscriptionResumeInput,
  SubscriptionsArgs,
  SubscriptionUpdateInput,
} from './subscription.inputs.js';
import { SubscriptionRepository } from './subscription.repository.js';
import { SubscriptionService } from './subscription.service.js';

type Payload = PayloadOf<'subscription', Subscription>;

@Resolver(() => Subscription)
export class SubscriptionResolver {
  constructor(private readonly service: SubscriptionService) {}

  @Allow(...READERS, 'customer')
  @Query(() => Subscription, {
    nullable: true,
    description: 'One subscription by id; null where there is none, and for what is not for the caller.',
  })
  subscription(@Arg('id', () => ID, { description: 'An id sub_….' }) id: string, @Ctx() scope: Scope): Promise<Subscription | null> {
    return SubscriptionRepository.of(scope).find(id);
  }

  @Allow(...READERS)
  @Query(() => SubscriptionConnection, { description: 'The subscriptions of the app, newest first.' })
  subscriptions(
    @Args(() => SubscriptionsArgs) args: SubscriptionsArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Subscription>> {
    return connection(SubscriptionRepository.of(scope).list(filteredPage(args, columns), args.status ?? null, args.customerId ?? null));
  }

  @Reads('customerId')
  @FieldResolver(() => Customer, { description: 'Who pays.' })
  customer(@Root() subscription: Subscription, @Ctx() scope: Scope): Promise<Customer> {
    return CustomerRepository.of(scope).get(subscription.customerId);
  }

  @Reads('paymentMethodId')
  @FieldResolver(() => PaymentMethod, { description: 'What is charged.' })
  paymentMethod(@Root() subscription: Subscription, @Ctx() scope: Scope): Promise<PaymentMethod> {
    return PaymentMethodRepository.of(scope).get(subscription.paymentMethodId);
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload, {
    description:
      'Begins a subscription: the processor collects it from its anchor on. It is PENDING until the first payment was made, which may be some seconds later. OUTCOME_UNKNOWN: repeat with the same key.',
  })
  subscriptionCreate(
    @Arg('input', () => SubscriptionCreateInput, { description: INPUT }) input: SubscriptionCreateInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('subscription', input, () => this.service.create(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload, {
    description:
      'Changes what is collected from the next payment on, and the labels at once. Nothing is collected now, but for what a PAST_DUE subscription missed when another method takes the place of the one that failed. OUTCOME_UNKNOWN: read it again, or repeat with the same key.',
  })
  subscriptionUpdate(
    @Arg('input', () => SubscriptionUpdateInput, { description: INPUT }) input: SubscriptionUpdateInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('subscription', input, () => this.service.update(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload, {
    description:
      'Stops collecting until subscriptionResume, or until resumeAt. What was paid is not given back. OUTCOME_UNKNOWN: read it again, or repeat with the same key.',
  })
  subscriptionPause(
    @Arg('input', () => SubscriptionPauseInput, { description: INPUT }) input: SubscriptionPauseInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('subscription', input, () => this.service.pause(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload, {
    description:
      'Goes on collecting, by the same cycle as before, or takes back a pause that has not begun. What fell due meanwhile is not collected. OUTCOME_UNKNOWN: read it again, or repeat with the same key.',
  })
  subscriptionResume(
    @Arg('input', () => SubscriptionResumeInput, { description: INPUT }) input: SubscriptionResumeInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('subscription', input, () => this.service.resume(scope, input));
  }

  @Allow('service', 'customer')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload, {
    description:
      'Ends a subscription, at once or at the end of the period. Nothing is given back. A customer session may where PortalPolicy.mayCancel has the mode, else it is FORBIDDEN. OUTCOME_UNKNOWN: read it again, or repeat with the same key.',
  })
  subscriptionCancel(
    @Arg('input', () => SubscriptionCancelInput, { description: INPUT }) input: SubscriptionCancelInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('subscription', input, () => this.service.cancel(scope, input));
  }

  @Allow('service', 'customer')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload, {
    description:
      'Takes back a cancellation at period end that has not happened yet. A customer session may where PortalPolicy.mayCancel has AT_PERIOD_END, else it is FORBIDDEN. OUTCOME_UNKNOWN: read it again, or repeat with the same key.',
  })
  subscriptionReactivate(
    @Arg('input', () => SubscriptionReactivateInput, { description: INPUT }) input: SubscriptionReactivateInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('subscription', input, () => this.service.reactivate(scope, input));
  }
}

@Resolver(() => Customer)
export class CustomerSubscriptionsResolver {
  @NestedPage()
  @Reads()
  @FieldResolver(() => SubscriptionConnection, { description: 'Their subscriptions, newest first.' })
  subscriptions(
    @Root() customer: Customer,
    @Args(() => CustomerSubscriptionsArgs) args: CustomerSubscriptionsArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Subscription>> {
    return connection(SubscriptionRepository.of(scope).ofCustomer(customer.id, filteredPage(args, columns), args.status ?? null));
  }
}
