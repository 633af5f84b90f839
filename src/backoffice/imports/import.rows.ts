import { z } from 'zod';
import { AMOUNT_MINOR_MAX, CURRENCIES } from '../../billing/money.js';
import { isEmail } from '../../graphql/input-rules.js';
import type { ImportNoun } from './import.nouns.js';

/** What a source holds of a noun. */
export interface NounTotals {
  readonly lines: number;
  /** Sums of prices in minor units, by `currency interval count`; subscriptions only. */
  readonly prices: Readonly<Record<string, number>>;
  /** How many lines say their price. */
  readonly priced: number;
}

/** What a source holds, counted before anything is written. */
export type ImportTotals = Readonly<Record<ImportNoun, NounTotals>>;

const text = (max: number) => z.string().max(max, `has more than ${max} characters`).optional();
const tilledId = (prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[A-Za-z0-9_-]{1,60}$`), `is not an id of Tilled (${prefix}_…)`)
    .optional();
const whole = (max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'is not a whole number')
    .transform(Number)
    .refine((value) => value >= 1 && value <= max, `is not from 1 to ${max}`)
    .optional();
const word = (words: readonly string[]) =>
  z
    .string()
    .transform((value) => value.toLowerCase())
    .refine((value) => words.includes(value), `is none of ${words.join(', ')}: map it in values`)
    .optional();
const metadata = z
  .record(z.string().max(40), z.string().max(500, 'has more than 500 characters'))
  .refine((entries) => Object.keys(entries).length <= 50, 'has more than 50 keys')
  .default({});

const customer = z
  .strictObject({
    externalId: text(255),
    // The API's rule.
    email: text(320).refine((value) => value === undefined || isEmail(value), 'is not an e-mail address'),
    name: text(255),
    tilledCustomerId: tilledId('cus'),
    metadata,
  })
  .refine((row) => row.externalId ?? row.tilledCustomerId, 'has neither externalId nor tilledCustomerId: a second run could not know it')
  .refine((row) => row.email ?? row.tilledCustomerId, 'has no email, which a customer that is new at Tilled needs');

const paymentMethod = z
  .strictObject({
    tilledPaymentMethodId: tilledId('pm'),
    customerExternalId: text(255),
    tilledCustomerId: tilledId('cus'),
    isDefault: word(['true', 'false']).transform((value) => value === 'true'),
  })
  .refine((row) => row.tilledPaymentMethodId, 'has no tilledPaymentMethodId: only what is tokenised at Tilled can be imported');

const subscription = z
  .strictObject({
    tilledSubscriptionId: tilledId('sub'),
    externalId: text(200),
    customerExternalId: text(255),
    tilledCustomerId: tilledId('cus'),
    tilledPaymentMethodId: tilledId('pm'),
    status: word(['pending', 'active', 'past_due', 'paused', 'canceled']),
    priceMinor: whole(AMOUNT_MINOR_MAX),
    currency: word(CURRENCIES),
    intervalUnit: word(['week', 'month', 'year']),
    intervalCount: whole(365),
    billingCycleAnchor: z.iso
      .datetime({ offset: true, message: 'is not a moment in ISO 8601 with its zone, such as 2026-03-01T00:00:00Z' })
      .optional(),
    planCode: text(100),
    planName: text(255),
    metadata,
  })
  .refine(
    (row) => row.tilledSubscriptionId ?? row.externalId,
    'has neither tilledSubscriptionId nor externalId: a second run could not know it',
  );

export type CustomerFields = z.output<typeof customer>;
export type PaymentMethodFields = z.output<typeof paymentMethod>;
export type SubscriptionFields = z.output<typeof subscription>;

/** The fields of each noun. */
export interface FieldsOf {
  customers: CustomerFields;
  paymentMethods: PaymentMethodFields;
  subscriptions: SubscriptionFields;
}

const SCHEMAS = { customers: customer, paymentMethods: paymentMethod, subscriptions: subscription };

/** The names of a noun's fields; metadata has a key of its own: `metadata.plan`. */
export const FIELD_NAMES: Readonly<Record<ImportNoun, readonly string[]>> = {
  customers: Object.keys(customer.shape),
  paymentMethods: Object.keys(paymentMethod.shape),
  subscriptions: Object.keys(subscription.shape),
};

/** One thing that is wrong with a line. It never repeats a value: the report may be passed around. */
export interface LineProblem {
  readonly noun: ImportNoun;
  readonly line: number;
  readonly field: string | null;
  readonly problem: string;
}

/** One line of a source, in our words. */
export interface ImportRow<Noun extends ImportNoun = ImportNoun> {
  readonly key: string;
  /** Null for what comes from the Tilled account itself. */
  readonly line: number | null;
  readonly fields: FieldsOf[Noun];
  /** Tilled's object, if the source had it at hand. */
  readonly snapshot?: unknown;
}

/** The fields of a line, or everything that is wrong with them. */
export function parseFields<Noun extends ImportNoun>(
  noun: Noun,
  values: Readonly<Record<string, unknown>>,
): { readonly fields: FieldsOf[Noun] | null; readonly problems: readonly { readonly field: string | null; readonly problem: string }[] } {
  const parsed = SCHEMAS[noun].safeParse(values);
  if (parsed.success) return { fields: parsed.data as FieldsOf[Noun], problems: [] };
  return { fields: null, problems: parsed.error.issues.map((issue) => ({ field: issue.path.join('.') || null, problem: issue.message })) };
}
