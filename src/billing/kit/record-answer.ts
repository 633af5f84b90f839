import { type AppError, OutcomeUnknown } from '../../platform/errors.js';
import type { Execution } from '../../platform/idempotency/mutation.js';
import type { Scope } from '../../platform/tenancy/scope.js';

/** An answer of Tilled to a call of ours, and the row it is recorded in. */
interface Answer<Snapshot> {
  readonly snapshot: Snapshot;
  /** The row's version, or whatever identifies its state, when the call was begun. */
  readonly seenVersion: number | string;
  /** The same now; locks the row. */
  readonly currentVersion: (tx: Scope) => Promise<number | string>;
  /** Asks Tilled for the object as it is now. */
  readonly readAgain: () => Promise<Snapshot>;
  /** Writes it into the row; the expected failure that the mutation ends in with it, if it is one. */
  readonly record: (tx: Scope, snapshot: Snapshot) => Promise<AppError | null>;
  /** The execution that ends with the answer, in the same commit; null when more is written after it. */
  readonly execution: Execution | null;
}

const READS_MAX = 5;

/**
 * Records an answer, unless its row was written since the call was begun: a webhook may have brought newer news, and no
 * further event would correct what the answer overwrote. Then Tilled is asked again, and that answer is recorded under
 * the same condition. Throws OutcomeUnknown if that never holds.
 */
export async function recordAnswer<Snapshot>(scope: Scope, answer: Answer<Snapshot>): Promise<void> {
  let { snapshot, seenVersion } = answer;
  for (let reads = 1; ; reads += 1) {
    const version = await scope.transaction(async (tx) => {
      const current = await answer.currentVersion(tx);
      const isCurrent = current === seenVersion;
      if (isCurrent) {
        const failure = await answer.record(tx, snapshot);
        await answer.execution?.conclude(tx, failure);
      }
      return isCurrent ? null : current;
    });
    if (version === null) return;
    // The row changes under every read: what others record need not be the outcome of this call.
    if (reads > READS_MAX) throw new OutcomeUnknown();
    seenVersion = version;
    snapshot = await answer.readAgain();
  }
}
