import { hasCardNumber } from '../../platform/card-data.js';

/** Columns whose very name says that they hold what must never come here. */
const FORBIDDEN_COLUMN =
  /\b(?:pan|cvv2?|cvc2?|cid|iban|bic|swift|pin|track[ _-]?[12]|card[ _-]?(?:number|no|num)|(?:bank[ _-]?)?account[ _-]?(?:number|no|num)|routing[ _-]?(?:number|no|num)?|sort[ _-]?code|transit[ _-]?(?:number|no)?|institution[ _-]?(?:number|no)|security[ _-]?code)\b/i;

/** Whether a column's name says that it holds card or bank numbers. */
export function isForbiddenColumn(name: string): boolean {
  return FORBIDDEN_COLUMN.test(name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').replaceAll('_', ' '));
}

const IBAN = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b/g;

/** Whether a text holds a card number or an IBAN with right check digits. */
export function holdsAccountNumber(text: string): boolean {
  return hasCardNumber(text) || (text.match(IBAN) ?? []).some((iban) => passesIban(iban.replaceAll(' ', '')));
}

function passesIban(iban: string): boolean {
  const moved = [...iban.slice(4), ...iban.slice(0, 4)].map((sign) => Number.parseInt(sign, 36)).join('');
  return [...moved].reduce((rest, digit) => (rest * 10 + Number(digit)) % 97, 0) === 1;
}
