import type { JobPayload } from '../../platform/idempotency/claims.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledPaymentIntent } from '../../tilled/tilled.shapes.js';
import type { Move } from '../kit/transition.js';
import type { Payment } from './payment.entity.js';
import { PaymentRepository } from './payment.repository.js';
import { OVER_STATUSES, PaymentStatus } from './payment.states.js';

/** What the intent of a cancellation that nobody asked for leaves for its execution. */
export interface ClosingPayload {
  readonly isClosing: true;
}

/** The mutation whose job also closes intents that nobody asked to cancel. */
export const CANCEL = 'paymentCancel';

/**
 * Brings who holds a reference in line with what became of a payment, in the transaction that records it. One that is
 * over lets go of it, so that the order may be tried again. One that failed after its payer was asked to act may still
 * be paid by their browser: it is canceled at Tilled first, by a job, and lets go then.
 *
 * One that takes money although it had let go takes the reference back. If another payment has it by then, that one is
 * answered: the order may be paid twice. It is news for a person, and nothing here fails for it.
 */
export async function settleReference(
  tx: Scope,
  jobs: Jobs,
  { payment, intent, move }: { readonly payment: Payment; readonly intent: TilledPaymentIntent; readonly move: Move },
): Promise<Payment | null> {
  const { referenceId } = payment;
  if (referenceId === null) return null;
  const payments = PaymentRepository.of(tx);
  if (OVER_STATUSES.includes(payment.status) && payment.referenceHeld !== null) {
    const mayBePaid = intent.status !== 'canceled' && (await payments.wasEver(payment.id, PaymentStatus.REQUIRES_ACTION));
    if (!mayBePaid) await letGoOfReference(tx, payment);
    else if (move === 'moved') await jobs.enqueue(tx, { kind: CANCEL, subject: payment.id, payload: CLOSING });
    return null;
  }
  if (payment.referenceHeld !== null) return null;
  const isTakenBack = !OVER_STATUSES.includes(payment.status) && (await payments.holdReference(payment));
  return isTakenBack ? null : payments.findHolderOf(referenceId);
}

/**
 * Lets go of a locked payment's reference. If another payment took money under it meanwhile, that one holds it from
 * now on: a reference is free only when nothing was taken under it.
 */
export async function letGoOfReference(tx: Scope, payment: Payment): Promise<void> {
  const { referenceHeld } = payment;
  if (referenceHeld === null) return;
  payment.referenceHeld = null;
  await tx.db.flush();
  const payments = PaymentRepository.of(tx);
  const found = await payments.findBesideHolder(referenceHeld);
  if (found === null) return;
  // It may come to nothing this very moment, and would hold the reference for ever then.
  const heir = await payments.lock(found.id);
  if (!OVER_STATUSES.includes(heir.status)) await payments.holdReference(heir);
}

const CLOSING: JobPayload = { given: { isClosing: true } satisfies ClosingPayload, keyId: null };
