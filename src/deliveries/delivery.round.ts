import type { KeptAttempt } from './delivery.entity.js';
import type { WaitingDelivery } from './delivery.repository.js';
import type { Reply } from './post.js';
import { isProbed } from './retry.plan.js';

/** One attempt that was made in a round. */
export interface Attempted {
  readonly delivery: WaitingDelivery;
  readonly reply: Reply;
  readonly at: Date;
}

/** What a round came to. */
export interface RoundResult {
  readonly attempted: readonly Attempted[];
  /** Deliveries that wait behind one of their lane that failed now. */
  readonly held: readonly WaitingDelivery[];
  /** How often the endpoint has failed in a row now, and whether anything arrived. */
  readonly failures: number;
  readonly hasDelivered: boolean;
  /** How long the receiver asked not to be called, ms; null if it did not. */
  readonly retryAfterMs: number | null;
  readonly isGone: boolean;
}

interface RoundParts {
  readonly send: (delivery: WaitingDelivery) => Promise<Reply>;
  /** Whether another delivery may be begun. */
  readonly mayGoOn: () => boolean;
  readonly now: () => Date;
  /** How often the endpoint failed in a row before, and whether nothing was sent to it for a while. */
  readonly failures: number;
  readonly wasPaused: boolean;
}

/** How many requests an endpoint gets at once while it is well. */
const AT_ONCE = 16;
/** The receiver's word that it wants no more, ever. */
const GONE = 410;

/**
 * Sends deliveries: lanes beside each other, those of a lane one after the other up to one that fails. It ends early
 * where the receiver asks for time or is gone, or fails so often in a row that one request at a time is enough.
 */
export class Round {
  private readonly attempted: Attempted[] = [];
  private readonly held: WaitingDelivery[] = [];
  private failures: number;
  private hasDelivered = false;
  private retryAfterMs: number | null = null;
  private isGone = false;

  constructor(private readonly parts: RoundParts) {
    this.failures = parts.failures;
  }

  async run(deliveries: readonly WaitingDelivery[]): Promise<RoundResult> {
    const lanes = [...Map.groupBy(deliveries, ({ lane }) => lane).values()];
    const running = new Set<Promise<void>>();
    for (;;) {
      while (running.size < this.atOnce() && !this.isOver()) {
        const lane = lanes.shift();
        if (lane === undefined) break;
        const done: Promise<void> = this.runLane(lane).finally(() => running.delete(done));
        running.add(done);
      }
      if (running.size === 0) break;
      await Promise.race(running);
    }
    const { attempted, held, failures, hasDelivered, retryAfterMs, isGone } = this;
    return { attempted, held, failures, hasDelivered, retryAfterMs, isGone };
  }

  /** Half as many after each failure in a row; one after a pause, until something arrives. */
  private atOnce(): number {
    if (this.parts.wasPaused && !this.hasDelivered) return 1;
    return Math.max(1, AT_ONCE >> Math.min(this.failures, AT_ONCE));
  }

  private async runLane(lane: readonly WaitingDelivery[]): Promise<void> {
    for (const [index, delivery] of lane.entries()) {
      if (this.isOver()) return;
      const at = this.parts.now();
      const reply = await this.parts.send(delivery);
      this.attempted.push({ delivery, reply, at });
      this.hear(reply);
      if (reply.error !== null) {
        this.held.push(...lane.slice(index + 1));
        return;
      }
    }
  }

  private hear({ error, status, retryAfterMs }: Reply): void {
    if (error === null) {
      [this.failures, this.hasDelivered] = [0, true];
      return;
    }
    this.failures += 1;
    if (retryAfterMs !== null) this.retryAfterMs = Math.max(retryAfterMs, this.retryAfterMs ?? 0);
    this.isGone ||= status === GONE;
  }

  /** Whether nothing more is begun. An endpoint that is probed gets one request a round, unless that arrives. */
  private isOver(): boolean {
    if (!this.parts.mayGoOn()) return true;
    const hasFailed = this.attempted.length > 0 && isProbed(this.failures);
    return this.isGone || this.retryAfterMs !== null || hasFailed;
  }
}

/** An attempt as it is kept, after those before it. */
export function loggedAfter(log: readonly KeptAttempt[], { reply, at }: Attempted): readonly KeptAttempt[] {
  const { status, error, durationMs, answer } = reply;
  return [...log, { at: at.toISOString(), status, error, durationMs, answer }];
}
