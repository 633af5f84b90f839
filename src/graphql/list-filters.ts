import { ArgsType, Field, InputType } from 'type-graphql';
import { InvalidInput } from '../platform/errors.js';
import { HasEntries, Range } from '../platform/tenancy/filters.js';
import type { PageRequest } from '../platform/tenancy/page.js';
import { PageArgs, pageOf } from './connection.js';
import type { SelectedColumns } from './reads/selected-columns.js';
import { MetadataScalar } from './scalars.js';

/** A range of time as clients give it. */
@InputType({ description: 'A range of time. A side that is absent is open.' })
export class DateTimeRangeInput {
  @Field(() => Date, { nullable: true, description: 'From this moment on.' })
  from?: Date | null;

  @Field(() => Date, {
    nullable: true,
    description: 'Up to this moment, without it: so ranges that follow each other have each entry once.',
  })
  to?: Date | null;
}

/** Arguments of lists that people reconcile with. */
@ArgsType()
export class RangedArgs extends PageArgs {
  @Field(() => DateTimeRangeInput, { nullable: true, description: 'Only what was recorded here first within this time. Absent: all.' })
  createdAt?: DateTimeRangeInput | null;

  @Field(() => DateTimeRangeInput, {
    nullable: true,
    description:
      'Only what changed last within this time. Absent: all. To follow changes ask for one range after the other: what changes again while you read is in a later one.',
  })
  updatedAt?: DateTimeRangeInput | null;
}

/** The same of lists whose entries have metadata. */
@ArgsType()
export class LabelledArgs extends RangedArgs {
  @Field(() => MetadataScalar, {
    nullable: true,
    description:
      'Only what has all of these entries in its metadata, at most 5. It must be asked of one customer or payment, or with createdAt of at most 31 days; else it is BAD_USER_INPUT.',
  })
  metadata?: Record<string, string | null> | null;
}

const ENTRIES_MAX = 5;

/** The page that is asked for, with the times and the metadata its rows must have. Throws InvalidInput for bad ones. */
export function filteredPage(args: RangedArgs & Partial<LabelledArgs>, columns?: SelectedColumns): PageRequest {
  const { createdAt, updatedAt, metadata } = args;
  const page = pageOf(args, columns);
  // As most lists are asked for, and a page of fifty customers has fifty of them.
  if (!createdAt && !updatedAt && !metadata) return page;
  return { ...page, ranges: rangesOf({ createdAt, updatedAt }), metadata: entriesOf(metadata) };
}

/** The ranges that arguments give, by the properties of rows they are named after; those that are open are left out. */
export function rangesOf(given: Readonly<Record<string, DateTimeRangeInput | null | undefined>>): Record<string, Range<Date>> {
  const ranges = Object.entries(given).map(([name, range]) => [name, rangeOf(name, range)] as const);
  return Object.fromEntries(ranges.flatMap(([name, range]) => (range === null ? [] : [[name, range] as const])));
}

function rangeOf(name: string, range: DateTimeRangeInput | null | undefined): Range<Date> | null {
  const [from, to] = [range?.from ?? null, range?.to ?? null];
  if (from !== null && to !== null && from >= to) throw InvalidInput.because([name], `${name}: from must be before to.`);
  return from === null && to === null ? null : new Range(from, to);
}

function entriesOf(metadata: Readonly<Record<string, string | null>> | null | undefined): HasEntries | null {
  const entries = Object.entries(metadata ?? {}).toSorted(([one], [other]) => (one < other ? -1 : 1));
  if (entries.length > ENTRIES_MAX) throw InvalidInput.because(['metadata'], `metadata: at most ${ENTRIES_MAX} entries.`);
  const wanted = entries.map(([key, value]) => {
    if (value !== null && !/["\\\p{Cc}]/u.test(key)) return [key, value] as const;
    throw InvalidInput.because(
      ['metadata', key],
      'metadata: a key without quotes, backslashes and line breaks, and a text to be equal to.',
    );
  });
  return wanted.length === 0 ? null : new HasEntries(Object.fromEntries(wanted));
}
