import { Arg, Ctx, Extensions, Field, ID, InputType, Int, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { Customer } from '../billing/customers/customer.entity.js';
import { CustomerRepository } from '../billing/customers/customer.repository.js';
import { Allow, READERS } from '../graphql/access.js';
import { INPUT } from '../graphql/descriptions.js';
import { IsOptional, Max, MaxLength, Min } from '../graphql/input-rules.js';
import { MOVES_NO_MONEY } from '../graphql/money.js';
import { plainPayload, respond } from '../graphql/payload.js';
import { NotFound } from '../platform/errors.js';
import { Scope } from '../platform/tenancy/scope.js';
import { AccessService } from './access.service.js';
import { App } from './app.entity.js';
import type { Pages } from './pages.js';

const TTL_SECONDS_MAX = 86_400;
/** The token that carries it has to fit into a header. */
const RETURN_URL_CHARS_MAX = 1_000;

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

  @Field(() => String, {
    nullable: true,
    description: 'Where the portal leads back to, of an origin of the app (billing apps update --cors-origin). Absent: nowhere.',
  })
  @IsOptional()
  @MaxLength(RETURN_URL_CHARS_MAX)
  returnUrl?: string | null;
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

  @Field(() => String, {
    nullable: true,
    description:
      'Opens the portal with this session: as good as the token, so show it to nobody but the customer. Null where none was made, and where the operator did not say how the gateway is reached.',
  })
  url!: string | null;
}

@ObjectType({ simpleResolvers: true, description: "What a page gives to Tilled.js, which collects the customer's card." })
class CardFields {
  @Field(() => String, { description: 'Where the script of Tilled.js is.' })
  scriptUrl!: string;

  @Field(() => String, { description: 'The first argument of `new Tilled`: it identifies, and opens nothing.' })
  publishableKey!: string;

  @Field(() => String, { description: 'The second argument: the account that the method is for.' })
  accountId!: string;
}

@ObjectType('CustomerSession', { simpleResolvers: true, description: 'A session of a customer, as its page sees it.' })
class OwnSession {
  @Field(() => Customer, { description: 'Whom it reaches.' })
  customer!: Customer;

  @Field(() => Date, { description: 'When it ends.' })
  expiresAt!: Date;

  @Field(() => String, { nullable: true, description: "Where its page leads back to, on the app's own site; null for nowhere." })
  returnUrl!: string | null;

  @Field(() => CardFields, {
    nullable: true,
    description:
      'How a card is collected. Null where the app has a key of its own at Tilled, of which the gateway does not know the public half.',
  })
  cardFields!: CardFields | null;
}

@Resolver(() => App)
export class AppResolver {
  constructor(
    private readonly access: AccessService,
    private readonly pages: Pages,
  ) {}

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
  ): Promise<CustomerSessionPayload> {
    const { session, userErrors } = await respond('session', input, async () => ({
      row: await this.access.createSession(scope, { ...input, ttlSeconds: input.ttlSeconds ?? 900 }),
      errors: [],
      replayed: false,
    }));
    const { token = null, expiresAt = null } = session ?? {};
    return { token, expiresAt, url: token === null ? null : this.pages.portal(token), userErrors };
  }

  @Allow('customer')
  @Query(() => OwnSession, { description: 'The session that asks.' })
  async session(@Ctx() scope: Scope): Promise<OwnSession> {
    const { actor, app } = scope.caller;
    if (actor.kind !== 'customer') throw new Error('Only customers have sessions.');
    const { customerId, expiresAt, returnUrl } = actor;
    const customer = await CustomerRepository.of(scope).findLive(customerId);
    if (customer === null) throw new NotFound('customer', customerId);
    return { customer, expiresAt, returnUrl, cardFields: this.pages.cardFieldsOf(app) };
  }
}
