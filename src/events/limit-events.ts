import { LRUCache } from 'lru-cache';
import { upTo } from '../platform/brief-cache.js';
import type { Clock } from '../platform/clock.js';
import { CursorRepository } from '../platform/cursors.js';
import { errorFields, type Log } from '../platform/log.js';
import { recordAppEvent } from '../platform/outbox/app-events.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { EventTrail } from './event.trail.js';

interface LimitEventsParts {
  /** A scope of the app that says of which limit it tells; null when the app is gone. */
  readonly scopeOf: (appId: string, limit: string) => Promise<Scope | null>;
  readonly eventTrail: Pick<EventTrail, 'snapshotOf'>;
  readonly clock: Clock;
  readonly log: Log;
}

const EVERY_MS = 3_600_000;
const REMEMBERED_MAX = 10_000;
/** Cursors: how many events of the app itself there were, and when it was last told of each limit. */
const [COUNT, LAST] = ['events.app', 'events.limit.'];

/** Tells an app that requests of it are refused: at most once an hour for each limit, however many there are. */
export class LimitEvents {
  /** When this process last told, or was told that another did, by app and limit, ms. */
  private readonly told = new LRUCache<string, number>(upTo(REMEMBERED_MAX));

  constructor(private readonly parts: LimitEventsParts) {}

  /** A request was refused. Returns at once: who is refused does not wait for it, and costs no statement. */
  reached(appId: string, limit: string): void {
    const key = `${appId} ${limit}`;
    const nowMs = this.parts.clock.now().getTime();
    if (isLately(this.told.get(key) ?? 0, nowMs)) return;
    this.told.set(key, nowMs);
    this.tell(appId, limit, nowMs).catch((error: unknown) => {
      this.told.delete(key);
      this.parts.log.error('a limit that was met could not be told of', { appId, limit, ...errorFields(error) });
    });
  }

  private async tell(appId: string, limit: string, nowMs: number): Promise<void> {
    const scope = await this.parts.scopeOf(appId, limit);
    await scope?.transaction(async (tx) => {
      const cursors = CursorRepository.of(tx);
      const [count, last] = [await cursors.lockOrMake(COUNT, '0'), await cursors.lockOrMake(LAST + limit, '0')];
      if (isLately(Number(last.position), nowMs)) return;
      const sequence = Number(count.position) + 1;
      Object.assign(count, { position: String(sequence), updatedAt: tx.now() });
      Object.assign(last, { position: String(nowMs), updatedAt: tx.now() });
      const payload = () => this.parts.eventTrail.snapshotOf('App', tx.caller.app);
      recordAppEvent(tx, { type: 'app.limit_reached', objectId: appId, sequence, personId: null, payload });
    });
  }
}

/** Within the hour before, or after, by as much as clocks differ: whose clock was days ahead is not waited for. */
function isLately(toldMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - toldMs) < EVERY_MS;
}
