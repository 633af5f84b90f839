import { Customer } from '../billing/customers/customer.entity.js';
import { Dispute } from '../billing/disputes/dispute.entity.js';
import { DisputeStatus } from '../billing/disputes/dispute.states.js';
import { Divergence, DivergenceStatus } from '../billing/kit/divergence.entity.js';
import { PaymentMethod } from '../billing/payment-methods/payment-method.entity.js';
import { CaptureMethod, Payment } from '../billing/payments/payment.entity.js';
import { PaymentStatus } from '../billing/payments/payment.states.js';
import { Refund } from '../billing/refunds/refund.entity.js';
import { RefundStatus } from '../billing/refunds/refund.states.js';
import { Subscription } from '../billing/subscriptions/subscription.entity.js';
import { SubscriptionStatus } from '../billing/subscriptions/subscription.states.js';
import type { EventTypeName } from './event.catalogue.js';
import type { RowBefore, Told } from './told.js';

const customer: Told<Customer> = {
  object: 'Customer',
  stands: ({ tilledCustomerId }) => tilledCustomerId !== null,
  changes: (before, { deletedAt }) => {
    if (before === null) return ['customer.created', ...when(deletedAt !== null, 'customer.deleted')];
    return when(before.deletedAt === null && deletedAt !== null, 'customer.deleted');
  },
  otherwise: 'customer.updated',
  removed: 'customer.removed',
  personOf: ({ id }) => id,
};

const paymentMethod: Told<PaymentMethod> = {
  object: 'PaymentMethod',
  stands: () => true,
  changes: (before, { detachedAt }) => {
    if (before === null) return ['payment_method.attached', ...when(detachedAt !== null, 'payment_method.detached')];
    return when(before.detachedAt === null && detachedAt !== null, 'payment_method.detached');
  },
  otherwise: 'payment_method.updated',
  removed: 'payment_method.removed',
  personOf: ({ customerId }) => customerId,
};

const SUBSCRIPTION_TYPES: Readonly<Partial<Record<SubscriptionStatus, EventTypeName>>> = {
  ACTIVE: 'subscription.activated',
  PAST_DUE: 'subscription.past_due',
  PAUSED: 'subscription.paused',
  CANCELED: 'subscription.canceled',
};

const subscription: Told<Subscription> = {
  object: 'Subscription',
  stands: ({ status, tilledSubscriptionId }) => status !== SubscriptionStatus.PENDING || tilledSubscriptionId !== null,
  changes: (before, after) => {
    if (before === null) return ['subscription.created', ...typed(SUBSCRIPTION_TYPES[after.status])];
    const status = becameOf(before, after);
    const hasPaidFurther = timeOf(after.currentPeriodEnd) > timeOf(before.currentPeriodEnd);
    return [
      ...status,
      ...when(hasPaidFurther && !status.includes('subscription.activated'), 'subscription.renewed'),
      ...when(!before.cancelAtPeriodEnd && after.cancelAtPeriodEnd, 'subscription.cancel_scheduled'),
    ];
  },
  otherwise: 'subscription.changed',
  removed: 'subscription.removed',
  personOf: ({ customerId }) => customerId,
};

function becameOf({ status: before }: RowBefore<Subscription>, { status }: Subscription): readonly EventTypeName[] {
  if (before === status) return [];
  const { PAUSED, ACTIVE, PENDING } = SubscriptionStatus;
  if (before === PAUSED && (status === ACTIVE || status === PENDING)) return ['subscription.resumed'];
  return typed(SUBSCRIPTION_TYPES[status]);
}

const payment: Told<Payment> = {
  object: 'Payment',
  stands: ({ status }) => status !== PaymentStatus.PENDING,
  changes: (before, after) => {
    if (before === null) return ['payment.created', ...paymentStatus(after.status)];
    const isCaptured = after.captureMethod === CaptureMethod.MANUAL && after.capturedMinor > before.capturedMinor;
    return [
      ...(before.status === after.status ? [] : paymentStatus(after.status)),
      ...when(isCaptured, 'payment.captured'),
      ...when(after.refundedMinor > before.refundedMinor, 'payment.refunded'),
    ];
  },
  otherwise: 'payment.updated',
  removed: 'payment.removed',
  personOf: ({ customerId }) => customerId,
};

function paymentStatus(status: PaymentStatus): readonly EventTypeName[] {
  return status === PaymentStatus.PENDING ? [] : [`payment.${lowerCase(status)}`];
}

const refund: Told<Refund> = {
  object: 'Refund',
  stands: ({ status, tilledRefundId }) => status !== RefundStatus.PENDING || tilledRefundId !== null,
  changes: (before, { status }) => {
    if (before === null) return ['refund.created', `refund.${lowerCase(status)}`];
    return before.status === status ? [] : [`refund.${lowerCase(status)}`];
  },
  otherwise: 'refund.updated',
  removed: 'refund.removed',
  personOf: ({ customerId }) => customerId,
};

/** In which a dispute begins: that it does says `dispute.created`. */
const FIRST_STATUSES: readonly DisputeStatus[] = [DisputeStatus.NEEDS_RESPONSE, DisputeStatus.WARNING_NEEDS_RESPONSE];

const dispute: Told<Dispute> = {
  object: 'Dispute',
  stands: () => true,
  changes: (before, after) => {
    const status = typed<EventTypeName>(`dispute.${lowerCase(after.status)}`);
    if (before === null) return ['dispute.created', ...(FIRST_STATUSES.includes(after.status) ? [] : status)];
    const isAnswered = timeOf(after.evidenceSubmittedAt) > timeOf(before.evidenceSubmittedAt);
    return [...when(isAnswered, 'dispute.evidence_submitted'), ...(before.status === after.status ? [] : status)];
  },
  otherwise: 'dispute.updated',
  removed: null,
  personOf: ({ customerId }) => customerId,
};

const divergence: Told<Divergence> = {
  object: 'Divergence',
  stands: ({ detections }) => detections > 0,
  changes: (before, { status }) => {
    if (before === null) return ['divergence.opened'];
    return when(before.status === DivergenceStatus.OPEN && status !== DivergenceStatus.OPEN, 'divergence.closed');
  },
  // That it was seen once more is told by no event.
  otherwise: null,
  removed: null,
  personOf: () => null,
};

/** How the nouns of the API are told of, by the names of their classes. */
export const TOLD_NOUNS: Readonly<Record<string, Told>> = {
  [Customer.name]: customer as Told,
  [PaymentMethod.name]: paymentMethod as Told,
  [Subscription.name]: subscription as Told,
  [Payment.name]: payment as Told,
  [Refund.name]: refund as Told,
  [Dispute.name]: dispute as Told,
  [Divergence.name]: divergence as Told,
};

function when(isSo: boolean, type: EventTypeName): readonly EventTypeName[] {
  return isSo ? [type] : [];
}

function typed<Type extends EventTypeName>(type: Type | undefined): readonly Type[] {
  return type === undefined ? [] : [type];
}

function lowerCase<Status extends string>(status: Status): Lowercase<Status> {
  return status.toLowerCase() as Lowercase<Status>;
}

/** Milliseconds; before everything for none. */
function timeOf(moment: unknown): number {
  return moment === null || moment === undefined ? Number.NEGATIVE_INFINITY : new Date(moment as Date).getTime();
}
