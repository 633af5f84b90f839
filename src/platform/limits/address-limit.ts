import { LRUCache } from 'lru-cache';
import { upTo } from '../brief-cache.js';
import type { Clock } from '../clock.js';
import { LeasedLimit, type LimitDecision } from './leased-limit.js';
import type { LimitStore } from './limit-store.js';

/** A window of failed authentications, as the checklist has it. */
const WINDOW_MS = 900_000;
/** How long a process goes without asking whether another one has blocked an address, ms. */
const LOOK_EVERY_MS = 5_000;
const REMEMBERED_MAX = 50_000;

/** When the count of a network was looked at, and until when that blocks it, ms; 0: it does not. */
interface Look {
  readonly at: number;
  readonly blockedUntil: number;
}

/**
 * Failed authentications by address, which is given as `networkOf` counts it: beyond the limit the address is blocked
 * until the window ends. That is for credentials that may be guesses: who asks finds out first, without a query,
 * whether a credential is a right one, so that nobody is locked out by a neighbour who guesses.
 */
export class AddressLimit {
  private readonly limit: LeasedLimit;
  private readonly lookedAt = new LRUCache<string, Look>(upTo(REMEMBERED_MAX));

  constructor(private readonly parts: { readonly store: LimitStore; readonly clock: Clock; readonly max: number }) {
    this.limit = new LeasedLimit(parts, true);
  }

  /** How long the network is still blocked, ms; 0 if it is not. */
  async blockedForMs(network: string): Promise<number> {
    const nowMs = this.parts.clock.now().getTime();
    const known = this.lookedAt.get(network);
    const isFresh = known !== undefined && (known.blockedUntil > nowMs || nowMs - known.at < LOOK_EVERY_MS);
    const { blockedUntil } = isFresh ? known : await this.look(network, nowMs);
    return Math.max(0, blockedUntil - nowMs);
  }

  /** Counts a failure. Beyond the limit the decision is that the failure is answered by the block, too. */
  async noteFailure(network: string): Promise<LimitDecision> {
    const decision = await this.limit.take({ appId: '', id: idOf(network) }, { max: this.parts.max, windowMs: WINDOW_MS });
    const nowMs = this.parts.clock.now().getTime();
    // The last one allowed is still answered as what it is; what follows it is blocked.
    if (decision.remaining === 0) this.lookedAt.set(network, { at: nowMs, blockedUntil: nowMs + decision.resetMs });
    return decision;
  }

  private async look(network: string, nowMs: number): Promise<Look> {
    const count = await this.parts.store.read({ appId: '', id: idOf(network) }, nowMs);
    const seen = { at: nowMs, blockedUntil: count !== null && count.used >= this.parts.max ? count.resetsAt : 0 };
    this.lookedAt.set(network, seen);
    return seen;
  }
}

function idOf(network: string): string {
  return `auth ${network}`;
}
