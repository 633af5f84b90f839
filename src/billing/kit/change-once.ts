import { OutcomeUnknown, ProcessorRejected } from '../../platform/errors.js';
import type { Execution } from '../../platform/idempotency/mutation.js';

/** A change of an object that exists at Tilled. */
interface ChangeAtTilled<Snapshot> {
  readonly send: () => Promise<Snapshot>;
  /** The object as it is now; null where there is none. */
  readonly read: () => Promise<Snapshot | null>;
  readonly isDone: (snapshot: Snapshot | null) => boolean;
  /** When it may be sent again after a try without an answer: at once if idempotent, else when that try is dead. */
  readonly resend: 'atOnce' | 'whenQuiet';
  /** Writes down what Tilled shows of an object for which the change was refused. */
  readonly recordRefused?: (snapshot: Snapshot) => Promise<void>;
}

/**
 * Makes the change once, and returns the object with it. Tilled refuses to do a thing twice, so a refusal may mean that
 * an earlier try did it. While an earlier try may still be carried out, a refusal says nothing. Throws
 * ProcessorRejected only when it is final.
 */
export async function changeOnce<Snapshot>(execution: Execution, change: ChangeAtTilled<Snapshot>): Promise<Snapshot | null> {
  const before = execution.isFirst ? null : await change.read();
  if (!execution.isFirst && change.isDone(before)) return before;
  if (change.resend === 'whenQuiet') await execution.assertNothingUnderWay();
  try {
    return await change.send();
  } catch (error) {
    if (!(error instanceof ProcessorRejected)) throw error;
    const after = await change.read();
    if (change.isDone(after)) return after;
    if ((await execution.doubt()) === 'underWay') throw new OutcomeUnknown({ cause: error });
    if (after !== null) await change.recordRefused?.(after);
    throw error;
  }
}
