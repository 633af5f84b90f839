import { Field, ID, Int, ObjectType } from 'type-graphql';
import { connectionType } from '../../graphql/connection.js';
import type { CallNote, OutboxEvent } from '../../platform/outbox/outbox-event.entity.js';

@ObjectType({ simpleResolvers: true, description: 'A field that changed. Values are null where there was none.' })
class AuditChange {
  @Field({ description: 'Which field it is.' })
  field!: string;

  @Field(() => String, {
    nullable: true,
    description: 'What it was, as text; null where there was nothing, for what a request asked for, and where it is hidden.',
  })
  before!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'What it became, or what was asked for, as text; null where there is nothing, and where it is hidden.',
  })
  after!: string | null;

  @Field({ description: 'The field tells about a person: only that it changed is kept.' })
  isHidden!: boolean;
}

@ObjectType({ simpleResolvers: true, description: 'A call to the processor that may have changed something there.' })
class AuditCall {
  @Field({ description: 'Which call it was, e.g. confirmPaymentIntent.' })
  operation!: string;

  @Field({
    description: '`done`, `rejected`, `not_found`, `unauthorized`, `throttled`, `unavailable`, or `unknown`: it may have happened.',
  })
  outcome!: string;

  @Field(() => Int, { nullable: true, description: 'The status of its answer; null where none came.' })
  httpStatus!: number | null;

  @Field(() => String, { nullable: true, description: "The processor's own id of the request, for its support." })
  processorRequestId!: string | null;
}

/** One thing that happened to an object, and who and what made it happen. */
@ObjectType({
  simpleResolvers: true,
  description: 'One thing that happened to an object, and who made it happen. Never changed afterwards.',
})
export class AuditEvent {
  @Field(() => ID, { description: 'The id of this entry.' })
  id!: string;

  @Field({ description: '`request.paymentCreate`, `call.confirmPaymentIntent`, `payment.succeeded`, `customer.changed` …' })
  type!: string;

  @Field(() => ID, { description: 'The object it happened to.' })
  objectId!: string;

  @Field({ description: '`service`, `operator`, `customer`, `job`, `command` …' })
  actor!: string;

  @Field(() => String, { nullable: true, description: 'Which key, customer or job it was.' })
  actorId!: string | null;

  @Field({ description: 'Links what one request, or one run of a job, did.' })
  requestId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'What made a job do it: the request that it finishes, or the webhook events that made us look again.',
  })
  cause!: string | null;

  @Field(() => String, { nullable: true, description: 'The state before, NEW for a new object; null where no state changed.' })
  fromStatus!: string | null;

  @Field(() => String, { nullable: true, description: 'The state it moved to; null where no state changed.' })
  toStatus!: string | null;

  @Field(() => [AuditChange], { description: 'What a request asked for, or which fields changed; empty where neither is told.' })
  changes!: AuditChange[];

  @Field(() => AuditCall, { nullable: true, description: 'The call to the processor, where the entry is about one; else null.' })
  call!: CallNote | null;

  @Field(() => Date, { description: 'When it happened.' })
  createdAt!: Date;
}

@ObjectType({ description: 'One page of a history, newest first.' })
export class AuditEventConnection extends connectionType(AuditEvent, 'AuditEvent') {}

/** An event as callers see it. */
export function shown(event: OutboxEvent): AuditEvent {
  const { id, type, objectId, actor, actorId, requestId, cause, createdAt, details } = event;
  const told = Object.entries(details?.changes ?? {}).map(([field, [before, after]]) => ({
    field,
    before: textOf(before),
    after: textOf(after),
    isHidden: false,
  }));
  const asked = Object.entries(details?.asked ?? {}).map(([field, value]) => ({
    field,
    before: null,
    after: textOf(value),
    isHidden: false,
  }));
  const hidden = (details?.hidden ?? []).map((field) => ({ field, before: null, after: null, isHidden: true }));
  return {
    ...{ id, type, objectId, actor, actorId, requestId, cause, createdAt },
    fromStatus: event.fromStatus || null,
    toStatus: event.toStatus || null,
    changes: [...asked, ...told, ...hidden],
    call: details?.call ?? null,
  };
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
