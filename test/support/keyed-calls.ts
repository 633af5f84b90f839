import * as ops from './operations.generated.js';
import type { TestApp, World } from './world.js';

/** What a caller was told. */
export interface Said {
  readonly status: string | null;
  readonly codes: readonly string[];
}

const usd = (amountMinor: number) => ({ amountMinor, currency: 'usd' });

/** Requests of one customer, each repeated with its key at any gateway: payments of 42.00, refunds of 50.00, one subscription. */
export function callsOf({ world, app }: { readonly world: World; readonly app: TestApp }, customerId: string) {
  const said = (row: { readonly status: string } | null, errors: readonly { readonly code: string }[]): Said => ({
    status: row?.status ?? null,
    codes: errors.map(({ code }) => code),
  });
  return {
    pay: async (key: string, url = world.url) => {
      const input = { customerId, amount: usd(4_200), idempotencyKey: key };
      const { paymentCreate: it } = await world.ask(app, ops.PaymentCreateDocument, { input }, { url });
      return { ...said(it.payment, it.userErrors), replayed: it.replayed };
    },
    refund: async (paymentId: string, url = world.url, key = 'refund') => {
      const input = { paymentId, amount: usd(5_000), idempotencyKey: key };
      const { refundCreate: it } = await world.ask(app, ops.RefundCreateDocument, { input }, { url });
      return said(it.refund, it.userErrors);
    },
    subscribe: async (url = world.url) => {
      const input = { customerId, price: usd(1_990), idempotencyKey: 'subscription' };
      const { subscriptionCreate: it } = await world.ask(app, ops.SubscriptionCreateDocument, { input }, { url });
      return said(it.subscription, it.userErrors);
    },
  };
}

/** Whether an answer is the last word: it names no error. */
export const isOver = ({ codes }: Said): boolean => codes.length === 0;

/** The codes of errors that callers were told. */
export const codesOf = (answers: readonly Said[]): string[] => [...new Set(answers.flatMap(({ codes }) => codes))];
