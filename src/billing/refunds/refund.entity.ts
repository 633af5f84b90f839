import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { connectionType } from '../../graphql/connection.js';
import { Node } from '../../graphql/node.js';
import { Getter } from '../../graphql/reads/row-resolvers.js';
import { IdColumn, JsonColumn, MinorColumn, Text, TimeColumn } from '../../platform/db/columns.js';
import { TenantRow } from '../../platform/tenancy/tenant-row.js';
import { Money } from '../kit/money.types.js';
import { RefundStatus } from './refund.states.js';

export enum RefundReason {
  DUPLICATE = 'DUPLICATE',
  FRAUDULENT = 'FRAUDULENT',
  REQUESTED_BY_CUSTOMER = 'REQUESTED_BY_CUSTOMER',
}
registerEnumType(RefundReason, { name: 'RefundReason' });
registerEnumType(RefundStatus, {
  name: 'RefundStatus',
  description: 'PENDING also covers a part refund of a payment that is not batched yet: it is sent by itself after the batch.',
});

/** Money given back, or being given back. Its part of the payment is reserved from the moment it is asked for. */
@Resource('refunds')
@ObjectType({ implements: Node, simpleResolvers: true, description: 'Money given back, or being given back.' })
@Entity({ tableName: 'billing_refunds' })
@Unique({ name: 'billing_refunds_tilled', properties: ['appId', 'tilledRefundId'] })
@Unique({ name: 'billing_refunds_reference', properties: ['appId', 'referenceId'] })
@Index({ name: 'billing_refunds_payment', properties: ['appId', 'paymentId', 'id'] })
@Index({ name: 'billing_refunds_customer', properties: ['appId', 'customerId', 'id'] })
export class Refund extends TenantRow {
  @IdColumn()
  paymentId!: string;

  @IdColumn()
  customerId!: string;

  /** Null until Tilled has confirmed the refund. */
  @IdColumn({ nullable: true })
  tilledRefundId!: string | null;

  @Field(() => RefundStatus)
  @Text(20)
  status!: RefundStatus;

  @MinorColumn()
  amountMinor!: number;

  @Text(3)
  currency!: string;

  @Field(() => RefundReason, { nullable: true })
  @Text(32, { nullable: true })
  reason!: RefundReason | null;

  @Field(() => String, { nullable: true })
  @Text(255, { nullable: true })
  referenceId!: string | null;

  @Field(() => String, { nullable: true })
  @Text(64, { nullable: true })
  failureCode!: string | null;

  @Field(() => String, { nullable: true })
  @Text(500, { nullable: true })
  failureMessage!: string | null;

  @JsonColumn()
  metadata!: Record<string, string>;

  @Field(() => Date)
  @TimeColumn()
  createdAt!: Date;

  @Field(() => Date)
  @TimeColumn()
  updatedAt!: Date;

  @Field(() => Money)
  @Getter('amountMinor', 'currency')
  get amount(): Money {
    return new Money(this.amountMinor, this.currency);
  }
}

@ObjectType()
export class RefundConnection extends connectionType(Refund, 'Refund') {}
