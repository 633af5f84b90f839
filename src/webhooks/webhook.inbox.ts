import type { Clock } from '../platform/clock.js';
import { Coalescer } from '../platform/coalescer.js';
import type { Ids } from '../platform/ids.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import type { Lease } from '../platform/jobs/lease.js';
import { errorFields } from '../platform/log.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { TilledEvent } from '../tilled/tilled.shapes.js';
import { TILLED_SIGNATURE_HEADER, verifySignature } from '../tilled/tilled.signature.js';
import { factOfEvent, objectOf } from './event-catalogue.js';
import { WebhookBody } from './webhook.body.js';
import type { Delivery, Receipt } from './webhook.delivery.js';
import type { WebhookDirectory, WebhookEndpoint } from './webhook.directory.js';
import type { WebhookOwners } from './webhook.owners.js';
import { WebhookEventStatus } from './webhook-event.entity.js';
import { type NewWebhookEvent, WebhookEventRepository } from './webhook-event.repository.js';
import { WebhookFactRepository } from './webhook-fact.repository.js';

/** A delivery whose body is being looked at. */
interface Opened extends Delivery {
  readonly body: WebhookBody;
}

interface WebhookInboxParts {
  readonly directory: WebhookDirectory;
  readonly owners: WebhookOwners;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** A verified event on its way into the database. */
interface Arrival {
  readonly scope: Scope;
  readonly event: TilledEvent;
  /** The event as it came. */
  readonly text: string;
}

/** Finds out at Tilled which app of a shared account an event belongs to. */
export const ROUTE = 'webhook.route';

const TOLERANCE_MS = 300_000;
const SUSPECT_RETRY_MS = 900_000;
/** After the first try that did not tell, doubled after each further one, ms. */
const ROUTE_AGAIN_MS = 60_000;
const ROUTE_AGAIN_MS_MAX = 3_600_000;
const NOBODYS_AFTER_MS = 86_400_000;

/** Two writes at once keep the database busy without queueing; 16 events are worth a write's round trips. */
const COALESCING = { writesMax: 2, concurrentWriteMin: 16, sizeMax: 64, waitingMax: 5_000, isolatesFailures: true, inFewSizes: true };

/** Takes deliveries: verified first, stored once, marked as waiting for a worker, all before anybody answers 200. */
export class WebhookInbox {
  /** One for each app: a write never mixes apps. */
  private readonly coalescers = new Map<string, Coalescer<Arrival, Receipt>>();

  constructor(private readonly parts: WebhookInboxParts) {}

  /** Takes one delivery; resolves once the event is committed. Throws when the database cannot record it. */
  async receive(closed: Delivery): Promise<Receipt> {
    const delivery = { ...closed, body: new WebhookBody(closed.rawBody) };
    if (delivery.isSuspect === true && !this.isKnown(delivery)) return { kind: 'limited', retryAfterMs: SUSPECT_RETRY_MS };
    const arrivedAt = performance.now();
    const receipt = await this.receiveAt(delivery, await this.endpointsFor(delivery));
    if (delivery.isSuspect === true) return receipt;
    // A secret or app that is newer than what we remember: look once more before refusing.
    const mayBeNew = receipt.kind === 'unverified' || receipt.kind === 'unknown_endpoint';
    return mayBeNew ? this.receiveAt(delivery, await this.endpointsFor(delivery, arrivedAt)) : receipt;
  }

  /** The app of an event, among those that share its account; null if Tilled has to be asked. */
  async ownerOf(scope: Scope, event: TilledEvent): Promise<Scope | null> {
    return this.parts.owners.findByRows(event, await this.appsOf(scope, event));
  }

  /**
   * Takes a verified event. One of a shared account whose app cannot be told from what is stored waits in the queue,
   * where no app sees it, until Tilled was asked. Resolves once it is committed.
   */
  async take(scope: Scope, event: TilledEvent, text?: string): Promise<Receipt> {
    return this.takeAmong(await this.appsOf(scope, event), scope, event, text);
  }

