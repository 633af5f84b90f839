import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { connectionType } from '../../graphql/connection.js';
import { Node } from '../../graphql/node.js';
import { Getter } from '../../graphql/reads/row-resolvers.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { FlagColumn, IdColumn, IntColumn, JsonColumn, MinorColumn, Text, TimeColumn, VersionColumn } from '../../platform/db/columns.js';
import { TenantRow } from '../../platform/tenancy/tenant-row.js';
import { Money } from '../kit/money.types.js';
import { IntervalUnit } from './billing-period.js';
import { SubscriptionStatus } from './subscription.states.js';

registerEnumType(SubscriptionStatus, { name: 'SubscriptionStatus' });
registerEnumType(IntervalUnit, { name: 'IntervalUnit' });

/** A repeating payment. Tilled owns the state and dates and takes the payments; plan and metadata are ours. */
@Resource('subscriptions')
@ObjectType({ implements: Node, simpleResolvers: true, description: 'A payment that repeats until it is canceled.' })
@Entity({ tableName: 'billing_subscriptions' })
@Unique({ name: 'billing_subscriptions_tilled', properties: ['appId', 'tilledSubscriptionId'] })
@Index({ name: 'billing_subscriptions_customer', properties: ['appId', 'customerId', 'id'] })
@Index({ name: 'billing_subscriptions_status', properties: ['appId', 'status', 'id'] })
@Index({ name: 'billing_subscriptions_method', properties: ['appId', 'paymentMethodId'] })
export class Subscription extends TenantRow {
  @Field(() => Int)
  @VersionColumn()
  version!: number;

  @IdColumn()
  customerId!: string;

  @IdColumn()
  paymentMethodId!: string;

  /** Null until Tilled has confirmed the subscription. */
  @IdColumn({ nullable: true })
  tilledSubscriptionId!: string | null;

  @Field(() => SubscriptionStatus)
  @Text(16)
  status!: SubscriptionStatus;

  @Field(() => String, { nullable: true })
  @Text(100, { nullable: true })
  planCode!: string | null;

  @Field(() => String, { nullable: true })
  @Text(255, { nullable: true })
  planName!: string | null;

  @MinorColumn()
  priceMinor!: number;

  @Text(3)
  currency!: string;

  @Field(() => IntervalUnit)
  @Text(8)
  intervalUnit!: IntervalUnit;

  @Field(() => Int)
  @IntColumn()
  intervalCount!: number;

  @Field(() => Date, { description: 'When the first payment is taken, and the day of the cycle.' })
  @TimeColumn()
  billingCycleAnchor!: Date;

  @Field(() => Date, { nullable: true })
  @TimeColumn({ nullable: true })
  currentPeriodStart!: Date | null;

  @Field(() => Date, { nullable: true })
  @TimeColumn({ nullable: true })
  currentPeriodEnd!: Date | null;

  @Field(() => Date, { nullable: true, description: 'Null when nothing more will be tried by itself.' })
  @TimeColumn({ nullable: true })
  nextPaymentAt!: Date | null;

  @Field(() => Boolean)
  @FlagColumn()
  cancelAtPeriodEnd!: boolean;

  @Field(() => Date, { nullable: true })
  @TimeColumn({ nullable: true })
  cancelAt!: Date | null;

  @Field(() => Date, { nullable: true })
  @TimeColumn({ nullable: true })
  canceledAt!: Date | null;

  @Field(() => Date, { nullable: true })
  @TimeColumn({ nullable: true })
  pausedAt!: Date | null;

  @Field(() => Date, { nullable: true })
  @TimeColumn({ nullable: true })
  resumeAt!: Date | null;

  @Field(() => MetadataScalar)
  @JsonColumn()
  metadata!: Record<string, string>;

  @Field(() => Date)
  @TimeColumn()
  createdAt!: Date;

  @Field(() => Date)
  @TimeColumn()
  updatedAt!: Date;

  @Field(() => Money)
  @Getter('priceMinor', 'currency')
  get price(): Money {
    return new Money(this.priceMinor, this.currency);
  }
}

@ObjectType()
export class SubscriptionConnection extends connectionType(Subscription, 'Subscription') {}
