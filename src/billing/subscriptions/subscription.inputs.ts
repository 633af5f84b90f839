import { ArgsType, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { PageArgs } from '../../graphql/connection.js';
import { IsOptional, Length, Max, Min, ValidateNested } from '../../graphql/input-rules.js';
import { repeatablePayload } from '../../graphql/payload.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { MoneyInput } from '../kit/money.types.js';
import { IntervalUnit } from './billing-period.js';
import { Subscription } from './subscription.entity.js';
import { SubscriptionStatus } from './subscription.states.js';

export enum CancelMode {
  IMMEDIATELY = 'IMMEDIATELY',
  AT_PERIOD_END = 'AT_PERIOD_END',
}
registerEnumType(CancelMode, { name: 'CancelMode' });

@InputType({ description: 'A trial is a later billingCycleAnchor: nothing is taken before it.' })
export class SubscriptionCreateInput {
  @Field(() => ID)
  customerId!: string;

  @Field(() => ID, { nullable: true, description: "The customer's default method if absent." })
  paymentMethodId?: string | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @Length(1, 100)
  planCode?: string | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @Length(1, 255)
  planName?: string | null;

  @Field(() => MoneyInput)
  @ValidateNested()
  price!: MoneyInput;

  @Field(() => IntervalUnit, { nullable: true, defaultValue: IntervalUnit.MONTH })
  intervalUnit?: IntervalUnit | null;

  @Field(() => Int, { nullable: true, defaultValue: 1 })
  @IsOptional()
  @Min(1)
  @Max(365)
  intervalCount?: number | null;

  @Field(() => Date, { nullable: true, description: 'When the first payment is taken; now if absent.' })
  billingCycleAnchor?: Date | null;

  @Field(() => MetadataScalar, { nullable: true })
  metadata?: Record<string, string | null> | null;

  @Field(() => String, { nullable: true })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A new price is taken from the next payment on; the currency stays.' })
export class SubscriptionUpdateInput {
  @Field(() => ID)
  id!: string;

  @Field(() => MoneyInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  price?: MoneyInput | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @Length(1, 100)
  planCode?: string | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @Length(1, 255)
  planName?: string | null;

  @Field(() => ID, { nullable: true })
  paymentMethodId?: string | null;

  @Field(() => MetadataScalar, { nullable: true })
  metadata?: Record<string, string | null> | null;

  @Field(() => Int, { nullable: true })
  expectedVersion?: number | null;
}

@InputType()
export class SubscriptionPauseInput {
  @Field(() => ID)
  id!: string;

  @Field(() => Date, { nullable: true, description: 'When it resumes by itself; never if absent.' })
  resumeAt?: Date | null;
}

@InputType()
export class SubscriptionResumeInput {
  @Field(() => ID)
  id!: string;
}

@InputType()
export class SubscriptionCancelInput {
  @Field(() => ID)
  id!: string;

  @Field(() => CancelMode)
  mode!: CancelMode;

  @Field(() => Int, { nullable: true })
  expectedVersion?: number | null;

  @Field(() => String, { nullable: true })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Undoes a cancellation at period end that has not happened yet.' })
export class SubscriptionReactivateInput {
  @Field(() => ID)
  id!: string;
}

@ArgsType()
export class CustomerSubscriptionsArgs extends PageArgs {
  @Field(() => [SubscriptionStatus], { nullable: true })
  status?: SubscriptionStatus[] | null;
}

@ArgsType()
export class SubscriptionsArgs extends CustomerSubscriptionsArgs {
  @Field(() => ID, { nullable: true })
  customerId?: string | null;
}

@ObjectType({ simpleResolvers: true })
export class SubscriptionPayload extends repeatablePayload() {
  @Field(() => Subscription, { nullable: true })
  subscription!: Subscription | null;
}
