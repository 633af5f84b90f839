import { plusMs } from '../../platform/clock.js';
import { CursorRepository } from '../../platform/cursors.js';
import type { Jobs, Lease } from '../../platform/jobs/jobs.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledEvent } from '../../tilled/tilled.shapes.js';
import type { Processor } from '../kit/processor.js';
import type { WebhookInbox } from './webhook.inbox.js';
import { WebhookEventRepository } from './webhook-event.repository.js';

/** Looks for events that were never delivered; reschedules itself. */
export const BACKFILL = 'webhook.backfill';

const CURSOR = 'tilled.events';
const PAGE = 100;
/** How far back each look begins before the newest event known, ms: events may be listed later than their time. */
const OVERLAP_MS = 600_000;
/** How far back the first look goes, ms; Tilled lists 30 days. */
const FIRST_LOOK_MS = 29 * 86_400_000;
const EVERY_MS = 900_000;

interface BackfillParts {
  readonly processor: Processor;
  readonly inbox: WebhookInbox;
  readonly jobs: Jobs;
}

/** Finds the events of an app's account that no delivery brought, by listing what Tilled emitted. */
export class WebhookBackfill {
  constructor(private readonly parts: BackfillParts) {}

  /** Makes sure that the look is scheduled for an app. */
  async schedule(scope: Scope): Promise<void> {
    const key = { kind: BACKFILL, subject: scope.appId };
    if (!(await this.parts.jobs.isWaiting(scope, key)))
      await scope.transaction((tx) => this.parts.jobs.enqueue(tx, { ...key, dueInMs: EVERY_MS }));
  }

  /** The handler of BACKFILL. */
  async look(scope: Scope, lease: Lease): Promise<void> {
    await this.run(scope);
    await this.parts.jobs.release(scope, lease, { dueInMs: EVERY_MS });
  }

  /** Records what is missing since the cursor, then moves the cursor; returns how many events were missing. */
  async run(scope: Scope): Promise<number> {
    const cursor = await CursorRepository.of(scope).find(CURSOR);
    const since = cursor === null ? plusMs(scope.now(), -FIRST_LOOK_MS) : plusMs(new Date(cursor.position), -OVERLAP_MS);
    const events = await this.emittedSince(scope, since);
    const stored = await WebhookEventRepository.of(scope).storedAmong(events.map((event) => event.id));
    const missing = events.filter((event) => !stored.has(event.id));
    // Oldest first, so that a crash on the way leaves nothing older behind the cursor.
    await Promise.all(missing.reverse().map((event) => this.parts.inbox.recordForOwner(scope, event)));
    const [newest] = events;
    if (newest !== undefined) await scope.transaction((tx) => CursorRepository.of(tx).moveTo(CURSOR, newest.created_at));
    if (missing.length > 0) scope.log.warn('missed webhooks recorded', { missing: missing.length, looked: events.length });
    return missing.length;
  }

  /** Newest first, as Tilled lists them. Events that appear while pages are read shift the pages, which shows some twice. */
  private async emittedSince(scope: Scope, since: Date): Promise<TilledEvent[]> {
    const events = new Map<string, TilledEvent>();
    for (let offset = 0; ; offset += PAGE) {
      const query = { created_at_gte: since.toISOString(), limit: PAGE, offset };
      const { items, has_more: hasMore } = await this.parts.processor.ask(scope, (tilled) => tilled.listEvents(query));
      for (const event of items) events.set(event.id, event);
      if (!hasMore) return [...events.values()];
    }
  }
}
