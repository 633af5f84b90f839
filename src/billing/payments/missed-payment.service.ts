import { setTimeout as sleep } from 'node:timers/promises';
import { type AppError, Conflict, IllegalTransition, NotConfirmedYet, OutcomeUnknown, ProcessorRejected } from '../../platform/errors.js';
import type { Intents } from '../../platform/idempotency/intents.js';
import type { Execution, IdempotentMutation, Outcome } from '../../platform/idempotency/mutation.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledPaymentIntent, TilledSubscription } from '../../tilled/tilled.shapes.js';
import { assertNoneOpen } from '../kit/open-mutations.js';
import { markOf, type Processor } from '../kit/processor.js';
import { recordAnswer } from '../kit/record-answer.js';
import { CHANGE_OPERATIONS, RETRY, tilledIdOf } from '../subscriptions/subscription.changes.js';
import type { Subscription } from '../subscriptions/subscription.entity.js';
import type { SubscriptionRetryInput } from '../subscriptions/subscription.inputs.js';
import type { SubscriptionMirror } from '../subscriptions/subscription.mirror.js';
import { SubscriptionRepository } from '../subscriptions/subscription.repository.js';
import { SubscriptionStatus } from '../subscriptions/subscription.states.js';
import { assertMethodAttached } from '../subscriptions/usable-method.js';
import { progressOf } from './payment.attempt.js';
import { PaymentDeclined } from './payment.errors.js';
import type { PaymentMirror } from './payment.mirror.js';
import { PaymentRepository } from './payment.repository.js';

interface MissedPaymentParts {
  readonly processor: Processor;
  readonly intents: Intents;
  readonly subscriptions: SubscriptionMirror;
  readonly mirror: PaymentMirror;
}

/** What Tilled shows of a subscription, and of the attempt that was asked for; null while there is none to be seen. */
interface Seen {
  readonly snapshot: TilledSubscription;
  readonly attempt: TilledPaymentIntent | null;
}

/** Somebody scheduled an attempt at Tilled: it is left alone. It passes by itself. */
class AttemptScheduled extends Conflict {
  override readonly isOutcome = false;

  constructor(at: string) {
    super(`The processor tries this payment again by itself at ${at}: wait for what becomes of it.`);
  }
}

/** Which retry asked for a payment: Tilled copies it from the subscription to the payment that it then tries. */
const RETRY_MARK = 'billing_retry_id';
/** Pauses before it is looked whether Tilled has tried, ms. After the last the job goes on looking. */
const LOOK_AFTER_MS = [0, 250, 750, 1_500];

/**
 * Collects what a subscription missed, once (docs/decisions/0047). Tilled tries some time after it was asked, and would
 * try twice if asked twice. So it is asked only while it shows a subscription that is past due with nothing scheduled,
 * and the subscription is marked first: the payment then bears the mark, by which the outcome is known.
 */
export class MissedPaymentService {
  constructor(private readonly parts: MissedPaymentParts) {}

  readonly retrying: IdempotentMutation<Subscription> = {
    operation: RETRY,
    sells: true,
    execute: (scope, execution) => this.collect(scope, execution),
    withdraw: async () => undefined,
    load: (scope, id) => SubscriptionRepository.of(scope).findCommitted(id),
  };

  /** Has Tilled try again now. Its decline is the answer. */
  retry(scope: Scope, input: SubscriptionRetryInput): Promise<Outcome<Subscription>> {
    return this.parts.intents.run(scope, this.retrying, {
      input,
      intend: async (tx) => {
        const subscription = await SubscriptionRepository.of(tx).lock(input.id);
        await assertNoneOpen(tx, subscription.id, CHANGE_OPERATIONS);
        const { status, tilledSubscriptionId, nextPaymentAt } = subscription;
        if (tilledSubscriptionId === null) throw new NotConfirmedYet('subscription');
        if (status !== SubscriptionStatus.PAST_DUE) throw new IllegalTransition('subscription', status, 'retried');
        if (nextPaymentAt !== null) throw new AttemptScheduled(nextPaymentAt.toISOString());
        await assertMethodAttached(tx, subscription);
        return { subject: subscription.id };
      },
    });
  }

