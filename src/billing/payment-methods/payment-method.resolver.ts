import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { PartArgs, partOf } from '../../graphql/connection.js';
import { INPUT } from '../../graphql/descriptions.js';
import { MOVES_MONEY, MOVES_NO_MONEY } from '../../graphql/money.js';
import { type PayloadOf, respond } from '../../graphql/payload.js';
import { NestedPage } from '../../graphql/reads/row-resolvers.js';
import { Reads } from '../../graphql/reads/selected-columns.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { Customer } from '../customers/customer.entity.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { PaymentMethod } from './payment-method.entity.js';
import {
  PaymentMethodAttachInput,
  PaymentMethodDetachInput,
  PaymentMethodPayload,
  PaymentMethodSetDefaultInput,
} from './payment-method.inputs.js';
import { PaymentMethodRepository } from './payment-method.repository.js';
import { PaymentMethodService } from './payment-method.service.js';

type Payload = PayloadOf<'paymentMethod', PaymentMethod>;

@Resolver(() => PaymentMethod)
export class PaymentMethodResolver {
  constructor(private readonly methods: PaymentMethodService) {}

  @Allow(...READERS, 'customer')
  @Query(() => PaymentMethod, {
    nullable: true,
    description: 'One payment method by id, also a detached one; null where there is none, and for what is not for the caller.',
  })
  paymentMethod(
    @Arg('id', () => ID, { description: 'Our id pm_…, not the one of Tilled.js.' }) id: string,
    @Ctx() scope: Scope,
  ): Promise<PaymentMethod | null> {
    return PaymentMethodRepository.of(scope).find(id);
  }

  @Reads('customerId')
  @FieldResolver(() => Customer, { description: 'Whose it is, or was.' })
  customer(@Root() method: PaymentMethod, @Ctx() scope: Scope): Promise<Customer> {
    return CustomerRepository.of(scope).get(method.customerId);
  }

  @Allow('service', 'customer')
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => PaymentMethodPayload, {
    description:
      'Attaches a payment method of Tilled.js to a customer, so that it can be charged. NOT_FOUND if the processor does not know it or it belongs to somebody else, PROCESSOR_REJECTED if it has expired or was used up: collect it anew and use a new key.',
  })
  paymentMethodAttach(
    @Arg('input', () => PaymentMethodAttachInput, { description: INPUT }) input: PaymentMethodAttachInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('paymentMethod', input, () => this.methods.attach(scope, input));
  }

  @Allow('service', 'customer')
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => PaymentMethodPayload, {
    description: 'Makes a method the one that is charged where none is named. Done twice it is done once.',
  })
  paymentMethodSetDefault(
    @Arg('input', () => PaymentMethodSetDefaultInput, { description: INPUT }) input: PaymentMethodSetDefaultInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('paymentMethod', input, () => this.methods.setDefault(scope, input));
  }

  @Allow('service', 'customer')
  @Extensions(MOVES_MONEY)
  @Mutation(() => PaymentMethodPayload, {
    description:
      'Detaches a method, so that it is never charged again. PAYMENT_METHOD_IN_USE while a live subscription is paid with it: give the subscription another one first.',
  })
  paymentMethodDetach(
    @Arg('input', () => PaymentMethodDetachInput, { description: INPUT }) input: PaymentMethodDetachInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('paymentMethod', input, () => this.methods.detach(scope, input));
  }
}

@Resolver(() => Customer)
export class CustomerPaymentMethodsResolver {
  @Reads()
  @FieldResolver(() => PaymentMethod, {
    nullable: true,
    description: 'The method that is charged where none is named; null while they have none.',
  })
  defaultPaymentMethod(@Root() customer: Customer, @Ctx() scope: Scope): Promise<PaymentMethod | null> {
    return PaymentMethodRepository.of(scope).defaultOf(customer.id);
  }

  @NestedPage()
  @Reads()
  @FieldResolver(() => [PaymentMethod], {
    description: 'Those attached now, oldest first. At most `first`, 10 if absent; read on with afterId.',
  })
  paymentMethods(@Root() customer: Customer, @Args(() => PartArgs) args: PartArgs, @Ctx() scope: Scope): Promise<PaymentMethod[]> {
    return PaymentMethodRepository.of(scope).shownOf(customer.id, partOf(args));
  }
}
