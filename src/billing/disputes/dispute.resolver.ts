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
  @Field(() => [DisputeStatus], { nullable: true })
  status?: DisputeStatus[] | null;
}

@Resolver(() => Dispute)
export class DisputeResolver {
  @Allow(...READERS, 'customer')
  @Query(() => Dispute, { nullable: true })
  dispute(@Arg('id', () => ID) id: string, @Ctx() scope: Scope): Promise<Dispute | null> {
    return DisputeRepository.of(scope).find(id);
  }

  @Allow(...READERS)
  @Query(() => DisputeConnection, { description: 'Newest first.' })
  disputes(
    @Args(() => DisputesArgs) args: DisputesArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Dispute>> {
    return connection(DisputeRepository.of(scope).list(pageOf(args, columns), args.status ?? null));
  }

  @Reads('paymentId')
  @FieldResolver(() => Payment, { nullable: true })
  payment(@Root() dispute: Dispute, @Ctx() scope: Scope): Promise<Payment | null> | null {
    return dispute.paymentId === null ? null : PaymentRepository.of(scope).find(dispute.paymentId);
  }
}

@Resolver(() => Payment)
export class PaymentDisputesResolver {
  @Reads()
  @FieldResolver(() => [Dispute], { description: 'Oldest first.' })
  disputes(@Root() payment: Payment, @Ctx() scope: Scope): Promise<Dispute[]> {
    return DisputeRepository.of(scope).ofPayment(payment.id);
  }
}
