import { ArgsType, Field, ID, InputType, ObjectType } from 'type-graphql';
import { PageArgs } from '../../graphql/connection.js';
import { IsOptional, Length, ValidateNested } from '../../graphql/input-rules.js';
import { repeatablePayload } from '../../graphql/payload.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { MoneyInput } from '../kit/money.types.js';
import { Refund, RefundReason } from './refund.entity.js';

@InputType({ description: 'Everything that is left if amount is absent.' })
export class RefundCreateInput {
  @Field(() => ID)
  paymentId!: string;

  @Field(() => MoneyInput, { nullable: true })
  @IsOptional()
  @ValidateNested()
  amount?: MoneyInput | null;

  @Field(() => RefundReason, { nullable: true })
  reason?: RefundReason | null;

  @Field(() => Boolean, { nullable: true, defaultValue: false, description: 'Refund although a dispute is open or lost.' })
  acknowledgeDispute?: boolean | null;

  @Field(() => String, { nullable: true, description: 'Unique in the app: the same reference and amount answers the existing refund.' })
  @IsOptional()
  @Length(1, 255)
  referenceId?: string | null;

  @Field(() => MetadataScalar, { nullable: true })
  metadata?: Record<string, string | null> | null;

  @Field(() => String, { nullable: true })
  idempotencyKey?: string | null;
}

@ArgsType()
export class RefundsArgs extends PageArgs {
  @Field(() => ID, { nullable: true })
  paymentId?: string | null;
}

@ObjectType({ simpleResolvers: true })
export class RefundPayload extends repeatablePayload() {
  @Field(() => Refund, { nullable: true })
  refund!: Refund | null;
}
