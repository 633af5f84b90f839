import type { Clock } from '../clock.js';
import { networkOf } from './client-address.js';
import { LeasedLimit } from './leased-limit.js';
import { type LimitKey, type LimitStore, MemoryLimitStore } from './limit-store.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Beyond its hourly limit an app may have this many times as much in a day: renewals come in bursts. */
const BURST_HOURS = 5;
/** Deliveries that were not from Tilled, from one address in 15 minutes, before only known apps are looked at. */
const UNVERIFIED = { max: 100, windowMs: 900_000 };

/** Webhook deliveries: verified ones by app over all processes, others by address in this one. */
export class DeliveryLimit {
  private readonly limit: LeasedLimit;
  private readonly unverified = new MemoryLimitStore();
  /** Until then there may be addresses that are counted, ms of the clock: else none has to be worked out. */
  private countedUntilMs = 0;

  constructor(private readonly parts: { readonly store: LimitStore; readonly clock: Clock; readonly maxPerHour: number }) {
    this.limit = new LeasedLimit(parts);
  }

  /** Counts a verified delivery to an app. Returns the ms until it may be delivered again; 0 if it may be taken now. */
  async waitMs(appId: string): Promise<number> {
    const max = this.parts.maxPerHour;
    const hourly = await this.limit.take({ appId, id: 'webhooks' }, { max, windowMs: HOUR_MS });
    if (hourly.isAllowed) return 0;
    const burst = await this.limit.take({ appId, id: 'webhooks burst' }, { max: max * BURST_HOURS, windowMs: DAY_MS });
    return burst.isAllowed ? 0 : Math.max(1, hourly.resetMs);
  }

  /** Whether so many deliveries from an address were not from Tilled that nothing is looked up for it any more. */
  async isSuspect(address: string): Promise<boolean> {
    const nowMs = this.parts.clock.now().getTime();
    if (nowMs >= this.countedUntilMs) return false;
    const seen = await this.unverified.read(keyOf(address), nowMs);
    return seen !== null && seen.used >= UNVERIFIED.max;
  }

  /** Counts a delivery that was not from Tilled. */
  async noteUnverified(address: string): Promise<void> {
    const nowMs = this.parts.clock.now().getTime();
    this.countedUntilMs = nowMs + UNVERIFIED.windowMs;
    await this.unverified.lease(keyOf(address), UNVERIFIED, nowMs, true);
  }
}

function keyOf(address: string): LimitKey {
  return { appId: '', id: networkOf(address) };
}
