import { ArgsType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { IDEMPOTENCY_KEY, METADATA } from '../../graphql/descriptions.js';
import { IsOptional, Length, ValidateNested } from '../../graphql/input-rules.js';
import { LabelledArgs } from '../../graphql/list-filters.js';
import { repeatablePayload } from '../../graphql/payload.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { MoneyInput } from '../kit/money.types.js';
import { Refund, RefundReason } from './refund.entity.js';

@InputType({ description: 'What to give back of one payment.' })
export class RefundCreateInput {
  @Field(() => ID, { description: 'A payment that is SUCCEEDED.' })
  paymentId!: string;

  @Field(() => MoneyInput, { nullable: true, description: "How much, in the payment's currency. Absent: everything that is left." })
  @IsOptional()
  @ValidateNested()
  amount?: MoneyInput | null;

  @Field(() => RefundReason, { nullable: true, description: 'Why it is given back; the processor is told.' })
  reason?: RefundReason | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Refund although a dispute is open or lost, so that the cardholder may be paid twice.',
  })
  acknowledgeDispute?: boolean | null = false;

  @Field(() => Boolean, {
    nullable: true,
    description:
      "Whether the platform gives back its fee too: of a part of the payment the same part of the fee. Else the fee stays the platform's.",
  })
  refundPlatformFee?: boolean | null = false;

  @Field(() => String, {
    nullable: true,
    description:
      "The app's own name for what is given back, e.g. return:12, 1 to 255 characters. While a refund under it gave the money, or may still give it, no second one is made: asked for the same payment and amount that one is answered, with `replayed: true`, else DUPLICATE_REFERENCE. After a refund that FAILED or was CANCELED it is free for another try, with a new idempotency key.",
  })
  @IsOptional()
  @Length(1, 255)
  referenceId?: string | null;

  @Field(() => MetadataScalar, { nullable: true, description: METADATA })
  metadata?: Record<string, string | null> | null;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@ArgsType()
export class RefundsArgs extends LabelledArgs {
  @Field(() => ID, { nullable: true, description: 'Only refunds of this payment; none for an id that is not there. Absent: of all.' })
  paymentId?: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What became of a mutation of a refund.' })
export class RefundPayload extends repeatablePayload() {
  @Field(() => Refund, { nullable: true, description: 'The refund as it is now, a refused one too; null where none was made.' })
  refund!: Refund | null;
}
