import { Arg, Args, ArgsType, Ctx, Field, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection, PageArgs, pageOf } from '../../graphql/connection.js';
import { Reads, Selected, type SelectedColumns } from '../../graphql/reads/selected-columns.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { Payment } from '../payments/payment.entity.js';
import { PaymentRepository } from '../payments/payment.repository.js';
import { Dispute, DisputeConnection } from './dispute.entity.js';
import { DisputeRepository } from './dispute.repository.js';
import { DisputeStatus } from './dispute.states.js';

@ArgsType()
class DisputesArgs extends PageArgs {
  @Field(() => [DisputeStatus], { nullable: true, description: 'Only disputes in one of these states. Absent: all.' })
  status?: DisputeStatus[] | null;
}

@Resolver(() => Dispute)
export class DisputeResolver {
  @Allow(...READERS, 'customer')
  @Query(() => Dispute, { nullable: true, description: 'One dispute by id; null where there is none, and for what is not for the caller.' })
  dispute(@Arg('id', () => ID, { description: 'An id dp_….' }) id: string, @Ctx() scope: Scope): Promise<Dispute | null> {
    return DisputeRepository.of(scope).find(id);
  }

  @Allow(...READERS)
  @Query(() => DisputeConnection, { description: 'The disputes of the app, newest first.' })
  disputes(
    @Args(() => DisputesArgs) args: DisputesArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Dispute>> {
    return connection(DisputeRepository.of(scope).list(pageOf(args, columns), args.status ?? null));
  }

  @Reads('paymentId')
  @FieldResolver(() => Payment, { nullable: true, description: 'The payment that is disputed; null where it is not known here.' })
  payment(@Root() dispute: Dispute, @Ctx() scope: Scope): Promise<Payment | null> | null {
    return dispute.paymentId === null ? null : PaymentRepository.of(scope).find(dispute.paymentId);
  }
}

@Resolver(() => Payment)
export class PaymentDisputesResolver {
  @Reads()
  @FieldResolver(() => [Dispute], { description: 'Objections to it, oldest first.' })
  disputes(@Root() payment: Payment, @Ctx() scope: Scope): Promise<Dispute[]> {
    return DisputeRepository.of(scope).ofPayment(payment.id);
  }
}
