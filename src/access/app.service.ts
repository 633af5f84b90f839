import { randomBytes } from 'node:crypto';
import { BriefCache } from '../platform/brief-cache.js';
import type { Clock } from '../platform/clock.js';
import type { Database } from '../platform/db/database.js';
import { Conflict, InvalidInput, NotFound } from '../platform/errors.js';
import { recordEvent } from '../platform/outbox/outbox.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { textFault } from '../platform/text.js';
import type { Vault } from '../platform/vault.js';
import { App } from './app.entity.js';
import { placeOf, SESSION_SECRET, TILLED_SECRET_KEY } from './secret-places.js';

/** A new app as its maker describes it. */
export interface NewApp {
  readonly id: string;
  readonly name: string;
  readonly tilledAccountId: string;
  /** Its own key at Tilled; the deployment's is used without one. */
  readonly tilledSecretKey?: string | undefined;
  readonly corsOrigins?: readonly string[] | undefined;
}

interface AppsParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly vault: Vault;
}

/** What can be asked of all apps together. */
interface Union {
  readonly ids: ReadonlySet<string>;
  readonly origins: ReadonlySet<string>;
}

const APP_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/i;
const ORIGINS_MAX = 50;
/** How long a change of an app may stay unseen by other processes, ms. */
const STALE_MS_MAX = 5_000;

/** The app was removed: only its financial records and its id are there still. */
export class AppRemoved extends Conflict {
  constructor({ id, removedAt }: Pick<App, 'id' | 'removedAt'>) {
    super(`The app ${id} was removed${removedAt === null ? '' : ` at ${removedAt.toISOString()}`}. Its id is not given again.`);
  }
}

/** The apps that share this gateway, with their secrets sealed. */
export class Apps {
  private readonly cache: BriefCache<App>;
  private readonly unions: BriefCache<Union>;

  constructor(private readonly parts: AppsParts) {
    this.cache = new BriefCache(parts.clock, { keptMs: STALE_MS_MAX, sizeMax: 10_000 });
    this.unions = new BriefCache(parts.clock, { keptMs: STALE_MS_MAX, sizeMax: 1 });
  }

  /** Throws InvalidInput for an id that is none or taken, for a name that is none, and for origins that are none. */
  async create(input: NewApp): Promise<App> {
    const { id, tilledAccountId, tilledSecretKey } = input;
    const name = input.name.trim();
    const fault = textFault(name, 'line');
    if (fault !== null) throw InvalidInput.because(['name'], `The name of an app ${fault}.`);
    if (!APP_ID.test(id))
      throw InvalidInput.because(['id'], 'An app id has 1 to 64 letters, digits, - and _, and begins with a letter or digit.');
    if ((await this.find(id)) !== null) throw InvalidInput.because(['id'], `There is an app ${id} already.`);
    const app = {
      ...{ id, name, tilledAccountId, createdAt: this.parts.clock.now() },
      sessionSecretSealed: this.newSessionSecret(id),
      tilledSecretKeySealed: tilledSecretKey === undefined ? null : this.sealedTilledKey(id, tilledSecretKey),
      corsOrigins: checkedOrigins(input.corsOrigins ?? []),
      ...{ suspendedAt: null, removedAt: null },
    };
    const made = await this.parts.database.transaction(async (em) => {
      const row = em.create(App, app);
      em.persist(row);
      return row;
    });
    this.forget();
    return made;
  }

  /** Replaces the origins whose pages may read answers for the app. Throws InvalidInput or NotFound. */
  async setOrigins(id: string, origins: readonly string[]): Promise<void> {
    const checked = checkedOrigins(origins);
    await this.set(id, 'cors_origins', checked === null ? null : JSON.stringify(checked));
  }

  /** Gives the app a key of its own at Tilled, or with null the deployment's again. */
  async setTilledSecretKey(id: string, key: string | null): Promise<void> {
    await this.set(id, TILLED_SECRET_KEY.column, key === null ? null : this.sealedTilledKey(id, key));
  }

  /** Ends every customer session of the app within seconds: what signed them is no more. */
  async rotateSessionSecret(id: string): Promise<void> {
    await this.set(id, SESSION_SECRET.column, this.newSessionSecret(id));
  }

  /**
   * Lets nothing be sold for the scope's app: at once here, within five seconds in every other process. Returns since
   * when. Repeatable: the first moment stays.
   */
  async suspend(scope: Scope): Promise<Date> {
    await this.setTime(scope, { column: 'suspended_at', value: scope.now(), event: 'app.suspended' });
    return (await this.find(scope.appId))?.suspendedAt ?? scope.now();
  }

  /** Lets the scope's app sell again, as fast as `suspend`. Repeatable. */
  async resume(scope: Scope): Promise<void> {
    await this.setTime(scope, { column: 'suspended_at', value: null, event: 'app.resumed' });
  }

