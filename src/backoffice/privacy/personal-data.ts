/** What stands in the place of something personal that was removed, and of something that is not shown. */
export const ERASED = '[erased]';

/** Fields with personal data, in our rows, in what Tilled sends, and in compared facts. */
const PERSONAL = new Set([
  ...['email', 'name', 'first_name', 'middle_name', 'last_name', 'nick_name', 'phone', 'receipt_email', 'external_id', 'holder_name'],
  ...['account_holder_name', 'address', 'billing_details', 'street', 'street2', 'city', 'zip', 'last4', 'last2', 'bank_last'],
  ...[
    'bank_name',
    'exp_month',
    'exp_year',
    'fingerprint',
    'description',
    'client_secret',
    'shipping_address_zip',
    'network_transaction_id',
  ],
  ...['expMonth', 'expYear', 'bankName', 'bankLast'],
]);
/** Our own words on Tilled's objects: ids, and nothing about a person. */
const MARKS = new Set(['billing_app_id', 'billing_id']);

/**
 * A copy without personal data: personal fields and metadata values are replaced, and so is any other text that holds
 * one of `values`. Ids, amounts, states and moments stay.
 */
export function withoutPersonalData(value: unknown, values: readonly string[], replacement: string = ERASED): unknown {
  return cleaned(value, values, replacement);
}

function cleaned(value: unknown, values: readonly string[], replacement: string): unknown {
  if (typeof value === 'string') return holdsOne(value, values) ? replacement : value;
  if (Array.isArray(value)) return value.map((item) => cleaned(item, values, replacement));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([field, item]) => {
    if (item === null || item === undefined || item === '') return [field, item];
    if (PERSONAL.has(field)) return [field, replacement];
    if (field === 'metadata') return [field, cleanedMetadata(item, replacement)];
    return [field, cleaned(item, values, replacement)];
  });
  return Object.fromEntries(entries);
}

function cleanedMetadata(metadata: unknown, replacement: string): unknown {
  if (typeof metadata !== 'object' || metadata === null) return metadata;
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, MARKS.has(key) ? value : replacement]));
}

/** Whether a text holds one of the values as a whole: the last digits of a card inside an id are not those digits. */
export function holdsOne(text: string, values: readonly string[]): boolean {
  return values.some((value) => {
    for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
      if (!isWordSign(text[at - 1]) && !isWordSign(text[at + value.length])) return true;
    }
    return false;
  });
}

function isWordSign(sign: string | undefined): boolean {
  return sign !== undefined && /[\p{L}\p{N}_]/u.test(sign);
}
