import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { connectionType } from '../../graphql/connection.js';
import { CREATED_AT, METADATA, UPDATED_AT } from '../../graphql/descriptions.js';
import { describeEnum } from '../../graphql/enums.js';
import { Node } from '../../graphql/node.js';
import { Getter } from '../../graphql/reads/row-resolvers.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { IdColumn, JsonColumn, MinorColumn, Text, TimeColumn, VersionColumn } from '../../platform/db/columns.js';
import { ToldRow } from '../../platform/outbox/told-row.js';
import { Money } from '../kit/money.types.js';
import { PaymentStatus } from './payment.states.js';

/** Whether an approved card payment is taken at once, or held until paymentCapture. */
export enum CaptureMethod {
  AUTOMATIC = 'AUTOMATIC',
  MANUAL = 'MANUAL',
}
describeEnum(CaptureMethod, {
  name: 'CaptureMethod',
  description: 'When an approved card payment is taken.',
  values: {
    AUTOMATIC: 'At once.',
    MANUAL:
      'It is held (REQUIRES_CAPTURE) until paymentCapture takes it or paymentCancel releases it. The processor releases it by itself after 7 days.',
  },
});
describeEnum(PaymentStatus, {
  name: 'PaymentStatus',
  description: 'How far a payment is. Ship on SUCCEEDED; everything else is either not decided or took nothing.',
  values: {
    PENDING: 'Recorded, and not decided: the processor is being asked, or asks its bank. Read it again.',
    REQUIRES_ACTION: 'The payer has to do something, such as confirm it with their bank. Let them finish, or cancel it.',
    PROCESSING: 'A bank debit that is on its way; it takes days. Read it again, or wait.',
    REQUIRES_CAPTURE: 'The amount is held and not taken. Capture it or cancel it within 7 days.',
    SUCCEEDED: 'The money was taken. A bank debit may still come back, and is FAILED then.',
    FAILED: 'The app keeps no money of it: declined, refused, or a bank debit that came back. failureCode says why.',
    CANCELED: 'Called off, or a hold that was released. It takes nothing any more.',
    UNKNOWN:
      'The processor was asked and has not answered. It is being found out by itself and never guessed. Read it again; do not take the money another way meanwhile.',
  },
});

/** Money taken, or to be taken, from a customer. Tilled owns the state, what was captured and why it failed. */
@Resource('payments')
@ObjectType({
  implements: Node,
  simpleResolvers: true,
  description: 'Money taken, or to be taken, from a customer. Look at `status` to know which.',
})
@Entity({ tableName: 'billing_payments' })
@Index({ name: 'billing_payments_updated', properties: ['appId', 'updatedAt'] })
@Unique({ name: 'billing_payments_tilled', properties: ['appId', 'tilledPaymentIntentId'] })
@Unique({ name: 'billing_payments_reference_held', properties: ['appId', 'referenceHeld'] })
@Index({ name: 'billing_payments_reference', properties: ['appId', 'referenceId', 'id'] })
@Index({ name: 'billing_payments_customer', properties: ['appId', 'customerId', 'id'] })
@Index({ name: 'billing_payments_subscription', properties: ['appId', 'subscriptionId', 'id'] })
@Index({ name: 'billing_payments_method', properties: ['appId', 'paymentMethodId'] })
@Index({ name: 'billing_payments_status', properties: ['appId', 'status', 'id'] })
export class Payment extends ToldRow {
  @VersionColumn()
  version!: number;

  @IdColumn()
  customerId!: string;

  @IdColumn({ nullable: true })
  paymentMethodId!: string | null;

  @IdColumn({ nullable: true })
  subscriptionId!: string | null;

  /** The intent at Tilled; null until Tilled has confirmed that it made one. */
  @IdColumn({ nullable: true })
  tilledPaymentIntentId!: string | null;

  @Field(() => PaymentStatus, { description: 'How far it is.' })
  @Text(20)
  status!: PaymentStatus;

  @Field(() => CaptureMethod, { description: 'Whether it is taken at once, or held until paymentCapture.' })
  @Text(12)
  captureMethod!: CaptureMethod;

  @MinorColumn()
  amountMinor!: number;

  @Text(3)
  currency!: string;

  @MinorColumn()
  capturedMinor!: number;

  /** What of it goes to the platform; null where no fee was asked for. */
  @MinorColumn({ nullable: true })
  platformFeeMinor!: number | null;

  /** Given back for certain. The database refuses more than was captured. */
  @MinorColumn()
  refundedMinor!: number;

  /** Given back, or being given back: what no further refund may use. */
  @MinorColumn()
  refundReservedMinor!: number;

  @Field(() => String, {
    nullable: true,
    description:
      "The app's own name for what is paid, e.g. order:789. Several payments may have it, one try after the other; at most one of them took or may take the money.",
  })
  @Text(255, { nullable: true })
  referenceId!: string | null;

  /** The reference, while this payment took or may take its money: no second one can have it. Null once it is over. */
  @Text(255, { nullable: true })
  referenceHeld!: string | null;

  @Field(() => String, { nullable: true, description: "The app's own words about it; the processor does not get them." })
  @Text(500, { nullable: true })
  description!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Why it is FAILED: the processor's code, e.g. insufficient_funds, or processor_rejected where it refused to try. New codes may appear. Else null.",
  })
  @Text(64, { nullable: true })
  failureCode!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Why it is FAILED, in the processor's words: for developers, not for payers. Else null.",
  })
  @Text(500, { nullable: true })
  failureMessage!: string | null;

  @Field(() => MetadataScalar, { description: METADATA })
  @JsonColumn()
  metadata!: Record<string, string>;

  @Field(() => Date, { description: CREATED_AT })
  @TimeColumn()
  createdAt!: Date;

  @Field(() => Date, { description: UPDATED_AT })
  @TimeColumn()
  updatedAt!: Date;

  @Field(() => Money, {
    nullable: true,
    description: 'What of it goes to the platform, as the processor has it: at most what is captured. Null where no fee was asked for.',
  })
  @Getter('platformFeeMinor', 'currency')
  get platformFee(): Money | null {
    return this.platformFeeMinor === null ? null : new Money(this.platformFeeMinor, this.currency);
  }

  @Field(() => Money, { description: 'What was asked for.' })
  @Getter('amountMinor', 'currency')
  get amount(): Money {
    return new Money(this.amountMinor, this.currency);
  }

  @Field(() => Money, { description: 'What was taken so far; 0 while it is only held. A bank debit that comes back lowers it again.' })
  @Getter('capturedMinor', 'currency')
  get captured(): Money {
    return new Money(this.capturedMinor, this.currency);
  }

  @Field(() => Money, { description: 'What was given back for certain. Refunds that are not decided yet are not in it.' })
  @Getter('refundedMinor', 'currency')
  get refunded(): Money {
    return new Money(this.refundedMinor, this.currency);
  }
}

@ObjectType({ description: 'One page of payments, newest first.' })
export class PaymentConnection extends connectionType(Payment, 'Payment') {}
