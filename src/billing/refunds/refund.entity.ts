import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { connectionType } from '../../graphql/connection.js';
import { CREATED_AT, UPDATED_AT } from '../../graphql/descriptions.js';
import { describeEnum } from '../../graphql/enums.js';
import { Node } from '../../graphql/node.js';
import { Getter } from '../../graphql/reads/row-resolvers.js';
import { IdColumn, JsonColumn, MinorColumn, Text, TimeColumn } from '../../platform/db/columns.js';
import { ToldRow } from '../../platform/outbox/told-row.js';
import { Money } from '../kit/money.types.js';
import { RefundStatus } from './refund.states.js';

export enum RefundReason {
  DUPLICATE = 'DUPLICATE',
  FRAUDULENT = 'FRAUDULENT',
  REQUESTED_BY_CUSTOMER = 'REQUESTED_BY_CUSTOMER',
}
describeEnum(RefundReason, {
  name: 'RefundReason',
  description: 'Why money is given back; the processor is told.',
  values: {
    DUPLICATE: 'The customer was charged twice.',
    FRAUDULENT: 'The payment was not made by the owner of the card or account.',
    REQUESTED_BY_CUSTOMER: 'The customer asked for it.',
  },
});
describeEnum(RefundStatus, {
  name: 'RefundStatus',
  description: 'How far a refund is.',
  values: {
    PENDING:
      'Not decided. The bank takes its time, or it is a part of a payment that the processor has not batched yet: then it is sent by itself after the nightly batch. Nothing is to be done.',
    SUCCEEDED: 'The money was given back. A bank may still send it back, and then it is FAILED.',
    FAILED: 'Nothing was given back; failureCode says why. Its part of the payment can be refunded anew, with a new key and reference.',
    CANCELED: 'Called off at the processor: nothing was given back.',
    REQUIRES_ACTION: "The processor needs something of a person: look at it in the processor's dashboard.",
    UNKNOWN:
      'The processor was asked and has not answered. It is being found out by itself and never guessed. Do not refund it another way meanwhile.',
  },
});

/** Money given back, or being given back. Its part of the payment is reserved from the moment it is asked for. */
@Resource('refunds')
@ObjectType({
  implements: Node,
  simpleResolvers: true,
  description: 'Money given back, or being given back. Its part of the payment is reserved from the moment it is asked for.',
})
@Entity({ tableName: 'billing_refunds' })
@Index({ name: 'billing_refunds_updated', properties: ['appId', 'updatedAt'] })
@Unique({ name: 'billing_refunds_tilled', properties: ['appId', 'tilledRefundId'] })
@Unique({ name: 'billing_refunds_reference_held', properties: ['appId', 'referenceHeld'] })
@Index({ name: 'billing_refunds_reference', properties: ['appId', 'referenceId', 'id'] })
@Index({ name: 'billing_refunds_payment', properties: ['appId', 'paymentId', 'id'] })
@Index({ name: 'billing_refunds_customer', properties: ['appId', 'customerId', 'id'] })
export class Refund extends ToldRow {
  @IdColumn()
  paymentId!: string;

  @IdColumn()
  customerId!: string;

  /** Null until Tilled has confirmed the refund. */
  @IdColumn({ nullable: true })
  tilledRefundId!: string | null;

  @Field(() => RefundStatus, { description: 'How far it is.' })
  @Text(20)
  status!: RefundStatus;

  @MinorColumn()
  amountMinor!: number;

  @Text(3)
  currency!: string;

  @Field(() => RefundReason, { nullable: true, description: 'Why it is given back; null where nobody said.' })
  @Text(32, { nullable: true })
  reason!: RefundReason | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The app's own name for what is given back, e.g. return:12. Several refunds may have it, one try after the other; at most one of them gave or may give the money.",
  })
  @Text(255, { nullable: true })
  referenceId!: string | null;

  /** The reference, while this refund gave or may give its money: no second one can have it. Null once it is over. */
  @Text(255, { nullable: true })
  referenceHeld!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Why it is FAILED: the processor's code, or processor_rejected where it refused to try. New codes may appear. Else null.",
  })
  @Text(64, { nullable: true })
  failureCode!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Why it is FAILED, in the processor's words: for developers, not for payers. Else null.",
  })
  @Text(500, { nullable: true })
  failureMessage!: string | null;

  @JsonColumn()
  metadata!: Record<string, string>;

  @Field(() => Date, { description: CREATED_AT })
  @TimeColumn()
  createdAt!: Date;

  @Field(() => Date, { description: UPDATED_AT })
  @TimeColumn()
  updatedAt!: Date;

  @Field(() => Money, { description: 'How much is given back.' })
  @Getter('amountMinor', 'currency')
  get amount(): Money {
    return new Money(this.amountMinor, this.currency);
  }
}

@ObjectType({ description: 'One page of refunds, newest first.' })
export class RefundConnection extends connectionType(Refund, 'Refund') {}