  /** Ends the scope's app, in its open transaction: no credential opens it, and its id is never given again. */
  async remove(tx: Scope): Promise<Date> {
    const removedAt = tx.now();
    const secrets = `${SESSION_SECRET.column} = null, ${TILLED_SECRET_KEY.column} = null, cors_origins = null`;
    await tx.db.run(`update billing_apps set ${secrets} where id = ?`, [tx.appId]);
    await this.setTime(tx, { column: 'removed_at', value: removedAt, event: 'app.removed' });
    return removedAt;
  }

  /** The apps there are, oldest first. */
  list(): Promise<App[]> {
    return this.select('removed_at is null', []);
  }

  /** The same, and those that were removed. */
  listAll(): Promise<App[]> {
    return this.select('1 = 1', []);
  }

  /** The app as it is now, also a removed one, or null. */
  async find(id: string): Promise<App | null> {
    return (await this.select('id = ?', [id]))[0] ?? null;
  }

  /** The app as it was at most five seconds ago, or null. */
  findRecent(id: string): Promise<App | null> {
    return this.cache.get(id, () => this.find(id));
  }

  /** The apps of a Tilled account, oldest first; last those that were removed, whose money still has news. */
  async ofAccount(tilledAccountId: string): Promise<App[]> {
    const apps = await this.select('tilled_account_id = ?', [tilledAccountId]);
    return [...apps.filter(({ removedAt }) => removedAt === null), ...apps.filter(({ removedAt }) => removedAt !== null)];
  }

  /** Whether any app allows the origin: all that can be asked before a credential is shown. */
  async allowsOrigin(origin: string): Promise<boolean> {
    return (await this.union()).origins.has(origin);
  }

  /** Whether there is an app, as of at most five seconds ago: whatever is asked, there is one query in that time. */
  async isListed(id: string): Promise<boolean> {
    return (await this.union()).ids.has(id);
  }

  /** What signs the app's customer sessions. */
  sessionSecretOf(app: App): Uint8Array {
    const sealed = app.sessionSecretSealed ?? '';
    return Buffer.from(this.parts.vault.open(sealed, placeOf(SESSION_SECRET, app.id, app.id)), 'base64url');
  }

  private async union(): Promise<Union> {
    const made = async () => {
      const apps = await this.list();
      return { ids: new Set(apps.map(({ id }) => id)), origins: new Set(apps.flatMap(({ corsOrigins }) => corsOrigins ?? [])) };
    };
    return (await this.unions.get('all', made)) ?? { ids: new Set(), origins: new Set() };
  }

  private newSessionSecret(id: string): string {
    return this.parts.vault.seal(randomBytes(32).toString('base64url'), placeOf(SESSION_SECRET, id, id));
  }

  private sealedTilledKey(id: string, key: string): string {
    if (!/^sk_\S{4,250}$/.test(key)) throw InvalidInput.because(['tilledSecretKey'], "That is not one of Tilled's secret keys (sk_…).");
    return this.parts.vault.seal(key, placeOf(TILLED_SECRET_KEY, id, id));
  }

  private async set(id: string, column: string, value: string | null): Promise<void> {
    const app = await this.find(id);
    if (app === null) throw new NotFound('app', id, ['app']);
    if (app.removedAt !== null) throw new AppRemoved(app);
    await this.parts.database.run(`update billing_apps set ${column} = ? where id = ?`, [value, id]);
    this.forget();
  }

  private async setTime(scope: Scope, { column, value, event }: { column: string; value: Date | null; event: string }): Promise<void> {
    const isOther = value === null ? 'is not null' : 'is null';
    await scope.transaction(async (tx) => {
      const changed = await tx.db.run(`update billing_apps set ${column} = ? where id = ? and ${column} ${isOther}`, [value, tx.appId]);
      if (changed === 1) recordEvent(tx, { type: event, objectId: tx.appId });
      tx.db.afterCommit(() => this.forget());
    });
  }

  private forget(): void {
    this.cache.clear();
    this.unions.clear();
  }

  private async select(where: string, parameters: readonly unknown[]): Promise<App[]> {
    const table = this.parts.database.table(App);
    const sql = `select ${table.selectList} from ${table.name} where ${where} order by created_at, id`;
    return (await this.parts.database.query(sql, parameters)).map((raw) => table.fromRaw(raw));
  }
}

/** Each once, as browsers write them: scheme, host and port, nothing after. Null for none. Throws InvalidInput. */
function checkedOrigins(origins: readonly string[]): readonly string[] | null {
  if (origins.length > ORIGINS_MAX) throw InvalidInput.because(['corsOrigins'], `An app has at most ${ORIGINS_MAX} origins.`);
  for (const origin of origins) {
    const isOrigin = /^https?:\/\/[a-z0-9.:[\]-]+$/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin;
    if (!isOrigin)
      throw InvalidInput.because(
        ['corsOrigins'],
        `${origin} is not an origin: write https://shop.example.com, without a path and without *.`,
      );
  }
  return origins.length === 0 ? null : [...new Set(origins)].toSorted();
}
