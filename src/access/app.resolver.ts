import { Arg, Ctx, Extensions, Field, ID, InputType, Int, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { Allow, READERS } from '../graphql/access.js';
import { INPUT } from '../graphql/descriptions.js';
import { Max, Min } from '../graphql/input-rules.js';
import { MOVES_NO_MONEY } from '../graphql/money.js';
import { plainPayload, respond } from '../graphql/payload.js';
import type { UserError } from '../graphql/user-errors.js';
import { Scope } from '../platform/tenancy/scope.js';
import { AccessService } from './access.service.js';
import { App } from './app.entity.js';

const TTL_SECONDS_MAX = 86_400;

@InputType({ description: 'The customer that a browser may act for, and for how long.' })
class CustomerSessionCreateInput {
  @Field(() => ID, { description: 'Whom the session is for. It reaches this customer and nobody else.' })
  customerId!: string;

  @Field(() => Int, {
    nullable: true,
    defaultValue: 900,
    description: 'For how long it is good, in seconds, from 60 to 86,400. One session cannot be ended early: keep it short.',
  })
  @Min(60)
  @Max(TTL_SECONDS_MAX)
  ttlSeconds?: number;
}

@ObjectType({ simpleResolvers: true, description: 'A session for a browser, or why there is none.' })
class CustomerSessionPayload extends plainPayload() {
  @Field(() => String, {
    nullable: true,
    description: 'The credential, shown this once: the browser sends it as `Authorization: Bearer …`. Null where none was made.',
  })
  token!: string | null;

  @Field(() => Date, { nullable: true, description: 'When it ends; null where none was made.' })
  expiresAt!: Date | null;
}

@Resolver(() => App)
export class AppResolver {
  constructor(private readonly access: AccessService) {}

  @Allow(...READERS, 'customer', { needs: null })
  @Query(() => App, { description: 'The app that the credential belongs to.' })
  app(@Ctx() scope: Scope): Pick<App, 'id' | 'name' | 'suspendedAt'> {
    const { id, name, suspendedAt } = scope.caller.app;
    return { id, name, suspendedAt };
  }

  @Allow('service', { needs: 'sessions:write' })
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => CustomerSessionPayload, {
    description:
      'Makes a short-lived token with which a browser may read this one customer and attach, choose and detach their payment methods. Each call makes another one.',
  })
  async customerSessionCreate(
    @Arg('input', () => CustomerSessionCreateInput, { description: INPUT }) input: CustomerSessionCreateInput,
    @Ctx() scope: Scope,
  ): Promise<{ token: string | null; expiresAt: Date | null; userErrors: UserError[] }> {
    const { session, userErrors } = await respond('session', input, async () => ({
      row: await this.access.createSession(scope, input.customerId, input.ttlSeconds ?? 900),
      errors: [],
      replayed: false,
    }));
    return { token: session?.token ?? null, expiresAt: session?.expiresAt ?? null, userErrors };
  }
}
