import type { ClockWatch } from '../db/clock-watch.js';
import { isPassing } from '../db/outage.js';
import { AppError, OutcomeUnknown, ProcessorUnavailable, type UserErrorFacts } from '../errors.js';
import { giveBack, takeOrGiveBack } from '../jobs/give-back.js';
import type { Jobs } from '../jobs/jobs.js';
import { type JobKey, type Lease, LeaseLost } from '../jobs/lease.js';
import type { JobHandler } from '../jobs/worker.js';
import { errorFields } from '../log.js';
import type { Scope } from '../tenancy/scope.js';
import { type Claims, intentPayloadOf, type JobPayload } from './claims.js';
import { KeyInProgress, KeyReused, Postponed } from './idempotency.errors.js';
import type { IdempotencyKey } from './idempotency-key.entity.js';
import { IdempotencyKeyRepository } from './idempotency-key.repository.js';
import { type Doubt, type Execution, type IdempotentMutation, isLeftOpen, type MutationRequest, type Outcome } from './mutation.js';
import { isOfInput } from './request-key.js';

const [ASK_AGAIN_MS, ASK_AGAIN_MS_MAX] = [5_000, 900_000];

interface IntentsParts {
  readonly claims: Claims;
  readonly jobs: Jobs;
  readonly clocks: ClockWatch;
  /** How long an unanswered request may still be carried out at the processor, ms: above any time-out on the way. */
  readonly quietMs: number;
}

/**
 * Runs mutations intent first: the row, its job and its idempotency key are committed together; then the processor is
 * asked with no transaction open; then the answer is recorded. A crash between any two steps is finished by the job,
 * and a repeated request finds what the first one did.
 */
export class Intents {
  constructor(private readonly parts: IntentsParts) {}

  /** Runs a mutation for a request. Throws AppError for refusals before anything was written that are not outcomes. */
  async run<Row>(scope: Scope, mutation: IdempotentMutation<Row>, request: MutationRequest): Promise<Outcome<Row>> {
    const [startedAt, waitedMs] = [performance.now(), scope.request.processorMs];
    const outcome = await this.outcomeOf(scope, mutation, request);
    scope.request.metrics.timeMutation(mutation.operation, performance.now() - startedAt, scope.request.processorMs - waitedMs);
    if (outcome.replayed) scope.request.hasReplayed = true;
    return outcome;
  }

  private async outcomeOf<Row>(scope: Scope, mutation: IdempotentMutation<Row>, request: MutationRequest): Promise<Outcome<Row>> {
    const claim = await this.parts.claims.claim(scope, mutation, request);
    if (claim.kind === 'done') throw new Error(`${mutation.operation} asks the processor: its intent is not all of it.`);
    if (claim.kind === 'existing') return this.asRemembered(scope, mutation, { subject: claim.subject, errors: [] });
    if (claim.kind === 'known') return this.replay(scope, mutation, claim.key, request.input);
    return this.perform(scope, mutation, this.executionOf(claim.lease, true));
  }

  /** Has a mutation done without a request, by its job, once it is committed. If it waits already, it is done once. */
  async enqueue(tx: Scope, operation: string, subject: string): Promise<void> {
    const payload: JobPayload = { given: null, keyId: null, requestId: tx.caller.requestId };
    await this.parts.jobs.enqueue(tx, { kind: operation, subject, payload });
  }

  /** The jobs, by kind, that finish what a crash or an unanswered call left behind. */
  jobHandlers<Row>(...mutations: readonly IdempotentMutation<Row>[]): [string, JobHandler][] {
    return mutations.map((mutation) => [mutation.operation, (scope, lease) => this.finish(scope, mutation, lease)]);
  }

  private async finish<Row>(scope: Scope, mutation: IdempotentMutation<Row>, lease: Lease): Promise<void> {
    const error = await this.tryExecute(scope, mutation, this.executionOf(lease, false));
    if (!(error instanceof OutcomeUnknown)) return;
    scope.request.log.warn('outcome still unknown', {
      kind: lease.kind,
      subject: lease.subject,
      since: lease.createdAt,
      divergence_risk: true,
    });
    // Never given up, since what became of money must be known. Asked ever more rarely the longer it is unknown.
    const pauseMs = Math.min(Math.max(lease.ageMs(), ASK_AGAIN_MS), ASK_AGAIN_MS_MAX);
    const dueInMs = Math.min(pauseMs, Math.max(error.retryAfterMs, ASK_AGAIN_MS));
    await scope.transaction((tx) => this.parts.jobs.release(tx, lease, { dueInMs }));
  }

