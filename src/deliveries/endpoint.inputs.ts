import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { EXPECTED_VERSION, IDEMPOTENCY_KEY } from '../graphql/descriptions.js';
import { IsOptional, Max, MaxLength, Min } from '../graphql/input-rules.js';
import { repeatablePayload } from '../graphql/payload.js';
import { WebhookEndpoint } from './endpoint.entity.js';
import { URL_CHARS_MAX } from './target.guard.js';

const TYPES =
  'Types of docs/events.md, or beginnings that end with `.*`, e.g. `payment.*`; at most 100. A type that no event has is INVALID.';
const URL_RULE =
  'Where events are posted: https://, 1 to 2,048 characters, without user name and password. An address that is not of the public internet is TARGET_REFUSED, now or at each delivery.';
const OVERLAP_HOURS_MAX = 168;
const TYPE_CHARS_MAX = 64;

@InputType({ description: 'An address to tell of the events of your app.' })
export class WebhookEndpointCreateInput {
  @Field(() => String, { description: URL_RULE })
  @MaxLength(URL_CHARS_MAX)
  url!: string;

  @Field(() => [String], { nullable: true, description: `${TYPES} Absent or empty: all, also those that are added later.` })
  types?: string[] | null;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'What to change of an endpoint. What is absent stays.' })
export class WebhookEndpointUpdateInput {
  @Field(() => ID, { description: 'The endpoint, we_….' })
  id!: string;

  @Field(() => Int, { nullable: true, description: EXPECTED_VERSION })
  expectedVersion?: number | null;

  @Field(() => String, { nullable: true, description: URL_RULE })
  @IsOptional()
  @MaxLength(URL_CHARS_MAX)
  url?: string | null;

  @Field(() => [String], { nullable: true, description: `${TYPES} Empty: all.` })
  types?: string[] | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether events are delivered. True also sends what waited when it was disabled, and forgets that it failed.',
  })
  isEnabled?: boolean | null;
}

@InputType({ description: 'An endpoint to delete.' })
export class WebhookEndpointDeleteInput {
  @Field(() => ID, { description: 'The endpoint, we_….' })
  id!: string;
}

@InputType({ description: 'An endpoint that is to sign with a new secret.' })
export class WebhookEndpointSecretRotateInput {
  @Field(() => ID, { description: 'The endpoint, we_….' })
  id!: string;

  @Field(() => Int, {
    nullable: true,
    defaultValue: 24,
    description: 'For how long the old secret signs too, in hours, from 0 to 168. Change your receiver within that time.',
  })
  @Min(0)
  @Max(OVERLAP_HOURS_MAX)
  overlapHours?: number | null;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'An endpoint to try.' })
export class WebhookEndpointTestInput {
  @Field(() => ID, { description: 'The endpoint, we_…; it may be disabled.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    defaultValue: 'endpoint.test',
    description: 'endpoint.test, or a type of docs/events.md, whose example there is sent then: its ids are of nothing that there is.',
  })
  @IsOptional()
  @MaxLength(TYPE_CHARS_MAX)
  type?: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What became of a mutation of an endpoint.' })
export class WebhookEndpointPayload extends repeatablePayload() {
  @Field(() => WebhookEndpoint, { nullable: true, description: 'The endpoint as it is now; null where nothing was done.' })
  webhookEndpoint!: WebhookEndpoint | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The secret whsec_… with which you verify what is delivered: shown where it was made, and to a repeat with the same idempotency key until it is rotated. Null otherwise: rotate it if it was lost.',
  })
  secret!: string | null;
}
