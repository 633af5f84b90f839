import { z } from 'zod';
import type { Clock } from '../../platform/clock.js';
import { Coalescer } from '../../platform/coalescer.js';
import type { Ids } from '../../platform/ids.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledEvent } from '../../tilled/tilled.shapes.js';
import { TILLED_SIGNATURE_HEADER, verifySignature } from '../../tilled/tilled.signature.js';
import { type EventFact, factOfEvent, jobKindOf, objectOf } from './event-catalogue.js';
import type { WebhookDirectory, WebhookEndpoint } from './webhook.directory.js';
import { WebhookEventStatus } from './webhook-event.entity.js';
import { type NewWebhookEvent, WebhookEventRepository } from './webhook-event.repository.js';
import { WebhookFactRepository } from './webhook-fact.repository.js';

/** One delivery as it came over the wire. */
export interface Delivery {
  readonly rawBody: Buffer;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The app in the path, if the path names one. */
  readonly appId: string | null;
}

/** What became of a delivery. */
export type Receipt =
  | { readonly kind: 'recorded' | 'duplicate'; readonly eventId: string }
  /** No app, no secret for it, or no app with the account the body names: nothing is listening here. */
  | { readonly kind: 'unknown_endpoint' }
  /** Not signed by Tilled for this app, or too long ago. Nothing of it is kept. */
  | { readonly kind: 'unverified'; readonly reason: string }
  /** Signed, but not an event, or an event of another account. */
  | { readonly kind: 'unusable'; readonly reason: string };

interface WebhookInboxParts {
  readonly directory: WebhookDirectory;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** A verified event on its way into the database. */
interface Arrival {
  readonly scope: Scope;
  readonly event: TilledEvent;
}

const TOLERANCE_MS = 300_000;

/** Two writes under way keep the database busy without queueing behind each other. */
const COALESCING = { writesMax: 2, itemsMax: 64, isolatesFailures: true };

const EVENT = z.looseObject({
  id: z.string().min(1).max(64),
  account_id: z.string().min(1).max(64),
  type: z.string().min(1).max(64),
  data: z.looseObject({}),
});

/** Takes deliveries: verified first, stored once, their object marked, all before anybody answers 200. */
export class WebhookInbox {
  /** One for each app: a write never mixes apps. */
  private readonly coalescers = new Map<string, Coalescer<Arrival, Receipt>>();

  constructor(private readonly parts: WebhookInboxParts) {}

  /** Takes one delivery; resolves once the event is committed. Throws when the database cannot record it. */
  async receive(delivery: Delivery): Promise<Receipt> {
    const receipt = await this.receiveAt(delivery, await this.endpointsFor(delivery, false));
    // A secret or app that is newer than what we remember: look once more before refusing.
    const mayBeNew = receipt.kind === 'unverified' || receipt.kind === 'unknown_endpoint';
    return mayBeNew ? this.receiveAt(delivery, await this.endpointsFor(delivery, true)) : receipt;
  }

  /** The app that an event belongs to, among those that share its account; `scope` is one of them. */
  async ownerInAccount(scope: Scope, event: TilledEvent): Promise<Scope> {
    const endpoints = await this.parts.directory.ofAccount(event.account_id, false);
    return this.ownerOf(event, endpoints, endpoints[0]?.scope ?? scope);
  }

  private async receiveAt(delivery: Delivery, endpoints: readonly WebhookEndpoint[]): Promise<Receipt> {
    const listening = endpoints.filter((endpoint) => endpoint.secrets.length > 0);
    if (listening.length === 0) return { kind: 'unknown_endpoint' };
    const verified = this.verified(delivery, listening);
    if ('kind' in verified) return verified;
    const event = parsedEvent(delivery.rawBody);
    if (event === null) return { kind: 'unusable', reason: 'The body is not an event.' };
    if (verified.scope.app.processorAccountId !== event.account_id) return { kind: 'unusable', reason: 'The event is of another account.' };
    return this.record(this.ownerOf(event, listening, verified.scope), event);
  }

