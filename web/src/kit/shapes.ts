import type { BillingClient } from '@billing-gateway/client';

/** What a list of the client holds. */
type EntryOf<List> = List extends AsyncIterable<infer Entry> ? Entry : never;

export type Subscription = EntryOf<ReturnType<BillingClient['customerSubscriptions']>>;
export type PaymentMethod = EntryOf<ReturnType<BillingClient['customerPaymentMethods']>>;
export type Payment = EntryOf<ReturnType<BillingClient['customerPayments']>>;
export type Settings = NonNullable<Awaited<ReturnType<BillingClient['appSettings']>>>;
export type Session = Awaited<ReturnType<BillingClient['session']>>;
export type CardFieldsPlace = NonNullable<Session['cardFields']>;
export type Money = Payment['amount'];
