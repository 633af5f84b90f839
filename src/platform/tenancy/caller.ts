import type { Actor } from './actor.js';
import type { AppIdentity } from './app-identity.js';

interface CallerParts {
  readonly app: AppIdentity;
  readonly actor: Actor;
  readonly requestId: string;
  readonly idempotencyKey?: string | undefined;
}

/** Who asks, and for which app. Never changes. There is no way to make one without an app. */
export class Caller {
  readonly app: AppIdentity;
  readonly actor: Actor;
  readonly requestId: string;
  /** The default key of mutations in this request: the Idempotency-Key header. */
  readonly idempotencyKey: string | undefined;

  constructor({ app, actor, requestId, idempotencyKey }: CallerParts) {
    if (!app.id) throw new Error('A caller needs an app.');
    this.app = app;
    this.actor = actor;
    this.requestId = requestId;
    this.idempotencyKey = idempotencyKey;
  }

  /** The one customer whose rows the caller may see, or null when it may see all of the app. */
  get onlyCustomerId(): string | null {
    return this.actor.kind === 'customer' ? this.actor.customerId : null;
  }
}