  /** Stores an event of an app once, with the job that looks at its object again. Resolves once both are committed. */
  record(scope: Scope, event: TilledEvent): Promise<Receipt> {
    const known = this.coalescers.get(scope.appId);
    const coalescer = known ?? new Coalescer<Arrival, Receipt>((arrivals) => this.recordAll(arrivals), COALESCING);
    if (known === undefined) this.coalescers.set(scope.appId, coalescer);
    return coalescer.add({ scope, event });
  }

  /** One transaction for all arrivals of one app. */
  private async recordAll(arrivals: readonly Arrival[]): Promise<readonly Receipt[]> {
    const [first] = arrivals;
    if (first === undefined) return [];
    const rows = arrivals.map(({ event }) => this.rowOf(event));
    const stored = await first.scope.transaction(async (tx) => {
      const storedIds = await WebhookEventRepository.of(tx).storeAll(rows);
      const news = arrivals.filter((_, index) => storedIds.has(rows[index]?.id ?? ''));
      const objects = new Map(news.map(({ event }) => objectOf(event)).map((object) => [`${object?.kind} ${object?.id}`, object]));
      const jobs = [...objects.values()]
        .filter((object) => object !== null)
        .map(({ kind, id }) => ({ kind: jobKindOf(kind), subject: id }));
      await this.parts.jobs.enqueueAll(tx, jobs);
      await WebhookFactRepository.of(tx).keepAll(news.flatMap(({ event }) => factsOf(event, this.parts.clock.now())));
      return storedIds;
    });
    return arrivals.map(({ scope, event }, index) => {
      const isNew = stored.has(rows[index]?.id ?? '');
      scope.log.info(isNew ? 'webhook recorded' : 'webhook delivered again', { eventId: event.id, type: event.type });
      return { kind: isNew ? 'recorded' : 'duplicate', eventId: event.id };
    });
  }

  private rowOf(event: TilledEvent): NewWebhookEvent {
    const object = objectOf(event);
    const now = this.parts.clock.now();
    return {
      id: this.parts.ids.make('whe'),
      eventId: event.id,
      type: event.type,
      objectKind: object?.kind ?? null,
      objectId: object?.id ?? null,
      status: object === null ? WebhookEventStatus.PROCESSED : WebhookEventStatus.RECEIVED,
      payload: event,
      receivedAt: now,
      processedAt: object === null ? now : null,
    };
  }

  private async endpointsFor(delivery: Delivery, isFresh: boolean): Promise<readonly WebhookEndpoint[]> {
    if (delivery.appId !== null) return this.parts.directory.ofApp(delivery.appId, isFresh);
    // Only which secrets to try is taken from the body here; it is believed after one of them fits.
    const claimed = parsedEvent(delivery.rawBody);
    return claimed === null ? [] : this.parts.directory.ofAccount(claimed.account_id, isFresh);
  }

  private verified(delivery: Delivery, endpoints: readonly WebhookEndpoint[]): WebhookEndpoint | Receipt {
    const nowMs = this.parts.clock.now().getTime();
    let reason = 'missing';
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
    }
    return { kind: 'unverified', reason };
  }

  /** Apps may share an account: the event belongs to the app that made the object, else to the one it was verified for. */
  private ownerOf(event: TilledEvent, endpoints: readonly WebhookEndpoint[], otherwise: Scope): Scope {
    const metadata = (event.data as { metadata?: { billing_app_id?: unknown } | null }).metadata;
    return endpoints.find((endpoint) => endpoint.scope.appId === metadata?.billing_app_id)?.scope ?? otherwise;
  }
}

function factsOf(event: TilledEvent, receivedAt: Date): (EventFact & { eventId: string })[] {
  const fact = factOfEvent(event, receivedAt);
  return fact === null ? [] : [{ ...fact, eventId: event.id }];
}

function signatureOf(delivery: Delivery): string | undefined {
  const header = delivery.headers[TILLED_SIGNATURE_HEADER];
  return typeof header === 'string' ? header : undefined;
}

function parsedEvent(rawBody: Buffer): TilledEvent | null {
  try {
    const parsed = EVENT.safeParse(JSON.parse(rawBody.toString('utf8')));
    return parsed.success ? (parsed.data as unknown as TilledEvent) : null;
  } catch {
    return null;
  }
}
