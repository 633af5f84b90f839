/** What a server of the database said of the time. */
export interface NodeReading {
  /** Which server answered; servers of one cluster have clocks of their own. */
  readonly node: string;
  readonly theirsMs: number;
  /** When it said so, in ticks of this process, ms. */
  readonly ticksMs: number;
}

/** What a reading says of the time that came before it. */
export interface Step {
  /** The clock of the node was set by so much, or another node was come to that is so far away, ms; else 0. */
  readonly byMs: number;
  /** Whether what waits has to wait longer by that. */
  readonly isBack: boolean;
}

/** A clock that moved by so much more or less than ticks was set, ms: readings are no finer. */
const STEP_MS = 1_000;
/** Coming from one node to another that is so far away counts as a step, ms. */
const FAR_MS = 30_000;
/** For so long a node counts that does not answer any more, ms: longer than what it wrote of moments is looked at. */
const KEPT_MS = 600_000;

const STEADY: Step = { byMs: 0, isBack: false };

/** The clocks of the servers that a database is of, each held against ticks, which only pass. */
export class NodeClocks {
  private readonly last = new Map<string, NodeReading>();
  private current: NodeReading | null = null;

  /** Takes in what a server said that this process may work through. */
  note(reading: NodeReading): Step {
    const current = this.current;
    const known = this.last.get(reading.node);
    this.current = reading;
    this.see(reading);
    if (known !== undefined) {
      const byMs = offset(reading) - offset(known);
      if (Math.abs(byMs) >= STEP_MS) return { byMs, isBack: byMs < 0 };
    }
    if (current === null || current.node === reading.node) return STEADY;
    const byMs = offset(reading) - offset(current);
    // Between two that are known what waits was looked after when the second was met.
    return Math.abs(byMs) < FAR_MS ? STEADY : { byMs, isBack: byMs < 0 && known === undefined };
  }

  /** Takes in what a server said that others may work through. */
  see(reading: NodeReading): void {
    this.last.set(reading.node, reading);
    for (const [node, { ticksMs }] of this.last) if (reading.ticksMs - ticksMs > KEPT_MS) this.last.delete(node);
  }

  /** How far the clocks of two nodes are from each other at most, ms: 0 below what a reading may be wrong by. */
  get apartMs(): number {
    const offsets = [...this.last.values()].map(offset);
    const apartMs = Math.max(...offsets) - Math.min(...offsets);
    return apartMs < STEP_MS ? 0 : apartMs;
  }
}

function offset({ theirsMs, ticksMs }: NodeReading): number {
  return theirsMs - ticksMs;
}