  private async takeAmong(apps: readonly Scope[], scope: Scope, event: TilledEvent, text?: string): Promise<Receipt> {
    const owner = await this.parts.owners.findByRows(event, apps);
    if (owner !== null) return this.record(owner, event, text);
    const keeper = apps[0] ?? scope;
    await keeper.transaction((tx) => this.parts.jobs.enqueue(tx, { kind: ROUTE, subject: event.id, payload: event }));
    keeper.request.log.info('webhook waits for its app to be found', { eventId: event.id, type: event.type });
    return { kind: 'recorded', eventId: event.id };
  }

  /**
   * The handler of ROUTE: asks Tilled whose object it is, and records the event there. Tried until Tilled answers. An
   * object that no app made may be about to become one's (a card before it is attached), so it is looked at again for a
   * day.
   */
  async route(scope: Scope, lease: Lease): Promise<void> {
    const event = lease.payload as TilledEvent;
    const isOver = scope.now().getTime() - lease.createdAt.getTime() >= NOBODYS_AFTER_MS;
    try {
      const owner = await this.parts.owners.findAtTilled(event, await this.appsOf(scope, event));
      if (owner !== null) await this.record(owner, event);
      else if (!isOver) return await this.routeLater(scope, lease, 'No app made its object.');
      else scope.request.log.info('webhook of an object that no app made', { eventId: event.id, type: event.type });
    } catch (error) {
      scope.request.log.warn('the app of a webhook could not be found', { eventId: event.id, ...errorFields(error) });
      return this.routeLater(scope, lease, error instanceof Error ? error.message : String(error));
    }
    await scope.transaction((tx) => this.parts.jobs.complete(tx, lease));
  }

  private routeLater(scope: Scope, lease: Lease, error: string): Promise<void> {
    const dueInMs = Math.min(ROUTE_AGAIN_MS * 2 ** lease.attempts, ROUTE_AGAIN_MS_MAX);
    return this.parts.jobs.release(scope, lease, { dueInMs, error });
  }

  /** The apps of the account an event is of, oldest first. */
  private async appsOf(scope: Scope, event: TilledEvent): Promise<readonly Scope[]> {
    const endpoints = await this.parts.directory.ofAccount(event.account_id);
    return endpoints.length === 0 ? [scope] : endpoints.map((endpoint) => endpoint.scope);
  }

  private async receiveAt(delivery: Opened, endpoints: readonly WebhookEndpoint[]): Promise<Receipt> {
    if (delivery.appId !== null && endpoints.some(({ isRemoved }) => isRemoved)) return { kind: 'removed' };
    const listening = endpoints.filter((endpoint) => endpoint.secrets.length > 0);
    if (listening.length === 0) return { kind: 'unknown_endpoint' };
    const verified = this.verified(delivery, listening);
    if ('kind' in verified) return verified;
    const event = delivery.body.read();
    if (event === null) return { kind: 'unusable', reason: 'The body is not an event.' };
    if (verified.scope.caller.app.processorAccountId !== event.account_id)
      return { kind: 'unusable', reason: 'The event is of another account.' };
    const retryAfterMs = (await delivery.waitMs?.(verified.scope.appId)) ?? 0;
    if (retryAfterMs > 0) return { kind: 'limited', retryAfterMs };
    // Endpoints of an account are those of all its apps; that of the app in the path is one of them.
    const apps = delivery.appId === null ? endpoints.map(({ scope }) => scope) : await this.appsOf(verified.scope, event);
    return this.takeAmong(apps, verified.scope, event, delivery.body.text());
  }

  /** Whether the app or account that a delivery names is known already, so that no new query is needed. */
  private isKnown(delivery: Opened): boolean {
    if (delivery.appId !== null) return this.parts.directory.knowsApp(delivery.appId);
    const claimed = delivery.body.read();
    return claimed !== null && this.parts.directory.knowsAccount(claimed.account_id);
  }

