import type { Processor } from '../billing/kit/processor.js';
import { plusMs } from '../platform/clock.js';
import { CursorRepository } from '../platform/cursors.js';
import { AppError } from '../platform/errors.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import type { Lease } from '../platform/jobs/lease.js';
import { errorFields } from '../platform/log.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { TilledError } from '../tilled/tilled.errors.js';
import type { TilledEvent } from '../tilled/tilled.shapes.js';
import type { WebhookInbox } from './webhook.inbox.js';
import { WebhookEventRepository } from './webhook-event.repository.js';

/** Looks for events that were never delivered; reschedules itself. */
export const BACKFILL = 'webhook.backfill';

const CURSOR = 'tilled.events';
const PAGE = 100;
/** How far before the newest known event each run begins, ms: events may be listed later than their time. */
const OVERLAP_MS = 600_000;
/** How far back the first run goes, ms; Tilled lists 30 days. */
const FIRST_LOOK_MS = 29 * 86_400_000;
const EVERY_MS = 900_000;

interface BackfillParts {
  readonly processor: Processor;
  readonly inbox: WebhookInbox;
  readonly jobs: Jobs;
}

/** An app whose account could not be asked, and why. */
export interface AppFailure {
  readonly appId: string;
  readonly reason: string;
}

/** How many events were missing, by app, and which apps could not be asked. */
export interface BackfillReport {
  readonly recorded: ReadonlyMap<string, number>;
  readonly failed: readonly AppFailure[];
}

/** Finds the events of an app's account that no delivery brought, by listing what Tilled emitted. */
export class WebhookBackfill {
  constructor(private readonly parts: BackfillParts) {}

  /** Makes sure that the next run is scheduled for an app. */
  async schedule(scope: Scope): Promise<void> {
    const key = { kind: BACKFILL, subject: scope.appId };
    if (!(await this.parts.jobs.isWaiting(scope, key)))
      await scope.transaction((tx) => this.parts.jobs.enqueue(tx, { ...key, dueInMs: EVERY_MS }));
  }

  /** The handler of BACKFILL. Never given up: the longer Tilled was down, the more there is to find. */
  async backfill(scope: Scope, lease: Lease): Promise<void> {
    const failure = await this.run(scope).then(
      () => null,
      (error: unknown) => errorFields(error),
    );
    if (failure !== null) scope.request.log.error('missed webhooks could not be looked for', failure);
    await this.parts.jobs.release(scope, lease, { dueInMs: EVERY_MS });
  }

  /**
   * Records what is missing since the cursor, a page at a time, then moves the cursor; returns how many events were
   * missing. If it fails on the way the cursor stays, and the next run begins where this one did: what was recorded is
   * not missing then.
   */
  async run(scope: Scope): Promise<number> {
    const cursor = await CursorRepository.of(scope).find(CURSOR);
    const since = cursor === null ? plusMs(scope.now(), -FIRST_LOOK_MS) : plusMs(new Date(cursor.position), -OVERLAP_MS);
    let [missing, looked, newest] = [0, 0, null as string | null];
    for await (const events of this.pagesSince(scope, since)) {
      missing += await this.recordMissing(scope, events);
      looked += events.length;
      newest ??= events[0]?.created_at ?? null;
    }
    const position = newest;
    if (position !== null) await scope.transaction((tx) => CursorRepository.of(tx).moveTo(CURSOR, position));
    if (missing > 0) scope.request.log.warn('missed webhooks recorded', { missing, looked });
    return missing;
  }

  /**
   * The same for several apps. One that fails, as where its account at Tilled cannot be used, is named, and the others
   * are not kept waiting by it.
   */
  async runEach(scopes: readonly Scope[]): Promise<BackfillReport> {
    const [recorded, failed]: [Map<string, number>, AppFailure[]] = [new Map(), []];
    for (const scope of scopes) {
      try {
        recorded.set(scope.appId, await this.run(scope));
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        failed.push({ appId: scope.appId, reason: reasonOf(error) });
      }
    }
    return { recorded, failed };
  }

  /** Records those of a page that are not stored, for the app each belongs to: apps may share an account. */
  private async recordMissing(scope: Scope, events: readonly TilledEvent[]): Promise<number> {
    const { inbox } = this.parts;
    const owned = await Promise.all(events.map(async (event) => ({ event, owner: await inbox.ownerOf(scope, event) })));
    const byOwner = Map.groupBy(owned, ({ owner }) => owner);
    let missing = 0;
    for (const [owner, its] of byOwner) {
      const mine = its.map(({ event }) => event);
      const stored = owner === null ? new Set<string>() : await WebhookEventRepository.of(owner).storedAmong(mine.map(({ id }) => id));
      const missed = mine.filter(({ id }) => !stored.has(id)).reverse();
      await Promise.all(missed.map((event) => (owner === null ? inbox.take(scope, event) : inbox.record(owner, event))));
      missing += missed.length;
    }
    return missing;
  }

  /** Newest first, as Tilled lists them. New events shift the pages while they are read: some come twice. */
  private async *pagesSince(scope: Scope, since: Date): AsyncGenerator<readonly TilledEvent[]> {
    for (let offset = 0; ; offset += PAGE) {
      const query = { created_at_gte: since.toISOString(), limit: PAGE, offset };
      const { items, has_more: hasMore } = await this.parts.processor.ask(scope, (tilled) => tilled.listEvents(query));
      yield items;
      if (!hasMore) return;
    }
  }
}

/** What Tilled said, rather than what a caller of the API would be told to do. */
function reasonOf(error: AppError): string {
  return error.cause instanceof TilledError ? `Tilled could not be asked (${error.cause.kind}): ${error.cause.message}` : error.message;
}
