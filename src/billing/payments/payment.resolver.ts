import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection, PageArgs, pageOf } from '../../graphql/connection.js';
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
import { PaymentNextAction } from './payment.next-action.js';
import { PaymentRepository } from './payment.repository.js';
import { PaymentService } from './payment.service.js';

type Payload = PayloadOf<'payment', Payment>;

@Resolver(() => Payment)
export class PaymentResolver {
  constructor(private readonly service: PaymentService) {}

  @Allow(...READERS, 'customer')
  @Query(() => Payment, { nullable: true, description: 'One payment by id; null where there is none, and for what is not for the caller.' })
  payment(@Arg('id', () => ID, { description: 'An id pay_….' }) id: string, @Ctx() scope: Scope): Promise<Payment | null> {
    return PaymentRepository.of(scope).find(id);
  }

  @Allow(...READERS)
  @Query(() => Payment, {
    nullable: true,
    description:
      "One payment by the app's own name for what it pays: of several the one that took the money or may take it; if none does, the newest. Null where there is none. `payments(referenceId:)` has all.",
  })
  paymentByReferenceId(
    @Arg('referenceId', () => String, { description: 'The referenceId that was given to paymentCreate, exactly.' }) referenceId: string,
    @Ctx() scope: Scope,
  ): Promise<Payment | null> {
    return PaymentRepository.of(scope).findByReferenceId(referenceId);
  }

  @Allow(...READERS)
  @Query(() => PaymentConnection, { description: 'The payments of the app, newest first.' })
  payments(
    @Args(() => PaymentsArgs) args: PaymentsArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Payment>> {
    return connection(PaymentRepository.of(scope).list(filteredPage(args, columns), args));
  }

  @Allow('service', 'customer')
  @Reads('status', 'tilledPaymentIntentId')
  @FieldResolver(() => PaymentNextAction, {
    nullable: true,
    description:
      'What the payer has to do while it is REQUIRES_ACTION; else null. Asked of the processor each time: an error here says that it cannot be asked now, so read it again.',
  })
  nextAction(@Root() payment: Payment, @Ctx() scope: Scope): Promise<PaymentNextAction | null> {
    return this.service.nextAction(scope, payment);
  }

  @Reads('customerId')
  @FieldResolver(() => Customer, { description: 'Who pays, or paid.' })
  customer(@Root() payment: Payment, @Ctx() scope: Scope): Promise<Customer> {
    return CustomerRepository.of(scope).get(payment.customerId);
  }

  @Reads('paymentMethodId')
  @FieldResolver(() => PaymentMethod, { nullable: true, description: 'What was charged; null where it is not known here.' })
  paymentMethod(@Root() payment: Payment, @Ctx() scope: Scope): Promise<PaymentMethod | null> | null {
    return payment.paymentMethodId === null ? null : PaymentMethodRepository.of(scope).find(payment.paymentMethodId);
  }

  @Reads('subscriptionId')
  @FieldResolver(() => Subscription, {
    nullable: true,
    description: 'The subscription whose payment it is; null for one that the app asked for.',
  })
  subscription(@Root() payment: Payment, @Ctx() scope: Scope): Promise<Subscription | null> | null {
    return payment.subscriptionId === null ? null : SubscriptionRepository.of(scope).find(payment.subscriptionId);
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => PaymentPayload, {
    description:
      'Takes money from a customer, or holds it. Ship only on status SUCCEEDED. PAYMENT_DECLINED: ask for another method and use a new key. OUTCOME_UNKNOWN: repeat with the same key; the money is taken at most once.',
  })
  paymentCreate(
    @Arg('input', () => PaymentCreateInput, { description: INPUT }) input: PaymentCreateInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('payment', input, () => this.service.create(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => PaymentPayload, {
    description:
      'Takes what is held, once: all of it or the amount given; the rest is released. OUTCOME_UNKNOWN: repeat with the same key.',
  })
  paymentCapture(
    @Arg('input', () => PaymentCaptureInput, { description: INPUT }) input: PaymentCaptureInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('payment', input, () => this.service.capture(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => PaymentPayload, {
    description:
      'Calls a payment off that took nothing, and releases what it held. OUTCOME_UNKNOWN: repeat with the same key. A captured payment is refunded with refundCreate.',
  })
  paymentCancel(
    @Arg('input', () => PaymentCancelInput, { description: INPUT }) input: PaymentCancelInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('payment', input, () => this.service.cancel(scope, input));
  }
}

@Resolver(() => Customer)
export class CustomerPaymentsResolver {
  @NestedPage()
  @Reads()
  @FieldResolver(() => PaymentConnection, { description: 'Their payments, newest first.' })
  payments(
    @Root() customer: Customer,
    @Args(() => CustomerPaymentsArgs) args: CustomerPaymentsArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Payment>> {
    return connection(PaymentRepository.of(scope).ofCustomer(customer.id, filteredPage(args, columns), args.status ?? null));
  }
}

@Resolver(() => Subscription)
export class SubscriptionPaymentsResolver {
  @NestedPage()
  @Reads()
  @FieldResolver(() => PaymentConnection, { description: 'What was collected for it, or tried, newest first.' })
  payments(
    @Root() subscription: Subscription,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Payment>> {
    return connection(PaymentRepository.of(scope).ofSubscription(subscription.id, pageOf(args, columns)));
  }
}
