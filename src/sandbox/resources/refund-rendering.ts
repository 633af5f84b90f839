import type { TilledRefund } from '../../tilled/tilled.shapes.js';
import type { RefundRecord } from '../records.js';
import { balanceTransaction } from './balance-transaction.js';

/** The refund as the wire shows it: no currency and no account. */
export function renderRefund(record: RefundRecord): TilledRefund {
  const { account_id: accountId, currency, balance_transaction_id: id, ...shown } = record;
  const transaction = balanceTransaction({
    id,
    accountId,
    amount: -record.amount,
    currency,
    source: { type: 'refund', id: record.id },
    createdAt: record.created_at,
  });
  return { ...shown, balance_transaction: transaction };
}
