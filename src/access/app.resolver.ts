import { Arg, Ctx, Extensions, Field, ID, InputType, Int, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { Allow, READERS } from '../graphql/access.js';
import { Max, Min } from '../graphql/input-rules.js';
import { MOVES_NO_MONEY } from '../graphql/money.js';
import { plainPayload, respond } from '../graphql/payload.js';
import type { UserError } from '../graphql/user-errors.js';
import { Scope } from '../platform/tenancy/scope.js';
import { AccessService } from './access.service.js';
import { App } from './app.entity.js';

const TTL_SECONDS_MAX = 86_400;

@InputType({ description: 'A short-lived token with which a browser may read this one customer and attach payment methods to it.' })
class CustomerSessionCreateInput {
  @Field(() => ID)
  customerId!: string;

  @Field(() => Int, { nullable: true, defaultValue: 900, description: 'From 60 to 86,400.' })
  @Min(60)
  @Max(TTL_SECONDS_MAX)
  ttlSeconds?: number;
}

@ObjectType({ simpleResolvers: true })
class CustomerSessionPayload extends plainPayload() {
  @Field(() => String, { nullable: true, description: 'Sent as Authorization: Bearer by the browser.' })
  token!: string | null;

  @Field(() => Date, { nullable: true })
  expiresAt!: Date | null;
}

@Resolver(() => App)
export class AppResolver {
  constructor(private readonly access: AccessService) {}

  @Allow(...READERS, 'customer', { needs: null })
  @Query(() => App, { description: "The caller's own." })
  app(@Ctx() scope: Scope): { id: string; name: string } {
    return { id: scope.caller.app.id, name: scope.caller.app.name };
  }

  @Allow('service', { needs: 'sessions:write' })
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => CustomerSessionPayload)
  async customerSessionCreate(
    @Arg('input', () => CustomerSessionCreateInput) input: CustomerSessionCreateInput,
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
