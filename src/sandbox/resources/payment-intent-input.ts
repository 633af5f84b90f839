import type { TilledLevel3, TilledMetadataParams } from '../../tilled/tilled.shapes.js';
import { CAPTURE_METHODS, CURRENCIES, OCCURRENCE_TYPES, PAYMENT_METHOD_TYPES } from '../../tilled/tilled.shapes.js';
import { Fields, mergedMetadata } from '../fields.js';
import type { PaymentIntentRecord } from '../records.js';

/** The largest amount of a charge, in minor units; the smallest is 1. */
export const AMOUNT_BOUNDS = { min: 1, max: 99_999_999 };

const DESCRIPTOR = { min: 1, max: 20, pattern: /^[^<>'"*]+$/, form: 'free of < > \' " and *' };

type Settable = Pick<
  PaymentIntentRecord,
  | 'amount'
  | 'currency'
  | 'payment_method_types'
  | 'capture_method'
  | 'platform_fee_amount'
  | 'statement_descriptor_suffix'
  | 'occurrence_type'
  | 'level3'
>;

/** What a create call says. Throws a 400 that names everything wrong. */
export function newIntentFields(
  body: unknown,
): Settable & Pick<PaymentIntentRecord, 'metadata'> & { isConfirmed: boolean; methodId: string | null } {
  const fields = new Fields(body);
  const amount = fields.requiredInteger('amount', AMOUNT_BOUNDS);
  const fee = fields.integer('platform_fee_amount', { min: 0 }) ?? null;
  const sent = {
    amount,
    currency: fields.requiredOneOf('currency', CURRENCIES),
    payment_method_types: fields.requiredListOf('payment_method_types', PAYMENT_METHOD_TYPES),
    capture_method: fields.oneOf('capture_method', CAPTURE_METHODS) ?? 'automatic',
    platform_fee_amount: fee === null ? null : Math.min(fee, amount),
    statement_descriptor_suffix: fields.text('statement_descriptor_suffix', DESCRIPTOR) ?? null,
    occurrence_type: fields.oneOf('occurrence_type', OCCURRENCE_TYPES) ?? null,
    level3: level3Of(fields) ?? null,
    isConfirmed: fields.boolean('confirm') ?? false,
    methodId: fields.text('payment_method_id') ?? null,
  };
  const metadata = fields.metadata();
  fields.assertValid();
  return { ...sent, metadata: mergedMetadata(null, metadata) };
}

/** What an update call changes; fields not sent are not in it. Throws a 400 that names everything wrong. */
export function changedFields(
  body: unknown,
  current: PaymentIntentRecord,
): Partial<Settable> & { methodId?: string; metadata: TilledMetadataParams | undefined } {
  const fields = new Fields(body);
  const amount = fields.integer('amount', AMOUNT_BOUNDS) ?? undefined;
  const fee = fields.integer('platform_fee_amount', { min: 0 });
  const sent = {
    amount,
    currency: fields.oneOf('currency', CURRENCIES) ?? undefined,
    payment_method_types: fields.listOf('payment_method_types', PAYMENT_METHOD_TYPES),
    capture_method: fields.oneOf('capture_method', CAPTURE_METHODS) ?? undefined,
    platform_fee_amount: typeof fee === 'number' ? Math.min(fee, amount ?? current.amount) : fee,
    statement_descriptor_suffix: fields.text('statement_descriptor_suffix', DESCRIPTOR),
    occurrence_type: fields.oneOf('occurrence_type', OCCURRENCE_TYPES),
    level3: level3Of(fields),
    methodId: fields.text('payment_method_id') ?? undefined,
  };
  const metadata = fields.metadata();
  fields.assertValid();
  const given = Object.entries(sent).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), metadata };
}

function level3Of(fields: Fields): TilledLevel3 | null | undefined {
  const level3 = fields.object('level3');
  if (level3 === undefined || level3 === null) return level3;
  return {
    duty_amount: level3.requiredInteger('duty_amount', { min: 0 }),
    shipping_amount: level3.requiredInteger('shipping_amount', { min: 0 }),
    shipping_address_country: level3.requiredText('shipping_address_country', { min: 2, max: 2 }),
    shipping_address_zip: level3.requiredText('shipping_address_zip'),
    shipping_from_zip: level3.requiredText('shipping_from_zip'),
    line_items: level3.requiredObjects('line_items', { min: 1, max: 25 }).map((item) => ({
      product_code: item.requiredText('product_code', { max: 12 }),
      product_description: item.requiredText('product_description', { max: 35 }),
      quantity: item.requiredInteger('quantity', { min: 1 }),
      unit_amount: item.requiredInteger('unit_amount', { min: 0 }),
      tax_amount: item.requiredInteger('tax_amount', { min: 0 }),
    })),
  };
}
