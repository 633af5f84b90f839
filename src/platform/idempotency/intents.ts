import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { type Clock, plusMs } from '../clock.js';
import { AppError, OutcomeUnknown, ProcessorUnavailable, type UserErrorFacts } from '../errors.js';
import { type Jobs, LEASE_MS, type Lease, LeaseLost } from '../jobs/jobs.js';
import type { JobHandler } from '../jobs/worker.js';
import type { Scope } from '../tenancy/scope.js';
import { AlreadyRunning, KeyInProgress, KeyReused, Postponed } from './idempotency.errors.js';
import type { IdempotencyKey } from './idempotency-key.entity.js';
import { IdempotencyKeyRepository } from './idempotency-key.repository.js';
import { recordRequest } from './request-event.js';
import { fingerprintOf, keyIdOf } from './request-key.js';
import type { Act, Outcome, Story, StoryRequest } from './story.js';

const KEPT_MS = 30 * 24 * 3_600_000;
const [ASK_AGAIN_MS, ASK_AGAIN_MS_MAX] = [5_000, 900_000];
/** How long a request that was sent may still be carried out at the processor, well above any time-out on the way. */
const QUIET_MS = 300_000;
const RACES_MAX = 3;

/** What a story's job carries: what the intent left for the act, the key that waits for the outcome, and who asked. */
interface JobPayload {
  readonly given: unknown;
  readonly keyId: string | null;
  readonly requestId?: string;
}

type Claim =
  | { readonly kind: 'won'; readonly lease: Lease }
  | { readonly kind: 'existing'; readonly subject: string; readonly errors: readonly UserErrorFacts[] }
  | { readonly kind: 'known'; readonly key: IdempotencyKey };

/**
 * Runs mutations intent first: the row, its job and its idempotency key are committed together; then the processor is
 * asked with no transaction open; then the answer is recorded. A crash between any two steps is finished by the job, and
 * a repeated request finds what the first one did.
 */
