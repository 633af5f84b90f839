import { Arg, Args, Ctx, Extensions, ID, Mutation, Query, Resolver } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection, pageOf } from '../../graphql/connection.js';
import { MOVES_MONEY, MOVES_NO_MONEY } from '../../graphql/money.js';
import { type PayloadOf, respond } from '../../graphql/payload.js';
import { Selected, type SelectedColumns } from '../../graphql/reads/selected-columns.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { Customer, CustomerConnection } from './customer.entity.js';
import { CustomerCreateInput, CustomerDeleteInput, CustomerPayload, CustomersArgs, CustomerUpdateInput } from './customer.inputs.js';
import { CustomerRepository } from './customer.repository.js';
import { CustomerService } from './customer.service.js';

type Payload = PayloadOf<'customer', Customer>;

@Resolver(() => Customer)
export class CustomerResolver {
  constructor(private readonly customers: CustomerService) {}

  @Allow(...READERS, 'customer')
  @Query(() => Customer, { nullable: true })
  customer(@Arg('id', () => ID) id: string, @Ctx() scope: Scope): Promise<Customer | null> {
    return CustomerRepository.of(scope).findLive(id);
  }

  @Allow(...READERS)
  @Query(() => Customer, { nullable: true })
  customerByExternalId(@Arg('externalId', () => String) externalId: string, @Ctx() scope: Scope): Promise<Customer | null> {
    return CustomerRepository.of(scope).findByExternalId(externalId);
  }

  @Allow(...READERS)
  @Query(() => CustomerConnection, { name: 'customers', description: 'Newest first.' })
  customersPage(
    @Args(() => CustomersArgs) args: CustomersArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Customer>> {
    return connection(CustomerRepository.of(scope).list(pageOf(args, columns), args.email ?? null));
  }

  @Allow('service')
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => CustomerPayload)
  customerCreate(@Arg('input', () => CustomerCreateInput) input: CustomerCreateInput, @Ctx() scope: Scope): Promise<Payload> {
    return respond('customer', input, () => this.customers.create(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => CustomerPayload)
  customerUpdate(@Arg('input', () => CustomerUpdateInput) input: CustomerUpdateInput, @Ctx() scope: Scope): Promise<Payload> {
    return respond('customer', input, () => this.customers.update(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => CustomerPayload)
  customerDelete(@Arg('input', () => CustomerDeleteInput) input: CustomerDeleteInput, @Ctx() scope: Scope): Promise<Payload> {
    return respond('customer', input, () => this.customers.delete(scope, input));
  }
}
