import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { READERS, Resource } from '../graphql/access.js';
import { Node } from '../graphql/node.js';
import { IdColumn, IntColumn, LongText, MinorColumn, Text, TimeColumn } from '../platform/db/columns.js';
import { TenantRow } from '../platform/tenancy/tenant-row.js';

/** Something that happened to an object of an app, as the app is told. Written with the change, and never changed. */
@Resource('events', ...READERS)
@ObjectType('Event', {
  implements: Node,
  simpleResolvers: true,
  description: 'Something that happened to an object of the app. Events of one object are numbered; the feed has all, each once.',
})
@Entity({ tableName: 'billing_app_events' })
@Unique({ name: 'billing_app_events_sequence', properties: ['appId', 'objectId', 'sequence'] })
@Unique({ name: 'billing_app_events_position', properties: ['appId', 'position'] })
@Index({ name: 'billing_app_events_type', properties: ['appId', 'type', 'position'] })
@Index({ name: 'billing_app_events_person', properties: ['appId', 'personId', 'id'] })
@Index({ name: 'billing_app_events_unpublished', properties: ['unpublishedSince', 'appId', 'id'] })
export class AppEvent extends TenantRow {
  @Field(() => String, { description: 'What happened, e.g. payment.succeeded. New types may be added.' })
  @Text(64)
  type!: string;

  @Field(() => String, { description: 'Which form the payload has. It changes only if a reader of the one before would break.' })
  @Text(16)
  schemaVersion!: string;

  @Field(() => ID, { description: 'What it happened to. `node(id)` has it as it is now.' })
  @IdColumn()
  objectId!: string;

  @Field(() => Int, { description: 'Which event of this object it is: 1, 2, 3 … without gaps.' })
  @IntColumn()
  sequence!: number;

  /** Whose person the payload tells of; null where it tells of nobody. */
  @IdColumn({ nullable: true })
  personId!: string | null;

  @Field(() => String, {
    description: 'What made it happen, for people: a mutation and its request id, the webhook events that were followed, a job, a command.',
  })
  @Text(255)
  cause!: string;

  @Field(() => String, {
    description:
      'The object as the change left it: a JSON text with the fields of its type. Links are `{"__typename", "id"}`; lists are left out. After an erasure only `{"__typename", "id", "erased": true}` is left.',
  })
  @LongText()
  payload!: string;

  @Field(() => Date, { description: "When it happened, in the app's time: on the local sandbox that of the sandbox." })
  @TimeColumn()
  occurredAt!: Date;

  @Field(() => Date, { description: 'When it was written.' })
  @TimeColumn()
  createdAt!: Date;

  /** Its place in the feed, counted from 1 without gaps; null until it is published. */
  @MinorColumn({ nullable: true })
  position!: number | null;

  /** Null once it is published. */
  @TimeColumn({ nullable: true })
  unpublishedSince!: Date | null;
}
