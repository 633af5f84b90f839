import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection, PageArgs, pageOf } from '../../graphql/connection.js';
import { MOVES_MONEY } from '../../graphql/money.js';
import { type PayloadOf, respond } from '../../graphql/payload.js';
import { NestedPage } from '../../graphql/reads/row-resolvers.js';
import { Reads, Selected, type SelectedColumns } from '../../graphql/reads/selected-columns.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { Customer } from '../customers/customer.entity.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { PaymentMethod } from '../payment-methods/payment-method.entity.js';
import { PaymentMethodRepository } from '../payment-methods/payment-method.repository.js';
import { Subscription } from '../subscriptions/subscription.entity.js';
import { SubscriptionRepository } from '../subscriptions/subscription.repository.js';
import { Payment, PaymentConnection } from './payment.entity.js';
import {
  CustomerPaymentsArgs,
  PaymentCancelInput,
  PaymentCaptureInput,
  PaymentCreateInput,
  PaymentPayload,
  PaymentsArgs,
} from './payment.inputs.js';
import { PaymentRepository } from './payment.repository.js';
import { PaymentService } from './payment.service.js';

type Payload = PayloadOf<'payment', Payment>;

@Resolver(() => Payment)
export class PaymentResolver {
  constructor(private readonly service: PaymentService) {}

  @Allow(...READERS, 'customer')
  @Query(() => Payment, { nullable: true })
  payment(@Arg('id', () => ID) id: string, @Ctx() scope: Scope): Promise<Payment | null> {
    return PaymentRepository.of(scope).find(id);
  }

  @Allow(...READERS)
  @Query(() => Payment, { nullable: true })
  paymentByReferenceId(@Arg('referenceId', () => String) referenceId: string, @Ctx() scope: Scope): Promise<Payment | null> {
    return PaymentRepository.of(scope).findByReferenceId(referenceId);
  }

  @Allow(...READERS)
  @Query(() => PaymentConnection, { description: 'Newest first.' })
  payments(
    @Args(() => PaymentsArgs) args: PaymentsArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Payment>> {
    return connection(PaymentRepository.of(scope).list(pageOf(args, columns), args.status ?? null, args.customerId ?? null));
  }

  @Reads('customerId')
  @FieldResolver(() => Customer)
  customer(@Root() payment: Payment, @Ctx() scope: Scope): Promise<Customer> {
    return CustomerRepository.of(scope).get(payment.customerId);
  }

  @Reads('paymentMethodId')
  @FieldResolver(() => PaymentMethod, { nullable: true })
  paymentMethod(@Root() payment: Payment, @Ctx() scope: Scope): Promise<PaymentMethod | null> | null {
    return payment.paymentMethodId === null ? null : PaymentMethodRepository.of(scope).find(payment.paymentMethodId);
  }

  @Reads('subscriptionId')
  @FieldResolver(() => Subscription, { nullable: true })
  subscription(@Root() payment: Payment, @Ctx() scope: Scope): Promise<Subscription | null> | null {
    return payment.subscriptionId === null ? null : SubscriptionRepository.of(scope).find(payment.subscriptionId);
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => PaymentPayload)
  paymentCreate(@Arg('input', () => PaymentCreateInput) input: PaymentCreateInput, @Ctx() scope: Scope): Promise<Payload> {
    return respond('payment', input, () => this.service.create(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => PaymentPayload)
  paymentCapture(@Arg('input', () => PaymentCaptureInput) input: PaymentCaptureInput, @Ctx() scope: Scope): Promise<Payload> {
    return respond('payment', input, () => this.service.capture(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => PaymentPayload)
  paymentCancel(@Arg('input', () => PaymentCancelInput) input: PaymentCancelInput, @Ctx() scope: Scope): Promise<Payload> {
    return respond('payment', input, () => this.service.cancel(scope, input));
  }
}

@Resolver(() => Customer)
export class CustomerPaymentsResolver {
  @NestedPage()
  @Reads()
  @FieldResolver(() => PaymentConnection, { description: 'Newest first.' })
  payments(
    @Root() customer: Customer,
    @Args(() => CustomerPaymentsArgs) args: CustomerPaymentsArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Payment>> {
    return connection(PaymentRepository.of(scope).ofCustomer(customer.id, pageOf(args, columns), args.status ?? null));
  }
}

@Resolver(() => Subscription)
export class SubscriptionPaymentsResolver {
  @NestedPage()
  @Reads()
  @FieldResolver(() => PaymentConnection, { description: 'Newest first.' })
  payments(
    @Root() subscription: Subscription,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Payment>> {
    return connection(PaymentRepository.of(scope).ofSubscription(subscription.id, pageOf(args, columns)));
  }
}
