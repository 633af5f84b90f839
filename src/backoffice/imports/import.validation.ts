import { createHash, type Hash } from 'node:crypto';
import { tidyTexts } from '../../graphql/input-texts.js';
import { findCardData } from '../../platform/card-data.js';
import { InvalidInput } from '../../platform/errors.js';

import type { ImportMapping } from './import.mapping.js';
import { fieldOf, mapRecord } from './import.mapping.js';
import { IMPORT_NOUNS, type ImportNoun } from './import.nouns.js';
import { readRecords } from './import.reader.js';
import type { SourceRecord } from './import.record.js';
import {
  type CustomerFields,
  FIELD_NAMES,
  type FieldsOf,
  type ImportRow,
  type ImportTotals,
  type LineProblem,
  type PaymentMethodFields,
  parseFields,
  type SubscriptionFields,
} from './import.rows.js';
import { convert } from './import.values.js';

/** The files to import, with how to read them. */
export interface ImportPlan {
  readonly files: Readonly<Partial<Record<ImportNoun, string>>>;
  readonly mapping: ImportMapping;
  /** Whether subscriptions that Tilled does not have yet are made there. */
  readonly createsSubscriptions: boolean;
}

/** What the first reading found. */
export interface Validation {
  readonly totals: ImportTotals;
  readonly problems: number;
  /** SHA-256 of every byte read, of the mapping and of the options. */
  readonly fingerprint: string;
}

/** Ids a source names. Kept as 52-bit hashes: 100,000 of them take a few megabytes, whatever their length. */
export class NamedKeys {
  private readonly hashes = new Set<number>();

  /** Adds a key; false if it was there. */
  add(kind: string, key: string): boolean {
    const before = this.hashes.size;
    this.hashes.add(hashOf(kind, key));
    return this.hashes.size > before;
  }

  has(kind: string, key: string | undefined): boolean {
    return key !== undefined && this.hashes.has(hashOf(kind, key));
  }
}

function hashOf(kind: string, key: string): number {
  return Number(createHash('sha256').update(`${kind}\n${key}`).digest().readBigUInt64BE() >> 12n);
}

/** Reads every line once and tells `report` everything that is wrong with each; nothing is written. */
export async function validate(plan: ImportPlan, now: Date, report: (problem: LineProblem) => void): Promise<Validation> {
  const hash = createHash('sha256').update(JSON.stringify([plan.mapping, plan.createsSubscriptions]));
  let problems = 0;
  const totals: Record<string, { lines: number; prices: Record<string, number>; priced: number }> = {};
  for (const noun of IMPORT_NOUNS) {
    const total = { lines: 0, prices: {} as Record<string, number>, priced: 0 };
    totals[noun] = total;
    if (plan.files[noun] !== undefined) hash.update(`\n${noun}\n`);
    for await (const { line, fields, found } of readLines(plan, noun, now, hash)) {
      total.lines += 1;
      if (fields !== null && addPrice(total.prices, noun, fields)) total.priced += 1;
      for (const { field, problem } of found) report({ noun, line, field, problem });
      problems += found.length;
    }
  }
  return { totals: totals as unknown as ImportTotals, problems, fingerprint: hash.digest('hex') };
}

/** The lines of a noun that have no problem. */
export async function* validRows<Noun extends ImportNoun>(plan: ImportPlan, noun: Noun, now: Date): AsyncGenerator<ImportRow<Noun>> {
  for await (const { line, fields, found } of readLines(plan, noun, now)) {
    if (fields !== null && found.length === 0) yield { key: String(line), line, fields };
  }
}

interface Line<Noun extends ImportNoun> {
  readonly line: number;
  /** Null if they cannot be read. */
  readonly fields: FieldsOf[Noun] | null;
  readonly found: readonly { readonly field: string | null; readonly problem: string }[];
}

/** The lines of a noun's file, but for those that repeat an earlier one where the mapping leaves such out. */
async function* readLines<Noun extends ImportNoun>(plan: ImportPlan, noun: Noun, now: Date, hash?: Hash): AsyncGenerator<Line<Noun>> {
  const path = plan.files[noun];
  if (path === undefined) return;
  const named = new NamedKeys();
  let isFirst = true;
  for await (const record of readRecords(path, hash)) {
    if (isFirst) assertLeadsSomewhere(plan, noun, record, path);
    isFirst = false;
    const { fields, found } = readRow(plan, noun, record);
    if (fields !== null && plan.mapping[noun]?.repeated === 'skip' && isRepeated(fields, named)) continue;
    const beside = fields === null ? [] : crossProblems(noun, fields, { named, plan, now });
    yield { line: record.line, fields, found: [...found, ...beside.map((problem) => ({ field: null, problem }))] };
  }
}

