import { setTimeout as sleep } from 'node:timers/promises';
import type { Ticks } from '../platform/clock.js';
import { CursorRepository } from '../platform/cursors.js';
import type { Database } from '../platform/db/database.js';
import { isPassing } from '../platform/db/outage.js';
import { places } from '../platform/db/sql.js';
import { errorFields, type Log } from '../platform/log.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { AppEventRepository, type PublishedEvent } from './app-event.repository.js';

/**
 * Whoever passes published events on: in the transaction that publishes them, in the order of their positions. It is
 * begun anew after a lost race, so it has no effect outside the database.
 */
export type FanOut = (tx: Scope, events: readonly PublishedEvent[]) => Promise<void>;

interface EventPublisherParts {
  readonly database: Database;
  readonly scopeOf: (appId: string) => Promise<Scope | null>;
  readonly fanOut: FanOut;
  readonly ticks: Ticks;
  /** Whether this process may take work now. */
  readonly mayWork: () => Promise<boolean>;
  readonly log: Log;
}

/** The cursor that says how many events of an app were published. */
export const FEED = 'events.feed';
/** Events of one app that are published in one transaction, in the order of their ids. */
const AT_ONCE = 500;
/** How often it is looked for events, ms: often enough to be soon, seldom enough for many to share a transaction. */
const POLL_MS = 250;
/** How long an app whose events could not be published is skipped, ms, so that it does not block the others. */
const REST_MS = 5_000;

/**
 * Gives committed events their places in the feed of their app. Transactions commit in any order, so neither ids nor
 * times can be that order: whoever publishes locks the app's counter, and only then reads what is committed and has no
 * place yet. So places are committed in their order, and who has read up to one has missed none before it. Any number
 * may do it at once, on one server or on the nodes of a cluster.
 */
export class EventPublisher {
  /** Until when an app is skipped, by its id: in time that only passes, for a clock may be set back by hours. */
  private readonly resting = new Map<string, number>();
  /** Apps that are being published. One whose rows somebody holds takes seconds, in which no other waits for it. */
  private readonly underWay = new Map<string, Promise<number>>();
  private stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private isHeldUp = false;

  constructor(private readonly parts: EventPublisherParts) {}

  /** Publishes what is written, until stopped. */
  start(): void {
    this.stopping = new AbortController();
    this.running = this.loop(this.stopping.signal);
  }

  /** Finishes what it is at. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Publishes what waits, of every app, also where that is under way already; returns how many events. */
  async publish(): Promise<number> {
    await this.settled();
    const counts = await Promise.all(await this.begin());
    await this.settled();
    return counts.reduce((sum, count) => sum + count, 0);
  }

  private async look(): Promise<void> {
    if (await this.parts.mayWork()) await this.begin();
  }

  /** Begins with every app of which events wait, but for those that rest and those that are under way. */
  private async begin(): Promise<readonly Promise<number>[]> {
    const nowMs = this.parts.ticks.ms();
    for (const [appId, untilMs] of this.resting) if (untilMs <= nowMs) this.resting.delete(appId);
    const looked = new Set([...this.resting.keys(), ...this.underWay.keys()]);
    const begun: Promise<number>[] = [];
    for (;;) {
      const waiting = await this.waitingLongest([...looked]);
      for (const appId of new Set(waiting)) {
        looked.add(appId);
        if (!this.underWay.has(appId)) begun.push(this.beginWith(appId));
      }
      // These were all that waited.
      if (waiting.length < AT_ONCE) return begun;
    }
  }

  private beginWith(appId: string): Promise<number> {
    const published = this.publishOrRest(appId).finally(() => this.underWay.delete(appId));
    this.underWay.set(appId, published);
    return published;
  }

  private async loop(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.look().catch((error: unknown) => this.notPublished(error));
      await sleep(POLL_MS, undefined, { signal: stop }).catch(() => undefined);
    }
    await this.settled();
  }

  private async settled(): Promise<void> {
    await Promise.all(this.underWay.values());
  }

  /** A database that is away is said once, until something is published, and looked for all the time. */
  private notPublished(error: unknown): void {
    if (!this.isHeldUp) this.parts.log.error('events could not be published', errorFields(error));
    this.isHeldUp = isPassing(error);
  }

  /** Of each event that waits the app. */
  private async waitingLongest(except: readonly string[]): Promise<readonly string[]> {
    const rows = await this.parts.database.query(oldest(except), except);
    return rows.map((row) => String(row.app_id));
  }

  /** Never throws. A database that is read-only or full answers who looks, and takes nothing: that is said once too. */
  private async publishOrRest(appId: string): Promise<number> {
    try {
      const scope = await this.parts.scopeOf(appId);
      const published = scope === null ? 0 : await this.publishOf(scope);
      this.isHeldUp = false;
      return published;
    } catch (error) {
      if (isPassing(error)) this.notPublished(error);
      else this.rest(appId, error);
      return 0;
    }
  }

  private rest(appId: string, error: unknown): void {
    this.resting.set(appId, this.parts.ticks.ms() + REST_MS);
    this.parts.log.error('events of an app could not be published', { appId, ...errorFields(error) });
  }

  private publishOf(scope: Scope): Promise<number> {
    let begun = 0;
    return scope.transaction(async (tx) => {
      begun += 1;
      // Somebody else has published some of them. What is left is for the next time.
      if (begun > 1) return 0;
      const counter = await CursorRepository.of(tx).lockOrMake(FEED, '0');
      const published = await AppEventRepository.of(tx).publish(Number(counter.position), AT_ONCE);
      const last = published.at(-1);
      if (last === undefined) return 0;
      Object.assign(counter, { position: String(last.position), updatedAt: tx.now() });
      await this.parts.fanOut(tx, published);
      return published.length;
    });
  }
}

function oldest(except: readonly string[]): string {
  const others = except.length === 0 ? '' : ` and app_id not in (${places(except)})`;
  return `select app_id from billing_app_events where unpublished_since is not null${others} order by unpublished_since, app_id, id limit ${AT_ONCE}`;
}
