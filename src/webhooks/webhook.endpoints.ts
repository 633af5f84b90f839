import { placeOf, WEBHOOK_SECRET } from '../access/secret-places.js';
import type { Processor } from '../billing/kit/processor.js';
import { plusMs } from '../platform/clock.js';
import { AppError, Conflict } from '../platform/errors.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import { type Lease, WITHOUT_LEASE } from '../platform/jobs/lease.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { Vault } from '../platform/vault.js';
import type { TilledEventType, TilledWebhookEndpoint } from '../tilled/tilled.shapes.js';
import { REGISTERED_TYPES } from './event-catalogue.js';
import { WebhookSecretRepository } from './webhook-secret.repository.js';

/** Removes an endpoint at Tilled whose time of overlap is over. */
export const ENDPOINT_RETIREMENT = 'webhook.endpoint.retire';

const RETIRE_AGAIN_MS = 3_600_000;

/** An event type that hardly ever comes: what a new endpoint listens to until we hold its secret. */
const QUIET: readonly TilledEventType[] = ['report_run.failed'];

/** The endpoints at Tilled that deliver an app's events here, and the secrets they sign with. */
export class WebhookEndpoints {
  constructor(
    private readonly processor: Processor,
    private readonly jobs: Jobs,
    private readonly vault: Vault,
  ) {}

  /** Makes an endpoint for the types that do something here, and keeps its secret. Returns the endpoint's id. */
  async register(scope: Scope, url: string): Promise<string> {
    // Tilled shows the secret in its answer only. The endpoint is quiet until the secret is stored: nothing that it
    // delivers is ever refused for a secret that we do not know yet.
    const made = await this.processor.send(scope, WITHOUT_LEASE, (tilled) =>
      tilled.createWebhookEndpoint({ url, enabled_events: [...QUIET], description: `billing-gateway ${scope.appId}` }),
    );
    await scope.transaction(async (tx) => {
      const id = tx.newId('whsec');
      WebhookSecretRepository.of(tx).add({
        id,
        secret: this.vault.seal(made.secret ?? '', placeOf(WEBHOOK_SECRET, tx.appId, id)),
        tilledEndpointId: made.id,
        createdAt: tx.now(),
        expiresAt: null,
      });
    });
    await this.processor.send(scope, WITHOUT_LEASE, (tilled) =>
      tilled.updateWebhookEndpoint(made.id, { enabled_events: [...REGISTERED_TYPES] }),
    );
    scope.request.log.info('webhook endpoint registered', { tilledEndpointId: made.id, url });
    return made.id;
  }

  /**
   * Lets a new endpoint with a new secret take over from the current one without a gap: both deliver while `overlapMs`
   * lasts (an event that comes twice is one event), then the old one goes and its secret is accepted no more.
   */
  async rotate(scope: Scope, overlapMs: number): Promise<string> {
    const current = (await WebhookSecretRepository.of(scope).active()).find((secret) => secret.expiresAt === null);
    if (current === undefined || current.tilledEndpointId === null) {
      throw new Conflict('This app has no endpoint of its own to rotate: make one with billing webhooks register --app … --url ….');
    }
    const endpointId = current.tilledEndpointId;
    const old = await this.endpoint(scope, endpointId);
    const madeId = await this.register(scope, old.url);
    await scope.transaction(async (tx) => {
      (await WebhookSecretRepository.of(tx).lock(current.id)).expiresAt = plusMs(tx.now(), overlapMs);
      await this.jobs.enqueue(tx, { kind: ENDPOINT_RETIREMENT, subject: endpointId, dueInMs: overlapMs });
    });
    scope.request.log.info('webhook secret rotated', { tilledEndpointId: madeId, retiring: endpointId, overlapMs });
    return madeId;
  }

  /** The handler of ENDPOINT_RETIREMENT. */
  async retire(scope: Scope, lease: Lease): Promise<void> {
    try {
      await this.processor.sendIfThere(scope, lease, (tilled) => tilled.deleteWebhookEndpoint(lease.subject));
    } catch (error) {
      // Never given up: an endpoint that stays would be answered 401 for ever.
      if (!(error instanceof AppError)) throw error;
      scope.request.log.warn('webhook endpoint not retired yet', { tilledEndpointId: lease.subject, reason: error.message });
      return this.jobs.release(scope, lease, { dueInMs: RETIRE_AGAIN_MS });
    }
    await scope.transaction((tx) => this.jobs.complete(tx, lease));
    scope.request.log.info('webhook endpoint retired', { tilledEndpointId: lease.subject });
  }

  /** The endpoints that the app's account has at Tilled. */
  async list(scope: Scope): Promise<readonly TilledWebhookEndpoint[]> {
    return (await this.processor.ask(scope, (tilled) => tilled.listWebhookEndpoints({ limit: 100 }))).items;
  }

  /** Ends deliveries to an endpoint at once. Throws Conflict where Tilled has no such endpoint. */
  async remove(scope: Scope, id: string): Promise<void> {
    const { url } = await this.endpoint(scope, id);
    await this.processor.sendIfThere(scope, WITHOUT_LEASE, (tilled) => tilled.deleteWebhookEndpoint(id));
    scope.request.log.warn('webhook endpoint removed', { tilledEndpointId: id, url });
  }

  /** Ends deliveries to all endpoints that were registered for the app; returns how many there were. Repeatable. */
  async removeOwn(scope: Scope): Promise<number> {
    const ids = (await WebhookSecretRepository.of(scope).active()).flatMap(({ tilledEndpointId }) => tilledEndpointId ?? []);
    for (const id of ids) await this.processor.sendIfThere(scope, WITHOUT_LEASE, (tilled) => tilled.deleteWebhookEndpoint(id));
    return ids.length;
  }

  private async endpoint(scope: Scope, id: string): Promise<TilledWebhookEndpoint> {
    const found = (await this.list(scope)).find((endpoint) => endpoint.id === id);
    if (found === undefined) throw new Conflict(`Tilled has no endpoint ${id}: make a new one with billing webhooks register.`);
    return found;
  }
}