  /**
   * Stores an event of an app once, as the text it came as if there is one, marked so that a worker queues its object.
   * Resolves once it is committed.
   */
  record(scope: Scope, event: TilledEvent, text = JSON.stringify(event)): Promise<Receipt> {
    const known = this.coalescers.get(scope.appId);
    const coalescer = known ?? new Coalescer<Arrival, Receipt>((arrivals) => this.recordAll(arrivals), COALESCING);
    if (known === undefined) this.coalescers.set(scope.appId, coalescer);
    return coalescer.add({ scope, event, text });
  }

  /** One statement for all arrivals of one app; one transaction where facts are to be kept with them. */
  private async recordAll(arrivals: readonly Arrival[]): Promise<readonly Receipt[]> {
    const [first] = arrivals;
    if (first === undefined) return [];
    const rows = arrivals.map((arrival) => this.rowOf(arrival));
    const facts = arrivals.map(({ event }) => factOfEvent(event, this.parts.clock.now()));
    const store = async (scope: Scope) => {
      const storedIds = await WebhookEventRepository.of(scope).storeAll(rows);
      const isNew = (_: unknown, index: number) => storedIds.has(rows[index]?.id ?? '');
      await WebhookFactRepository.of(scope).keepAll(facts.filter(isNew).filter((fact) => fact !== null));
      return storedIds;
    };
    const stored = await (facts.some((fact) => fact !== null) ? first.scope.statements(store) : store(first.scope));
    if (rows.some(({ objectId }) => objectId !== null)) this.parts.jobs.wake();
    const kinds = rows.map(({ id }) => (stored.has(id) ? 'recorded' : 'duplicate'));
    const idsOf = (kind: string) => rows.filter((_, index) => kinds[index] === kind).map(({ eventId }) => eventId);
    first.scope.request.log.info('webhooks stored', { recorded: idsOf('recorded'), again: idsOf('duplicate') });
    return rows.map(({ eventId }, index) => ({ kind: kinds[index] ?? 'duplicate', eventId }));
  }

  private rowOf({ event, text }: Arrival): NewWebhookEvent {
    const object = objectOf(event);
    const now = this.parts.clock.now();
    return {
      id: this.parts.ids.make('whe'),
      eventId: event.id,
      type: event.type,
      objectKind: object?.kind ?? null,
      objectId: object?.id ?? null,
      status: object === null ? WebhookEventStatus.PROCESSED : WebhookEventStatus.RECEIVED,
      payload: text,
      receivedAt: now,
      processedAt: object === null ? now : null,
    };
  }

  private async endpointsFor(delivery: Opened, since?: number): Promise<readonly WebhookEndpoint[]> {
    if (delivery.appId !== null) return this.parts.directory.ofApp(delivery.appId, since);
    // Only which secrets to try is taken from the body here; it is believed after one of them fits.
    const claimed = delivery.body.read();
    return claimed === null ? [] : this.parts.directory.ofAccount(claimed.account_id, since);
  }

  private verified(delivery: Delivery, endpoints: readonly WebhookEndpoint[]): WebhookEndpoint | Receipt {
    const nowMs = this.parts.clock.now().getTime();
    let reason = 'missing';
    let isStale = false;
    for (const endpoint of endpoints) {
      const verdict = verifySignature({
        header: signatureOf(delivery),
        rawBody: delivery.rawBody,
        secrets: endpoint.secrets,
        nowMs,
        toleranceMs: TOLERANCE_MS,
      });
      if (verdict.ok) return endpoint;
      reason = verdict.reason;
      isStale ||= reason === 'stale';
    }
    return isStale ? { kind: 'stale', reason: 'stale' } : { kind: 'unverified', reason };
  }
}

function signatureOf(delivery: Delivery): string | undefined {
  const header = delivery.headers[TILLED_SIGNATURE_HEADER];
  return typeof header === 'string' ? header : undefined;
}
