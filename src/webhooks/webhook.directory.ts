import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { AccessService } from '../access/access.service.js';
import { placeOf, WEBHOOK_SECRET } from '../access/secret-places.js';
import { upTo } from '../platform/brief-cache.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { Vault } from '../platform/vault.js';
import { WebhookSecretRepository } from './webhook-secret.repository.js';

/** Where events of one app arrive. */
export interface WebhookEndpoint {
  readonly scope: Scope;
  /** The secrets its deliveries may be signed with; none: nothing is listening. */
  readonly secrets: readonly string[];
  /** Whether its app was removed: then only the deployment's endpoint tells of it. */
  readonly isRemoved: boolean;
}

/** What is remembered of an app: secrets that end while it is remembered, too. */
interface Listener {
  readonly scope: Scope;
  readonly secrets: readonly { readonly secret: string; readonly expiresAt: Date | null }[];
}

/** An answer that is remembered, or on its way. Times are those of performance.now(), ms. */
interface Cached<Value> {
  readonly value: Promise<Value>;
  /** When the database was asked at the earliest: what was written since need not be in the answer. */
  readonly askedAt: number;
  /** A newer one that is still awaited: until it is there, this one serves whoever does not need it. */
  next?: Cached<Value>;
}

/**
 * How old a remembered answer may be, ms. A delivery that does not verify is tried once more with an answer read after
 * it arrived, so a secret that was just rotated in is not refused.
 */
const STALE_AFTER_MS = 5_000;

/** The time between two look-ups of one app, ms, however many unverified deliveries ask for one. */
const ASK_AGAIN_MS = 100;

/** A timer may fire this much before its time, ms. */
const EARLY_MS = 2;

/** So many answers are remembered at most: account ids come from bodies that nobody has verified yet. */
const REMEMBERED = upTo(10_000);

/** The deployment's endpoint at Tilled: what it signs with, and the account it is of. */
export interface DeploymentEndpoint {
  readonly webhookSecret: string;
  readonly accountId: string;
}

/** Who listens for webhooks: every app with its own secrets, and with the deployment's if its endpoint hears of it. */
export class WebhookDirectory {
  private readonly byApp = new LRUCache<string, Cached<Listener | null>>(REMEMBERED);
  private readonly appIdsByAccount = new LRUCache<string, Cached<readonly string[]>>(REMEMBERED);

  /** Apps and accounts that are ours: as many as there are apps. */
  private readonly found = new Set<string>();
  private readonly foundAccounts = new Set<string>();

  constructor(
    private readonly access: AccessService,
    private readonly vault: Vault,
    private readonly deployment: DeploymentEndpoint,
  ) {}

  /** The endpoint of one app, as it was at `since` or later; none where there is no such app. */
  async ofApp(appId: string, since = performance.now() - STALE_AFTER_MS): Promise<readonly WebhookEndpoint[]> {
    const listener = await cached(this.byApp, appId, since, () => this.load(appId));
    if (listener === null) return [];
    const isRemoved = listener.scope.caller.app.removedAt !== null;
    const now = listener.scope.now();
    const accepted = listener.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
    return [{ scope: listener.scope, secrets: accepted.map(({ secret }) => secret), isRemoved }];
  }

  /** The endpoints of every app with this Tilled account, the oldest app first, and last those that were removed. */
  async ofAccount(accountId: string, since = performance.now() - STALE_AFTER_MS): Promise<readonly WebhookEndpoint[]> {
    const appIds = await cached(this.appIdsByAccount, accountId, since, async () =>
      (await this.access.appsOfAccount(accountId)).map((app) => app.id),
    );
    const [only, ...others] = appIds;
    if (only !== undefined && others.length === 0) return this.ofApp(only, since);
    return (await Promise.all(appIds.map((appId) => this.ofApp(appId, since)))).flat();
  }

  /** Whether an app was found before. */
  knowsApp(appId: string): boolean {
    return this.found.has(appId);
  }

  /** Whether an app with this account was found before. */
  knowsAccount(accountId: string): boolean {
    return this.foundAccounts.has(accountId);
  }

  private async load(appId: string): Promise<Listener | null> {
    const scope = await this.access.scopeOf(appId, { kind: 'webhook' }, { requestId: 'webhook' });
    if (scope === null) return null;
    this.found.add(appId);
    this.foundAccounts.add(scope.caller.app.processorAccountId);
    const sealed = await WebhookSecretRepository.of(scope).active();
    const own = sealed.map(({ id, secret, expiresAt }) => ({
      secret: this.vault.open(secret, placeOf(WEBHOOK_SECRET, appId, id)),
      expiresAt,
    }));
    const shared = this.hearsOf(scope) ? [{ secret: this.deployment.webhookSecret, expiresAt: null }] : [];
    return { scope, secrets: [...own, ...shared].filter(({ secret }) => secret !== '') };
  }

  /**
   * Whether the deployment's endpoint can hear of an app: its account is the deployment's, or one that the deployment's
   * key acts for (a partner's merchant). Of an account with a key of its own it cannot, so its secret proves nothing.
   */
  private hearsOf({ caller: { app } }: Scope): boolean {
    return app.processorCredential === null || app.processorAccountId === this.deployment.accountId;
  }
}

/**
 * The remembered answer if it was read at `since` or later, else a new one. Who comes too soon after the last query
 * waits with all others for the next, so that unverified deliveries cannot cause more queries than the clock allows.
 */
function cached<Value>(cache: LRUCache<string, Cached<Value>>, key: string, since: number, load: () => Promise<Value>): Promise<Value> {
  const known = cache.get(key);
  if (known !== undefined && known.askedAt >= since) return known.value;
  if (known?.next !== undefined && known.next.askedAt >= since) return known.next.value;
  const now = performance.now();
  const askedAt = Math.max(now, (known?.next?.askedAt ?? known?.askedAt ?? 0) + ASK_AGAIN_MS);
  const value = askedAt > now ? sleep(askedAt - now + EARLY_MS).then(load) : load();
  const made: Cached<Value> = { value, askedAt };
  if (known === undefined || known.askedAt < now - STALE_AFTER_MS) cache.set(key, made);
  else known.next = made;
  value.then(
    () => cache.get(key)?.next === made && cache.set(key, made),
    () => cache.get(key) === made && cache.delete(key),
  );
  return value;
}
