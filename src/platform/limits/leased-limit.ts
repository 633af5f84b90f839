import { LRUCache } from 'lru-cache';
import { upTo } from '../brief-cache.js';
import type { Clock } from '../clock.js';
import { LEASE_MAX, type LimitKey, type LimitRule, type LimitStore } from './limit-store.js';

/** Whether one more is allowed, and how the window stands as far as this process knows. */
export interface LimitDecision {
  readonly isAllowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** How long the window still lasts, ms. */
  readonly resetMs: number;
}

/** What this process holds of one window. */
interface Holding {
  left: number;
  /** Asked for ahead of need when no more than this are left. */
  low: number;
  used: number;
  resetsAt: number;
  /** The limit for which the store had no more to give; a higher one is worth asking for. */
  exhaustedAt: number;
  refill: Promise<void> | null;
}

const HOLDINGS_MAX = 50_000;
/** Of a whole lease, the next one is asked for when less than this share is left: 1/4. */
const AHEAD_SHARE = 4;

/**
 * A limit that all processes share and that mostly costs nothing: points are leased from the store a few at a time and
 * used up here. Never more than the limit is admitted in all. Far from the limit the next lease is taken while points
 * are left, so that nobody waits for it; near the limit points are leased one by one. What a process leased and did not
 * use by the end of the window is lost: at most a sixteenth of the limit, and 1,250 points.
 */
export class LeasedLimit {
  private readonly holdings = new LRUCache<string, Holding>(upTo(HOLDINGS_MAX));

  constructor(
    private readonly parts: { readonly store: LimitStore; readonly clock: Clock },
    private readonly isSingle = false,
  ) {}

  /** Takes one point, if there is one. */
  async take(key: LimitKey, rule: LimitRule): Promise<LimitDecision> {
    const holding = this.holdingOf(key);
    for (;;) {
      const nowMs = this.parts.clock.now().getTime();
      if (holding.resetsAt <= nowMs) Object.assign(holding, { left: 0, low: 0, used: 0, exhaustedAt: 0 });
      if (holding.left > 0) {
        holding.left -= 1;
        if (holding.left < holding.low) void this.refilled(holding, key, rule).catch(() => undefined);
        return decisionOf(true, holding, rule, nowMs);
      }
      if (holding.exhaustedAt >= rule.max) return decisionOf(false, holding, rule, nowMs);
      await this.refilled(holding, key, rule);
    }
  }

  /** Whoever comes meanwhile waits for the same answer. A refill ahead of need that failed is asked again. */
  private refilled(holding: Holding, key: LimitKey, rule: LimitRule): Promise<void> {
    holding.refill ??= this.refill(holding, key, rule).finally(() => {
      holding.refill = null;
    });
    return holding.refill;
  }

  private async refill(holding: Holding, key: LimitKey, rule: LimitRule): Promise<void> {
    const { granted, used, resetsAt } = await this.parts.store.lease(key, rule, this.parts.clock.now().getTime(), this.isSingle);
    const kept = holding.resetsAt > this.parts.clock.now().getTime() ? holding.left : 0;
    const low = granted === LEASE_MAX ? LEASE_MAX / AHEAD_SHARE : 0;
    Object.assign(holding, { left: kept + granted, low, used, resetsAt, exhaustedAt: granted === 0 ? rule.max : 0 });
  }

  private holdingOf({ appId, id }: LimitKey): Holding {
    const name = `${appId} ${id}`;
    const known = this.holdings.get(name);
    if (known !== undefined) return known;
    const made: Holding = { left: 0, low: 0, used: 0, resetsAt: 0, exhaustedAt: 0, refill: null };
    this.holdings.set(name, made);
    return made;
  }
}

function decisionOf(isAllowed: boolean, { left, used, resetsAt }: Holding, { max }: LimitRule, nowMs: number): LimitDecision {
  return { isAllowed, limit: max, remaining: Math.max(0, max - used + left), resetMs: Math.max(0, resetsAt - nowMs) };
}
