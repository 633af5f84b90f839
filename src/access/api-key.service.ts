import { randomBytes } from 'node:crypto';
import { BriefCache } from '../platform/brief-cache.js';
import { type Clock, plusMs } from '../platform/clock.js';
import type { Database } from '../platform/db/database.js';
import { places } from '../platform/db/sql.js';
import { Conflict, InvalidInput, NotFound } from '../platform/errors.js';
import type { Ids } from '../platform/ids.js';
import type { Log } from '../platform/log.js';
import type { Scope } from '../platform/tenancy/scope.js';
import type { Vault } from '../platform/vault.js';
import { ApiKey, type KeyRole } from './api-key.entity.js';
import { KeyUsage } from './api-key.usage.js';
import { checkedScopes } from './key-scopes.js';

/** What a new key is confined to, beside its role. */
export interface KeyWish {
  /** None means all of the role. */
  readonly scopes?: readonly string[] | undefined;
  /** Days until it opens nothing any more; never without them. */
  readonly expiresInDays?: number | undefined;
}

/** A key as it is shown once; it cannot be read again. */
export interface ShownKey {
  readonly id: string;
  readonly key: string;
}

interface ApiKeysParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly vault: Vault;
}

const PREFIX: Readonly<Record<KeyRole, string>> = { service: 'bg_svc_', read_only: 'bg_ro_', operator: 'bg_ops_' };
const FORM = /^bg_(?:svc|ro|ops)_[\w-]{43}$/;
const DAY_MS = 86_400_000;
const DAYS_MAX = 3_650;
/** How long a revoked key may still open another process, ms: the bound that is promised. */
const STALE_MS_MAX = 5_000;
/** How long the hashes of all keys are remembered, ms: so long may a new key be refused to an address that guesses. */
const LISTED_MS_MAX = 1_000;

/** The keys of apps: made, known again, replaced and revoked. */
export class ApiKeys {
  private readonly cache: BriefCache<ApiKey>;
  private readonly hashes: BriefCache<ReadonlySet<string>>;
  private readonly usage: KeyUsage;

  constructor(private readonly parts: ApiKeysParts) {
    this.cache = new BriefCache(parts.clock, { keptMs: STALE_MS_MAX, sizeMax: 10_000 });
    this.hashes = new BriefCache(parts.clock, { keptMs: LISTED_MS_MAX, sizeMax: 1 });
    this.usage = new KeyUsage(parts);
  }

  /** The valid key behind a credential, at most five seconds old; null for any other text. */
  async recognise(credential: string): Promise<ApiKey | null> {
    if (!FORM.test(credential)) return null;
    const prints = this.parts.vault.fingerprints(credential);
    const key = await this.cache.get(prints[0].hash, () => this.load(prints.map(({ hash }) => hash)));
    if (key === null || (key.expiresAt !== null && key.expiresAt <= this.parts.clock.now())) return null;
    this.usage.note(key, prints[0]);
    return key;
  }

  /** Whether there is such a key, as of a second ago: whatever is asked, there is one query in that time. */
  async isListed(credential: string): Promise<boolean> {
    if (!FORM.test(credential)) return false;
    const listed = await this.hashes.get('all', async () => new Set(await this.liveHashes()));
    return this.parts.vault.fingerprints(credential).some(({ hash }) => listed?.has(hash));
  }

  /** Makes a key of the scope's app. Throws InvalidInput for scopes that there are not, or too long a life. */
  async create(scope: Scope, role: KeyRole, wish: KeyWish = {}): Promise<ShownKey> {
    const expiresAt = wish.expiresInDays === undefined ? null : plusMs(scope.now(), daysMs(wish.expiresInDays));
    return this.add(scope, { role, scopes: checkedScopes(role, wish.scopes ?? []), expiresAt });
  }

  /** The keys of an app, or of all apps; never what opens them. */
  list(appId: string | null): Promise<ApiKey[]> {
    return appId === null ? this.select('1 = 1', []) : this.select('app_id = ?', [appId]);
  }

  /** The key with this id, of whatever app; for the command line. Throws NotFound. */
  async get(id: string): Promise<ApiKey> {
    const [key] = await this.select('id = ?', [id]);
    if (key === undefined) throw new NotFound('key', id, ['id']);
    return key;
  }

