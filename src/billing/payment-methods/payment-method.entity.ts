import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { CREATED_AT } from '../../graphql/descriptions.js';
import { describeEnum } from '../../graphql/enums.js';
import { Node } from '../../graphql/node.js';
import { Getter } from '../../graphql/reads/row-resolvers.js';
import { IdColumn, IntColumn, Text, TimeColumn } from '../../platform/db/columns.js';
import { ToldRow } from '../../platform/outbox/told-row.js';

export enum PaymentMethodType {
  CARD = 'CARD',
  ACH_DEBIT = 'ACH_DEBIT',
  EFT_DEBIT = 'EFT_DEBIT',
  CARD_PRESENT = 'CARD_PRESENT',
}
describeEnum(PaymentMethodType, {
  name: 'PaymentMethodType',
  description: 'How a payment method pays.',
  values: {
    CARD: 'A card whose number was typed in. The answer comes at once.',
    ACH_DEBIT: 'A bank account in the US, debited by ACH. A payment is PROCESSING for days and may come back after it succeeded.',
    EFT_DEBIT: 'A bank account in Canada, debited by EFT. A payment is PROCESSING for days and may come back after it succeeded.',
    CARD_PRESENT: 'A card that was read by a terminal.',
  },
});

/** A card or bank account, of which only masked facts are kept. Tilled owns all of it but which one is the default. */
@Resource('payment_methods')
@ObjectType({
  implements: Node,
  simpleResolvers: true,
  description: 'A card or bank account of a customer; only masked facts are kept. It is collected by Tilled.js, never by this API.',
})
@Entity({ tableName: 'billing_payment_methods' })
@Unique({ name: 'billing_payment_methods_tilled', properties: ['appId', 'tilledPaymentMethodId'] })
@Unique({ name: 'billing_payment_methods_default', properties: ['appId', 'defaultOf'] })
@Index({ name: 'billing_payment_methods_customer', properties: ['appId', 'customerId', 'id'] })
export class PaymentMethod extends ToldRow {
  @IdColumn()
  customerId!: string;

  @IdColumn()
  tilledPaymentMethodId!: string;

  @Field(() => PaymentMethodType, { description: 'What kind of card or account it is.' })
  @Text(16)
  type!: PaymentMethodType;

  @Field(() => String, { nullable: true, description: 'Brand of a card as the processor writes it, e.g. visa; null for a bank account.' })
  @Text(32, { nullable: true })
  brand!: string | null;

  @Field(() => String, { nullable: true, description: 'Last four digits of a card; null for a bank account.' })
  @Text(4, { nullable: true })
  last4!: string | null;

  @Field(() => Int, { nullable: true, description: 'Month in which a card expires, 1 to 12; null for a bank account.' })
  @IntColumn({ nullable: true })
  expMonth!: number | null;

  @Field(() => Int, { nullable: true, description: 'Year in which a card expires, e.g. 2031; null for a bank account.' })
  @IntColumn({ nullable: true })
  expYear!: number | null;

  @Field(() => String, { nullable: true, description: 'Name of the bank, where the processor tells it; null for a card.' })
  @Text(255, { nullable: true })
  bankName!: string | null;

  @Field(() => String, { nullable: true, description: 'Last two digits of a bank account; null for a card.' })
  @Text(4, { nullable: true })
  bankLast!: string | null;

  /** The customer whose default this is, else null. Unique, so a customer cannot have two. */
  @IdColumn({ nullable: true })
  defaultOf!: string | null;

  @Field(() => Date, { description: CREATED_AT })
  @TimeColumn()
  createdAt!: Date;

  @TimeColumn()
  updatedAt!: Date;

  /** Since when it is being detached, else null. Nothing new is built on it from that commit on. */
  @TimeColumn({ nullable: true })
  detachingAt!: Date | null;

  @Field(() => Date, {
    nullable: true,
    description: 'When it was detached; null while it is attached. A detached one is never charged again and cannot be attached again.',
  })
  @TimeColumn({ nullable: true })
  detachedAt!: Date | null;

  @Field(() => Boolean, { description: 'Whether it is charged where no method is named. A customer has one default at most.' })
  @Getter('defaultOf')
  get isDefault(): boolean {
    return this.defaultOf !== null;
  }
}
