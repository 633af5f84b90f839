import { ArgsType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { IDEMPOTENCY_KEY, METADATA } from '../../graphql/descriptions.js';
import { IsOptional, Length, MaxLength, ValidateNested } from '../../graphql/input-rules.js';
import { LabelledArgs } from '../../graphql/list-filters.js';
import { repeatablePayload } from '../../graphql/payload.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { MoneyInput } from '../kit/money.types.js';
import { CaptureMethod, Payment } from './payment.entity.js';
import { PaymentStatus } from './payment.states.js';

@InputType({ description: 'Money to take from a customer, once.' })
export class PaymentCreateInput {
  @Field(() => ID, { description: 'Who pays.' })
  customerId!: string;

  @Field(() => MoneyInput, { description: 'How much to take, or to hold.' })
  @ValidateNested()
  amount!: MoneyInput;

  @Field(() => MoneyInput, {
    nullable: true,
    description:
      'What of the amount goes to the platform, for marketplaces on the processor: in the currency of the amount, and at most the amount. If less than the fee is captured, the fee is what is captured. Absent: no fee.',
  })
  @IsOptional()
  @ValidateNested()
  platformFee?: MoneyInput | null;

  @Field(() => ID, { nullable: true, description: "An attached method of this customer. Absent: the customer's default method." })
  paymentMethodId?: string | null;

  @Field(() => CaptureMethod, {
    nullable: true,
    description: 'Whether to take it at once or to hold it until paymentCapture.',
  })
  captureMethod?: CaptureMethod | null = CaptureMethod.AUTOMATIC;

  @Field(() => String, {
    nullable: true,
    description:
      "The app's own name for what is paid, e.g. order:789, 1 to 255 characters. While a payment under it took the money, or may still take it, no second one is made: asked for the same amount, customer and capture that one is answered, with `replayed: true`, else DUPLICATE_REFERENCE. After a payment that FAILED or was CANCELED it is free for another try, with a new idempotency key.",
  })
  @IsOptional()
  @Length(1, 255)
  referenceId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The app's own words about it, 1 to 500 characters; the processor does not get them.",
  })
  @IsOptional()
  @MaxLength(500)
  description?: string | null;

  @Field(() => MetadataScalar, { nullable: true, description: METADATA })
  metadata?: Record<string, string | null> | null;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A payment that is held, and how much of it to take.' })
export class PaymentCaptureInput {
  @Field(() => ID, { description: 'A payment that is REQUIRES_CAPTURE.' })
  id!: string;

  @Field(() => MoneyInput, {
    nullable: true,
    description: 'At most what is held; the rest is released. Absent: all of it. It can be captured once only.',
  })
  @IsOptional()
  @ValidateNested()
  amount?: MoneyInput | null;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A payment to call off. What was captured is refunded instead.' })
export class PaymentCancelInput {
  @Field(() => ID, { description: 'A payment that is REQUIRES_CAPTURE, REQUIRES_ACTION or FAILED.' })
  id!: string;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@ArgsType()
export class CustomerPaymentsArgs extends LabelledArgs {
  @Field(() => [PaymentStatus], { nullable: true, description: 'Only payments in one of these states. Absent: all.' })
  status?: PaymentStatus[] | null;
}

@ArgsType()
export class PaymentsArgs extends CustomerPaymentsArgs {
  @Field(() => ID, { nullable: true, description: 'Only payments of this customer; none for an id that is not there. Absent: of all.' })
  customerId?: string | null;

  @Field(() => String, { nullable: true, description: 'Every payment under this reference: each try of it.' })
  referenceId?: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What became of a mutation of a payment.' })
export class PaymentPayload extends repeatablePayload() {
  @Field(() => Payment, { nullable: true, description: 'The payment as it is now, a declined one too; null where none was made.' })
  payment!: Payment | null;
}
