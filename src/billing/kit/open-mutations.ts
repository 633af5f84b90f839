import { intentPayloadOf } from '../../platform/idempotency/claims.js';
import { AlreadyRunning } from '../../platform/idempotency/idempotency.errors.js';
import { JobRepository } from '../../platform/jobs/job.repository.js';
import type { Scope } from '../../platform/tenancy/scope.js';

/**
 * Throws AlreadyRunning while one of these mutations of the object is under way or UNKNOWN. The caller has locked its
 * row, as whoever begins one does: so there is one at a time, and a late or repeated older one cannot undo a newer.
 */
export async function assertNoneOpen(tx: Scope, subject: string, operations: readonly string[]): Promise<void> {
  const [open] = await JobRepository.of(tx).about(subject, operations);
  if (open !== undefined) throw new AlreadyRunning(open.kind, subject);
}

/** An intent whose mutation has not ended. */
interface OpenIntent<Payload> {
  readonly subject: string;
  readonly payload: Payload;
}

/** The intents of a mutation that has not ended, of all objects of the app: few are open at a time. */
export async function openIntentsOf<Payload>(tx: Scope, operation: string): Promise<OpenIntent<Payload>[]> {
  const jobs = await JobRepository.of(tx).open(operation);
  return jobs.map(({ subject, payload }) => ({ subject, payload: intentPayloadOf<Payload>(payload) }));
}
