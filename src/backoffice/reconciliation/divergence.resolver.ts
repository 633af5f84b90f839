import { Arg, Args, ArgsType, Ctx, Extensions, Field, ID, InputType, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { Divergence, DivergenceConnection, DivergenceKind, DivergenceStatus } from '../../billing/kit/divergence.entity.js';
import { DivergenceRepository } from '../../billing/kit/divergence.repository.js';
import { Allow } from '../../graphql/access.js';
import { type ConnectionValue, connection, PageArgs, pageOf } from '../../graphql/connection.js';
import { INPUT } from '../../graphql/descriptions.js';
import { MaxLength, MinLength } from '../../graphql/input-rules.js';
import { MOVES_NO_MONEY } from '../../graphql/money.js';
import { type PayloadOf, plainPayload, respond } from '../../graphql/payload.js';
import { Selected, type SelectedColumns } from '../../graphql/reads/selected-columns.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { DivergenceService } from './divergence.service.js';

@ArgsType()
class DivergencesArgs extends PageArgs {
  @Field(() => [DivergenceStatus], { nullable: true, description: 'Only divergences in one of these states. Absent: all.' })
  status?: DivergenceStatus[] | null;

  @Field(() => [DivergenceKind], { nullable: true, description: 'Only divergences of these kinds of object. Absent: all.' })
  kind?: DivergenceKind[] | null;
}

@InputType({ description: 'A divergence that a person dealt with. If the sides still differ, the next comparison opens a new one.' })
class DivergenceResolveInput {
  @Field(() => ID, { description: 'A divergence that is OPEN.' })
  id!: string;

  @Field(() => String, { description: 'What was found and done, for whoever asks later; 1 to 1,000 characters.' })
  @MinLength(1, { message: 'must say why' })
  @MaxLength(1000, { message: 'must have at most 1000 characters' })
  note!: string;
}

@ObjectType({ simpleResolvers: true, description: 'What became of a mutation of a divergence.' })
class DivergencePayload extends plainPayload() {
  @Field(() => Divergence, { nullable: true, description: 'The divergence as it is now; null where nothing was done.' })
  divergence!: Divergence | null;
}

@Resolver(() => Divergence)
export class DivergenceResolver {
  constructor(private readonly service: DivergenceService) {}

  @Allow('service', 'operator')
  @Query(() => Divergence, { nullable: true, description: 'One divergence by id; null where there is none.' })
  divergence(@Arg('id', () => ID, { description: 'An id dv_….' }) id: string, @Ctx() scope: Scope): Promise<Divergence | null> {
    return DivergenceRepository.of(scope).find(id);
  }

  @Allow('service', 'operator')
  @Query(() => DivergenceConnection, { description: "Differences between our books and the processor's, newest first." })
  divergences(
    @Args(() => DivergencesArgs) args: DivergencesArgs,
    @Ctx() scope: Scope,
    @Selected() columns: SelectedColumns,
  ): Promise<ConnectionValue<Divergence>> {
    return connection(DivergenceRepository.of(scope).list(pageOf(args, columns), args.status ?? null, args.kind ?? null));
  }

  @Allow('service', 'operator')
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => DivergencePayload, {
    description:
      'Closes a divergence. Nothing is changed at the processor, nor in the object. ILLEGAL_TRANSITION if it was closed already.',
  })
  divergenceResolve(
    @Arg('input', () => DivergenceResolveInput, { description: INPUT }) input: DivergenceResolveInput,
    @Ctx() scope: Scope,
  ): Promise<PayloadOf<'divergence', Divergence>> {
    return respond('divergence', input, () => this.service.resolve(scope, input));
  }
}
