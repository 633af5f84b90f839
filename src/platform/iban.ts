const WRITTEN = /(?<![\p{L}\d])[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\p{L}\d])/gu;

/** Whether a text begins with an IBAN whose check digits are right; further words may follow it. */
export function isIban(text: string): boolean {
  return lengthOfIban(text.toUpperCase()) > 0;
}

/** The IBANs in a text, each with its index and, first, how it is written. */
export function ibansIn(text: string): RegExpExecArray[] {
  return [...text.matchAll(WRITTEN)].filter(([written]) => lengthOfIban(written) > 0);
}

/** How many signs of the text are an IBAN, with blanks between its groups or without; 0: it does not begin with one. */
function lengthOfIban(text: string): number {
  for (let end = text.length; end > 0; end = text.lastIndexOf(' ', end - 1)) {
    if (hasCheckDigits(text.slice(0, end).replaceAll(' ', ''))) return end;
  }
  return 0;
}

function hasCheckDigits(iban: string): boolean {
  if (iban.length < 15 || iban.length > 34) return false;
  let rest = 0;
  for (let at = 0; at < iban.length; at += 1) {
    // The country and the check digits come last; a letter is a number of two digits.
    const value = Number.parseInt(iban.charAt((at + 4) % iban.length), 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}
