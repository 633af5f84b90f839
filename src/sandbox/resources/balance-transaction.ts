import type { TilledBalanceTransaction, TilledCurrency } from '../../tilled/tilled.shapes.js';
import { DAY_MS } from '../assumptions.js';
import { isoTime } from '../clock.js';

/** The ledger row of a charge, refund or dispute. Our assumption: no fees, available after two days. */
export function balanceTransaction(input: {
  id: string;
  accountId: string;
  amount: number;
  currency: TilledCurrency;
  source: { type: 'charge' | 'refund' | 'dispute'; id: string };
  createdAt: string;
}): TilledBalanceTransaction {
  return {
    id: input.id,
    account_id: input.accountId,
    amount: input.amount,
    currency: input.currency,
    type: input.source.type,
    status: 'pending',
    source_id: input.source.id,
    source_type: input.source.type,
    available_on: isoTime(Date.parse(input.createdAt) + 2 * DAY_MS),
    fee: 0,
    net: input.amount,
    fee_details: [],
    fee_type: null,
    fee_subtype: null,
    payout_id: null,
    description: null,
    created_at: input.createdAt,
    updated_at: input.createdAt,
  };
}
