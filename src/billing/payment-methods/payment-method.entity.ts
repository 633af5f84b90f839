import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { Node } from '../../graphql/node.js';
import { Getter } from '../../graphql/reads/row-resolvers.js';
import { IdColumn, IntColumn, Text, TimeColumn } from '../../platform/db/columns.js';
import { TenantRow } from '../../platform/tenancy/tenant-row.js';

export enum PaymentMethodType {
  CARD = 'CARD',
  ACH_DEBIT = 'ACH_DEBIT',
  EFT_DEBIT = 'EFT_DEBIT',
  CARD_PRESENT = 'CARD_PRESENT',
}
registerEnumType(PaymentMethodType, { name: 'PaymentMethodType' });

/** A card or bank account, of which only masked facts are kept. Tilled owns all of it but which one is the default. */
@Resource('payment_methods')
@ObjectType({ implements: Node, simpleResolvers: true, description: 'A card or bank account of a customer; only masked facts are kept.' })
@Entity({ tableName: 'billing_payment_methods' })
@Unique({ name: 'billing_payment_methods_tilled', properties: ['appId', 'tilledPaymentMethodId'] })
@Unique({ name: 'billing_payment_methods_default', properties: ['appId', 'defaultOf'] })
@Index({ name: 'billing_payment_methods_customer', properties: ['appId', 'customerId', 'id'] })
export class PaymentMethod extends TenantRow {
  @IdColumn()
  customerId!: string;

  @IdColumn()
  tilledPaymentMethodId!: string;

  @Field(() => PaymentMethodType)
  @Text(16)
  type!: PaymentMethodType;

  @Field(() => String, { nullable: true })
  @Text(32, { nullable: true })
  brand!: string | null;

  @Field(() => String, { nullable: true, description: 'Last four digits of a card.' })
  @Text(4, { nullable: true })
  last4!: string | null;

  @Field(() => Int, { nullable: true })
  @IntColumn({ nullable: true })
  expMonth!: number | null;

  @Field(() => Int, { nullable: true })
  @IntColumn({ nullable: true })
  expYear!: number | null;

  @Field(() => String, { nullable: true })
  @Text(255, { nullable: true })
  bankName!: string | null;

  @Field(() => String, { nullable: true, description: 'Last two digits of a bank account.' })
  @Text(4, { nullable: true })
  bankLast!: string | null;

  /** The customer whose default this is, else null. Unique, so a customer cannot have two. */
  @IdColumn({ nullable: true })
  defaultOf!: string | null;

  @Field(() => Date)
  @TimeColumn()
  createdAt!: Date;

  @TimeColumn()
  updatedAt!: Date;

  /** Since when it is being detached, else null. Nothing new is built on it from that commit on. */
  @TimeColumn({ nullable: true })
  detachingAt!: Date | null;

  @Field(() => Date, { nullable: true })
  @TimeColumn({ nullable: true })
  detachedAt!: Date | null;

  @Field(() => Boolean)
  @Getter('defaultOf')
  get isDefault(): boolean {
    return this.defaultOf !== null;
  }
}
