import { CustomerRepository } from '../billing/customers/customer.repository.js';
import { BriefCache } from '../platform/brief-cache.js';
import type { Clock } from '../platform/clock.js';
import type { Database } from '../platform/db/database.js';
import type { Replicas } from '../platform/db/replicas/replicas.js';
import { InvalidInput, NotFound } from '../platform/errors.js';
import { AlreadyRunning } from '../platform/idempotency/idempotency.errors.js';
import type { Ids } from '../platform/ids.js';
import type { Log } from '../platform/log.js';
import type { Metrics } from '../platform/metrics.js';
import type { Actor } from '../platform/tenancy/actor.js';
import { Caller } from '../platform/tenancy/caller.js';
import { RequestRecord } from '../platform/tenancy/request-record.js';
import { Scope } from '../platform/tenancy/scope.js';
import type { Vault } from '../platform/vault.js';
import type { KeyRole } from './api-key.entity.js';
import { ApiKeys, type KeyWish, type ShownKey } from './api-key.service.js';
import type { App } from './app.entity.js';
import { AppRemoved, Apps, type NewApp } from './app.service.js';

/** What a request says about itself, beside its credential. */
export interface RequestFacts {
  readonly requestId: string;
  readonly idempotencyKey?: string | undefined;
}

/** Whom a session is to be for. */
interface SessionWish {
  readonly customerId: string;
  readonly ttlSeconds: number;
  /** Where the portal leads back to. */
  readonly returnUrl?: string | null | undefined;
}

/** A signed token for a browser, and when it ends. */
export interface CustomerSession {
  readonly token: string;
  readonly expiresAt: Date;
}

interface AccessServiceParts {
  readonly database: Database;
  readonly clock: Clock;
  /** By which apps do business; the same unless they live in a sandbox. */
  readonly businessClock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly vault: Vault;
  /** Servers for reads that may be a little old; null where there are none. */
  readonly replicas: Replicas | null;
}

const SESSION_PREFIX = 'bg_ses_';
const SESSION_ALGORITHM = 'HS256';
/** Who says that a token is a session; for whom is the app. */
const SESSION_ISSUER = 'billing-gateway';
/** Longer ones are not tokens of ours. */
const TOKEN_CHARS_MAX = 4_096;
/** How long the session of a customer who was deleted may still open another process, ms. */
const STALE_MS_MAX = 5_000;
const CUSTOMERS_MAX = 50_000;

/**
 * Apps, their keys and their customers' sessions: who is asking, and as which app. The only place that makes scopes.
 * What a credential opens is remembered for five seconds: so long may a revocation take to reach another process.
 */
export class AccessService {
  readonly apps: Apps;
  readonly keys: ApiKeys;
  /** Whether customers are there, of whom a session was shown that we signed. */
  private readonly customers: BriefCache<{ readonly isThere: boolean }>;

  constructor(private readonly parts: AccessServiceParts) {
    this.apps = new Apps(parts);
    this.keys = new ApiKeys(parts);
    this.customers = new BriefCache(parts.clock, { keptMs: STALE_MS_MAX, sizeMax: CUSTOMERS_MAX });
  }

  /** The scope a credential opens; null for one that opens nothing. */
  authenticate(credential: string, facts: RequestFacts): Promise<Scope | null> {
    return credential.startsWith(SESSION_PREFIX) ? this.fromSession(credential, facts) : this.fromKey(credential, facts);
  }

  /**
   * Whether a credential may be a right one, as far as can be said without a query of its own: no to all keys, and to
   * sessions of all apps, that there are not.
   */
  async mayBeRight(credential: string): Promise<boolean> {
    if (!credential.startsWith(SESSION_PREFIX)) return this.keys.isListed(credential);
    const app = await claimedApp(credential.slice(SESSION_PREFIX.length));
    return app !== '' && this.apps.isListed(app);
  }

  /** A scope of an app, also of a removed one, for work that no caller asked for directly; null when there is none. */
  async scopeOf(appId: string, actor: Actor, facts: RequestFacts): Promise<Scope | null> {
    const app = await this.apps.find(appId);
    return app === null ? null : this.scope(app, actor, facts);
  }

  createApp(input: NewApp): Promise<App> {
    return this.apps.create(input);
  }

  listApps(): Promise<App[]> {
    return this.apps.list();
  }

  findApp(id: string): Promise<App | null> {
    return this.apps.find(id);
  }

  /** The apps of a Tilled account, oldest first; last those that were removed. */
  appsOfAccount(tilledAccountId: string): Promise<App[]> {
    return this.apps.ofAccount(tilledAccountId);
  }

  /** Makes a key and returns it; it cannot be read again. Throws NotFound without the app. */
  async createKey(appId: string, role: KeyRole, wish: KeyWish = {}): Promise<ShownKey> {
    return this.keys.create(await this.commandScope(appId), role, wish);
  }

  /** Replaces a key, of whatever app; see ApiKeys. Throws NotFound. */
  async rotateKey(id: string, overlapMs: number): Promise<ShownKey> {
    const { appId } = await this.keys.get(id);
    return this.keys.rotate(await this.commandScope(appId), id, overlapMs);
  }

  /** Revokes a key, of whatever app; see ApiKeys. Throws NotFound. */
  async revokeKey(id: string): Promise<void> {
    const { appId } = await this.keys.get(id);
    await this.keys.revoke(await this.commandScope(appId), id);
  }