  private async collect(scope: Scope, execution: Execution): Promise<void> {
    const subscription = await SubscriptionRepository.of(scope).get(execution.subject);
    const before = await this.look(scope, execution, subscription);
    const seen = isMissed(before) ? await this.ask(scope, execution, subscription) : before;
    if (!isEnded(seen)) {
      if (execution.isFirst && execution.lease.hasDoneNothing) throw new AttemptScheduled(seen.snapshot.next_payment_at ?? 'once');
      throw new OutcomeUnknown();
    }
    await this.record(scope, execution, { subscription, seen });
    const failure = failureIn(seen);
    if (failure !== null) throw failure;
  }

  /** The subscription first: what ends between the two questions is shown by the second. */
  private async look(scope: Scope, execution: Execution, subscription: Subscription): Promise<Seen> {
    const tilledId = tilledIdOf(subscription);
    const snapshot = await this.parts.processor.ask(scope, (tilled) => tilled.getSubscription(tilledId));
    if (execution.isFirst && execution.lease.hasDoneNothing) return { snapshot, attempt: null };
    const query = { subscription_id: tilledId, metadata: { [RETRY_MARK]: execution.lease.jobId }, limit: 100 };
    const { items } = await this.parts.processor.ask(scope, (tilled) => tilled.listPaymentIntents(query));
    const attempts = items.filter((intent) => progressOf(intent) !== 'unconfirmed');
    const attempt = attempts.find((intent) => progressOf(intent) === 'taken') ?? attempts[0] ?? null;
    if (attempt === null) return { snapshot, attempt };
    return { snapshot: await this.parts.processor.ask(scope, (tilled) => tilled.getSubscription(tilledId)), attempt };
  }

  /** Marks it, has Tilled try, and looks a few times what became of it. */
  private async ask(scope: Scope, execution: Execution, subscription: Subscription): Promise<Seen> {
    const { lease } = execution;
    const tilledId = tilledIdOf(subscription);
    await execution.assertNothingUnderWay();
    const metadata = { ...markOf(scope, subscription.id), [RETRY_MARK]: lease.jobId };
    await this.parts.processor.send(scope, lease, (tilled) => tilled.updateSubscription(tilledId, { metadata }));
    try {
      await this.parts.processor.send(scope, lease, (tilled) => tilled.retrySubscription(tilledId, {}));
    } catch (error) {
      if (!(error instanceof ProcessorRejected)) throw error;
      const after = await this.look(scope, execution, subscription);
      if (isMissed(after)) throw error;
      return after;
    }
    for (const pauseMs of LOOK_AFTER_MS) {
      await sleep(pauseMs);
      const seen = await this.look(scope, execution, subscription);
      if (isEnded(seen)) return seen;
    }
    // It was asked, and nothing is to be seen of it: it may be on its way.
    lease.doubt();
    throw new OutcomeUnknown();
  }

  private record(
    scope: Scope,
    execution: Execution,
    { subscription, seen }: { readonly subscription: Subscription; readonly seen: Seen },
  ): Promise<void> {
    return recordAnswer<Seen>(scope, {
      execution,
      snapshot: seen,
      seenVersion: subscription.version,
      currentVersion: async (tx) => (await SubscriptionRepository.of(tx).lock(subscription.id)).version,
      readAgain: async () => {
        const { snapshot } = await this.look(scope, execution, subscription);
        return { ...seen, snapshot };
      },
      record: async (tx, { snapshot, attempt }) => {
        await this.parts.subscriptions.record(tx, snapshot);
        // If its own news was faster, it may say more than what we hold.
        const isKnown = attempt === null || (await PaymentRepository.of(tx).findByTilledId(attempt.id)) !== null;
        if (!isKnown) await this.parts.mirror.record(tx, attempt);
        return failureIn(seen);
      },
    });
  }
}

/** Whether it is past due, and nothing will be tried by itself. */
function isMissed({ snapshot, attempt }: Seen): boolean {
  return attempt === null && snapshot.status === 'past_due' && snapshot.next_payment_at === null;
}

/** Whether it is known what became of the missed payment: an attempt ended, or it is past due no more. */
function isEnded({ snapshot, attempt }: Seen): boolean {
  return attempt !== null || snapshot.status !== 'past_due';
}

function failureIn({ snapshot, attempt }: Seen): AppError | null {
  if (attempt === null)
    return snapshot.status === 'active' ? null : new IllegalTransition('subscription', snapshot.status.toUpperCase(), 'retried');
  if (progressOf(attempt) === 'taken') return null;
  const { code, message } = attempt.last_payment_error ?? {};
  return new PaymentDeclined(code ?? 'generic_decline', message ?? 'The payment was declined.', ['id']);
}
