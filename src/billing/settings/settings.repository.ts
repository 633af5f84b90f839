import { inserting, onConflict } from '../../platform/db/sql.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { AppSettings, UNSET } from './settings.entity.js';

/** The settings of an app: one row, which is made by the first change. */
export class AppSettingsRepository extends TenantRepository<AppSettings> {
  protected readonly entity = AppSettings;
  protected readonly noun = 'settings';
  protected override readonly isPersonal = false;

  /** What holds now. */
  async current(): Promise<AppSettings> {
    const { appId } = this.scope;
    return (await this.find(appId)) ?? Object.assign(new AppSettings(), { ...UNSET, appId, id: appId });
  }

  /** The row, locked and managed; made where there is none, once however many make it. Inside a transaction. */
  async lockOrMake(): Promise<AppSettings> {
    const { db, appId } = this.scope;
    const known = await this.lockBy({ id: appId });
    if (known !== null) return known;
    const unlessThere = onConflict(db.isEmbedded, 'app_id, id', 'id = excluded.id');
    const { version, brandName, brandColor, timeZone, locale, portal } = UNSET;
    const columns = 'app_id, id, version, brand_name, brand_color, time_zone, locale, portal';
    const values = [appId, appId, version, brandName, brandColor, timeZone, locale, JSON.stringify(portal)];
    await db.run(`${inserting('billing_app_settings', columns)} ${unlessThere}`, values);
    return this.lock(appId);
  }
}