  /**
   * A token with which a browser may act for one customer until it ends. Throws NotFound, and InvalidInput for a return
   * address of another site than the app's own.
   */
  async createSession(scope: Scope, { customerId, ttlSeconds, returnUrl = null }: SessionWish): Promise<CustomerSession> {
    const customer = await CustomerRepository.of(scope).findLive(customerId);
    if (customer === null) throw new NotFound('customer', customerId, ['customerId']);
    if (customer.deletingAt !== null) throw new AlreadyRunning('customerDelete', customerId);
    // Read anew: a token signed with a secret that was just replaced would be refused from the start.
    const app = await this.apps.find(scope.appId);
    if (app === null) throw new NotFound('app', scope.appId);
    assertOwnSite(app, returnUrl);
    const { SignJWT } = await import('jose');
    const issuedAt = Math.floor(this.parts.clock.now().getTime() / 1000);
    const expiresAt = issuedAt + ttlSeconds;
    const signer = new SignJWT({ app: app.id, ...(returnUrl !== null && { returnUrl }) }).setProtectedHeader({ alg: SESSION_ALGORITHM });
    const named = signer.setIssuer(SESSION_ISSUER).setAudience(app.id).setSubject(customer.id);
    const claimed = named.setIssuedAt(issuedAt).setExpirationTime(expiresAt);
    const token = await claimed.sign(this.apps.sessionSecretOf(app));
    scope.request.log.info('customer session made', { customerId: customer.id, expiresAt: new Date(expiresAt * 1000).toISOString() });
    return { token: SESSION_PREFIX + token, expiresAt: new Date(expiresAt * 1000) };
  }

  private async fromKey(credential: string, facts: RequestFacts): Promise<Scope | null> {
    const key = await this.keys.recognise(credential);
    const app = key === null ? null : await this.apps.findRecent(key.appId);
    return key === null || app === null || app.removedAt !== null
      ? null
      : this.scope(app, { kind: key.role, keyId: key.id, scopes: key.scopes }, facts);
  }

  private async fromSession(credential: string, facts: RequestFacts): Promise<Scope | null> {
    const token = credential.slice(SESSION_PREFIX.length);
    const { jwtVerify } = await import('jose');
    const claimed = await claimedApp(token);
    const app = claimed === '' ? null : await this.apps.findRecent(claimed);
    if (app === null || app.removedAt !== null) return null;
    const secret = this.apps.sessionSecretOf(app);
    const verified = await jwtVerify(token, secret, {
      algorithms: [SESSION_ALGORITHM],
      issuer: SESSION_ISSUER,
      audience: app.id,
      requiredClaims: ['sub', 'exp'],
      currentDate: this.parts.clock.now(),
    }).catch(() => null);
    const { sub, exp, app: signedFor, returnUrl } = verified?.payload ?? {};
    if (typeof sub !== 'string' || exp === undefined || signedFor !== app.id) return null;
    const said = { expiresAt: new Date(exp * 1_000), returnUrl: typeof returnUrl === 'string' ? returnUrl : null };
    const scope = this.scope(app, { kind: 'customer', customerId: sub, ...said }, facts);
    return (await this.isThere(scope, sub)) ? scope : null;
  }

  /** Whether a customer is there, and not being deleted, as of at most five seconds ago. */
  private async isThere(scope: Scope, customerId: string): Promise<boolean> {
    const seen = await this.customers.get(`${scope.appId} ${customerId}`, async () => {
      const customer = await CustomerRepository.of(scope).findLive(customerId);
      return { isThere: customer !== null && customer.deletingAt === null };
    });
    return seen?.isThere ?? false;
  }

  private async commandScope(appId: string): Promise<Scope> {
    const scope = await this.scopeOf(appId, { kind: 'command' }, { requestId: 'command' });
    if (scope === null) throw new NotFound('app', appId, ['app']);
    if (scope.caller.app.removedAt !== null) throw new AppRemoved(scope.caller.app);
    return scope;
  }

  private scope(app: App, actor: Actor, facts: RequestFacts): Scope {
    const { database, clock, businessClock, ids, log, metrics, replicas } = this.parts;
    const identity = {
      ...{ id: app.id, name: app.name, corsOrigins: app.corsOrigins ?? [] },
      ...{ suspendedAt: app.suspendedAt, removedAt: app.removedAt },
      processorAccountId: app.tilledAccountId,
      processorCredential: app.tilledSecretKeySealed,
    };
    const caller = new Caller({ app: identity, actor, ...facts });
    const request = new RequestRecord(log.child({ appId: app.id, requestId: facts.requestId }), metrics);
    // Whoever can write, or looks at what a customer just did, has to see it.
    const staleReads = actor.kind === 'read_only' ? replicas?.reads() : undefined;
    return new Scope({ database, clock, businessClock, ids, caller, request, staleReads });
  }
}

/** A page that leads elsewhere would lend its good name to whoever names the address. */
function assertOwnSite({ corsOrigins }: App, returnUrl: string | null): void {
  if (returnUrl === null) return;
  const { protocol, origin, username, password } = URL.parse(returnUrl) ?? {};
  if (protocol !== 'https:' && protocol !== 'http:') throw InvalidInput.because(['returnUrl'], 'returnUrl is not an https:// address.');
  if (username !== '' || password !== '') throw InvalidInput.because(['returnUrl'], 'returnUrl must not have a user or a password in it.');
  if (!(corsOrigins ?? []).some((allowed) => allowed === origin))
    throw InvalidInput.because(['returnUrl'], 'returnUrl is of no origin of the app: billing apps update --cors-origin sets them.');
}

/** Which app a token claims to be of, empty where none; only used to find the secret that proves it. */
async function claimedApp(token: string): Promise<string> {
  if (token.length > TOKEN_CHARS_MAX) return '';
  const { decodeJwt } = await import('jose');
  try {
    const { app } = decodeJwt(token);
    return typeof app === 'string' ? app : '';
  } catch {
    return '';
  }
}
