/** What can be imported, in the order in which it is: each needs what comes before it. */
export const IMPORT_NOUNS = ['customers', 'paymentMethods', 'subscriptions'] as const;
export type ImportNoun = (typeof IMPORT_NOUNS)[number];
