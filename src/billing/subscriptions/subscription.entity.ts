import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType } from 'type-graphql';
import { Allow, READERS, Resource } from '../../graphql/access.js';
import { connectionType } from '../../graphql/connection.js';
import { CREATED_AT, METADATA, UPDATED_AT } from '../../graphql/descriptions.js';
import { describeEnum } from '../../graphql/enums.js';
import { Node } from '../../graphql/node.js';
import { Getter } from '../../graphql/reads/row-resolvers.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { FlagColumn, IdColumn, IntColumn, JsonColumn, MinorColumn, Text, TimeColumn, VersionColumn } from '../../platform/db/columns.js';
import { ToldRow } from '../../platform/outbox/told-row.js';
import { Money } from '../kit/money.types.js';
import { IntervalUnit } from './billing-period.js';
import { SubscriptionStatus } from './subscription.states.js';

describeEnum(SubscriptionStatus, {
  name: 'SubscriptionStatus',
  description: 'How a subscription stands.',
  values: {
    ACTIVE: 'It is collected as it should be. currentPeriodEnd says until when it is paid: after a pause that may be over.',
    CANCELED: 'It ended, and nothing more is collected. Final: make a new one to begin again.',
    PAST_DUE:
      'Its last payment was declined. Ask the customer for another payment method and give it to subscriptionUpdate, which collects what was missed; or try the same one again with subscriptionRetry. nextPaymentAt says whether it is tried by itself.',
    PAUSED: 'Nothing is collected until it resumes.',
    PENDING: 'Its first payment was not made yet: a trial, or it is being made.',
  },
});
describeEnum(IntervalUnit, {
  name: 'IntervalUnit',
  description: 'Unit of the time between two payments of a subscription.',
  values: {
    MONTH: 'Calendar months: on the same day, or the last one of a shorter month.',
    WEEK: 'Weeks of 7 days.',
    YEAR: 'Calendar years: on the same day; 29 February is the 28th in other years.',
  },
});

/** A repeating payment. Tilled owns the state and dates and takes the payments; plan and metadata are ours. */
@Resource('subscriptions')
@ObjectType({
  implements: Node,
  simpleResolvers: true,
  description: 'A payment that repeats until it is canceled. The processor collects it by itself.',
})
@Entity({ tableName: 'billing_subscriptions' })
@Index({ name: 'billing_subscriptions_updated', properties: ['appId', 'updatedAt'] })
@Unique({ name: 'billing_subscriptions_tilled', properties: ['appId', 'tilledSubscriptionId'] })
@Index({ name: 'billing_subscriptions_customer', properties: ['appId', 'customerId', 'id'] })
@Index({ name: 'billing_subscriptions_status', properties: ['appId', 'status', 'id'] })
@Index({ name: 'billing_subscriptions_method', properties: ['appId', 'paymentMethodId'] })
export class Subscription extends ToldRow {
  @Field(() => Int, { description: 'Grows with each change; pass it as expectedVersion to refuse lost updates.' })
  @VersionColumn()
  version!: number;

  @IdColumn()
  customerId!: string;

  @IdColumn()
  paymentMethodId!: string;

  /** Null until Tilled has confirmed the subscription. */
  @IdColumn({ nullable: true })
  tilledSubscriptionId!: string | null;

  @Field(() => SubscriptionStatus, { description: 'How it stands.' })
  @Text(16)
  status!: SubscriptionStatus;

  @Field(() => String, { nullable: true, description: "The app's own code of what is paid for; a label that nothing is computed from." })
  @Text(100, { nullable: true })
  planCode!: string | null;

  @Field(() => String, { nullable: true, description: "The app's own name of what is paid for; a label." })
  @Text(255, { nullable: true })
  planName!: string | null;

  @MinorColumn()
  priceMinor!: number;

  /** Part of the price. Null: nothing. */
  @MinorColumn({ nullable: true })
  platformFeeMinor!: number | null;

  @Text(3)
  currency!: string;

  @Field(() => IntervalUnit, { description: 'Unit of the time from one payment to the next.' })
  @Text(8)
  intervalUnit!: IntervalUnit;

  @Field(() => Int, { description: 'How many of these units lie between two payments: 3 with MONTH is every quarter.' })
  @IntColumn()
  intervalCount!: number;

  @Field(() => Date, {
    description: 'When the first payment is taken, and the day of the cycle: of the 31st, the last day in shorter months.',
  })
  @TimeColumn()
  billingCycleAnchor!: Date;

  @Field(() => Date, {
    nullable: true,
    description: 'The last period that was paid. Null before the first payment; it may be over: while PAST_DUE, PAUSED, or after a pause.',
  })
  @TimeColumn({ nullable: true })
  currentPeriodStart!: Date | null;

  @Field(() => Date, {
    nullable: true,
    description: 'Until when it is paid. Null before the first payment; what lies in the past is over.',
  })
  @TimeColumn({ nullable: true })
  currentPeriodEnd!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When the next payment is tried; null when nothing more will be tried by itself.' })
  @TimeColumn({ nullable: true })
  nextPaymentAt!: Date | null;

  @Field(() => Boolean, { description: 'Whether it ends at cancelAt; subscriptionReactivate takes that back until then.' })
  @FlagColumn()
  cancelAtPeriodEnd!: boolean;

  @Field(() => Date, {
    nullable: true,
    description:
      'When it ends, or was to end, by itself; null where no such end was asked for. One that was canceled at once keeps it: canceledAt says when it ended.',
  })
  @TimeColumn({ nullable: true })
  cancelAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When it ended; null while it has not.' })
  @TimeColumn({ nullable: true })
  canceledAt!: Date | null;

  @Field(() => Date, {
    nullable: true,
    description: 'When it pauses by itself, an hour before the period ends at the latest; null where no pause was asked for.',
  })
  @TimeColumn({ nullable: true })
  pauseAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'Since when it is paused; null while it is not.' })
  @TimeColumn({ nullable: true })
  pausedAt!: Date | null;

  @Field(() => Date, {
    nullable: true,
    description: 'When it resumes by itself; null where it waits for subscriptionResume, or is not paused.',
  })
  @TimeColumn({ nullable: true })
  resumeAt!: Date | null;

  @Field(() => MetadataScalar, { description: METADATA })
  @JsonColumn()
  metadata!: Record<string, string>;

  @Field(() => Date, { description: CREATED_AT })
  @TimeColumn()
  createdAt!: Date;

  @Field(() => Date, { description: UPDATED_AT })
  @TimeColumn()
  updatedAt!: Date;

  @Field(() => Money, { description: 'What each payment takes.' })
  @Getter('priceMinor', 'currency')
  get price(): Money {
    return new Money(this.priceMinor, this.currency);
  }

  @Allow(...READERS)
  @Field(() => Money, {
    nullable: true,
    description: 'What the platform keeps of each payment: it goes to the partner account at the processor. Null where it keeps nothing.',
  })
  @Getter('platformFeeMinor', 'currency')
  get platformFee(): Money | null {
    return this.platformFeeMinor === null ? null : new Money(this.platformFeeMinor, this.currency);
  }
}

@ObjectType({ description: 'One page of subscriptions, newest first.' })
export class SubscriptionConnection extends connectionType(Subscription, 'Subscription') {}
