import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { connectionType } from '../../graphql/connection.js';
import { Node } from '../../graphql/node.js';
import { Getter } from '../../graphql/reads/row-resolvers.js';
import { IdColumn, MinorColumn, Text, TimeColumn } from '../../platform/db/columns.js';
import { TenantRow } from '../../platform/tenancy/tenant-row.js';
import { Money } from '../kit/money.types.js';
import { DisputeStatus } from './dispute.states.js';

registerEnumType(DisputeStatus, { name: 'DisputeStatus' });

/** A cardholder's objection to a payment. All of it is Tilled's word. */
@Resource('disputes')
@ObjectType({ implements: Node, simpleResolvers: true, description: "A cardholder's objection to a payment." })
@Entity({ tableName: 'billing_disputes' })
@Unique({ name: 'billing_disputes_tilled', properties: ['appId', 'tilledDisputeId'] })
@Index({ name: 'billing_disputes_payment', properties: ['appId', 'paymentId', 'id'] })
@Index({ name: 'billing_disputes_customer', properties: ['appId', 'customerId', 'id'] })
@Index({ name: 'billing_disputes_status', properties: ['appId', 'status', 'id'] })
export class Dispute extends TenantRow {
  @IdColumn({ nullable: true })
  paymentId!: string | null;

  @IdColumn({ nullable: true })
  customerId!: string | null;

  @IdColumn()
  tilledDisputeId!: string;

  @IdColumn()
  tilledChargeId!: string;

  @Field(() => DisputeStatus)
  @Text(32)
  status!: DisputeStatus;

  @MinorColumn()
  amountMinor!: number;

  @Text(3)
  currency!: string;

  @Field(() => String, { nullable: true })
  @Text(500, { nullable: true })
  reason!: string | null;

  @Field(() => Date, { nullable: true, description: 'Until when evidence is accepted.' })
  @TimeColumn({ nullable: true })
  evidenceDueAt!: Date | null;

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
export class DisputeConnection extends connectionType(Dispute, 'Dispute') {}
