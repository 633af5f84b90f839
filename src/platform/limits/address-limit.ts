import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
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

/** When the count of an address was looked at, and until when that blocks it, ms; 0: it does not. */
interface Look {
  readonly at: number;
  readonly blockedUntil: number;
}

/**
 * Failed authentications by address: beyond the limit the address is blocked until the window ends, before its
 * credential is looked at. A credential that was good here lately passes all the same, so that nobody is locked out by
 * a neighbour who guesses; guessing needs a credential that was never good.
 */
export class AddressLimit {
  private readonly limit: LeasedLimit;
  private readonly lookedAt = new LRUCache<string, Look>(upTo(REMEMBERED_MAX));
  /** Until when a credential passes, by its hash. */
  private readonly goodUntil = new LRUCache<string, number>(upTo(REMEMBERED_MAX));

  constructor(private readonly parts: { readonly store: LimitStore; readonly clock: Clock; readonly max: number }) {
    this.limit = new LeasedLimit(parts, true);
  }

  /** How long the address is still blocked, ms; 0 if it is not. */
  async blockedForMs(address: string, credential: string): Promise<number> {
    const nowMs = this.parts.clock.now().getTime();
    const known = this.lookedAt.get(address);
    const isFresh = known !== undefined && (known.blockedUntil > nowMs || nowMs - known.at < LOOK_EVERY_MS);
    const { blockedUntil } = isFresh ? known : await this.look(address, nowMs);
    if (blockedUntil <= nowMs || (this.goodUntil.get(digest(credential)) ?? 0) > nowMs) return 0;
    return blockedUntil - nowMs;
  }

  /** Notes that a credential was good. */
  noteSuccess(credential: string): void {
    this.goodUntil.set(digest(credential), this.parts.clock.now().getTime() + WINDOW_MS);
  }

  /** Counts a failure. Beyond the limit the decision is that the failure is answered by the block, too. */
  async noteFailure(address: string, credential: string): Promise<LimitDecision> {
    this.goodUntil.delete(digest(credential));
    const decision = await this.limit.take({ appId: '', id: idOf(address) }, { max: this.parts.max, windowMs: WINDOW_MS });
    const nowMs = this.parts.clock.now().getTime();
    // The last one allowed is still answered as what it is; what follows it is blocked.
    if (decision.remaining === 0) this.lookedAt.set(address, { at: nowMs, blockedUntil: nowMs + decision.resetMs });
    return decision;
  }

  private async look(address: string, nowMs: number): Promise<Look> {
    const count = await this.parts.store.read({ appId: '', id: idOf(address) }, nowMs);
    const seen = { at: nowMs, blockedUntil: count !== null && count.used >= this.parts.max ? count.resetsAt : 0 };
    this.lookedAt.set(address, seen);
    return seen;
  }
}

/** One machine owns all addresses of its /64 network, so they count together; IPv4 in IPv6 is IPv4. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head = '', tail] = address.toLowerCase().split('%')[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  const end = tail === undefined || tail === '' ? [] : tail.split(':');
  const all =
    tail === undefined ? groups : [...groups, ...Array.from({ length: Math.max(0, 8 - groups.length - end.length) }, () => '0'), ...end];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

function idOf(address: string): string {
  return `auth ${networkOf(address)}`;
}

function digest(credential: string): string {
  return createHash('sha256').update(credential).digest('base64');
}