  private executionOf(lease: Lease, isFirst: boolean): Execution {
    let isCommitted = false;
    const conclude = async (tx: Scope, failure: AppError | null) => {
      await this.settleIn(tx, lease, failure);
      tx.db.afterCommit(() => {
        isCommitted = true;
      });
    };
    const assertNothingUnderWay = async () => {
      const leftMs = await this.underWayForMs(lease);
      if (leftMs !== null && leftMs > 0) throw new OutcomeUnknown({ retryAfterMs: leftMs });
    };
    const doubt = async (): Promise<Doubt> => {
      const leftMs = await this.underWayForMs(lease);
      return leftMs === null ? 'none' : leftMs > 0 ? 'underWay' : 'over';
    };
    const { subject } = lease;
    const payload = intentPayloadOf(lease.payload);
    const confirm = (tx: Scope) => this.parts.jobs.confirm(tx, lease);
    return { subject, payload, lease, isFirst, assertNothingUnderWay, doubt, confirm, conclude, isConcluded: () => isCommitted };
  }

  /**
   * How much longer an unanswered call may be carried out, ms; null if there is none. The database's time says how long
   * ago it was sent, for as long as this process saw that time run steadily: setting a clock must not shorten the wait.
   * Nor must it that one node said when it was sent, and another says how late it is.
   */
  async underWayForMs(lease: Lease): Promise<number | null> {
    const { clocks } = this.parts;
    const quietMs = this.parts.quietMs + clocks.apartMs;
    const quietForMs = lease.quietForMs();
    if (quietForMs === null || quietForMs < quietMs) return quietForMs === null ? null : quietMs - quietForMs;
    return Math.max(0, quietMs - (await clocks.steadyForMs()));
  }

  private async perform<Row>(scope: Scope, mutation: IdempotentMutation<Row>, execution: Execution): Promise<Outcome<Row>> {
    try {
      const error = await this.tryExecute(scope, mutation, execution);
      if (error instanceof OutcomeUnknown) await this.leaveOpen(scope, execution);
      return {
        row: await mutation.load(scope, execution.subject),
        errors: error === null ? [] : [error.facts()],
        replayed: !execution.isFirst,
      };
    } catch (error) {
      // A fault of ours. Without a release the job would have to assume, once the lease ends, that a call is under way.
      if (!execution.isConcluded()) await this.leaveOpen(scope, execution).catch(() => this.giveBackLater(scope, execution.lease));
      throw error;
    } finally {
      this.parts.jobs.letGo(execution.lease);
    }
  }

  /** Executes a mutation once; returns the expected failure it ended in, which its key remembers if it is final. */
  private async tryExecute<Row>(scope: Scope, mutation: IdempotentMutation<Row>, execution: Execution): Promise<AppError | null> {
    const { requestId } = execution.lease.payload as JobPayload;
    scope.request.workOn(execution.subject, requestId === scope.caller.requestId ? null : (requestId ?? null));
    try {
      await mutation.execute(scope, execution);
      await this.settle(scope, execution);
      return null;
    } catch (error) {
      if (error instanceof LeaseLost) return new OutcomeUnknown({ cause: error });
      if (error instanceof Postponed) return this.postpone(scope, execution, error.dueInMs);
      if (!(error instanceof AppError)) {
        // An answer that we could not read counts as none; so does one that may not be written down, unless what was
        // done may be done again.
        if (isPassing(error) ? execution.lease.hasDoneForGood : !execution.lease.hasDoneNothing) execution.lease.doubt();
        throw error;
      }
      if (error instanceof OutcomeUnknown) return error;
      if (isLeftOpen(execution, error)) return new OutcomeUnknown({ cause: error });
      if (error instanceof ProcessorUnavailable)
        return (await this.withdraw(scope, mutation, execution)) ? error : new OutcomeUnknown({ cause: error });
      await this.refuse(scope, mutation, { execution, failure: error });
      return error;
    }
  }

