import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { connectionType } from '../../graphql/connection.js';
import { CREATED_AT, UPDATED_AT } from '../../graphql/descriptions.js';
import { describeEnum } from '../../graphql/enums.js';
import { Node } from '../../graphql/node.js';
import { Getter } from '../../graphql/reads/row-resolvers.js';
import { IdColumn, MinorColumn, Text, TimeColumn } from '../../platform/db/columns.js';
import { ToldRow } from '../../platform/outbox/told-row.js';
import { Money } from '../kit/money.types.js';
import { DisputeStatus } from './dispute.states.js';

describeEnum(DisputeStatus, {
  name: 'DisputeStatus',
  description:
    "How far a dispute is. WARNING_… are inquiries: the bank asks, and has not taken the money. Do not refund a payment that is disputed otherwise without a person's decision.",
  values: {
    CLOSED: 'It ended without a verdict that we know. It changes no more.',
    LOST: 'The cardholder keeps the money. Do not refund it as well.',
    NEEDS_RESPONSE:
      'The bank took the money back until it is decided. Send evidence with disputeEvidenceSubmit before evidenceDueAt, or it is lost.',
    UNDER_REVIEW: 'The evidence is being looked at. Nothing is to be done.',
    WARNING_CLOSED: 'The inquiry ended; no money was taken. It may still become a dispute.',
    WARNING_NEEDS_RESPONSE: 'The bank inquires. Answer before evidenceDueAt, or refund, so that no dispute follows.',
    WARNING_UNDER_REVIEW: 'The answer to the inquiry is being looked at. Nothing is to be done.',
    WON: 'The app keeps the money. It may still be appealed.',
  },
});

/** A cardholder's objection to a payment. All of it but concededAt is Tilled's word. */
@Resource('disputes')
@ObjectType({
  implements: Node,
  simpleResolvers: true,
  description: "A cardholder's objection to a payment. It is answered once, by disputeEvidenceSubmit or in the processor's dashboard.",
})
@Entity({ tableName: 'billing_disputes' })
@Index({ name: 'billing_disputes_updated', properties: ['appId', 'updatedAt'] })
@Unique({ name: 'billing_disputes_tilled', properties: ['appId', 'tilledDisputeId'] })
@Index({ name: 'billing_disputes_payment', properties: ['appId', 'paymentId', 'id'] })
@Index({ name: 'billing_disputes_customer', properties: ['appId', 'customerId', 'id'] })
@Index({ name: 'billing_disputes_status', properties: ['appId', 'status', 'id'] })
export class Dispute extends ToldRow {
  @IdColumn({ nullable: true })
  paymentId!: string | null;

  @IdColumn({ nullable: true })
  customerId!: string | null;

  @IdColumn()
  tilledDisputeId!: string;

  @IdColumn()
  tilledChargeId!: string;

  @Field(() => DisputeStatus, { description: 'How far it is.' })
  @Text(32)
  status!: DisputeStatus;

  @MinorColumn()
  amountMinor!: number;

  @Text(3)
  currency!: string;

  @Field(() => String, { nullable: true, description: "Why the cardholder objects, in the processor's words; null where it does not say." })
  @Text(500, { nullable: true })
  reason!: string | null;

  @Field(() => Date, { nullable: true, description: 'Until when the processor accepts evidence; null where it does not say.' })
  @TimeColumn({ nullable: true })
  evidenceDueAt!: Date | null;

  @Field(() => Date, {
    nullable: true,
    description: 'When evidence was last sent, from here or in the dashboard of the processor; null where none was.',
  })
  @TimeColumn({ nullable: true })
  evidenceSubmittedAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When the app conceded it, so that no evidence is sent; null where it did not.' })
  @TimeColumn({ nullable: true })
  concededAt!: Date | null;

  @Field(() => Date, { description: CREATED_AT })
  @TimeColumn()
  createdAt!: Date;

  @Field(() => Date, { description: UPDATED_AT })
  @TimeColumn()
  updatedAt!: Date;

  @Field(() => Money, { description: 'How much is disputed; it may be less than the payment.' })
  @Getter('amountMinor', 'currency')
  get amount(): Money {
    return new Money(this.amountMinor, this.currency);
  }
}

@ObjectType({ description: 'One page of disputes, newest first.' })
export class DisputeConnection extends connectionType(Dispute, 'Dispute') {}
