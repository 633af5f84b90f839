import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { IdColumn, MinorColumn, Text, TimeColumn } from '../platform/db/columns.js';
import { TenantRow } from '../platform/tenancy/tenant-row.js';

/**
 * What an event said that the state of its object may not show any more, such as an attempt that failed before the next
 * one succeeded. Its id is the event's, so it is kept once; it is never changed and moves no state.
 */
@ObjectType({ simpleResolvers: true, description: 'Something that happened to a payment and that its state may not show any more.' })
@Entity({ tableName: 'billing_webhook_facts' })
@Index({ name: 'billing_webhook_facts_intent', properties: ['appId', 'paymentIntentId', 'id'] })
export class WebhookFact extends TenantRow {
  @Field(() => ID, { description: 'The id of the event that told it.' })
  override id!: string;

  @Field(() => String, { description: 'The type of the event, e.g. payment_intent.payment_failed.' })
  @Text(64)
  type!: string;

  @IdColumn()
  objectId!: string;

  @IdColumn({ nullable: true })
  paymentIntentId!: string | null;

  @Field(() => String, { nullable: true, description: "The processor's code of what went wrong; null where it gave none." })
  @Text(64, { nullable: true })
  code!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "What went wrong, in the processor's words: for people who look into it; null where it gave none.",
  })
  @Text(500, { nullable: true })
  message!: string | null;

  @MinorColumn({ nullable: true })
  amountMinor!: number | null;

  @Field(() => Date, { description: 'When it happened at the processor.' })
  @TimeColumn()
  occurredAt!: Date;
}
