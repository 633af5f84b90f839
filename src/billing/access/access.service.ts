import { createHash, randomBytes } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../platform/clock.js';
import type { Database } from '../../platform/db/database.js';
import { InvalidInput, NotFound } from '../../platform/errors.js';
import type { Ids } from '../../platform/ids.js';
import type { Log } from '../../platform/log.js';
import type { Metrics } from '../../platform/metrics.js';
import { type Actor, Scope } from '../../platform/tenancy/scope.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { ApiKey, type KeyRole } from './api-key.entity.js';
import { App } from './app.entity.js';

/** What a request says about itself, beside its credential. */
export interface RequestFacts {
  readonly requestId: string;
  readonly idempotencyKey?: string | undefined;
}

/** A signed token for a browser, and when it ends. */
export interface CustomerSession {
  readonly token: string;
  readonly expiresAt: Date;
}

interface AccessServiceParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
}

const KEY_PREFIX: Readonly<Record<KeyRole, string>> = { service: 'bg_svc_', read_only: 'bg_ro_', operator: 'bg_ops_' };
const SESSION_PREFIX = 'bg_ses_';
const SESSION_ALGORITHM = 'HS256';
const APP_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/i;

/** Apps, their keys and their customers' sessions: who is asking, and as which app. The only place that makes scopes. */
export class AccessService {
  constructor(private readonly parts: AccessServiceParts) {}

  /** The scope a credential opens; null for one that opens nothing. */
  authenticate(credential: string, facts: RequestFacts): Promise<Scope | null> {
    return credential.startsWith(SESSION_PREFIX) ? this.fromSession(credential, facts) : this.fromKey(credential, facts);
  }

  /** A scope of an app for work that no caller asked for directly; null when there is no such app. */
  async scopeOf(appId: string, actor: Actor, facts: RequestFacts): Promise<Scope | null> {
    const app = await this.findApp(appId);
    return app === null ? null : this.scope(app, actor, facts);
  }

  async createApp(input: { readonly id: string; readonly name: string; readonly tilledAccountId: string }): Promise<App> {
    if (!APP_ID.test(input.id))
      throw InvalidInput.because(['id'], 'An app id has 1 to 64 letters, digits, - and _, and begins with a letter or digit.');
    if ((await this.findApp(input.id)) !== null) throw InvalidInput.because(['id'], `There is an app ${input.id} already.`);
    const app = { ...input, sessionSecret: randomBytes(32).toString('base64url'), createdAt: this.parts.clock.now() };
    return this.parts.database.transaction(async (em) => {
      const made = em.create(App, app);
      em.persist(made);
      return made;
    });
  }

  async listApps(): Promise<App[]> {
    return this.apps('1 = 1', []);
  }

  async findApp(id: string): Promise<App | null> {
    return (await this.apps('id = ?', [id]))[0] ?? null;
  }

  /** The apps of a Tilled account, oldest first. */
  appsOfAccount(tilledAccountId: string): Promise<App[]> {
    return this.apps('tilled_account_id = ?', [tilledAccountId]);
  }

  /** Makes a key and returns it; it cannot be read again. Throws NotFound without the app. */
  async createKey(appId: string, role: KeyRole): Promise<{ readonly id: string; readonly key: string }> {
    const scope = await this.scopeOf(appId, { kind: 'command' }, { requestId: 'command' });
    if (scope === null) throw new NotFound('app', appId, ['app']);
    const key = KEY_PREFIX[role] + randomBytes(32).toString('base64url');
    const id = this.parts.ids.make('key');
    await scope.transaction(async (tx) => {
      const row = { id, appId, role, hash: sha256(key), hint: key.slice(0, 12), createdAt: this.parts.clock.now(), revokedAt: null };
      tx.writer().persist(tx.writer().create(ApiKey, row));
    });
    return { id, key };
  }

  /** A token with which a browser may act for one customer until it ends. Throws NotFound. */
  async createSession(scope: Scope, customerId: string, ttlSeconds: number): Promise<CustomerSession> {
    const customer = await CustomerRepository.of(scope).findLive(customerId);
    if (customer === null) throw new NotFound('customer', customerId, ['customerId']);
    const app = await this.findApp(scope.appId);
    if (app === null) throw new NotFound('app', scope.appId);
    const issuedAt = Math.floor(this.parts.clock.now().getTime() / 1000);
    const expiresAt = issuedAt + ttlSeconds;
    const signer = new SignJWT({ app: app.id }).setProtectedHeader({ alg: SESSION_ALGORITHM });
    const token = await signer.setSubject(customer.id).setIssuedAt(issuedAt).setExpirationTime(expiresAt).sign(secretOf(app));
    scope.log.info('customer session made', { customerId: customer.id, expiresAt: new Date(expiresAt * 1000).toISOString() });
    return { token: SESSION_PREFIX + token, expiresAt: new Date(expiresAt * 1000) };
  }

  private async fromKey(key: string, facts: RequestFacts): Promise<Scope | null> {
    const table = this.parts.database.table(ApiKey);
    const [raw] = await this.parts.database.query(`select ${table.selectList} from ${table.name} where hash = ? and revoked_at is null`, [
      sha256(key),
    ]);
    if (raw === undefined) return null;
    const row = table.fromRaw(raw);
    const app = await this.findApp(row.appId);
    return app === null ? null : this.scope(app, { kind: row.role, keyId: row.id }, facts);
  }

  private async fromSession(credential: string, facts: RequestFacts): Promise<Scope | null> {
    const token = credential.slice(SESSION_PREFIX.length);
    const app = await this.findApp(claimedApp(token));
    if (app === null) return null;
    try {
      const { payload } = await jwtVerify(token, secretOf(app), {
        algorithms: [SESSION_ALGORITHM],
        requiredClaims: ['sub', 'exp'],
        currentDate: this.parts.clock.now(),
      });
      if (typeof payload.sub !== 'string' || payload.app !== app.id) return null;
      return this.scope(app, { kind: 'customer', customerId: payload.sub }, facts);
    } catch {
      return null;
    }
  }

  private scope(app: App, actor: Actor, facts: RequestFacts): Scope {
    const { requestId, idempotencyKey } = facts;
    const log = this.parts.log.child({ appId: app.id, requestId });
    const identity = { id: app.id, name: app.name, processorAccountId: app.tilledAccountId };
    const { database, clock, ids, metrics } = this.parts;
    return new Scope({ database, clock, ids, app: identity, actor, requestId, idempotencyKey, log, metrics });
  }

  private async apps(where: string, parameters: readonly unknown[]): Promise<App[]> {
    const table = this.parts.database.table(App);
    const raws = await this.parts.database.query(
      `select ${table.selectList} from ${table.name} where ${where} order by created_at, id`,
      parameters,
    );
    return raws.map((raw) => table.fromRaw(raw));
  }
}

/** Which app a token claims to be of; only used to find the secret that proves it. */
function claimedApp(token: string): string {
  try {
    const [, payload = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { app?: unknown };
    return typeof claims.app === 'string' ? claims.app : '';
  } catch {
    return '';
  }
}

function secretOf(app: App): Uint8Array {
  return Buffer.from(app.sessionSecret, 'base64url');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
