import { OutcomeUnknown, ProcessorRejected } from '../../platform/errors.js';
import type { Execution } from '../../platform/idempotency/mutation.js';

/** A change of an object at Tilled that is there already. */
interface Doing<Snapshot> {
  readonly send: () => Promise<Snapshot>;
  /** The object as it is now; null where there is none. */
  readonly look: () => Promise<Snapshot | null>;
  readonly isDone: (snapshot: Snapshot | null) => boolean;
  /** When it may be sent again after a try without an answer: at once, where doing it twice is doing it once; or when that one is dead. */
  readonly again: 'atOnce' | 'whenQuiet';
  /** Writes down what Tilled shows of an object for which the change was refused. */
  readonly refused?: (snapshot: Snapshot) => Promise<void>;
}

/**
 * The object with the change made, once. Tilled refuses to do a thing twice, so a refusal may mean that an earlier try did it; and while
 * one may still be carried out, a refusal of another says nothing. Throws ProcessorRejected only when it is final.
 */
export async function onceDone<Snapshot>(execution: Execution, doing: Doing<Snapshot>): Promise<Snapshot | null> {
  const before = execution.isFirst ? null : await doing.look();
  if (!execution.isFirst && doing.isDone(before)) return before;
  if (doing.again === 'whenQuiet') await execution.assertNothingUnderWay();
  try {
    return await doing.send();
  } catch (error) {
    if (!(error instanceof ProcessorRejected)) throw error;
    const after = await doing.look();
    if (doing.isDone(after)) return after;
    if ((await execution.doubt()) === 'underWay') throw new OutcomeUnknown({ cause: error });
    if (after !== null) await doing.refused?.(after);
    throw error;
  }
}
