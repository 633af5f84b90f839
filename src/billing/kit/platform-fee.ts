import { InvalidInput } from '../../platform/errors.js';
import type { MoneyInput } from './money.types.js';

/** What the platform keeps of an amount, in minor units; null for nothing. Throws InvalidInput beyond the amount. */
export function platformFeeOf(fee: MoneyInput | null | undefined, amount: Pick<MoneyInput, 'amountMinor' | 'currency'>): number | null {
  if (!fee) return null;
  if (fee.currency !== amount.currency)
    throw InvalidInput.because(['platformFee', 'currency'], `platformFee is a part of the amount, so its currency is ${amount.currency}.`);
  if (fee.amountMinor > amount.amountMinor)
    throw InvalidInput.because(
      ['platformFee', 'amountMinor'],
      `platformFee is at most the whole amount, ${amount.amountMinor} minor units.`,
    );
  return fee.amountMinor;
}
