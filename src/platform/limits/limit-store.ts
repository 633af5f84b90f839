import { LRUCache } from 'lru-cache';
import { upTo } from '../brief-cache.js';

/** What is limited, and for whom. */
export interface LimitKey {
  /** Empty for addresses, which belong to no app. */
  readonly appId: string;
  /** The limit's name, with the key or address it is counted for; at most 64 characters. */
  readonly id: string;
}

/** A limit: how many in a window that begins with the first. */
export interface LimitRule {
  readonly max: number;
  readonly windowMs: number;
}

/** Points of a window given to one process, to use or to lose. None when the window has no more. */
export interface GrantedPoints {
  readonly granted: number;
  /** Points of the window that are given out, these included. */
  readonly used: number;
  readonly resetsAt: number;
}

/** Counts each limit. Never gives out more than `max` in a window. Throws when it cannot be reached. */
export interface LimitStore {
  /** Takes a few points, one when the window nears its end or only single ones are wanted. */
  lease(key: LimitKey, rule: LimitRule, nowMs: number, isSingle: boolean): Promise<GrantedPoints>;
  /** How much is used, without using any; null when nothing is. */
  read(key: LimitKey, nowMs: number): Promise<Omit<GrantedPoints, 'granted'> | null>;
  /** Lets go of a connection of its own. */
  close?(): void;
}

/** A process takes a twentieth of what is left, at most this many points at once. */
export const LEASE_MAX = 1_000;
/** What share of the points that are left one process may take at once: 1/20. */
export const LEASE_SHARE = 20;

/** How many points to give out where `left` remain. */
export function leaseSize(left: number, isSingle: boolean): number {
  if (left <= 0) return 0;
  return isSingle ? 1 : Math.max(1, Math.min(LEASE_MAX, Math.floor(left / LEASE_SHARE)));
}

const WINDOWS_MAX = 50_000;

/** Counts in this process only: what stands in for a store that is down, and what a test without a limit uses. */
export class MemoryLimitStore implements LimitStore {
  private readonly windows = new LRUCache<string, { used: number; resetsAt: number }>(upTo(WINDOWS_MAX));

  async lease({ appId, id }: LimitKey, rule: LimitRule, nowMs: number, isSingle: boolean): Promise<GrantedPoints> {
    const name = `${appId} ${id}`;
    const known = this.windows.get(name);
    const window = known !== undefined && known.resetsAt > nowMs ? known : { used: 0, resetsAt: nowMs + rule.windowMs };
    this.windows.set(name, window);
    const granted = leaseSize(rule.max - window.used, isSingle);
    window.used += granted;
    return { granted, used: window.used, resetsAt: window.resetsAt };
  }

  async read({ appId, id }: LimitKey, nowMs: number): Promise<Omit<GrantedPoints, 'granted'> | null> {
    const window = this.windows.get(`${appId} ${id}`);
    return window !== undefined && window.resetsAt > nowMs ? { ...window } : null;
  }
}
