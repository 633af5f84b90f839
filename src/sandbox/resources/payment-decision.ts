import type { TilledDeclineCode } from '../../tilled/tilled.shapes.js';
import type { Engine } from '../engine.js';
import type { CONFIRM_OUTCOMES, MethodWishes, PaymentMethodRecord, REFUND_OUTCOMES } from '../records.js';
import { declineOfAmount, isExpired } from './card-data.js';
import { isChargeable } from './payment-methods.js';

// What the issuer, the bank or a test says to a payment, before anything of it is seen.

/** What will become of a payment. Success is an authorization if captured later; a code is a decline. */
export interface PaymentDecision {
  status: 'succeeded' | (typeof CONFIRM_OUTCOMES)[number];
  code: TilledDeclineCode | null;
}

/** Money will move. */
export const APPROVED: PaymentDecision = { status: 'succeeded', code: null };

/** The payment will be refused. */
export function declined(code: TilledDeclineCode): PaymentDecision {
  return { status: 'requires_payment_method', code };
}

/** Decides about a payment of the amount with the method. Counts against what a test wished. Within a transaction. */
export function decidePayment(engine: Engine, method: PaymentMethodRecord, amount: number): PaymentDecision {
  const code = declineOf(engine, method, amount);
  if (code !== undefined) return declined(code);
  if (method.type === 'ach_debit' || method.type === 'eft_debit') return { status: 'processing', code: null };
  const status = takeWish(engine, method, 'confirm');
  return status === null ? APPROVED : { status, code: null };
}

/** Decides about a refund to the method: at once, or pending until it is settled. Counts as decidePayment() does. */
export function decideRefund(engine: Engine, method: PaymentMethodRecord | undefined): 'succeeded' | (typeof REFUND_OUTCOMES)[number] {
  if (method === undefined) return 'succeeded';
  if (method.type.endsWith('_debit')) return 'pending';
  return takeWish(engine, method, 'refund') ?? 'succeeded';
}

/** Keeps what a test wants of payments with the method; what is not named stays. Within a transaction. */
export function putWishes(engine: Engine, method: PaymentMethodRecord, change: Partial<MethodWishes>): PaymentMethodRecord {
  const wishes: MethodWishes = { ...NO_WISHES, ...method.wishes, ...change };
  const updated = { ...method, wishes };
  engine.store.paymentMethods.put(updated);
  return updated;
}

const NO_WISHES: MethodWishes = { passes_left: 0, confirm: null, refund: null };

function declineOf(engine: Engine, method: PaymentMethodRecord, amount: number): TilledDeclineCode | undefined {
  if (!isChargeable(engine, method)) return 'invalid_account';
  const passes = method.wishes?.passes_left ?? 0;
  if (method.declines_with !== null && passes === 0) return method.declines_with;
  if (method.declines_with !== null) putWishes(engine, method, { passes_left: passes - 1 });
  if (method.type !== 'card') return undefined;
  const { exp_month: month, exp_year: year } = method.card ?? {};
  if (month && year && isExpired(month, year, engine.clock.now())) return 'expired_card';
  return declineOfAmount(amount);
}

/** The outcome a test wants of this payment or refund, or null; one of those it was wanted for is used up. */
function takeWish<K extends 'confirm' | 'refund'>(
  engine: Engine,
  method: PaymentMethodRecord,
  kind: K,
): NonNullable<MethodWishes[K]>['outcome'] | null {
  const current = engine.store.paymentMethods.get(method.id) ?? method;
  const wish = current.wishes?.[kind] ?? null;
  if (wish === null) return null;
  const timesLeft = wish.times === null ? null : wish.times - 1;
  putWishes(engine, current, { [kind]: timesLeft === 0 ? null : { ...wish, times: timesLeft } });
  return wish.outcome;
}
