import type { Clock } from '../clock.js';
import { AppError, OutcomeUnknown, ProcessorUnavailable, type UserErrorFacts } from '../errors.js';
import { type Jobs, type Lease, LeaseLost } from '../jobs/jobs.js';
import type { JobHandler } from '../jobs/worker.js';
import type { Scope } from '../tenancy/scope.js';
import { Claims, type JobPayload } from './claims.js';
import { KeyInProgress, KeyReused, Postponed } from './idempotency.errors.js';
import type { IdempotencyKey } from './idempotency-key.entity.js';
import { IdempotencyKeyRepository } from './idempotency-key.repository.js';
import { fingerprintOf } from './request-key.js';
import type { Act, Outcome, Story, StoryRequest } from './story.js';

const [ASK_AGAIN_MS, ASK_AGAIN_MS_MAX] = [5_000, 900_000];
/** How long a request that was sent may still be carried out at the processor, well above any time-out on the way. */
const QUIET_MS = 300_000;

/**
 * Runs mutations intent first: the row, its job and its idempotency key are committed together; then the processor is
 * asked with no transaction open; then the answer is recorded. A crash between any two steps is finished by the job, and
 * a repeated request finds what the first one did.
 */
export class Intents {
  private readonly claims: Claims;

  constructor(
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {
    this.claims = new Claims(jobs, clock);
  }

  /** Runs a story for a request. Throws AppError for refusals before anything was written that are not outcomes. */
  async run<Row>(scope: Scope, story: Story<Row>, request: StoryRequest): Promise<Outcome<Row>> {
    const [startedAt, waitedMs] = [performance.now(), scope.processorMs];
    const outcome = await this.outcomeOf(scope, story, request);
    scope.metrics.timeMutation(story.operation, performance.now() - startedAt, scope.processorMs - waitedMs);
    if (outcome.replayed) scope.noteReplay();
    return outcome;
  }

  private async outcomeOf<Row>(scope: Scope, story: Story<Row>, request: StoryRequest): Promise<Outcome<Row>> {
    const claim = await this.claims.claim(scope, story.operation, request);
    if (claim.kind === 'existing') return { row: await story.load(scope, claim.subject), errors: claim.errors, replayed: true };
    if (claim.kind === 'known') return this.replay(scope, story, claim.key, fingerprintOf(request.input));
    return this.perform(scope, story, this.actOf(claim.lease, true), false);
  }

  /** The jobs, by kind, that finish what a crash or an unanswered call left behind. */
  finisher<Row>(...stories: readonly Story<Row>[]): [string, JobHandler][] {
    return stories.map((story) => [story.operation, (scope, lease) => this.finish(scope, story, lease)]);
  }

  private async finish<Row>(scope: Scope, story: Story<Row>, lease: Lease): Promise<void> {
    const error = await this.tryAct(scope, story, this.actOf(lease, false));
    if (!(error instanceof OutcomeUnknown)) return;
    scope.log.warn('outcome still unknown', { kind: lease.kind, subject: lease.subject, since: lease.createdAt, divergence_risk: true });
    await scope.transaction((tx) => this.jobs.release(tx, lease, { dueInMs: this.pauseMs(lease) }));
  }

  private actOf(lease: Lease, isFirst: boolean): Act {
    const beforeSendingAgain = async (scope: Scope) => {
      const isQuiet = this.clock.now().getTime() - lease.sentAt.getTime() >= QUIET_MS;
      if (!isQuiet) throw new OutcomeUnknown();
      await this.jobs.noteSending(scope, lease);
    };
    let isCommitted = false;
    const conclude = async (tx: Scope, failure: AppError | null) => {
      await this.settleIn(tx, lease, failure === null ? [] : [failure.facts()]);
      tx.afterCommit(() => {
        isCommitted = true;
      });
    };
    const payload = (lease.payload as JobPayload).given;
    return { subject: lease.subject, payload, lease, isFirst, beforeSendingAgain, conclude, isConcluded: () => isCommitted };
  }

  /** Never given up: what became of money must be known. Asked ever more rarely, in step with how long it has been unknown. */
  private pauseMs(lease: Lease): number {
    const ageMs = this.clock.now().getTime() - lease.createdAt.getTime();
    return Math.min(Math.max(ageMs, ASK_AGAIN_MS), ASK_AGAIN_MS_MAX);
  }

  private async perform<Row>(scope: Scope, story: Story<Row>, act: Act, replayed: boolean): Promise<Outcome<Row>> {
    const error = await this.tryAct(scope, story, act);
    if (error instanceof OutcomeUnknown) await this.leaveOpen(scope, act);
    return { row: await story.load(scope, act.subject), errors: error === null ? [] : [error.facts()], replayed };
  }

  /** Does the rest of a story once; returns the expected failure it ended in, which its key then remembers if it is final. */
  private async tryAct<Row>(scope: Scope, story: Story<Row>, act: Act): Promise<AppError | null> {
    const { requestId } = act.lease.payload as JobPayload;
    scope.workOn(act.subject, requestId === scope.requestId ? null : (requestId ?? null));
    try {
      await story.act(scope, act);
      await this.settle(scope, act, []);
      return null;
    } catch (error) {
      if (error instanceof Postponed) return this.postpone(scope, act, error.dueInMs);
      if (!(error instanceof AppError)) throw error;
      if (error instanceof OutcomeUnknown) return error;
      // An earlier try may have reached the processor, so "nothing happened" would be a guess.
      if (error instanceof ProcessorUnavailable && !act.isFirst) return new OutcomeUnknown({ cause: error });
      if (error instanceof ProcessorUnavailable) await this.withdraw(scope, story, act);
      else await this.settle(scope, act, [error.facts()]);
      return error;
    }
  }

  private async replay<Row>(scope: Scope, story: Story<Row>, key: IdempotencyKey, fingerprint: string): Promise<Outcome<Row>> {
    if (key.fingerprint !== fingerprint) throw new KeyReused();
    const subject = key.resourceId;
    if (key.state === 'done' || subject === null) {
      return { row: subject === null ? null : await story.load(scope, subject), errors: key.errors, replayed: true };
    }
    const leftMs = key.heldUntil.getTime() - this.clock.now().getTime();
    if (leftMs > 0) throw new KeyInProgress(Math.min(leftMs, ASK_AGAIN_MS));
    const lease = await this.jobs.take(scope, { kind: story.operation, subject });
    if (lease !== null) return this.perform(scope, story, this.actOf(lease, false), true);
    return this.finishedElsewhere(scope, story, key, subject);
  }

  /** The job has done it, or is at it right now. */
  private async finishedElsewhere<Row>(scope: Scope, story: Story<Row>, key: IdempotencyKey, subject: string): Promise<Outcome<Row>> {
    if (await this.jobs.isWaiting(scope, { kind: story.operation, subject })) throw new KeyInProgress(ASK_AGAIN_MS);
    return { row: await story.load(scope, subject), errors: key.errors, replayed: true };
  }

  private async settle(scope: Scope, act: Act, errors: readonly UserErrorFacts[]): Promise<void> {
    if (act.isConcluded()) return;
    await scope.transaction((tx) => this.settleIn(tx, act.lease, errors));
  }

  private async settleIn(tx: Scope, lease: Lease, errors: readonly UserErrorFacts[]): Promise<void> {
    await this.jobs.complete(tx, lease).catch(ignoreLostLease);
    await onKeyOf(tx, lease, (keys, id) => keys.settle(id, errors));
  }

  private async postpone(scope: Scope, act: Act, dueInMs: number): Promise<null> {
    await scope.transaction(async (tx) => {
      await this.jobs.release(tx, act.lease, { dueInMs });
      await onKeyOf(tx, act.lease, (keys, id) => keys.settle(id, []));
    });
    return null;
  }

  /** Not known yet: the job looks again soon, and so does the caller's next try. */
  private async leaveOpen(scope: Scope, act: Act): Promise<void> {
    scope.log.warn('outcome unknown', { kind: act.lease.kind, subject: act.subject, divergence_risk: true });
    await scope.transaction(async (tx) => {
      await this.jobs.release(tx, act.lease, { dueInMs: ASK_AGAIN_MS });
      await onKeyOf(tx, act.lease, (keys, id) => keys.letGo(id, this.clock.now()));
    });
  }

  private async withdraw<Row>(scope: Scope, story: Story<Row>, act: Act): Promise<void> {
    await scope.transaction(async (tx) => {
      await this.jobs.confirm(tx, act.lease);
      await story.withdraw(tx, act);
      await this.jobs.complete(tx, act.lease);
      await onKeyOf(tx, act.lease, (keys, id) => keys.forget(id));
    });
  }
}

/** Does something to the key that waits for what a lease is held for, if there is one. */
async function onKeyOf(tx: Scope, lease: Lease, work: (keys: IdempotencyKeyRepository, id: string) => Promise<void>): Promise<void> {
  const { keyId } = lease.payload as JobPayload;
  if (keyId !== null) await work(IdempotencyKeyRepository.of(tx), keyId);
}

function ignoreLostLease(error: unknown): void {
  if (!(error instanceof LeaseLost)) throw error;
}
