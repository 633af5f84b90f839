import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { IdColumn, JsonColumn, Text, TimeColumn } from '../db/columns.js';
import { TenantRow } from '../tenancy/tenant-row.js';

/** What an event was: changed fields before and after, a call to the processor, or what a request asked for. */
export interface EventDetails {
  readonly changes?: Readonly<Record<string, readonly [before: unknown, after: unknown]>>;
  /** Fields that changed and whose values are not kept: they tell about a person. */
  readonly hidden?: readonly string[];
  readonly call?: CallNote;
  readonly asked?: Readonly<Record<string, unknown>>;
}

/** A call to the processor that may have changed something there. */
export interface CallNote {
  readonly operation: string;
  /** `done`, or the kind of its failure. */
  readonly outcome: string;
  readonly httpStatus: number | null;
  /** The processor's own id of the request, for its support. */
  readonly processorRequestId: string | null;
}

/**
 * Something that happened to one object, written in the transaction that made it so and never changed: a request, a
 * call to the processor, a change of the row. A change of status has both statuses; anything else has empty ones.
 */
@Entity({ tableName: 'billing_events' })
@Index({ name: 'billing_events_object', properties: ['appId', 'objectId', 'id'] })
export class OutboxEvent extends TenantRow {
  /** `payment.succeeded`, `customer.changed`, `request.refundCreate`, `call.createRefund` … */
  @Text(64)
  type!: string;

  @IdColumn()
  objectId!: string;

  @Text(32)
  fromStatus!: string;

  @Text(32)
  toStatus!: string;

  /** Kind of caller: service, customer, webhook, job … */
  @Text(16)
  actor!: string;

  @Text(64)
  requestId!: string;

  /** Which key, customer or job it was. */
  @Text(128, { nullable: true })
  actorId!: string | null;

  /** What made a job do it: the request that it finishes, or the webhook events that made us look again. */
  @Text(255, { nullable: true })
  cause!: string | null;

  @JsonColumn({ nullable: true })
  details!: EventDetails | null;

  @TimeColumn()
  createdAt!: Date;
}
