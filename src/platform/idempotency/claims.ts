import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { type Clock, plusMs } from '../clock.js';
import { CommitUnanswered } from '../db/outage.js';
import { AppError, AppSuspended, NotAllowed } from '../errors.js';
import { giveBackNotBegun } from '../jobs/give-back.js';
import { JobRepository } from '../jobs/job.repository.js';
import type { Jobs } from '../jobs/jobs.js';
import type { Lease } from '../jobs/lease.js';
import type { Scope } from '../tenancy/scope.js';
import { AlreadyRunning } from './idempotency.errors.js';
import type { IdempotencyKey } from './idempotency-key.entity.js';
import { IdempotencyKeyRepository } from './idempotency-key.repository.js';
import type { MutationRequest } from './mutation.js';
import { recordRequest } from './request-event.js';
import { fingerprintOf, keyIdOf } from './request-key.js';

const KEY_KEPT_MS = 30 * 24 * 3_600_000;
const RACES_MAX = 3;

/** What the job of a mutation carries, as it is stored in its row. */
export interface JobPayload {
  /** The payload of the intent. Stored by this name, so that jobs of earlier builds can be read. */
  readonly given: unknown;
  /** The key that waits for the outcome. */
  readonly keyId: string | null;
  /** The request that asked for it. */
  readonly requestId?: string;
}

/** What the intent left for its execution, from the payload of their job. */
export function intentPayloadOf<Payload>(jobPayload: unknown): Payload {
  return (jobPayload as JobPayload).given as Payload;
}

/** What claiming came to: the right to execute the mutation, that it is done, or an earlier request that had it. */
export type Claim =
  | { readonly kind: 'won'; readonly lease: Lease }
  | { readonly kind: 'existing'; readonly subject: string }
  | { readonly kind: 'done'; readonly subject: string }
  | { readonly kind: 'known'; readonly key: IdempotencyKey };

/** What a claim has to know of a mutation. */
interface Operation {
  readonly operation: string;
  readonly sells: boolean;
}

/** A request that claims the right to execute a mutation. */
interface Claimant extends Operation {
  readonly request: MutationRequest;
  readonly keyId: string | null;
}

/** Commits what a request wants together with its key and its job: the first durable write of every mutation. */
export class Claims {
  constructor(
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  /** Throws AppError for a refusal, which its key remembers if it is an outcome. */
  async claim(scope: Scope, { operation, sells }: Operation, request: MutationRequest): Promise<Claim> {
    const claimant = { operation, sells, request, keyId: keyIdOf(scope.caller, operation, request.input) };
    for (let tries = 1; ; tries += 1) {
      let held: Lease | null = null;
      try {
        return await scope.transaction(async (tx) => {
          const claim = await this.claimOnce(tx, claimant, tries > 1);
          held = claim.kind === 'won' ? claim.lease : null;
          return claim;
        });
      } catch (error) {
        if (error instanceof CommitUnanswered && held !== null) giveBackNotBegun(this.jobs, scope, held);
        // Keys and references are unique in the database, so the first try writes without reading. If it fails, an
        // earlier request may be the reason: the next tries read first, again if a commit overtakes what they read.
        const isTaken = error instanceof UniqueConstraintViolationException && tries <= RACES_MAX;
        const mayBeRepeat = (error instanceof AppError || error instanceof NotAllowed) && tries === 1;
        if (!isTaken && !mayBeRepeat) return this.refused(scope, claimant, error);
      }
    }
  }

  private async claimOnce(tx: Scope, { operation, sells, request, keyId }: Claimant, isSecondTry: boolean): Promise<Claim> {
    const keys = IdempotencyKeyRepository.of(tx);
    const known = keyId === null || !isSecondTry ? null : await keys.lockKey(keyId);
    // While the outcome is not known the key does not expire: forgetting it could do the same thing twice.
    if (known !== null && (known.state === 'open' || !(await this.isExpired(tx, known)))) return { kind: 'known', key: known };
    if (known !== null) {
      keys.remove(known);
      await tx.db.flush();
    }
    const intent = await request.intend(tx, isSecondTry);
    // Behind the look at the key: what was begun before the app was suspended is answered, and finished by its job.
    if (sells && !intent.isExisting && tx.caller.app.suspendedAt !== null) throw new AppSuspended(operation);
    const state = intent.isExisting || intent.isDone ? 'done' : 'open';
    if (keyId !== null) keys.add(this.newKey(keyId, operation, request.input, { state, errors: [], resourceId: intent.subject }));
    if (!intent.isExisting) recordRequest(tx, operation, intent);
    await tx.db.flush();
    if (intent.isExisting) {
      // From now on another request was told of it: whoever executes it may not withdraw it any more.
      await this.jobs.askAgain(tx, { kind: operation, subject: intent.subject });
      return { kind: 'existing', subject: intent.subject };
    }
    if (intent.isDone) return { kind: 'done', subject: intent.subject };
    const payload: JobPayload = { given: intent.payload ?? null, keyId, requestId: tx.caller.requestId };
    const lease = await this.jobs.enqueueAndTake(tx, { kind: operation, subject: intent.subject, payload });
    if (lease === null) throw new AlreadyRunning(operation, intent.subject);
    return { kind: 'won', lease };
  }

  /** Forgetting a key lets the same thing happen again, so the database's time must agree with the clock. */
  private async isExpired(tx: Scope, { expiresAt }: IdempotencyKey): Promise<boolean> {
    return expiresAt <= this.clock.now() && expiresAt <= (await JobRepository.of(tx).now());
  }

  /** A refusal is an outcome: the same key will get the same answer. */
  private async refused(scope: Scope, { operation, request, keyId }: Claimant, error: unknown): Promise<never> {
    if (error instanceof AppError && error.isOutcome && keyId !== null) {
      const outcome = { state: 'done' as const, resourceId: null, errors: [error.facts()] };
      await scope
        .transaction(async (tx) => {
          IdempotencyKeyRepository.of(tx).add(this.newKey(keyId, operation, request.input, outcome));
        })
        .catch((storing: unknown) => {
          if (!(storing instanceof UniqueConstraintViolationException)) throw storing;
        });
    }
    throw error;
  }

  private newKey(id: string, operation: string, input: object, start: Pick<IdempotencyKey, 'state' | 'resourceId' | 'errors'>) {
    const now = this.clock.now();
    return {
      id,
      operation,
      fingerprint: fingerprintOf(input),
      ...start,
      createdAt: now,
      expiresAt: plusMs(now, KEY_KEPT_MS),
    };
  }
}
