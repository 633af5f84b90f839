import { startContestant } from './processes.mjs';

/** The two calls to Tilled of a payment alone, with a card that is attached. */
export function startDirect(tilled, cardId) {
  return startContestant({
    name: 'direct',
    args: ['bench/peers/direct.mjs'],
    ready: '/',
    environment: {
      TILLED_BASE_URL: tilled.baseUrl,
      TILLED_SECRET_KEY: tilled.secretKey,
      TILLED_ACCOUNT_ID: tilled.accountId,
      PAYMENT_METHOD_ID: cardId,
    },
  });
}
