import { plusMs } from '../../platform/clock.js';
import { CursorRepository } from '../../platform/cursors.js';
import type { Jobs, Lease } from '../../platform/jobs/jobs.js';
import { errorFields } from '../../platform/log.js';
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

  /** The handler of BACKFILL. It is never given up: the longer Tilled was out of reach, the more there is to find afterwards. */
  async look(scope: Scope, lease: Lease): Promise<void> {
    const failure = await this.run(scope).then(
      () => null,
      (error: unknown) => errorFields(error),
    );
    if (failure !== null) scope.log.error('missed webhooks could not be looked for', failure);
    await this.parts.jobs.release(scope, lease, { dueInMs: EVERY_MS });
  }

  /** Records what is missing since the cursor, then moves the cursor; returns how many events were missing. */
  async run(scope: Scope): Promise<number> {
    const cursor = await CursorRepository.of(scope).find(CURSOR);
    const since = cursor === null ? plusMs(scope.now(), -FIRST_LOOK_MS) : plusMs(new Date(cursor.position), -OVERLAP_MS);
    const events = await this.emittedSince(scope, since);
    const missing = await this.missingAmong(scope, events);
    await Promise.all(missing.map(({ owner, event }) => this.parts.inbox.record(owner, event)));
    const [newest] = events;
    if (newest !== undefined) await scope.transaction((tx) => CursorRepository.of(tx).moveTo(CURSOR, newest.created_at));
    if (missing.length > 0) scope.log.warn('missed webhooks recorded', { missing: missing.length, looked: events.length });
    return missing.length;
  }

  /** Those that are not stored, oldest first, with the app each belongs to: apps may share an account. */
  private async missingAmong(scope: Scope, events: readonly TilledEvent[]): Promise<{ owner: Scope; event: TilledEvent }[]> {
    const owned = new Map<string, { readonly owner: Scope; readonly events: TilledEvent[] }>();
    for (const event of events) {
      const owner = await this.parts.inbox.ownerInAccount(scope, event);
      const known = owned.get(owner.appId);
      if (known === undefined) owned.set(owner.appId, { owner, events: [event] });
      else known.events.push(event);
    }
    const missing = [...owned.values()].map(async ({ owner, events: its }) => {
      const stored = await WebhookEventRepository.of(owner).storedAmong(its.map((event) => event.id));
      return its.filter((event) => !stored.has(event.id)).map((event) => ({ owner, event }));
    });
    return (await Promise.all(missing)).flat().reverse();
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
