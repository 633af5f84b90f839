/** Mutations whose rest is a job: until that is done, what became of them is not known for certain. compose.billing.ts checks that none is missing. */
export const INTENT_KINDS: readonly string[] = [
  'customerCreate',
  'customerDelete',
  'paymentMethodAttach',
  'paymentMethodDetach',
  'subscriptionCreate',
  'subscriptionUpdate',
  'subscriptionPause',
  'subscriptionResume',
  'subscriptionCancel',
  'subscriptionReactivate',
  'paymentCreate',
  'paymentCapture',
  'paymentCancel',
  'refundCreate',
];
