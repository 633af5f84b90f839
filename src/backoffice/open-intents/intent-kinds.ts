/** Mutations that a job finishes: until then their outcome is open. compose.billing.ts checks the list. */
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
  'subscriptionRetry',
  'paymentCreate',
  'paymentCapture',
  'paymentCancel',
  'refundCreate',
  'disputeEvidenceSubmit',
];
