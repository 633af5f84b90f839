import { createHash } from 'node:crypto';
import { findCardData } from '../../platform/card-data.js';
import type { ImportMapping } from './import.mapping.js';
import { mapRecord } from './import.mapping.js';
import { IMPORT_NOUNS, type ImportNoun } from './import.nouns.js';
import { readRecords, type SourceRecord } from './import.reader.js';
import {
  type CustomerFields,
  type FieldsOf,
  type ImportRow,
  type ImportTotals,
  type LineProblem,
  type PaymentMethodFields,
  parseFields,
  type SubscriptionFields,
} from './import.rows.js';

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
  const named = new NamedKeys();
  let problems = 0;
  const totals: Record<string, { lines: number; prices: Record<string, number>; priced: number }> = {};
  for (const noun of IMPORT_NOUNS) {
    const total = { lines: 0, prices: {} as Record<string, number>, priced: 0 };
    totals[noun] = total;
    const path = plan.files[noun];
    if (path === undefined) continue;
    hash.update(`\n${noun}\n`);
    for await (const record of readRecords(path, hash)) {
      const { fields, found } = readRow(plan, noun, record);
      total.lines += 1;
      if (fields !== null) {
        found.push(...crossProblems(noun, fields, { named, plan, now }).map((problem) => ({ field: null, problem })));
        if (addPrice(total.prices, noun, fields)) total.priced += 1;
      }
      for (const { field, problem } of found) report({ noun, line: record.line, field, problem });
      problems += found.length;
    }
  }
  return { totals: totals as unknown as ImportTotals, problems, fingerprint: hash.digest('hex') };
}

/** The lines of a noun that have no problem of their own. */
export async function* validRows<Noun extends ImportNoun>(plan: ImportPlan, noun: Noun): AsyncGenerator<ImportRow<Noun>> {
  const path = plan.files[noun];
  if (path === undefined) return;
  for await (const record of readRecords(path)) {
    const { fields } = readRow(plan, noun, record);
    if (fields !== null) yield { key: String(record.line), line: record.line, fields };
  }
}

const CARD_DATA = 'holds card or bank data, which must never come here';

function readRow<Noun extends ImportNoun>(plan: ImportPlan, noun: Noun, record: SourceRecord) {
  const found: { field: string | null; problem: string }[] = [];
  const say = (field: string | null, problem: string) => void found.push({ field, problem });
  if (record.problem !== null) say(null, record.problem);
  for (const [column, value] of Object.entries(record.values)) {
    const finding = findCardData({ [column]: value });
    if (finding !== null) say(finding.path.join('.'), CARD_DATA);
  }
  if (found.length > 0) return { fields: null as FieldsOf[Noun] | null, found };
  const mapped = mapRecord(noun, plan.mapping[noun], record.values);
  const finding = findCardData(mapped);
  if (finding !== null) return { fields: null, found: [{ field: finding.path.join('.'), problem: CARD_DATA }] };
  const parsed = parseFields(noun, mapped);
  return { fields: parsed.fields, found: [...parsed.problems] };
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
