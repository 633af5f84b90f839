import { LRUCache } from 'lru-cache';
import { upTo } from '../brief-cache.js';
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { inserting } from '../db/sql.js';
import { LimitSetting } from './limit-setting.entity.js';

/** How old a remembered setting may be, ms: a limit that is changed holds everywhere after it. */
const STALE_AFTER_MS = 5_000;
const APPS_MAX = 10_000;
/** What a limit is set for, beside keys: all keys of an app, one customer's sessions, all sessions of the app. */
export type AppBudget = 'app' | 'session' | 'sessions';

/** The limits that were set for an app: by key, and by budget. */
type Settings = ReadonlyMap<string, number>;

/** Limits that differ from the deployment's, for an app or for one key. */
export class LimitSettings {
  private readonly known = new LRUCache<string, Settings>({
    ...upTo(APPS_MAX),
    ttl: STALE_AFTER_MS,
    fetchMethod: (appId) => this.read(appId),
    ignoreFetchAbort: true,
    // Where the database does not answer, what was known before holds on.
    allowStaleOnFetchRejection: true,
  });

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Requests in a window for the whole app; undefined where none was set. */
  async ofApp(appId: string): Promise<number | undefined> {
    return (await this.settingsOf(appId)).get('app' satisfies AppBudget);
  }

  /** Requests in a window for one customer of an app, with all their sessions; undefined where none was set. */
  async ofSession(appId: string): Promise<number | undefined> {
    return (await this.settingsOf(appId)).get('session' satisfies AppBudget);
  }

  /** Requests in a window for all sessions of an app; undefined where none was set. */
  async ofSessions(appId: string): Promise<number | undefined> {
    return (await this.settingsOf(appId)).get('sessions' satisfies AppBudget);
  }

  /** Requests in a window for one key of an app; undefined where none was set. */
  async ofKey(appId: string, keyId: string): Promise<number | undefined> {
    return (await this.settingsOf(appId)).get(keyId);
  }

  /** Sets a limit of an app (`id` is an AppBudget) or of one of its keys; null makes it the deployment's again. */
  async set(appId: string, id: string, requestsPerWindow: number | null): Promise<void> {
    await this.database.transaction(async (em) => {
      await this.database.run('delete from billing_limits where app_id = ? and id = ?', [appId, id], em);
      if (requestsPerWindow === null) return;
      const sql = inserting('billing_limits', 'app_id, id, requests_per_window, updated_at');
      await this.database.run(sql, [appId, id, requestsPerWindow, this.clock.now()], em);
    });
    this.known.delete(appId);
  }

  private async settingsOf(appId: string): Promise<Settings> {
    return (await this.known.fetch(appId)) ?? new Map();
  }

  private async read(appId: string): Promise<Settings> {
    const table = this.database.table(LimitSetting);
    const raws = await this.database.query(`select ${table.selectList} from ${table.name} where app_id = ?`, [appId]);
    return new Map(raws.map((raw) => table.fromRaw(raw)).map(({ id, requestsPerWindow }) => [id, requestsPerWindow]));
  }
}
