/** Columns whose very name says that they hold what must never come here. */
const FORBIDDEN_COLUMN =
  /\b(?:pan|cvv2?|cvc2?|cid|iban|bic|swift|pin|track[ _-]?[12]|card[ _-]?(?:number|no|num)|(?:bank[ _-]?)?account[ _-]?(?:number|no|num)|routing[ _-]?(?:number|no|num)?|sort[ _-]?code|transit[ _-]?(?:number|no)?|institution[ _-]?(?:number|no)|security[ _-]?code)\b/i;

/** Whether a column's name says that it holds card or bank numbers. */
export function isForbiddenColumn(name: string): boolean {
  return FORBIDDEN_COLUMN.test(name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').replaceAll('_', ' '));
}

const DIGITS = /(?<![\d.])[2-6]\d(?:[ -]?\d){10,17}(?![\d.])/g;
const IBAN = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b/g;

/** Whether a text holds a card number (12 to 19 digits of a card's range with a right check digit) or an IBAN with right check digits. */
export function holdsAccountNumber(text: string): boolean {
  const cards = text.match(DIGITS) ?? [];
  if (cards.some((digits) => passesLuhn(digits.replaceAll(/\D/g, '')))) return true;
  return (text.match(IBAN) ?? []).some((iban) => passesIban(iban.replaceAll(' ', '')));
}

function passesLuhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function passesIban(iban: string): boolean {
  const moved = [...iban.slice(4), ...iban.slice(0, 4)].map((sign) => Number.parseInt(sign, 36)).join('');
  return [...moved].reduce((rest, digit) => (rest * 10 + Number(digit)) % 97, 0) === 1;
}
