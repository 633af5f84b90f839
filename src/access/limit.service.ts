import type { Database } from '../platform/db/database.js';
import { NotFound } from '../platform/errors.js';
import type { AppBudget, LimitSettings } from '../platform/limits/limit-settings.js';
import type { AccessService } from './access.service.js';
import { ApiKey } from './api-key.entity.js';

interface LimitServiceParts {
  readonly database: Database;
  readonly access: AccessService;
  readonly settings: LimitSettings;
}

/** Sets how many requests an app, its sessions, or one of its keys may make in 15 minutes. */
export class LimitService {
  constructor(private readonly parts: LimitServiceParts) {}

  /** Sets a limit of an app; null makes it the deployment's. Holds everywhere within 5 s. Throws NotFound. */
  async limitApp(appId: string, requestsPerWindow: number | null, budget: AppBudget = 'app'): Promise<void> {
    if ((await this.parts.access.findApp(appId)) === null) throw new NotFound('app', appId, ['app']);
    await this.parts.settings.set(appId, budget, requestsPerWindow);
  }

  /** A limit of one key, below its app's; null takes it away. Holds on every instance within 5 s. Throws NotFound. */
  async limitKey(appId: string, keyId: string, requestsPerWindow: number | null): Promise<void> {
    const { name } = this.parts.database.table(ApiKey);
    const [key] = await this.parts.database.query(`select id from ${name} where app_id = ? and id = ?`, [appId, keyId]);
    if (key === undefined) throw new NotFound('key', keyId, ['key']);
    await this.parts.settings.set(appId, keyId, requestsPerWindow);
  }
}
