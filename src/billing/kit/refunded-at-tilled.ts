import type { TilledPaymentIntent } from '../../tilled/tilled.shapes.js';
import { sumMinor } from '../money.js';

/** Reasons that are not refunds of captured money: Tilled's word for releasing what was held. */
export const RELEASE_REASONS: readonly string[] = ['partial_capture', 'expired_uncaptured_charge'];

/** What Tilled has given back of an intent, whoever asked for it, in minor units. */
export function refundedAtTilledMinor({ charges }: TilledPaymentIntent): number {
  const refunds = charges.flatMap((charge) => charge.refunds);
  return sumMinor(
    refunds.filter(({ status, reason }) => status === 'succeeded' && !RELEASE_REASONS.includes(reason ?? '')).map(({ amount }) => amount),
  );
}
