import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Matches } from '../../graphql/input-rules.js';
import { repeatablePayload } from '../../graphql/payload.js';
import { PaymentMethod } from './payment-method.entity.js';

@InputType({
  description: 'tilledPaymentMethodId comes from Tilled.js hosted fields. The first attached method becomes the default, or setAsDefault.',
})
export class PaymentMethodAttachInput {
  @Field(() => ID)
  customerId!: string;

  @Field(() => String)
  @Matches(/^pm_[A-Za-z0-9_-]{1,60}$/, {
    message: 'must be the id of a payment method made with Tilled.js (pm_…); card data is never sent here',
  })
  tilledPaymentMethodId!: string;

  @Field(() => Boolean, { nullable: true, defaultValue: false })
  setAsDefault?: boolean | null;

  @Field(() => String, { nullable: true })
  idempotencyKey?: string | null;
}

@InputType()
export class PaymentMethodSetDefaultInput {
  @Field(() => ID)
  id!: string;
}

@InputType({ description: 'Refused while a live subscription is paid with it. If it is the default, the newest other method becomes it.' })
export class PaymentMethodDetachInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType({ simpleResolvers: true })
export class PaymentMethodPayload extends repeatablePayload() {
  @Field(() => PaymentMethod, { nullable: true })
  paymentMethod!: PaymentMethod | null;
}
