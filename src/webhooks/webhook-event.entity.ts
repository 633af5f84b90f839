import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType } from 'type-graphql';
import { Resource } from '../graphql/access.js';
import { connectionType } from '../graphql/connection.js';
import { describeEnum } from '../graphql/enums.js';
import { Node } from '../graphql/node.js';
import { IdColumn, IntColumn, JsonColumn, Text, TimeColumn } from '../platform/db/columns.js';
import { TenantRow } from '../platform/tenancy/tenant-row.js';

/** How far an event was handled. FAILED is tried again; DEAD waits for a person. */
export enum WebhookEventStatus {
  RECEIVED = 'RECEIVED',
  PROCESSED = 'PROCESSED',
  FAILED = 'FAILED',
  DEAD = 'DEAD',
}
describeEnum(WebhookEventStatus, {
  name: 'WebhookEventStatus',
  description: 'How far an event was handled.',
  values: {
    DEAD: 'It failed too often. Find out why in `error`, then send it again with webhookEventReplay.',
    FAILED: 'Handling it failed, and is tried again by itself.',
    PROCESSED: 'It was handled, or there was nothing to do about it.',
    RECEIVED: 'It waits for its turn.',
  },
});

/** An event of Tilled, verified and stored once. It hints that its object changed; the state is fetched. */
@Resource('webhooks', 'service', 'operator')
@ObjectType({
  implements: Node,
  simpleResolvers: true,
  description: 'An event of the processor, verified and stored once. It only hints that an object changed: the object is fetched.',
})
@Entity({ tableName: 'billing_webhooks' })
@Unique({ name: 'billing_webhooks_event', properties: ['appId', 'eventId'] })
@Index({ name: 'billing_webhooks_object', properties: ['appId', 'objectId', 'status'] })
@Index({ name: 'billing_webhooks_status', properties: ['appId', 'status', 'id'] })
// Does not begin with app_id: a worker looks for the oldest of all apps.
@Index({ name: 'billing_webhooks_unqueued', properties: ['unqueuedSince', 'appId', 'id'] })
@Index({ name: 'billing_webhooks_type', properties: ['appId', 'type', 'id'] })
export class WebhookEvent extends TenantRow {
  @Field(() => String, { description: "The processor's id of the event." })
  @IdColumn()
  eventId!: string;

  @Field(() => String, { description: "The processor's type of event, e.g. payment_intent.succeeded." })
  @Text(64)
  type!: string;

  /** The object to look at again; null for events that are only recorded. */
  @Text(32, { nullable: true })
  objectKind!: string | null;

  @IdColumn({ nullable: true })
  objectId!: string | null;

  @Field(() => WebhookEventStatus, { description: 'How far it was handled.' })
  @Text(16)
  status!: WebhookEventStatus;

  @Field(() => Int, { description: 'How often it was delivered.' })
  @IntColumn()
  deliveries!: number;

  @Field(() => Int, { description: 'How often handling it was tried.' })
  @IntColumn()
  attempts!: number;

  @Field(() => String, { nullable: true, description: 'Why the last try to handle it failed; null where none did.' })
  @Text(1000, { nullable: true })
  error!: string | null;

  /** The verified body. */
  @JsonColumn()
  payload!: unknown;

  @Field(() => Date, { description: 'When it was delivered first.' })
  @TimeColumn()
  receivedAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When it was handled; null while it is not.' })
  @TimeColumn({ nullable: true })
  processedAt!: Date | null;

  /** Since when its object waits to be put into the queue; null once it is there, or where there is none. */
  @TimeColumn({ nullable: true })
  unqueuedSince!: Date | null;
}

@ObjectType({ description: 'One page of events, newest first.' })
export class WebhookEventConnection extends connectionType(WebhookEvent, 'WebhookEvent') {}
