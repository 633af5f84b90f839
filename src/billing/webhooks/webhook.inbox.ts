import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { z } from 'zod';
import type { Clock } from '../../platform/clock.js';
import type { Ids } from '../../platform/ids.js';
import type { Jobs } from '../../platform/jobs/jobs.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledEvent } from '../../tilled/tilled.shapes.js';
import { TILLED_SIGNATURE_HEADER, verifySignature } from '../../tilled/tilled.signature.js';
import { jobKindOf, objectOf } from './event-object.js';
import { WebhookEventStatus } from './webhook-event.entity.js';
import { WebhookEventRepository } from './webhook-event.repository.js';

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

/** Where the inbox finds out whom a delivery is for. */
export interface WebhookDirectory {
  /** The app's own scope and the secrets its deliveries may be signed with; null when there is no such app. */
  endpointOfApp(appId: string): Promise<WebhookEndpoint | null>;
  /** The endpoints of every app with this Tilled account, the oldest app first. */
  endpointsOfAccount(accountId: string): Promise<readonly WebhookEndpoint[]>;
}

/** Where events of one app arrive. */
export interface WebhookEndpoint {
  readonly scope: Scope;
  readonly secrets: readonly string[];
}

interface WebhookInboxParts {
  readonly directory: WebhookDirectory;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly ids: Ids;
}

const TOLERANCE_MS = 300_000;

const EVENT = z.looseObject({
  id: z.string().min(1).max(64),
  account_id: z.string().min(1).max(64),
  type: z.string().min(1).max(64),
  data: z.looseObject({}),
});

/** Takes deliveries: verified first, stored once, their object marked, all before anybody answers 200. */
export class WebhookInbox {
  constructor(private readonly parts: WebhookInboxParts) {}

  async receive(delivery: Delivery): Promise<Receipt> {
    const endpoints = await this.endpointsFor(delivery);
    const listening = endpoints.filter((endpoint) => endpoint.secrets.length > 0);
    if (listening.length === 0) return { kind: 'unknown_endpoint' };
    const verified = this.verified(delivery, listening);
    if ('kind' in verified) return verified;
    const event = parsedEvent(delivery.rawBody);
    if (event === null) return { kind: 'unusable', reason: 'The body is not an event.' };
    if (verified.scope.app.processorAccountId !== event.account_id) return { kind: 'unusable', reason: 'The event is of another account.' };
    return this.record(await this.ownerOf(event, listening, verified), event);
  }

  /** Stores an event of an app once, with the job that looks at its object again. */
  async record(scope: Scope, event: TilledEvent): Promise<Receipt> {
    try {
      return await scope.transaction((tx) => this.recordOnce(tx, event));
    } catch (error) {
      // The same event was stored between our look and our write: this is one more delivery of it.
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      return scope.transaction((tx) => this.recordOnce(tx, event));
    }
  }

  private async recordOnce(tx: Scope, event: TilledEvent): Promise<Receipt> {
    const events = WebhookEventRepository.of(tx);
    if (await events.countDelivery(event.id)) return { kind: 'duplicate', eventId: event.id };
    const object = objectOf(event);
    const now = this.parts.clock.now();
    events.add({
      id: this.parts.ids.make('whe'),
      eventId: event.id,
      type: event.type,
      objectKind: object?.kind ?? null,
      objectId: object?.id ?? null,
      status: object === null ? WebhookEventStatus.PROCESSED : WebhookEventStatus.RECEIVED,
      deliveries: 1,
      attempts: 0,
      error: null,
      payload: event,
      receivedAt: now,
      processedAt: object === null ? now : null,
    });
    await tx.flush();
    if (object !== null) await this.parts.jobs.enqueue(tx, { kind: jobKindOf(object.kind), subject: object.id });
    tx.log.info('webhook recorded', { eventId: event.id, type: event.type, tilledObjectId: object?.id ?? null });
    return { kind: 'recorded', eventId: event.id };
  }

  private async endpointsFor(delivery: Delivery): Promise<readonly WebhookEndpoint[]> {
    if (delivery.appId !== null) {
      const endpoint = await this.parts.directory.endpointOfApp(delivery.appId);
      return endpoint === null ? [] : [endpoint];
    }
    // Only which secrets to try is taken from the body here; it is believed after one of them fits.
    const claimed = parsedEvent(delivery.rawBody);
    return claimed === null ? [] : this.parts.directory.endpointsOfAccount(claimed.account_id);
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

  /** Apps may share an account: the event belongs to the app that made the object, else to the oldest app. */
  private async ownerOf(event: TilledEvent, endpoints: readonly WebhookEndpoint[], verified: WebhookEndpoint): Promise<Scope> {
    const metadata = (event.data as { metadata?: { billing_app_id?: unknown } | null }).metadata;
    const marked = endpoints.find((endpoint) => endpoint.scope.appId === metadata?.billing_app_id);
    return (marked ?? verified).scope;
  }
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
