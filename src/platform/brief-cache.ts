import type { Clock } from './clock.js';

interface Kept<Value> {
  readonly value: Promise<Value | null>;
  readonly until: number;
}

/** How long an answer may be used after it was asked for, ms, and how many are kept. */
interface BriefCacheLimits {
  readonly keptMs: number;
  readonly sizeMax: number;
}

/**
 * Answers that may be a little old, of this process. Null is never kept: what somebody makes up finds no room here. Callers
 * who ask at the same time share one answer.
 */
export class BriefCache<Value> {
  private readonly kept = new Map<string, Kept<Value>>();

  constructor(
    private readonly clock: Clock,
    private readonly limits: BriefCacheLimits,
  ) {}

  /** How many answers are kept now. */
  get size(): number {
    return this.kept.size;
  }

  /** The kept answer, or that of `load`. */
  get(key: string, load: () => Promise<Value | null>): Promise<Value | null> {
    const now = this.clock.now().getTime();
    const known = this.kept.get(key);
    if (known !== undefined && known.until > now) return known.value;
    const value = load();
    const made = { value, until: now + this.limits.keptMs };
    this.kept.delete(key);
    if (this.kept.size >= this.limits.sizeMax) this.kept.delete(this.kept.keys().next().value ?? '');
    this.kept.set(key, made);
    const forget = () => {
      if (this.kept.get(key) === made) this.kept.delete(key);
    };
    value.then((found) => found === null && forget(), forget);
    return value;
  }

  /** Forgets everything, for what this process changed itself. */
  clear(): void {
    this.kept.clear();
  }
}
