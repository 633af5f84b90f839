import { EVENT_TYPES } from './event.catalogue.js';

/** Moments of the examples. */
const [MADE, CHANGED, LATER] = ['2026-03-01T12:00:00.000Z', '2026-03-01T12:00:01.250Z', '2026-04-01T12:00:00.000Z'].map(
  (text) => new Date(text),
) as [Date, Date, Date];
const CUSTOMER = 'cus_01kjmm9zt0b3v6xq4d2m8e5r7a';
const METHOD = 'pm_01kjmm9zv2n5c8h1k4q7s0w3ya';
const PAYMENT = 'pay_01kjmma0x4d7f0j3m6p9t2v5za';
const SUBSCRIPTION = 'sub_01kjmma1z6g9j2m5q8t1w4y7ca';

const money = (amountMinor: number, decimal: string) => ({ amountMinor, currency: 'usd', decimal });

/** A row of each type that events tell of, as it stands in docs/events.md. */
export const EXAMPLES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Customer: {
    ...{ id: CUSTOMER, version: 1, externalId: 'user-42', email: 'ann@example.com', name: 'Ann Lee', metadata: { tier: 'gold' } },
    ...{ missingSince: null, createdAt: MADE, updatedAt: CHANGED },
  },
  PaymentMethod: {
    ...{ id: METHOD, customerId: CUSTOMER, type: 'CARD', brand: 'visa', last4: '1111', expMonth: 12, expYear: 2031 },
    ...{ bankName: null, bankLast: null, isDefault: true, createdAt: MADE, detachedAt: null },
  },
  Subscription: {
    ...{ id: SUBSCRIPTION, version: 3, customerId: CUSTOMER, paymentMethodId: METHOD, status: 'ACTIVE', planCode: 'pro', planName: 'Pro' },
    ...{ price: money(1_990, '19.90'), platformFee: null, intervalUnit: 'MONTH', intervalCount: 1, billingCycleAnchor: MADE },
    ...{ currentPeriodStart: MADE, currentPeriodEnd: LATER, nextPaymentAt: LATER, cancelAtPeriodEnd: false, cancelAt: null },
    ...{ canceledAt: null, pauseAt: null, pausedAt: null, resumeAt: null, metadata: {}, createdAt: MADE, updatedAt: CHANGED },
  },
  Payment: {
    ...{
      id: PAYMENT,
      customerId: CUSTOMER,
      paymentMethodId: METHOD,
      subscriptionId: null,
      status: 'SUCCEEDED',
      captureMethod: 'AUTOMATIC',
    },
    ...{ amount: money(5_000, '50.00'), captured: money(5_000, '50.00'), refunded: money(0, '0.00'), platformFee: null },
    ...{ referenceId: 'order:789', description: null, failureCode: null, failureMessage: null, metadata: {} },
    ...{ createdAt: MADE, updatedAt: CHANGED },
  },
  Refund: {
    ...{ id: 're_01kjmma3b8k1n4r7v0x3z6c9ea', paymentId: PAYMENT, status: 'SUCCEEDED', amount: money(1_000, '10.00') },
    ...{ reason: 'REQUESTED_BY_CUSTOMER', referenceId: 'return:12', failureCode: null, failureMessage: null },
    ...{ createdAt: MADE, updatedAt: CHANGED },
  },
  Dispute: {
    ...{ id: 'dp_01kjmma5d0m3q6t9x2z5b8e1ga', paymentId: PAYMENT, status: 'NEEDS_RESPONSE', amount: money(5_000, '50.00') },
    ...{ reason: 'Product not received', evidenceDueAt: LATER, evidenceSubmittedAt: null, concededAt: null },
    ...{ createdAt: MADE, updatedAt: CHANGED },
  },
  App: { id: 'shop', name: 'Shop', suspendedAt: null },
  Divergence: {
    ...{ id: 'dv_01kjmma7f2p5s8w1z4b7d0g3ja', kind: 'PAYMENT', class: 'FIELD', objectId: PAYMENT, tilledId: 'pi_2Xm', status: 'OPEN' },
    ...{ detections: 1, occurredAt: null, detectedAt: MADE, seenAt: MADE, closedAt: null, closedBy: null, note: null },
  },
  WebhookEndpoint: {
    ...{ id: 'we_01kjmma9h4r7v0x3z6c9f2j5ma', version: 4, url: 'https://example.com/billing', isEnabled: false },
    ...{ disabledReason: 'failed_for_five_days', failingSince: MADE, createdAt: MADE, updatedAt: LATER },
  },
};

/** What an event of a type tells in its example, as `show` shows it; null for a name that is no type. */
export function exampleOf(type: string, show: (object: string, row: object) => object): object | null {
  const { object } = Object.entries(EVENT_TYPES).find(([name]) => name === type)?.[1] ?? { object: '' };
  const row = EXAMPLES[object];
  return row === undefined ? null : show(object, row);
}