/** A file of which no column is a field is another file than was meant: one sentence, and not a problem a line. */
function assertLeadsSomewhere(plan: ImportPlan, noun: ImportNoun, { values, problem }: SourceRecord, path: string): void {
  const columns = Object.keys(values);
  if (problem !== null || columns.some((column) => fieldOf(noun, plan.mapping[noun], column) !== undefined)) return;
  const wanted = plan.mapping[noun] === undefined ? FIELD_NAMES[noun] : Object.keys(plan.mapping[noun].columns);
  const what = `${path} has none of the columns that are looked for: ${wanted.join(', ')}.`;
  throw InvalidInput.because(['file'], `${what} Say with --mapping which column is which field.`);
}

function isRepeated(fields: FieldsOf[ImportNoun], named: NamedKeys): boolean {
  const key = 'externalId' in fields ? fields.externalId : undefined;
  return key !== undefined && named.has('externalId', key);
}

const CARD_DATA = 'holds card or bank data, which must never come here';

function readRow<Noun extends ImportNoun>(plan: ImportPlan, noun: Noun, record: SourceRecord): Omit<Line<Noun>, 'line'> {
  if (record.problem !== null) return { fields: null, found: [{ field: null, problem: record.problem }] };
  const sensitive = Object.entries(record.values).flatMap(([column, value]) => findCardData({ [column]: value }) ?? []);
  if (sensitive.length > 0) return { fields: null, found: sensitive.map(({ path }) => ({ field: path.join('.'), problem: CARD_DATA })) };
  const mapping = plan.mapping[noun];
  const { fields, problems } = convert(mapRecord(noun, mapping, record.values), mapping?.formats);
  const inFields = findCardData(fields);
  if (inFields !== null) return { fields: null, found: [{ field: inFields.path.join('.'), problem: CARD_DATA }] };
  const faults = tidyTexts(fields).map(({ field, message }) => ({ field: field.join('.'), problem: message }));
  if (problems.length + faults.length > 0) return { fields: null, found: [...problems, ...faults] };
  const parsed = parseFields(noun, fields);
  return { fields: parsed.fields, found: parsed.problems };
}

interface Context {
  readonly named: NamedKeys;
  readonly plan: ImportPlan;
  readonly now: Date;
}

/** What is wrong with a line beside the others. */
function crossProblems(noun: ImportNoun, fields: FieldsOf[ImportNoun], context: Context): string[] {
  if (noun === 'customers') return customerProblems(fields as CustomerFields, context);
  if (noun === 'paymentMethods') return methodProblems(fields as PaymentMethodFields, context);
  return subscriptionProblems(fields as SubscriptionFields, context);
}

function customerProblems({ externalId, tilledCustomerId }: CustomerFields, { named }: Context): string[] {
  const problems: string[] = [];
  if (externalId !== undefined && !named.add('externalId', externalId)) problems.push('repeats the externalId of an earlier line');
  if (tilledCustomerId !== undefined && !named.add('cus', tilledCustomerId))
    problems.push('repeats the tilledCustomerId of an earlier line');
  return problems;
}

function methodProblems({ tilledPaymentMethodId, isDefault, ...whose }: PaymentMethodFields, { named }: Context): string[] {
  const problems: string[] = [];
  if (!named.add('pm', tilledPaymentMethodId ?? '')) problems.push('repeats the tilledPaymentMethodId of an earlier line');
  const owner = whose.tilledCustomerId ?? whose.customerExternalId;
  if (isDefault && owner !== undefined && !named.add('default', owner)) problems.push('is the second default of its customer');
  return problems;
}

function subscriptionProblems(fields: SubscriptionFields, { named, plan, now }: Context): string[] {
  const problems: string[] = [];
  const { tilledSubscriptionId, externalId } = fields;
  if (!named.add('sub', tilledSubscriptionId ?? `external ${externalId}`)) problems.push('repeats the subscription of an earlier line');
  if (tilledSubscriptionId !== undefined) return problems;
  if (!plan.createsSubscriptions) {
    return [...problems, 'has no tilledSubscriptionId; a new subscription collects money, and is made only with --create-subscriptions'];
  }
  if (fields.status === 'canceled' || fields.status === 'paused') {
    problems.push(`is ${fields.status} where it comes from: a new one would collect`);
  }
  for (const field of ['priceMinor', 'currency', 'intervalUnit', 'billingCycleAnchor'] as const) {
    if (fields[field] === undefined) problems.push(`has no ${field}, which a new subscription needs`);
  }
  if (fields.customerExternalId === undefined && fields.tilledCustomerId === undefined) problems.push('does not say whose it is');
  if (fields.billingCycleAnchor !== undefined && new Date(fields.billingCycleAnchor) <= now) {
    problems.push('has a billingCycleAnchor that is not in the future: it would collect at once');
  }
  return problems;
}

/** Adds a line's price to the sum of its kind; false if it says none. */
function addPrice(prices: Record<string, number>, noun: ImportNoun, fields: FieldsOf[ImportNoun]): boolean {
  if (noun !== 'subscriptions') return false;
  const { priceMinor, currency, intervalUnit, intervalCount = 1 } = fields as SubscriptionFields;
  if (priceMinor === undefined || currency === undefined || intervalUnit === undefined) return false;
  const name = `${currency} ${intervalUnit} ${intervalCount}`;
  prices[name] = (prices[name] ?? 0) + priceMinor;
  return true;
}
