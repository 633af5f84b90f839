import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.js';

/** How long an answer may be used after it was asked for, ms, and how many are kept. */
interface BriefCacheLimits {
  readonly keptMs: number;
  readonly sizeMax: number;
}

/** Asks at most once in so many ms: who asks sooner gets the answer that was given, or waits for that on its way. */
export function atMostEvery<Value>(ms: number, ask: () => Promise<Value>): () => Promise<Value> {
  let last: { readonly at: number; readonly answer: Promise<Value> } | null = null;
  return () => {
    const now = performance.now();
    if (last === null || now - last.at >= ms) last = { at: now, answer: ask() };
    return last.answer;
  };
}

/** How an LRUCache is told to keep so many: by `max` it would take the room for all of them at once. */
export function upTo(count: number): { readonly maxSize: number; readonly sizeCalculation: () => number } {
  return { maxSize: count, sizeCalculation: () => 1 };
}

/**
 * Answers that may be a little old, of this process. Null is never kept: what somebody makes up finds no room here.
 * Callers who ask at the same time share one answer.
 */
export class BriefCache<Value> {
  private readonly kept: LRUCache<string, Promise<Value | null>>;

  constructor(clock: Clock, { keptMs, sizeMax }: BriefCacheLimits) {
    this.kept = new LRUCache({
      ...upTo(sizeMax),
      // It still gives what is exactly as old as its ttl.
      ttl: keptMs - 1,
      ttlResolution: 0,
      perf: { now: () => clock.now().getTime() },
    });
  }

  /** The kept answer, or that of `load`. */
  get(key: string, load: () => Promise<Value | null>): Promise<Value | null> {
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    const value = load();
    this.kept.set(key, value);
    const forget = () => void (this.kept.peek(key) === value && this.kept.delete(key));
    value.then((found) => found === null && forget(), forget);
    return value;
  }

  /** Forgets everything, for what this process changed itself. */
  clear(): void {
    this.kept.clear();
  }
}
