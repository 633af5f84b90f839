import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection, PartArgs, partOf } from '../../graphql/connection.js';
import { INPUT } from '../../graphql/descriptions.js';
import { filteredPage } from '../../graphql/list-filters.js';
import { MOVES_MONEY } from '../../graphql/money.js';
import { type PayloadOf, respond } from '../../graphql/payload.js';
import { NestedPage } from '../../graphql/reads/row-resolvers.js';
import { Reads, Selected, type SelectedColumns } from '../../graphql/reads/selected-columns.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { Payment } from '../payments/payment.entity.js';
import { PaymentRepository } from '../payments/payment.repository.js';
import { Refund, RefundConnection } from './refund.entity.js';
import { RefundCreateInput, RefundPayload, RefundsArgs } from './refund.inputs.js';
import { RefundRepository } from './refund.repository.js';
import { RefundService } from './refund.service.js';

@Resolver(() => Refund)
export class RefundResolver {
  constructor(private readonly service: RefundService) {}

  @Allow(...READERS, 'customer')
  @Query(() => Refund, { nullable: true, description: 'One refund by id; null where there is none, and for what is not for the caller.' })
  refund(@Arg('id', () => ID, { description: 'An id re_….' }) id: string, @Ctx() scope: Scope): Promise<Refund | null> {
    return RefundRepository.of(scope).find(id);
  }

  @Allow(...READERS)
  @Query(() => RefundConnection, { description: 'The refunds of the app, newest first.' })
  refunds(
    @Args(() => RefundsArgs) args: RefundsArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Refund>> {
    return connection(RefundRepository.of(scope).list(filteredPage(args, columns), args.paymentId ?? null));
  }

  @Reads('paymentId')
  @FieldResolver(() => Payment, { description: 'The payment of which it is given back.' })
  payment(@Root() refund: Refund, @Ctx() scope: Scope): Promise<Payment> {
    return PaymentRepository.of(scope).get(refund.paymentId);
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => RefundPayload, {
    description:
      'Gives back part or all of one payment. PENDING is no failure: it goes on by itself. OUTCOME_UNKNOWN: repeat with the same key; it is given back at most once.',
  })
  refundCreate(
    @Arg('input', () => RefundCreateInput, { description: INPUT }) input: RefundCreateInput,
    @Ctx() scope: Scope,
  ): Promise<PayloadOf<'refund', Refund>> {
    return respond('refund', input, () => this.service.create(scope, input));
  }
}

@Resolver(() => Payment)
export class PaymentRefundsResolver {
  @NestedPage()
  @Reads()
  @FieldResolver(() => [Refund], {
    description:
      "What was given back of it, or tried, oldest first; refunds made in the processor's dashboard too. At most `first`, 10 if absent; all of them are in refunds(paymentId).",
  })
  refunds(@Root() payment: Payment, @Args(() => PartArgs) args: PartArgs, @Ctx() scope: Scope): Promise<Refund[]> {
    return RefundRepository.of(scope).shownOf(payment.id, partOf(args));
  }
}
