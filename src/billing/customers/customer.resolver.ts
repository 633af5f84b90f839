import { Arg, Args, Ctx, Extensions, ID, Mutation, Query, Resolver } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection } from '../../graphql/connection.js';
import { INPUT } from '../../graphql/descriptions.js';
import { filteredPage } from '../../graphql/list-filters.js';
import { MOVES_MONEY, MOVES_NO_MONEY } from '../../graphql/money.js';
import { type PayloadOf, respond } from '../../graphql/payload.js';
import { Selected, type SelectedColumns } from '../../graphql/reads/selected-columns.js';
import { Scope } from '../../platform/tenancy/scope.js';
import type { CustomerDeletion } from './customer.deletion.js';
import { Customer, CustomerConnection } from './customer.entity.js';
import { CustomerCreateInput, CustomerDeleteInput, CustomerPayload, CustomersArgs, CustomerUpdateInput } from './customer.inputs.js';
import { CustomerRepository } from './customer.repository.js';
import { CustomerService } from './customer.service.js';

type Payload = PayloadOf<'customer', Customer>;

@Resolver(() => Customer)
export class CustomerResolver {
  constructor(
    private readonly customers: CustomerService,
    private readonly deletion: CustomerDeletion,
  ) {}

  @Allow(...READERS, 'customer')
  @Query(() => Customer, {
    nullable: true,
    description: 'One customer by id; null where there is none, where they were deleted, and for what is not for the caller.',
  })
  customer(@Arg('id', () => ID, { description: 'An id cus_….' }) id: string, @Ctx() scope: Scope): Promise<Customer | null> {
    return CustomerRepository.of(scope).findLive(id);
  }

  @Allow(...READERS)
  @Query(() => Customer, { nullable: true, description: "One customer by the app's own id of them; null where nobody has it." })
  customerByExternalId(
    @Arg('externalId', () => String, { description: 'The externalId that was given to customerCreate, exactly.' }) externalId: string,
    @Ctx() scope: Scope,
  ): Promise<Customer | null> {
    return CustomerRepository.of(scope).findByExternalId(externalId);
  }

  @Allow(...READERS)
  @Query(() => CustomerConnection, { name: 'customers', description: 'The customers of the app, newest first, without deleted ones.' })
  customersPage(
    @Args(() => CustomersArgs) args: CustomersArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Customer>> {
    return connection(CustomerRepository.of(scope).list(filteredPage(args, columns), args.email ?? null));
  }

  @Allow('service')
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => CustomerPayload, {
    description:
      'Makes a customer here and at the processor. If the processor refuses, none is made. Repeat with the same key after OUTCOME_UNKNOWN or PROCESSOR_UNAVAILABLE.',
  })
  customerCreate(
    @Arg('input', () => CustomerCreateInput, { description: INPUT }) input: CustomerCreateInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('customer', input, () => this.customers.create(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => CustomerPayload, {
    description:
      'Changes a customer here at once. The processor is told in the same request, or, if it does not answer, soon after by itself; that is no error.',
  })
  customerUpdate(
    @Arg('input', () => CustomerUpdateInput, { description: INPUT }) input: CustomerUpdateInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('customer', input, () => this.customers.update(scope, input));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => CustomerPayload, {
    description:
      'Forgets a customer, here and at the processor: personal data is removed, payment methods are detached, payments and refunds stay. CONFLICT while a subscription is live or a payment is not decided; `message` says what to end first.',
  })
  customerDelete(
    @Arg('input', () => CustomerDeleteInput, { description: INPUT }) input: CustomerDeleteInput,
    @Ctx() scope: Scope,
  ): Promise<Payload> {
    return respond('customer', input, () => this.deletion.delete(scope, input));
  }
}
