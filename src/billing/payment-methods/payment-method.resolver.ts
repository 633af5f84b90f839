import { Arg, Ctx, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { MOVES_MONEY, MOVES_NO_MONEY } from '../../graphql/money.js';
import { type PayloadOf, respond } from '../../graphql/payload.js';
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
  @Query(() => PaymentMethod, { nullable: true })
  paymentMethod(@Arg('id', () => ID) id: string, @Ctx() scope: Scope): Promise<PaymentMethod | null> {
    return PaymentMethodRepository.of(scope).find(id);
  }

  @FieldResolver(() => Customer)
  customer(@Root() method: PaymentMethod, @Ctx() scope: Scope): Promise<Customer> {
    return CustomerRepository.of(scope).get(method.customerId);
  }

  @Allow('service', 'customer')
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => PaymentMethodPayload)
  paymentMethodAttach(
    @Arg('input', () => PaymentMethodAttachInput) input: PaymentMethodAttachInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('paymentMethod', input, () => this.methods.attach(scope, input));
  }

  @Allow('service', 'customer')
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => PaymentMethodPayload)
  paymentMethodSetDefault(
    @Arg('input', () => PaymentMethodSetDefaultInput) input: PaymentMethodSetDefaultInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('paymentMethod', input, () => this.methods.setDefault(scope, input));
  }

  @Allow('service', 'customer')
  @Extensions(MOVES_MONEY)
  @Mutation(() => PaymentMethodPayload)
  paymentMethodDetach(
    @Arg('input', () => PaymentMethodDetachInput) input: PaymentMethodDetachInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('paymentMethod', input, () => this.methods.detach(scope, input));
  }
}

@Resolver(() => Customer)
export class CustomerPaymentMethodsResolver {
  @Reads()
  @FieldResolver(() => PaymentMethod, { nullable: true })
  defaultPaymentMethod(@Root() customer: Customer, @Ctx() scope: Scope): Promise<PaymentMethod | null> {
    return PaymentMethodRepository.of(scope).defaultOf(customer.id);
  }

  @Reads()
  @FieldResolver(() => [PaymentMethod], { description: 'Those attached now, oldest first.' })
  paymentMethods(@Root() customer: Customer, @Ctx() scope: Scope): Promise<PaymentMethod[]> {
    return PaymentMethodRepository.of(scope).attachedTo(customer.id);
  }
}
