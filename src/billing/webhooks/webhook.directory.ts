import type { Scope } from '../../platform/tenancy/scope.js';
import type { AccessService } from '../access/access.service.js';
import { WebhookSecretRepository } from './webhook-secret.repository.js';

/** Where events of one app arrive. */
export interface WebhookEndpoint {
  readonly scope: Scope;
  /** The secrets its deliveries may be signed with; none: nothing is listening. */
  readonly secrets: readonly string[];
}

/** What is remembered of an app: secrets that end while it is remembered, too. */
interface Listener {
  readonly scope: Scope;
  readonly secrets: readonly { readonly secret: string; readonly expiresAt: Date | null }[];
}

interface Cached<Value> {
  readonly value: Promise<Value>;
  readonly until: number;
}

/**
 * How old an answer may be, ms. A secret that was just rotated in is not refused for it: what does not verify is tried
 * once more with a fresh answer.
 */
const STALE_AFTER_MS = 5_000;

/** Who listens for webhooks: every app, with its own secrets and with that of the deployment's endpoint. */
export class WebhookDirectory {
  private readonly byApp = new Map<string, Cached<Listener | null>>();
  private readonly appIdsByAccount = new Map<string, Cached<readonly string[]>>();

  /** Apps and accounts that are ours: as many as there are apps. */
  private readonly found = new Set<string>();
  private readonly foundAccounts = new Set<string>();

  constructor(
    private readonly access: AccessService,
    private readonly deploymentSecret: string,
  ) {}

  /** The endpoint of one app; none where there is no such app. */
  async ofApp(appId: string, isFresh: boolean): Promise<readonly WebhookEndpoint[]> {
    const listener = await cached(this.byApp, appId, isFresh, () => this.load(appId));
    if (listener === null) return [];
    const now = listener.scope.now();
    const accepted = listener.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
    return [{ scope: listener.scope, secrets: accepted.map(({ secret }) => secret) }];
  }

  /** The endpoints of every app with this Tilled account, the oldest app first. */
  async ofAccount(accountId: string, isFresh: boolean): Promise<readonly WebhookEndpoint[]> {
    const appIds = await cached(this.appIdsByAccount, accountId, isFresh, async () =>
      (await this.access.appsOfAccount(accountId)).map((app) => app.id),
    );
    return (await Promise.all(appIds.map((appId) => this.ofApp(appId, isFresh)))).flat();
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
    this.foundAccounts.add(scope.app.processorAccountId);
    const own = await WebhookSecretRepository.of(scope).active();
    const secrets = [...own, { secret: this.deploymentSecret, expiresAt: null }];
    return { scope, secrets: secrets.filter(({ secret }) => secret !== '') };
  }
}

/** At most this many answers are remembered: account ids come from bodies that nobody has verified yet. */
const REMEMBERED_MAX = 10_000;

function cached<Value>(cache: Map<string, Cached<Value>>, key: string, isFresh: boolean, load: () => Promise<Value>): Promise<Value> {
  const known = cache.get(key);
  if (known !== undefined && !isFresh && known.until > Date.now()) return known.value;
  if (cache.size >= REMEMBERED_MAX) cache.clear();
  const value = load();
  cache.set(key, { value, until: Date.now() + STALE_AFTER_MS });
  value.catch(() => cache.delete(key));
  return value;
}
