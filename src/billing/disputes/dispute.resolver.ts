import { Arg, Args, ArgsType, Ctx, Extensions, Field, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection, PartArgs, partOf } from '../../graphql/connection.js';
import { INPUT } from '../../graphql/descriptions.js';
import { filteredPage, RangedArgs } from '../../graphql/list-filters.js';
import { MOVES_MONEY } from '../../graphql/money.js';
import { type PayloadOf, respond } from '../../graphql/payload.js';
import { NestedPage } from '../../graphql/reads/row-resolvers.js';
import { Reads, Selected, type SelectedColumns } from '../../graphql/reads/selected-columns.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { Payment } from '../payments/payment.entity.js';
import { PaymentRepository } from '../payments/payment.repository.js';
import { Dispute, DisputeConnection } from './dispute.entity.js';
import { DisputeEvidenceSubmitInput, DisputePayload } from './dispute.inputs.js';
import { DisputeRepository } from './dispute.repository.js';
import { DisputeService, obstacleTo } from './dispute.service.js';
import { DisputeStatus } from './dispute.states.js';

@ArgsType()
class DisputesArgs extends RangedArgs {
  @Field(() => [DisputeStatus], { nullable: true, description: 'Only disputes in one of these states. Absent: all.' })
  status?: DisputeStatus[] | null;
}

@Resolver(() => Dispute)
export class DisputeResolver {
  constructor(private readonly service: DisputeService) {}

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
    return connection(DisputeRepository.of(scope).list(filteredPage(args, columns), args.status ?? null));
  }

  @Allow('service')
  @Extensions(MOVES_MONEY)
  @Mutation(() => DisputePayload, {
    description:
      'Answers a dispute: sends evidence, which the processor takes once, or concedes. What is wrong is refused before anything is sent. OUTCOME_UNKNOWN: repeat with the same key; it is sent at most once.',
  })
  disputeEvidenceSubmit(
    @Arg('input', () => DisputeEvidenceSubmitInput, { description: INPUT }) input: DisputeEvidenceSubmitInput,
    @Ctx() scope: Scope,
  ): Promise<PayloadOf<'dispute', Dispute>> {
    return respond('dispute', input, () => this.service.submit(scope, input));
  }

  @Reads('status', 'concededAt', 'evidenceDueAt')
  @FieldResolver(() => Boolean, {
    description: 'Whether disputeEvidenceSubmit can answer it now: the bank waits for evidence, its time is not over and nobody conceded.',
  })
  isEvidenceAccepted(@Root() dispute: Dispute, @Ctx() scope: Scope): boolean {
    return obstacleTo(dispute, scope.now()) === null;
  }

  @Reads('paymentId')
  @FieldResolver(() => Payment, { nullable: true, description: 'The payment that is disputed; null where it is not known here.' })
  payment(@Root() dispute: Dispute, @Ctx() scope: Scope): Promise<Payment | null> | null {
    return dispute.paymentId === null ? null : PaymentRepository.of(scope).find(dispute.paymentId);
  }
}

@Resolver(() => Payment)
export class PaymentDisputesResolver {
  @NestedPage()
  @Reads()
  @FieldResolver(() => [Dispute], { description: 'Objections to it, oldest first. At most `first`, 10 if absent; read on with afterId.' })
  disputes(@Root() payment: Payment, @Args(() => PartArgs) args: PartArgs, @Ctx() scope: Scope): Promise<Dispute[]> {
    return DisputeRepository.of(scope).shownOf(payment.id, partOf(args));
  }
}
