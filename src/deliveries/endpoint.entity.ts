import { Entity } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType } from 'type-graphql';
import { Resource } from '../graphql/access.js';
import { CREATED_AT, UPDATED_AT } from '../graphql/descriptions.js';
import { Node } from '../graphql/node.js';
import { FlagColumn, IntColumn, JsonColumn, Text, TimeColumn, VersionColumn } from '../platform/db/columns.js';
import { ToldRow } from '../platform/outbox/told-row.js';

/** Why an endpoint is disabled. */
export type DisabledReason = 'switched_off' | 'gone' | 'failed_for_five_days' | 'deleted';

/** Where an app is told of its events. Its secrets sign what is sent there. */
@Resource('events', 'service', 'read_only', 'operator')
@ObjectType({
  implements: Node,
  simpleResolvers: true,
  description: 'An address of yours that is told of the events of your app, signed as Standard Webhooks says.',
})
@Entity({ tableName: 'billing_webhook_endpoints' })
export class WebhookEndpoint extends ToldRow {
  @Field(() => Int, { description: 'Rises with each change that you make: send it as expectedVersion.' })
  @VersionColumn()
  version!: number;

  @Field(() => String, { description: 'Where events are posted.' })
  @Text(2048)
  url!: string;

  @Field(() => [String], { description: 'Which events it is told of: types, or beginnings such as `payment.*`. Empty: all.' })
  @JsonColumn()
  types!: readonly string[];

  @Field(() => Boolean, {
    description: 'Whether events are delivered. What happens while it is false is not delivered later: send it with webhookDeliveryResend.',
  })
  @FlagColumn()
  isEnabled!: boolean;

  @Field(() => String, {
    nullable: true,
    description:
      'switched_off: by webhookEndpointUpdate; gone: the receiver answered 410; failed_for_five_days: nothing arrived for so long; deleted. New ones may appear. Null while it is enabled.',
  })
  @Text(32, { nullable: true })
  disabledReason!: DisabledReason | null;

  /** Null once the endpoint is deleted. */
  @Text(255, { nullable: true })
  secretSealed!: string | null;

  /** Which request made the secret: the id of its idempotency key. Null where it had none. */
  @Text(64, { nullable: true })
  issuingRequest!: string | null;

  /** The secret before it, which signs too until `previousExpiresAt`. */
  @Text(255, { nullable: true })
  previousSecretSealed!: string | null;

  @TimeColumn({ nullable: true })
  previousExpiresAt!: Date | null;

  @Field(() => Date, {
    nullable: true,
    description: 'Since when every delivery has failed; after five days the endpoint is disabled. Null where the last one arrived.',
  })
  @TimeColumn({ nullable: true })
  failingSince!: Date | null;

  /** How often in a row delivering failed, up to now. */
  @IntColumn()
  failures!: number;

  /** Nothing is sent before; in the database's time. */
  @TimeColumn({ nullable: true })
  pausedUntil!: Date | null;

  @Field(() => Date, { description: CREATED_AT })
  @TimeColumn()
  createdAt!: Date;

  @Field(() => Date, { description: UPDATED_AT })
  @TimeColumn()
  updatedAt!: Date;

  /** It is in no list any more; its row stays for as long as its deliveries do. */
  @TimeColumn({ nullable: true })
  deletedAt!: Date | null;
}
