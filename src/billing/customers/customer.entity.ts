import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { connectionType } from '../../graphql/connection.js';
import { CREATED_AT, METADATA, UPDATED_AT } from '../../graphql/descriptions.js';
import { Node } from '../../graphql/node.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { IdColumn, JsonColumn, Text, TimeColumn, VersionColumn } from '../../platform/db/columns.js';
import { ToldRow } from '../../platform/outbox/told-row.js';

/** Someone who pays an app. We own email, name and metadata and carry them to Tilled. */
@Resource('customers')
@ObjectType({
  implements: Node,
  simpleResolvers: true,
  description: 'Someone who pays the app. Deleted ones are not found any more; their payments stay.',
})
@Entity({ tableName: 'billing_customers' })
@Index({ name: 'billing_customers_updated', properties: ['appId', 'updatedAt'] })
@Unique({ name: 'billing_customers_external', properties: ['appId', 'externalId'] })
@Unique({ name: 'billing_customers_tilled', properties: ['appId', 'tilledCustomerId'] })
@Index({ name: 'billing_customers_email', properties: ['appId', 'email', 'id'] })
export class Customer extends ToldRow {
  @Field(() => Int, { description: 'Grows with each change; pass it as expectedVersion to refuse lost updates.' })
  @VersionColumn()
  version!: number;

  @Field(() => String, {
    nullable: true,
    description: "The app's own id of this customer, as it was given when they were made; unique in the app.",
  })
  @Text(255, { nullable: true })
  externalId!: string | null;

  @Field(() => String, { description: 'Their e-mail address, in lower case. The processor gets it too.' })
  @Text(320)
  email!: string;

  @Field(() => String, { nullable: true, description: 'Their whole name, as the app gave it; null where none was given.' })
  @Text(255, { nullable: true })
  name!: string | null;

  @Field(() => MetadataScalar, { description: METADATA })
  @JsonColumn()
  metadata!: Record<string, string>;

  /** Null until Tilled has confirmed the customer. */
  @IdColumn({ nullable: true })
  tilledCustomerId!: string | null;

  @Field(() => Date, {
    nullable: true,
    description:
      'Since when the processor has no such customer, because somebody deleted them there; else null. No payment method can be attached then. customerUpdate with recreate: true makes them there anew, customerDelete lets them go.',
  })
  @TimeColumn({ nullable: true })
  missingSince!: Date | null;

  /** Since when they are being deleted, else null. Nothing new is built on them from that commit on. */
  @TimeColumn({ nullable: true })
  deletingAt!: Date | null;

  /** Set when personal data was removed; the row stays for the financial records that point to it. */
  @TimeColumn({ nullable: true })
  deletedAt!: Date | null;

  @Field(() => Date, { description: CREATED_AT })
  @TimeColumn()
  createdAt!: Date;

  @Field(() => Date, { description: UPDATED_AT })
  @TimeColumn()
  updatedAt!: Date;
}

@ObjectType({ description: 'One page of customers, newest first.' })
export class CustomerConnection extends connectionType(Customer, 'Customer') {}
