import type { TilledBillingDetails, TilledPaymentMethod, TilledPaymentMethodType } from '../../tilled/tilled.shapes.js';
import { Fields } from '../fields.js';
import { achDetails, cardDetails, eftDetails } from './card-data.js';

/** What a payment method is made of, by its type; the others are null. */
export type MethodDetails = Pick<TilledPaymentMethod, 'card' | 'card_present' | 'ach_debit' | 'eft_debit' | 'billing_details'>;

/** Reads the hash named after the type. Problems are left with the fields. */
export function methodDetails(input: {
  fields: Fields;
  type: TilledPaymentMethodType;
  billing: TilledBillingDetails | null;
  nowMs: number;
}): MethodDetails {
  const { fields, type, billing, nowMs } = input;
  const none = { card: null, card_present: null, ach_debit: null, eft_debit: null, billing_details: billing };
  if (type === 'card') return { ...none, card: cardDetails(fields.requiredObject('card'), billing, nowMs) };
  if (type === 'ach_debit') return { ...none, ach_debit: achDetails(fields.requiredObject('ach_debit')) };
  if (type === 'eft_debit') return { ...none, eft_debit: eftDetails(fields.requiredObject('eft_debit')) };
  // A terminal reads the card itself; there is none here, so the reader's word is a plain one.
  fields.requiredText('terminal_reader_id');
  return { ...none, card_present: { ...READ_BY_TERMINAL } };
}

const READ_BY_TERMINAL = {
  apple_pay: false,
  brand: 'visa' as const,
  funding: 'credit' as const,
  last4: '1111',
  exp_month: 12,
  exp_year: 2099,
  holder_name: null,
  checks: null,
};

/** The billing details sent, laid over the current ones; undefined fields keep what they were. */
export function billingDetails(fields: Fields, current: TilledBillingDetails | null): TilledBillingDetails | null {
  const sent = fields.object('billing_details');
  if (sent === undefined) return current;
  if (sent === null) return null;
  const name = sent.text('name', { max: 255 });
  const email = sent.text('email', { max: 255 });
  const phone = sent.text('phone', { max: 255 });
  const address = sent.object('address');
  return {
    name: name === undefined ? (current?.name ?? null) : name,
    email: email === undefined ? (current?.email ?? null) : email,
    phone: phone === undefined ? (current?.phone ?? null) : phone,
    address: address === undefined ? (current?.address ?? null) : addressOf(address),
  };
}

function addressOf(sent: Fields | null): TilledBillingDetails['address'] {
  if (sent === null) return null;
  return {
    street: sent.text('street', { max: 50 }) ?? null,
    street2: sent.text('street2', { max: 50 }) ?? null,
    city: sent.text('city', { max: 40 }) ?? null,
    state: sent.text('state', { max: 40 }) ?? null,
    zip: sent.text('zip', { max: 10 }) ?? null,
    country: sent.text('country', { max: 2 }) ?? null,
  };
}
