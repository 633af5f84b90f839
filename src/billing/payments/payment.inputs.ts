import { ArgsType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { PageArgs } from '../../graphql/connection.js';
import { IsOptional, Length, MaxLength, ValidateNested } from '../../graphql/input-rules.js';
import { repeatablePayload } from '../../graphql/payload.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { MoneyInput } from '../kit/money.types.js';
import { CaptureMethod, Payment } from './payment.entity.js';
import { PaymentStatus } from './payment.states.js';

@InputType()
export class PaymentCreateInput {
  @Field(() => ID)
  customerId!: string;

  @Field(() => MoneyInput)
  @ValidateNested()
  amount!: MoneyInput;

  @Field(() => ID, { nullable: true, description: "The customer's default method if absent." })
  paymentMethodId?: string | null;

  @Field(() => CaptureMethod, { nullable: true, defaultValue: CaptureMethod.AUTOMATIC })
  captureMethod?: CaptureMethod | null;

  @Field(() => String, { nullable: true, description: 'Unique in the app: the same reference and amount answers the existing payment.' })
  @IsOptional()
  @Length(1, 255)
  referenceId?: string | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @MaxLength(500)
  description?: string | null;

  @Field(() => MetadataScalar, { nullable: true })
  metadata?: Record<string, string | null> | null;

  @Field(() => String, { nullable: true })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Takes what was held: once, all of it or the amount given; the rest is released.' })
export class PaymentCaptureInput {
  @Field(() => ID)
  id!: string;

  @Field(() => MoneyInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  amount?: MoneyInput | null;

  @Field(() => String, { nullable: true })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Releases what was held and not captured. A captured payment is refunded instead.' })
export class PaymentCancelInput {
  @Field(() => ID)
  id!: string;

  @Field(() => String, { nullable: true })
  idempotencyKey?: string | null;
}

@ArgsType()
export class CustomerPaymentsArgs extends PageArgs {
  @Field(() => [PaymentStatus], { nullable: true })
  status?: PaymentStatus[] | null;
}

@ArgsType()
export class PaymentsArgs extends CustomerPaymentsArgs {
  @Field(() => ID, { nullable: true })
  customerId?: string | null;
}

@ObjectType({ simpleResolvers: true })
export class PaymentPayload extends repeatablePayload() {
  @Field(() => Payment, { nullable: true })
  payment!: Payment | null;
}