export class Intents {
  constructor(
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  /** Runs a story for a request. Throws AppError for refusals before anything was written that are not outcomes. */
  async run<Row>(scope: Scope, story: Story<Row>, request: StoryRequest): Promise<Outcome<Row>> {
    const [startedAt, waitedMs] = [performance.now(), scope.processorMs];
    const outcome = await this.outcomeOf(scope, story, request);
    scope.metrics.timeMutation(story.operation, performance.now() - startedAt, scope.processorMs - waitedMs);
    if (outcome.replayed) scope.noteReplay();
    return outcome;
  }

  private async outcomeOf<Row>(scope: Scope, story: Story<Row>, request: StoryRequest): Promise<Outcome<Row>> {
    const claim = await this.claim(scope, story, request);
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
    return { subject: lease.subject, payload: (lease.payload as JobPayload).given, lease, isFirst, beforeSendingAgain };
  }

  /** Never given up: what became of money must be known. Asked ever more rarely, in step with how long it has been unknown. */
  private pauseMs(lease: Lease): number {
    const ageMs = this.clock.now().getTime() - lease.createdAt.getTime();
    return Math.min(Math.max(ageMs, ASK_AGAIN_MS), ASK_AGAIN_MS_MAX);
  }

  private async claim<Row>(scope: Scope, story: Story<Row>, request: StoryRequest): Promise<Claim> {
    const keyId = keyIdOf(scope, story.operation, request.input);
    for (let races = 1; ; races += 1) {
      try {
        return await scope.transaction((tx) => this.claimOnce(tx, story, request, keyId));
      } catch (error) {
        // Somebody committed the same key or reference between our look and our write: look again.
        const lostRace = error instanceof UniqueConstraintViolationException && races < RACES_MAX;
        if (!lostRace) return this.refused(scope, story, request, keyId, error);
      }
    }
  }

  private async claimOnce<Row>(tx: Scope, story: Story<Row>, request: StoryRequest, keyId: string | null): Promise<Claim> {
    const keys = IdempotencyKeyRepository.of(tx);
    const known = keyId === null ? null : await keys.lockKey(keyId);
    // While the outcome is not known the key does not expire: forgetting it could do the same thing twice.
    if (known !== null && (known.state === 'open' || known.expiresAt > this.clock.now())) return { kind: 'known', key: known };
    if (known !== null) {
      keys.remove(known);
      await tx.flush();
    }
    const intent = await request.intend(tx);
    const start =
      intent.existing === undefined ? { state: 'open' as const, errors: [] } : { state: 'done' as const, errors: intent.existing.errors };
    if (keyId !== null) keys.add(this.newKey(keyId, story.operation, request.input, { ...start, resourceId: intent.subject }));
    if (intent.existing === undefined) recordRequest(tx, story.operation, intent);
    await tx.flush();
    if (intent.existing !== undefined) return { kind: 'existing', subject: intent.subject, errors: intent.existing.errors };
    const payload: JobPayload = { given: intent.payload ?? null, keyId, requestId: tx.requestId };
    const lease = await this.jobs.hold(tx, { kind: story.operation, subject: intent.subject, payload });
    if (lease === null) throw new AlreadyRunning(story.operation, intent.subject);
    return { kind: 'won', lease };
  }

  /** A refusal is an outcome: the same key will get the same answer. */
  private async refused<Row>(scope: Scope, story: Story<Row>, request: StoryRequest, keyId: string | null, error: unknown): Promise<never> {
    const isOutcome = error instanceof AppError && error.isOutcome;
    if (isOutcome && keyId !== null) {
      await scope
        .transaction(async (tx) => {
          IdempotencyKeyRepository.of(tx).add(
            this.newKey(keyId, story.operation, request.input, { state: 'done', resourceId: null, errors: [error.facts()] }),
          );
        })
        .catch((storing: unknown) => {
          if (!(storing instanceof UniqueConstraintViolationException)) throw storing;
        });
    }
    throw error;
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
    await scope.transaction(async (tx) => {
      await this.jobs.complete(tx, act.lease).catch(ignoreLostLease);
      await this.settleKey(tx, act, errors);
    });
  }

  private async postpone(scope: Scope, act: Act, dueInMs: number): Promise<null> {
    await scope.transaction(async (tx) => {
      await this.jobs.release(tx, act.lease, { dueInMs });
      await this.settleKey(tx, act, []);
    });
    return null;
  }

  private settleKey(tx: Scope, act: Act, errors: readonly UserErrorFacts[]): Promise<void> {
    return this.updateKey(tx, waitingKeyOf(act.lease), (key) => {
      key.state = 'done';
      key.errors = errors;
    });
  }

  /** Not known yet: the job looks again soon, and so does the caller's next try. */
  private async leaveOpen(scope: Scope, act: Act): Promise<void> {
    scope.log.warn('outcome unknown', { kind: act.lease.kind, subject: act.subject, divergence_risk: true });
    await scope.transaction(async (tx) => {
      await this.jobs.release(tx, act.lease, { dueInMs: ASK_AGAIN_MS });
      await this.updateKey(tx, waitingKeyOf(act.lease), (key) => {
        key.heldUntil = this.clock.now();
      });
    });
  }

  private async withdraw<Row>(scope: Scope, story: Story<Row>, act: Act): Promise<void> {
    await scope.transaction(async (tx) => {
      await this.jobs.confirm(tx, act.lease);
      await story.withdraw(tx, act);
      await this.jobs.complete(tx, act.lease);
      await this.updateKey(tx, waitingKeyOf(act.lease), (key) => IdempotencyKeyRepository.of(tx).remove(key));
    });
  }

  private async updateKey(tx: Scope, keyId: string | null, change: (key: IdempotencyKey) => void): Promise<void> {
    const key = keyId === null ? null : await IdempotencyKeyRepository.of(tx).lockKey(keyId);
    if (key !== null) change(key);
  }

  private newKey(id: string, operation: string, input: object, start: Pick<IdempotencyKey, 'state' | 'resourceId' | 'errors'>) {
    const now = this.clock.now();
    return {
      id,
      operation,
      fingerprint: fingerprintOf(input),
      ...start,
      heldUntil: plusMs(now, LEASE_MS),
      createdAt: now,
      expiresAt: plusMs(now, KEPT_MS),
    };
  }
}

function waitingKeyOf(lease: Lease): string | null {
  return (lease.payload as JobPayload).keyId;
}

function ignoreLostLease(error: unknown): void {
  if (!(error instanceof LeaseLost)) throw error;
}
