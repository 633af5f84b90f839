import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection, pageOf } from '../../graphql/connection.js';
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
  @Query(() => Subscription, { nullable: true })
  subscription(@Arg('id', () => ID) id: string, @Ctx() scope: Scope): Promise<Subscription | null> {
    return SubscriptionRepository.of(scope).find(id);
  }

  @Allow(...READERS)
  @Query(() => SubscriptionConnection, { description: 'Newest first.' })
  subscriptions(
    @Args(() => SubscriptionsArgs) args: SubscriptionsArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Subscription>> {
    return connection(SubscriptionRepository.of(scope).list(pageOf(args, columns), args.status ?? null, args.customerId ?? null));
  }

  @Reads('customerId')
  @FieldResolver(() => Customer)
  customer(@Root() subscription: Subscription, @Ctx() scope: Scope): Promise<Customer> {
    return CustomerRepository.of(scope).get(subscription.customerId);
  }

  @Reads('paymentMethodId')
  @FieldResolver(() => PaymentMethod)
  paymentMethod(@Root() subscription: Subscription, @Ctx() scope: Scope): Promise<PaymentMethod> {
    return PaymentMethodRepository.of(scope).get(subscription.paymentMethodId);
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload)
  subscriptionCreate(@Arg('input', () => SubscriptionCreateInput) input: SubscriptionCreateInput, @Ctx() scope: Scope): Promise<Payload> {
    return respond('subscription', input, () => this.service.create(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload)
  subscriptionUpdate(@Arg('input', () => SubscriptionUpdateInput) input: SubscriptionUpdateInput, @Ctx() scope: Scope): Promise<Payload> {
    return respond('subscription', input, () => this.service.update(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload)
  subscriptionPause(@Arg('input', () => SubscriptionPauseInput) input: SubscriptionPauseInput, @Ctx() scope: Scope): Promise<Payload> {
    return respond('subscription', input, () => this.service.pause(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload)
  subscriptionResume(@Arg('input', () => SubscriptionResumeInput) input: SubscriptionResumeInput, @Ctx() scope: Scope): Promise<Payload> {
    return respond('subscription', input, () => this.service.resume(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload)
  subscriptionCancel(@Arg('input', () => SubscriptionCancelInput) input: SubscriptionCancelInput, @Ctx() scope: Scope): Promise<Payload> {
    return respond('subscription', input, () => this.service.cancel(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => SubscriptionPayload)
  subscriptionReactivate(
    @Arg('input', () => SubscriptionReactivateInput) input: SubscriptionReactivateInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('subscription', input, () => this.service.reactivate(scope, input));
  }
}

@Resolver(() => Customer)
export class CustomerSubscriptionsResolver {
  @NestedPage()
  @Reads()
  @FieldResolver(() => SubscriptionConnection, { description: 'Newest first.' })
  subscriptions(
    @Root() customer: Customer,
    @Args(() => CustomerSubscriptionsArgs) args: CustomerSubscriptionsArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Subscription>> {
    return connection(SubscriptionRepository.of(scope).ofCustomer(customer.id, pageOf(args, columns), args.status ?? null));
  }
}
