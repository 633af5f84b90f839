import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { connectionType } from '../../graphql/connection.js';
import { describeEnum } from '../../graphql/enums.js';
import { Node } from '../../graphql/node.js';
import { IdColumn, IntColumn, JsonColumn, Text, TimeColumn } from '../../platform/db/columns.js';
import { ToldRow } from '../../platform/outbox/told-row.js';

/** The noun of an object that differs. */
export enum DivergenceKind {
  CUSTOMER = 'CUSTOMER',
  PAYMENT_METHOD = 'PAYMENT_METHOD',
  SUBSCRIPTION = 'SUBSCRIPTION',
  PAYMENT = 'PAYMENT',
  REFUND = 'REFUND',
  DISPUTE = 'DISPUTE',
}
describeEnum(DivergenceKind, {
  name: 'DivergenceKind',
  description: 'What kind of object differs.',
  values: {
    CUSTOMER: 'Somebody who pays.',
    DISPUTE: 'An objection to a payment.',
    PAYMENT: 'Money taken, or to be taken.',
    PAYMENT_METHOD: 'A card or bank account.',
    REFUND: 'Money given back.',
    SUBSCRIPTION: 'A payment that repeats.',
  },
});

/** How an object differs. */
export enum DivergenceClass {
  MISSING_HERE = 'MISSING_HERE',
  MISSING_AT_TILLED = 'MISSING_AT_TILLED',
  FIELD = 'FIELD',
  ILLEGAL_STATE = 'ILLEGAL_STATE',
  DUPLICATE_AT_TILLED = 'DUPLICATE_AT_TILLED',
}
describeEnum(DivergenceClass, {
  name: 'DivergenceClass',
  description: 'How an object differs.',
  values: {
    DUPLICATE_AT_TILLED:
      'The processor has a second object (tilledId) for one of ours (objectId), which follows its own. If the second took money, or will, give it back or cancel it there.',
    FIELD: 'A fact differs, such as an amount. Most heal by themselves at the next look.',
    ILLEGAL_STATE: 'The processor reports a state that cannot follow ours; it was not taken over. A person has to see which side is right.',
    MISSING_AT_TILLED: 'We have an object that the processor does not know.',
    MISSING_HERE: 'The processor has an object of the app that we do not know.',
  },
});

/** Whether a divergence is open, or how it was closed. */
export enum DivergenceStatus {
  OPEN = 'OPEN',
  HEALED = 'HEALED',
  RESOLVED = 'RESOLVED',
}
describeEnum(DivergenceStatus, {
  name: 'DivergenceStatus',
  description: 'Whether a divergence is open, or how it was closed.',
  values: {
    HEALED: 'A later look found both sides equal.',
    OPEN: 'Both sides differed when they were compared last.',
    RESOLVED: 'A person said that they dealt with it.',
  },
});

/** What one side has of an object, by name: amounts, states, dates (ISO 8601) and masked facts only. */
export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** One thing that both sides know of an object. */
@ObjectType({ simpleResolvers: true, description: 'One fact of the object, as text; null where a side has none.' })
export class DivergentFact {
  @Field(() => String, { description: 'Which fact it is, e.g. status or amountMinor.' })
  name!: string;

  @Field(() => String, { nullable: true, description: 'What our books say.' })
  ours!: string | null;

  @Field(() => String, { nullable: true, description: 'What the processor says.' })
  tilled!: string | null;

  @Field(() => Boolean, { description: 'Whether this is one that differs. The others stand beside it for whoever looks.' })
  differs!: boolean;
}

/** An object that differs here and at Tilled. At most one is open for each object, or duplicate, and class. */
@ObjectType({
  implements: Node,
  simpleResolvers: true,
  description:
    "A difference between our books and the processor's. Find out which side is right, put it right, then close it with divergenceResolve.",
})
@Resource('divergences', 'service', 'operator')
@Entity({ tableName: 'billing_divergences' })
@Unique({ name: 'billing_divergences_open', properties: ['appId', 'openKey'] })
@Index({ name: 'billing_divergences_status', properties: ['appId', 'status', 'id'] })
@Index({ name: 'billing_divergences_object', properties: ['appId', 'objectId', 'id'] })
@Index({ name: 'billing_divergences_detected', properties: ['appId', 'detectedAt'] })
export class Divergence extends ToldRow {
  @Field(() => DivergenceKind, { description: 'What kind of object differs.' })
  @Text(20)
  kind!: DivergenceKind;

  @Field(() => DivergenceClass, { description: 'How it differs.' })
  @Text(20)
  class!: DivergenceClass;

  @Field(() => ID, { nullable: true, description: 'Our id of the object; null where we have none.' })
  @IdColumn({ nullable: true })
  objectId!: string | null;

  @Field(() => String, { nullable: true, description: "The processor's id of the object." })
  @IdColumn({ nullable: true })
  tilledId!: string | null;

  /** Kind, class and object (of a duplicate Tilled's) while open, else null. Unique, so it is never opened twice. */
  @Text(128, { nullable: true })
  openKey!: string | null;

  /** Names of the facts that differ. */
  @JsonColumn()
  fields!: readonly string[];

  @JsonColumn({ nullable: true })
  ours!: Facts | null;

  @JsonColumn({ nullable: true })
  theirs!: Facts | null;

  @Field(() => DivergenceStatus, { description: 'Whether it is open, or how it was closed.' })
  @Text(12)
  status!: DivergenceStatus;

  @Field(() => Int, { description: 'How often it was seen.' })
  @IntColumn()
  detections!: number;

  @Field(() => Date, { nullable: true, description: 'When the sides parted, where that is known.' })
  @TimeColumn({ nullable: true })
  occurredAt!: Date | null;

  @Field(() => Date, { description: 'When it was seen first.' })
  @TimeColumn()
  detectedAt!: Date;

  @Field(() => Date, { description: 'When it was seen last.' })
  @TimeColumn()
  seenAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When it was healed or resolved; null while it is open.' })
  @TimeColumn({ nullable: true })
  closedAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'Who healed or resolved it: the kind of caller, and the key.' })
  @Text(100, { nullable: true })
  closedBy!: string | null;

  @Field(() => String, { nullable: true, description: 'What was found and done, as the person who resolved it wrote; else null.' })
  @Text(1000, { nullable: true })
  note!: string | null;

  @Field(() => [DivergentFact], { description: 'The object as both sides had it when the difference was seen last.' })
  get facts(): DivergentFact[] {
    const names = [...new Set([...Object.keys(this.ours ?? {}), ...Object.keys(this.theirs ?? {})])];
    return names.map((name) => ({
      name,
      ours: textOf(this.ours?.[name]),
      tilled: textOf(this.theirs?.[name]),
      differs: this.fields.includes(name),
    }));
  }
}

@ObjectType({ description: 'One page of divergences, newest first.' })
export class DivergenceConnection extends connectionType(Divergence, 'Divergence') {}

function textOf(value: Facts[string] | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}