  private async replay<Row>(scope: Scope, mutation: IdempotentMutation<Row>, key: IdempotencyKey, input: object): Promise<Outcome<Row>> {
    if (!isOfInput(key.fingerprint, input)) throw new KeyReused();
    const subject = key.resourceId;
    if (key.state === 'done' || subject === null) return this.asRemembered(scope, mutation, { subject, errors: key.errors });
    const work: JobKey = { kind: mutation.operation, subject };
    const lease = await takeOrGiveBack(this.parts.jobs, scope, work);
    if (lease !== null) return this.perform(scope, mutation, this.executionOf(lease, false));
    const heldForMs = await this.parts.jobs.heldForMs(scope, work);
    if (heldForMs !== null) throw new KeyInProgress(Math.min(heldForMs || ASK_AGAIN_MS, ASK_AGAIN_MS));
    // It ended since the key was read, or it was withdrawn, and the same key may try again.
    const ended = await IdempotencyKeyRepository.of(scope).find(key.id);
    if (ended === null) throw new KeyInProgress(ASK_AGAIN_MS);
    return this.asRemembered(scope, mutation, { subject, errors: ended.errors });
  }

  /** What became of an earlier request. The row says it, where it can, since an outcome may change later. */
  private async asRemembered<Row>(
    scope: Scope,
    mutation: IdempotentMutation<Row>,
    { subject, errors }: { readonly subject: string | null; readonly errors: readonly UserErrorFacts[] },
  ): Promise<Outcome<Row>> {
    const row = subject === null ? null : await mutation.load(scope, subject);
    return { row, errors: row === null ? errors : (mutation.errorsOf?.(row, errors) ?? errors), replayed: true };
  }

  private async settle(scope: Scope, execution: Execution): Promise<void> {
    if (execution.isConcluded()) return;
    await scope.transaction((tx) => this.settleIn(tx, execution.lease, null));
  }

  private async refuse<Row>(
    scope: Scope,
    mutation: IdempotentMutation<Row>,
    how: { readonly execution: Execution; readonly failure: AppError },
  ): Promise<void> {
    const { execution, failure } = how;
    if (execution.isConcluded()) return;
    await scope.transaction(async (tx) => {
      await mutation.refuse?.(tx, execution);
      await this.settleIn(tx, execution.lease, failure);
    });
  }

  /** Success may be recorded by anyone. Failure only by who holds the lease, since another may be doing it. */
  private async settleIn(tx: Scope, lease: Lease, failure: AppError | null): Promise<void> {
    await this.parts.jobs.end(tx, lease).catch((error: unknown) => {
      if (failure !== null || !(error instanceof LeaseLost)) throw error;
    });
    const isForgotten = failure !== null && !failure.isOutcome;
    await onKeyOf(tx, lease, (keys, id) => (isForgotten ? keys.forget(id) : keys.settle(id, failure === null ? [] : [failure.facts()])));
  }

  private async postpone(scope: Scope, execution: Execution, dueInMs: number): Promise<null> {
    await scope.transaction(async (tx) => {
      await this.parts.jobs.release(tx, execution.lease, { dueInMs });
      await onKeyOf(tx, execution.lease, (keys, id) => keys.settle(id, []));
    });
    return null;
  }

  /** The outcome is not known yet: the job tries again soon, and the caller's repeat may do so too. */
  private async leaveOpen(scope: Scope, execution: Execution): Promise<void> {
    scope.request.log.warn('outcome unknown', { kind: execution.lease.kind, subject: execution.subject, divergence_risk: true });
    await scope.transaction((tx) => this.parts.jobs.release(tx, execution.lease, { dueInMs: ASK_AGAIN_MS }));
  }

  /** The database is away, and the caller need not wait until it is back. */
  private giveBackLater(scope: Scope, lease: Lease): void {
    const failed = (error: unknown) => scope.request.log.error('job not released', errorFields(error));
    giveBack(this.parts.jobs, scope, lease, ASK_AGAIN_MS).catch(failed);
  }

  /** False where another request was told of it meanwhile: then it cannot be undone. */
  private withdraw<Row>(scope: Scope, mutation: IdempotentMutation<Row>, execution: Execution): Promise<boolean> {
    return scope.transaction(async (tx) => {
      if (!(await this.parts.jobs.takeBack(tx, execution.lease))) return false;
      await mutation.withdraw(tx, execution);
      await onKeyOf(tx, execution.lease, (keys, id) => keys.forget(id));
      return true;
    });
  }
}

/** Changes the key that waits for the outcome of a leased job, if there is one. */
async function onKeyOf(tx: Scope, lease: Lease, work: (keys: IdempotencyKeyRepository, id: string) => Promise<void>): Promise<void> {
  const { keyId } = lease.payload as JobPayload;
  if (keyId !== null) await work(IdempotencyKeyRepository.of(tx), keyId);
}
