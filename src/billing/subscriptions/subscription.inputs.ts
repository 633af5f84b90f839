import { ArgsType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { EXPECTED_VERSION, IDEMPOTENCY_KEY, METADATA, METADATA_CHANGES } from '../../graphql/descriptions.js';
import { describeEnum } from '../../graphql/enums.js';
import { IsOptional, Length, Max, Min, ValidateNested } from '../../graphql/input-rules.js';
import { LabelledArgs } from '../../graphql/list-filters.js';
import { repeatablePayload } from '../../graphql/payload.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { NullRemoves } from '../../platform/idempotency/request-key.js';
import { CancelMode } from '../kit/cancel-mode.js';
import { MoneyInput } from '../kit/money.types.js';
import { IntervalUnit } from './billing-period.js';
import { Subscription } from './subscription.entity.js';
import { SubscriptionStatus } from './subscription.states.js';

export enum PauseMode {
  NOW = 'NOW',
  AT_PERIOD_END = 'AT_PERIOD_END',
}
describeEnum(PauseMode, {
  name: 'PauseMode',
  description: 'When a pause begins.',
  values: {
    NOW: 'At once. What was paid stays paid until currentPeriodEnd, and nothing of it is given back.',
    AT_PERIOD_END:
      'When what was paid, or a trial, is used up, an hour before the next payment: see pauseAt. At once where nothing is paid. Until then subscriptionResume takes it back.',
  },
});

@InputType({ description: 'A subscription to begin. A trial is a later billingCycleAnchor: nothing is taken before it.' })
export class SubscriptionCreateInput {
  @Field(() => ID, { description: 'Who pays.' })
  customerId!: string;

  @Field(() => ID, { nullable: true, description: "An attached method of this customer. Absent: the customer's default method." })
  paymentMethodId?: string | null;

  @Field(() => String, { nullable: true, description: "The app's own code of what is paid for, 1 to 100 characters; a label." })
  @IsOptional()
  @Length(1, 100)
  planCode?: string | null;

  @Field(() => String, { nullable: true, description: "The app's own name of what is paid for, 1 to 255 characters; a label." })
  @IsOptional()
  @Length(1, 255)
  planName?: string | null;

  @Field(() => MoneyInput, { description: 'What each payment takes.' })
  @ValidateNested()
  price!: MoneyInput;

  @Field(() => MoneyInput, {
    nullable: true,
    description: 'What the platform keeps of each payment, at most the price and in its currency. Absent: nothing.',
  })
  @IsOptional()
  @ValidateNested()
  platformFee?: MoneyInput | null;

  @Field(() => IntervalUnit, {
    nullable: true,
    description: 'Unit of the time from one payment to the next.',
  })
  intervalUnit?: IntervalUnit | null = IntervalUnit.MONTH;

  @Field(() => Int, { nullable: true, description: 'How many of these units lie between two payments, from 1 to 365.' })
  @IsOptional()
  @Min(1)
  @Max(365)
  intervalCount?: number | null = 1;

  @Field(() => Date, {
    nullable: true,
    description: 'When the first payment is taken, and the day of the cycle. Absent: now. More than 5 minutes ago it is INVALID.',
  })
  billingCycleAnchor?: Date | null;

  @Field(() => MetadataScalar, { nullable: true, description: METADATA })
  metadata?: Record<string, string | null> | null;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'What to change of a subscription. Absent fields stay.' })
export class SubscriptionUpdateInput {
  @Field(() => ID, { description: 'A subscription that is not CANCELED.' })
  id!: string;

  @Field(() => MoneyInput, {
    nullable: true,
    description: 'What each payment takes from the next one on, in the same currency. Nothing is prorated.',
  })
  @IsOptional()
  @ValidateNested()
  price?: MoneyInput | null;

  @Field(() => MoneyInput, {
    nullable: true,
    description: 'What the platform keeps of each payment from the next one on, at most the price and in its currency.',
  })
  @IsOptional()
  @ValidateNested()
  platformFee?: MoneyInput | null;

  @Field(() => String, { nullable: true, description: 'A new code, 1 to 100 characters. Null removes it.' })
  @NullRemoves('itself')
  @IsOptional()
  @Length(1, 100)
  planCode?: string | null;

  @Field(() => String, { nullable: true, description: 'A new name, 1 to 255 characters. Null removes it.' })
  @NullRemoves('itself')
  @IsOptional()
  @Length(1, 255)
  planName?: string | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'An attached method of the same customer, which is charged from the next payment on. In the place of the one that failed of a PAST_DUE subscription it is charged with the missed payment at once.',
  })
  paymentMethodId?: string | null;

  @Field(() => MetadataScalar, { nullable: true, description: METADATA_CHANGES })
  @NullRemoves('keys')
  metadata?: Record<string, string | null> | null;

  @Field(() => Int, { nullable: true, description: EXPECTED_VERSION })
  expectedVersion?: number | null;
}

@InputType({ description: 'A subscription to pause, and until when.' })
export class SubscriptionPauseInput {
  @Field(() => ID, { description: 'A subscription that is PENDING or ACTIVE. A missed payment is collected first: subscriptionRetry.' })
  id!: string;

  @Field(() => PauseMode, { nullable: true, defaultValue: PauseMode.NOW, description: 'When the pause begins.' })
  mode?: PauseMode | null;

  @Field(() => Date, {
    nullable: true,
    description: 'When it resumes by itself, after the pause began. Absent: it waits for subscriptionResume.',
  })
  resumeAt?: Date | null;
}

@InputType({ description: 'A paused subscription to go on with.' })
export class SubscriptionResumeInput {
  @Field(() => ID, { description: 'A subscription that is PAUSED, or whose pauseAt is to be taken back.' })
  id!: string;
}

@InputType({ description: 'A subscription to end, and when.' })
export class SubscriptionCancelInput {
  @Field(() => ID, { description: 'A subscription that is not CANCELED.' })
  id!: string;

  @Field(() => CancelMode, { description: 'When it ends.' })
  mode!: CancelMode;

  @Field(() => Int, { nullable: true, description: EXPECTED_VERSION })
  expectedVersion?: number | null;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A missed payment to collect now.' })
export class SubscriptionRetryInput {
  @Field(() => ID, { description: 'A subscription that is PAST_DUE.' })
  id!: string;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A subscription that is about to end and is to go on.' })
export class SubscriptionReactivateInput {
  @Field(() => ID, { description: 'A subscription whose cancelAtPeriodEnd is true.' })
  id!: string;
}

@ArgsType()
export class CustomerSubscriptionsArgs extends LabelledArgs {
  @Field(() => [SubscriptionStatus], { nullable: true, description: 'Only subscriptions in one of these states. Absent: all.' })
  status?: SubscriptionStatus[] | null;
}

@ArgsType()
export class SubscriptionsArgs extends CustomerSubscriptionsArgs {
  @Field(() => ID, {
    nullable: true,
    description: 'Only subscriptions of this customer; none for an id that is not there. Absent: of all.',
  })
  customerId?: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What became of a mutation of a subscription.' })
export class SubscriptionPayload extends repeatablePayload() {
  @Field(() => Subscription, { nullable: true, description: 'The subscription as it is now; null where nothing was done.' })
  subscription!: Subscription | null;
}
