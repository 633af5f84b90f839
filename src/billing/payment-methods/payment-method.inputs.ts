import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { IDEMPOTENCY_KEY } from '../../graphql/descriptions.js';
import { Matches } from '../../graphql/input-rules.js';
import { repeatablePayload } from '../../graphql/payload.js';
import { PaymentMethod } from './payment-method.entity.js';

@InputType({ description: 'A payment method to attach to a customer, and whether it becomes the default. The first one always does.' })
export class PaymentMethodAttachInput {
  @Field(() => ID, { description: 'Whose it becomes. A customer session may name its own customer only.' })
  customerId!: string;

  @Field(() => String, {
    description: 'The id pm_… that Tilled.js gave the page for what was typed into its hosted fields. Card data is never sent here.',
  })
  @Matches(/^pm_[A-Za-z0-9_-]{1,60}$/, {
    message: 'must be the id of a payment method made with Tilled.js (pm_…); card data is never sent here',
  })
  tilledPaymentMethodId!: string;

  @Field(() => Boolean, { nullable: true, description: 'Whether it takes the place of the default there is.' })
  setAsDefault?: boolean | null = false;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'A payment method to charge from now on where none is named.' })
export class PaymentMethodSetDefaultInput {
  @Field(() => ID, { description: 'An attached payment method. Subscriptions keep the method they have.' })
  id!: string;
}

@InputType({ description: 'A payment method to detach. If it is the default, the newest other method that has not expired becomes it.' })
export class PaymentMethodDetachInput {
  @Field(() => ID, { description: 'The payment method. It cannot be attached again: collect it anew instead.' })
  id!: string;
}

@ObjectType({ simpleResolvers: true, description: 'What became of a mutation of a payment method.' })
export class PaymentMethodPayload extends repeatablePayload() {
  @Field(() => PaymentMethod, { nullable: true, description: 'The payment method as it is now; null where nothing was done, or not yet.' })
  paymentMethod!: PaymentMethod | null;
}
