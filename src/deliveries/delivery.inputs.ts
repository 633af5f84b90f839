import { ArgsType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { PageArgs } from '../graphql/connection.js';
import { IDEMPOTENCY_KEY } from '../graphql/descriptions.js';
import { repeatablePayload } from '../graphql/payload.js';
import { WebhookDeliveryStatus } from './delivery.entity.js';

@InputType({ description: 'What to send again: one delivery, or all events of a range of time that an endpoint wants.' })
export class WebhookDeliveryResendInput {
  @Field(() => ID, { nullable: true, description: 'One delivery, wd_…, whatever became of it.' })
  deliveryId?: string | null;

  @Field(() => ID, { nullable: true, description: 'An endpoint, we_…, in place of a delivery; with `since`.' })
  endpointId?: string | null;

  @Field(() => Date, { nullable: true, description: 'All events that were recorded from this moment on, delivered or not.' })
  since?: Date | null;

  @Field(() => Date, {
    nullable: true,
    description:
      'Up to this moment, without it. Absent: until now. More than 10,000 events are INVALID; while 10,000 deliveries wait for the endpoint it is a CONFLICT.',
  })
  until?: Date | null;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@ArgsType()
export class WebhookDeliveriesArgs extends PageArgs {
  @Field(() => ID, { nullable: true, description: 'Only deliveries to this endpoint. Absent: to all.' })
  endpointId?: string | null;

  @Field(() => [WebhookDeliveryStatus], { nullable: true, description: 'Only deliveries in one of these states. Absent: all.' })
  status?: WebhookDeliveryStatus[] | null;
}

@ObjectType({ simpleResolvers: true, description: 'How much is sent.' })
export class WebhookDeliveryPayload extends repeatablePayload() {
  @Field(() => Int, { description: 'How many events are sent; 0 where nothing was done, in a replay too.' })
  count!: number;
}
