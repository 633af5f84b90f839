import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType } from 'type-graphql';
import { Resource } from '../graphql/access.js';
import { connectionType } from '../graphql/connection.js';
import { CREATED_AT } from '../graphql/descriptions.js';
import { describeEnum } from '../graphql/enums.js';
import { Node } from '../graphql/node.js';
import { Getter } from '../graphql/reads/row-resolvers.js';
import { IdColumn, IntColumn, JsonColumn, MinorColumn, Text, TimeColumn } from '../platform/db/columns.js';
import { TenantRow } from '../platform/tenancy/tenant-row.js';

/** How far a delivery is. */
export enum WebhookDeliveryStatus {
  PENDING = 'PENDING',
  DELIVERED = 'DELIVERED',
  FAILED = 'FAILED',
  GAVE_UP = 'GAVE_UP',
}
describeEnum(WebhookDeliveryStatus, {
  name: 'WebhookDeliveryStatus',
  description: 'How far a delivery is.',
  values: {
    PENDING: 'It was not tried yet: its turn comes, or an earlier event of the same object is not through.',
    DELIVERED: 'The receiver answered 2xx.',
    FAILED: 'The last attempt failed, and it is tried again at nextAttemptAt.',
    GAVE_UP: 'It is not tried any more. Send it again with webhookDeliveryResend once the receiver is well.',
  },
});

/**
 * What is to be done about a delivery: it is `new`; it failed and is tried again when it is `due`; it waits `behind` an
 * earlier event of its object that failed. Null once it is over.
 */
export type Turn = 'new' | 'due' | 'behind';

/** One attempt, as it is kept. */
export interface KeptAttempt {
  readonly at: string;
  readonly status: number | null;
  readonly error: string | null;
  readonly durationMs: number;
  readonly answer: string;
}

/** One event on its way to one endpoint. */
@Resource('events', 'service', 'read_only', 'operator')
@ObjectType({ implements: Node, simpleResolvers: true, description: 'One event on its way to one endpoint. Kept for 30 days.' })
@Entity({ tableName: 'billing_webhook_deliveries' })
@Index({ name: 'billing_webhook_deliveries_turn', properties: ['appId', 'endpointId', 'turn', 'dueAt', 'position'] })
@Index({ name: 'billing_webhook_deliveries_lane', properties: ['appId', 'endpointId', 'lane', 'turn'] })
@Index({ name: 'billing_webhook_deliveries_event', properties: ['appId', 'appEventId'] })
@Index({ name: 'billing_webhook_deliveries_endpoint', properties: ['appId', 'endpointId', 'id'] })
@Index({ name: 'billing_webhook_deliveries_status', properties: ['appId', 'status', 'id'] })
export class WebhookDelivery extends TenantRow {
  @IdColumn()
  endpointId!: string;

  @IdColumn()
  appEventId!: string;

  /** What is delivered one after the other: the object's id; of what is sent again its own. */
  @IdColumn()
  lane!: string;

  /** The event's place in the feed, by which a lane is in order. */
  @MinorColumn()
  position!: number;

  @Field(() => WebhookDeliveryStatus, { description: 'How far it is.' })
  @Text(16)
  status!: WebhookDeliveryStatus;

  @Text(8, { nullable: true })
  turn!: Turn | null;

  @TimeColumn({ nullable: true })
  dueAt!: Date | null;

  @Field(() => Int, { description: 'How often it was tried.' })
  @IntColumn()
  attempts!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'The status that the receiver answered last, e.g. 500; null where there was no answer.',
  })
  @IntColumn({ nullable: true })
  lastStatus!: number | null;

  @Field(() => String, { nullable: true, description: 'Why the last attempt failed; null where it did not.' })
  @Text(255, { nullable: true })
  lastError!: string | null;

  @JsonColumn({ nullable: true })
  attemptLog!: readonly KeptAttempt[] | null;

  @Field(() => Date, { nullable: true, description: 'When the receiver answered 2xx; null where it has not.' })
  @TimeColumn({ nullable: true })
  deliveredAt!: Date | null;

  @Field(() => Date, { description: CREATED_AT })
  @TimeColumn()
  createdAt!: Date;

  @Getter('dueAt')
  @Field(() => Date, { nullable: true, description: 'When it is tried again; null unless it is FAILED.' })
  get nextAttemptAt(): Date | null {
    return this.dueAt;
  }
}

@ObjectType({ simpleResolvers: true, description: 'One attempt to deliver an event.' })
export class WebhookAttempt {
  @Field(() => Date, { description: 'When it began.' })
  at!: Date;

  @Field(() => Int, { nullable: true, description: 'The status that was answered, e.g. 200; null where there was no answer.' })
  status!: number | null;

  @Field(() => String, { nullable: true, description: 'Why it failed; null where it did not.' })
  error!: string | null;

  @Field(() => Int, { description: 'How long it took, ms.' })
  durationMs!: number;

  @Field(() => String, { description: 'The first 500 characters of the answer, without card data and secrets.' })
  answer!: string;
}

@ObjectType({ description: 'One page of deliveries, newest first.' })
export class WebhookDeliveryConnection extends connectionType(WebhookDelivery, 'WebhookDelivery') {}