  /**
   * A key that takes over from another, with its role, scopes and length of life; the other one still opens for
   * `overlapMs`. Throws Conflict for a key that opens nothing any more, or was replaced already.
   */
  async rotate(scope: Scope, id: string, overlapMs: number): Promise<ShownKey> {
    if (!(overlapMs >= 0)) throw InvalidInput.because(['overlapHours'], '--overlap-hours is not a number of hours.');
    const now = scope.now();
    const [old] = await this.select('app_id = ? and id = ?', [scope.appId, id]);
    if (old === undefined) throw new NotFound('key', id, ['id']);
    const isOver = old.revokedAt !== null || (old.expiresAt !== null && old.expiresAt <= now);
    if (isOver || old.replacedBy !== null) throw new Conflict(`Key ${id} was revoked, replaced or has expired: make a new key instead.`);
    const lifeMs = old.expiresAt === null ? null : old.expiresAt.getTime() - old.createdAt.getTime();
    const made = await scope.transaction(async (tx) => {
      const shown = await this.add(tx, { role: old.role, scopes: old.scopes, expiresAt: lifeMs === null ? null : plusMs(now, lifeMs) });
      const endsAt = new Date(Math.min(old.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY, now.getTime() + overlapMs));
      // Of two rotations at the same time one finds nothing to change, and undoes what it made.
      const sql = 'update billing_api_keys set expires_at = ?, replaced_by = ? where app_id = ? and id = ? and replaced_by is null';
      if ((await tx.db.run(sql, [endsAt, shown.id, tx.appId, id])) !== 1)
        throw new Conflict(`Key ${id} is being replaced by somebody else.`);
      return shown;
    });
    this.forget();
    return made;
  }

  /** Lets a key open nothing any more: at once here, within five seconds in every other process. Repeatable. */
  async revoke(scope: Scope, id: string): Promise<void> {
    const sql = 'update billing_api_keys set revoked_at = ? where app_id = ? and id = ? and revoked_at is null';
    await scope.db.run(sql, [scope.now(), scope.appId, id]);
    this.forget();
  }

  /** Takes all keys of the scope's app away, as fast as `revoke`; returns how many there were. */
  async removeAll(scope: Scope): Promise<number> {
    const removed = await scope.db.run('delete from billing_api_keys where app_id = ?', [scope.appId]);
    this.forget();
    return removed;
  }

  private async add(scope: Scope, facts: Pick<ApiKey, 'role' | 'scopes' | 'expiresAt'>): Promise<ShownKey> {
    const key = PREFIX[facts.role] + randomBytes(32).toString('base64url');
    const id = this.parts.ids.make('key');
    const [{ hash, keyId: pepperId }] = this.parts.vault.fingerprints(key);
    const times = { createdAt: scope.now(), lastUsedAt: null, replacedBy: null, revokedAt: null };
    await scope.transaction(async (tx) => {
      const row = { id, appId: tx.appId, ...facts, hash, pepperId, hint: key.slice(0, 12), ...times };
      tx.db.entityManager().persist(tx.db.entityManager().create(ApiKey, row));
    });
    this.hashes.clear();
    return { id, key };
  }

  private forget(): void {
    this.cache.clear();
    this.hashes.clear();
  }

  private async liveHashes(): Promise<string[]> {
    const { name } = this.parts.database.table(ApiKey);
    const rows = await this.parts.database.query(`select hash from ${name} where revoked_at is null`, []);
    return rows.map(({ hash }) => String(hash));
  }

  private async load(hashes: readonly string[]): Promise<ApiKey | null> {
    const [key] = await this.select(`hash in (${places(hashes)}) and revoked_at is null`, hashes);
    return key ?? null;
  }

  private async select(where: string, parameters: readonly unknown[]): Promise<ApiKey[]> {
    const table = this.parts.database.table(ApiKey);
    const sql = `select ${table.selectList} from ${table.name} where ${where} order by app_id, id`;
    return (await this.parts.database.query(sql, parameters)).map((raw) => table.fromRaw(raw));
  }
}

function daysMs(days: number): number {
  if (!Number.isInteger(days) || days < 1 || days > DAYS_MAX)
    throw InvalidInput.because(['expiresInDays'], `--expires-in-days is not a whole number from 1 to ${DAYS_MAX}.`);
  return days * DAY_MS;
}
