import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { connectionType } from '../../graphql/connection.js';
import { Node } from '../../graphql/node.js';
import { Getter } from '../../graphql/reads/row-resolvers.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { IdColumn, JsonColumn, MinorColumn, Text, TimeColumn, VersionColumn } from '../../platform/db/columns.js';
import { TenantRow } from '../../platform/tenancy/tenant-row.js';
import { Money } from '../kit/money.types.js';
import { PaymentStatus } from './payment.states.js';

/** Whether an approved card payment is taken at once, or held until paymentCapture. */
export enum CaptureMethod {
  AUTOMATIC = 'AUTOMATIC',
  MANUAL = 'MANUAL',
}
registerEnumType(CaptureMethod, { name: 'CaptureMethod' });
registerEnumType(PaymentStatus, {
  name: 'PaymentStatus',
  description: 'UNKNOWN: we asked the processor and have no answer yet; it is being resolved and is never guessed.',
});

/** Money taken, or to be taken, from a customer. Tilled owns the state, what was captured and why it failed. */
@Resource('payments')
@ObjectType({ implements: Node, simpleResolvers: true, description: 'Money taken, or to be taken, from a customer.' })
@Entity({ tableName: 'billing_payments' })
@Unique({ name: 'billing_payments_tilled', properties: ['appId', 'tilledPaymentIntentId'] })
@Unique({ name: 'billing_payments_reference', properties: ['appId', 'referenceId'] })
@Index({ name: 'billing_payments_customer', properties: ['appId', 'customerId', 'id'] })
@Index({ name: 'billing_payments_subscription', properties: ['appId', 'subscriptionId', 'id'] })
@Index({ name: 'billing_payments_method', properties: ['appId', 'paymentMethodId'] })
@Index({ name: 'billing_payments_status', properties: ['appId', 'status', 'id'] })
export class Payment extends TenantRow {
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

  @Field(() => PaymentStatus)
  @Text(20)
  status!: PaymentStatus;

  @Field(() => CaptureMethod)
  @Text(12)
  captureMethod!: CaptureMethod;

  @MinorColumn()
  amountMinor!: number;

  @Text(3)
  currency!: string;

  @MinorColumn()
  capturedMinor!: number;

  /** Given back for certain. The database refuses more than was captured. */
  @MinorColumn()
  refundedMinor!: number;

  /** Given back, or being given back: what no further refund may use. */
  @MinorColumn()
  refundReservedMinor!: number;

  @Field(() => String, { nullable: true, description: "The app's own name for this payment, e.g. order:789; unique in the app." })
  @Text(255, { nullable: true })
  referenceId!: string | null;

  @Field(() => String, { nullable: true })
  @Text(500, { nullable: true })
  description!: string | null;

  @Field(() => String, { nullable: true, description: "The processor's code, e.g. insufficient_funds. New codes may appear." })
  @Text(64, { nullable: true })
  failureCode!: string | null;

  @Field(() => String, { nullable: true })
  @Text(500, { nullable: true })
  failureMessage!: string | null;

  @Field(() => MetadataScalar)
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

  @Field(() => Money)
  @Getter('capturedMinor', 'currency')
  get captured(): Money {
    return new Money(this.capturedMinor, this.currency);
  }

  @Field(() => Money)
  @Getter('refundedMinor', 'currency')
  get refunded(): Money {
    return new Money(this.refundedMinor, this.currency);
  }
}

@ObjectType()
export class PaymentConnection extends connectionType(Payment, 'Payment') {}
