/**
 * A naive peer: Apollo Server on Express, type-graphql and MikroORM entities, each used as its own tutorial shows. No authentication, no
 * limits, no loaders: relations are populated by the ORM.
 */
import 'reflect-metadata';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import { Collection } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property, ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { MikroORM, type SqlEntityManager } from '@mikro-orm/mysql';
import express from 'express';
import { Arg, buildSchema, Ctx, Field, FieldResolver, Float, ID, Int, ObjectType, Query, Resolver, Root } from 'type-graphql';

interface Context {
  em: SqlEntityManager;
}

@ObjectType()
class Money {
  @Field(() => Float)
  amountMinor!: number;
  @Field()
  currency!: string;
  @Field()
  decimal!: string;
}

const money = (amountMinor: number, currency: string): Money => ({ amountMinor, currency, decimal: (amountMinor / 100).toFixed(2) });

@ObjectType()
@Entity({ tableName: 'payment_methods' })
class PaymentMethod {
  @Field(() => ID)
  @PrimaryKey()
  id!: string;
  @ManyToOne(() => Customer, { fieldName: 'customer_id' })
  customer!: unknown;
  @Field()
  @Property()
  type!: string;
  @Field(() => String, { nullable: true })
  @Property({ type: 'string', nullable: true })
  brand!: string | null;
  @Field(() => String, { nullable: true })
  @Property({ type: 'string', nullable: true })
  last4!: string | null;
  @Field(() => Int, { nullable: true })
  @Property({ type: 'number', nullable: true })
  expMonth!: number | null;
  @Field(() => Int, { nullable: true })
  @Property({ type: 'number', nullable: true })
  expYear!: number | null;
  @Property({ type: 'string', nullable: true })
  defaultOf!: string | null;
}

@ObjectType()
@Entity({ tableName: 'subscriptions' })
class Subscription {
  @Field(() => ID)
  @PrimaryKey()
  id!: string;
  @ManyToOne(() => Customer, { fieldName: 'customer_id' })
  customer!: unknown;
  @Field()
  @Property()
  status!: string;
  @Field(() => String, { nullable: true })
  @Property({ type: 'string', nullable: true })
  planCode!: string | null;
  @Property({ type: 'number' })
  priceMinor!: number;
  @Property()
  currency!: string;
  @Field()
  @Property()
  intervalUnit!: string;
  @Field(() => Int)
  @Property()
  intervalCount!: number;
  @Field(() => Date, { nullable: true })
  @Property({ type: 'datetime', nullable: true })
  currentPeriodEnd!: Date | null;
  @Field(() => Money)
  get price(): Money {
    return money(this.priceMinor, this.currency);
  }
}

@ObjectType()
@Entity({ tableName: 'payments' })
class Payment {
  @Field(() => ID)
  @PrimaryKey()
  id!: string;
  @ManyToOne(() => Customer, { fieldName: 'customer_id' })
  customer!: unknown;
  @Field()
  @Property()
  status!: string;
  @Property({ type: 'number' })
  amountMinor!: number;
  @Property({ type: 'number' })
  capturedMinor!: number;
  @Property({ type: 'number' })
  refundedMinor!: number;
  @Property()
  currency!: string;
  @Field(() => String, { nullable: true })
  @Property({ type: 'string', nullable: true })
  description!: string | null;
  @Field(() => Date)
  @Property({ type: 'datetime' })
  createdAt!: Date;
  @Field(() => Money)
  get amount(): Money {
    return money(this.amountMinor, this.currency);
  }
  @Field(() => Money)
  get captured(): Money {
    return money(this.capturedMinor, this.currency);
  }
  @Field(() => Money)
  get refunded(): Money {
    return money(this.refundedMinor, this.currency);
  }
}

@ObjectType()
@Entity({ tableName: 'customers' })
class Customer {
  @Field(() => ID)
  @PrimaryKey()
  id!: string;
  @Property()
  appId!: string;
  @Field()
  @Property()
  email!: string;
  @Field(() => String, { nullable: true })
  @Property({ type: 'string', nullable: true })
  name!: string | null;
  @Field(() => Date)
  @Property({ type: 'datetime' })
  createdAt!: Date;
  @OneToMany(() => PaymentMethod, 'customer')
  methods = new Collection<PaymentMethod>(this);
  @OneToMany(() => Subscription, 'customer', { orderBy: { id: 'desc' } })
  subscriptionRows = new Collection<Subscription>(this);
  @OneToMany(() => Payment, 'customer', { orderBy: { id: 'desc' } })
  paymentRows = new Collection<Payment>(this);
}

@ObjectType()
class SubscriptionConnection {
  @Field(() => [Subscription])
  nodes!: Subscription[];
}

@ObjectType()
class PaymentConnection {
  @Field(() => [Payment])
  nodes!: Payment[];
}

@ObjectType()
class CustomerConnection {
  @Field(() => [Customer])
  nodes!: Customer[];
}

const appId = process.env.APP_ID ?? '';

@Resolver(() => Customer)
class CustomerResolver {
  @Query(() => Customer, { nullable: true })
  customer(@Arg('id', () => ID) id: string, @Ctx() { em }: Context): Promise<Customer | null> {
    return em.findOne(Customer, { id, appId }, { populate: ['methods', 'subscriptionRows', 'paymentRows'] });
  }

  @Query(() => CustomerConnection)
  async customers(
    @Arg('first', () => Int, { defaultValue: 20 }) first: number,
    @Arg('after', () => String, { nullable: true }) after: string | null,
    @Ctx() { em }: Context,
  ): Promise<CustomerConnection> {
    const id = after === null ? {} : { id: { $lt: Buffer.from(after, 'base64url').toString('utf8').slice(3) } };
    const nodes = await em.find(Customer, { appId, ...id }, { orderBy: { id: 'desc' }, limit: first, populate: ['subscriptionRows'] });
    return { nodes };
  }

  @FieldResolver(() => PaymentMethod, { nullable: true })
  defaultPaymentMethod(@Root() customer: Customer): PaymentMethod | null {
    return customer.methods.getItems().find((method) => method.defaultOf === customer.id) ?? null;
  }

  @FieldResolver(() => SubscriptionConnection)
  subscriptions(@Root() customer: Customer, @Arg('first', () => Int, { defaultValue: 20 }) first: number): SubscriptionConnection {
    return { nodes: customer.subscriptionRows.getItems().slice(0, first) };
  }

  @FieldResolver(() => PaymentConnection)
  payments(@Root() customer: Customer, @Arg('first', () => Int, { defaultValue: 20 }) first: number): PaymentConnection {
    return { nodes: customer.paymentRows.getItems().slice(0, first) };
  }
}

const orm = await MikroORM.init({
  clientUrl: process.env.DATABASE_URL,
  entities: [Customer, PaymentMethod, Subscription, Payment],
  metadataProvider: ReflectMetadataProvider,
  pool: { min: 0, max: 10 },
  forceUtcTimezone: true,
});
const server = new ApolloServer<Context>({ schema: await buildSchema({ resolvers: [CustomerResolver], validate: false }) });
await server.start();
const app = express();
app.get('/readyz', (_request, response) => void response.json({ status: 'ready' }));
app.use('/graphql', express.json(), expressMiddleware(server, { context: async () => ({ em: orm.em.fork() as SqlEntityManager }) }));
app.listen(Number(process.env.PORT), '127.0.0.1');
