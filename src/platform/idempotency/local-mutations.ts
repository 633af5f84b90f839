import type { Scope } from '../tenancy/scope.js';
import type { Claims } from './claims.js';
import { KeyReused } from './idempotency.errors.js';
import type { LocalMutation, MutationRequest, Outcome } from './mutation.js';
import { isOfInput } from './request-key.js';

/** Runs mutations that end with our own commit, so that a repeat with the same key finds what the first one did. */
export class LocalMutations {
  constructor(private readonly claims: Claims) {}

  /** Runs one whose intent says `isDone`. Throws AppError for refusals. */
  async run<Row>(scope: Scope, mutation: LocalMutation<Row>, request: MutationRequest): Promise<Outcome<Row>> {
    const claim = await this.claims.claim(scope, mutation, request);
    if (claim.kind === 'done') return { row: await mutation.load(scope, claim.subject), errors: [], replayed: false };
    if (claim.kind !== 'known') throw new Error(`${mutation.operation} is done with its intent, which did not say so.`);
    const { key } = claim;
    if (!isOfInput(key.fingerprint, request.input)) throw new KeyReused();
    scope.request.hasReplayed = true;
    return { row: key.resourceId === null ? null : await mutation.load(scope, key.resourceId), errors: key.errors, replayed: true };
  }
}
