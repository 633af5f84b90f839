import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection, pageOf } from '../../graphql/connection.js';
import { MOVES_MONEY } from '../../graphql/money.js';
import { type PayloadOf, respond } from '../../graphql/payload.js';
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
  @Query(() => Refund, { nullable: true })
  refund(@Arg('id', () => ID) id: string, @Ctx() scope: Scope): Promise<Refund | null> {
    return RefundRepository.of(scope).find(id);
  }

  @Allow(...READERS)
  @Query(() => RefundConnection, { description: 'Newest first.' })
  refunds(
    @Args(() => RefundsArgs) args: RefundsArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Refund>> {
    return connection(RefundRepository.of(scope).list(pageOf(args, columns), args.paymentId ?? null));
  }

  @Reads('paymentId')
  @FieldResolver(() => Payment)
  payment(@Root() refund: Refund, @Ctx() scope: Scope): Promise<Payment> {
    return PaymentRepository.of(scope).get(refund.paymentId);
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => RefundPayload, { description: 'Gives back part or all of one payment.' })
  refundCreate(@Arg('input', () => RefundCreateInput) input: RefundCreateInput, @Ctx() scope: Scope): Promise<PayloadOf<'refund', Refund>> {
    return respond('refund', input, () => this.service.create(scope, input));
  }
}

@Resolver(() => Payment)
export class PaymentRefundsResolver {
  @Reads()
  @FieldResolver(() => [Refund], { description: 'Oldest first.' })
  refunds(@Root() payment: Payment, @Ctx() scope: Scope): Promise<Refund[]> {
    return RefundRepository.of(scope).ofPayment(payment.id);
  }
}
