import { NotFound } from '../platform/errors.js';
import { TenantRepository } from '../platform/tenancy/tenant.repository.js';
import { WebhookEndpoint } from './endpoint.entity.js';

/** The endpoints of an app. */
export class WebhookEndpointRepository extends TenantRepository<WebhookEndpoint> {
  protected readonly entity = WebhookEndpoint;
  protected readonly noun = 'webhook endpoint';

  /** Those that are not deleted, oldest first. */
  live(): Promise<WebhookEndpoint[]> {
    return this.rows({ deletedAt: null });
  }

  /** One that is not deleted, or null. */
  async findLive(id: string): Promise<WebhookEndpoint | null> {
    const endpoint = await this.find(id);
    return endpoint?.deletedAt === null ? endpoint : null;
  }

  /** One that is not deleted; throws NotFound, with the input path to blame. */
  async getLive(id: string, field: readonly string[] = ['id']): Promise<WebhookEndpoint> {
    const endpoint = await this.findLive(id);
    if (endpoint === null) throw new NotFound(this.noun, id, field);
    return endpoint;
  }

  /** One that is not deleted, locked; throws NotFound. */
  async lockLive(id: string, field: readonly string[] = ['id']): Promise<WebhookEndpoint> {
    const endpoint = await this.lock(id, field);
    if (endpoint.deletedAt !== null) throw new NotFound(this.noun, id, field);
    return endpoint;
  }

  /** An endpoint as it is at this moment, and for how long nothing is sent to it, ms. Null where there is none. */
  async now(
    id: string,
  ): Promise<{ readonly endpoint: WebhookEndpoint; readonly pausedForMs: number; readonly failingForMs: number } | null> {
    const { db, appId } = this.scope;
    const table = db.table(WebhookEndpoint);
    const sql = `select ${table.selectList}, ${db.time.now} as now_at from ${table.name} where app_id = ? and id = ?`;
    const [raw] = await db.query(sql, [appId, id]);
    if (raw === undefined) return null;
    const [endpoint, now] = [table.fromRaw(raw), db.time.read(raw.now_at).getTime()];
    return {
      endpoint,
      pausedForMs: Math.max(0, (endpoint.pausedUntil?.getTime() ?? now) - now),
      failingForMs: Math.max(0, now - (endpoint.failingSince?.getTime() ?? now)),
    };
  }

  /** Ids of those for which something waits, and whose job of that kind is not there or was given up. */
  async waitingWithoutJob(kind: string): Promise<string[]> {
    const waits = `select d.id from billing_webhook_deliveries d where d.app_id = e.app_id and d.endpoint_id = e.id and d.turn in ('new', 'due')`;
    const job = `select j.id from billing_jobs j where j.app_id = e.app_id and j.kind = ? and j.subject = e.id and j.state <> 'dead'`;
    const sql = `select e.id from billing_webhook_endpoints e
      where e.app_id = ? and (e.is_enabled = 1 or e.deleted_at is not null) and exists (${waits}) and not exists (${job})`;
    return (await this.scope.db.query(sql, [this.scope.appId, kind])).map((row) => String(row['id']));
  }

  /** Its last delivery arrived. */
  async markWell(id: string): Promise<void> {
    const sql = `update billing_webhook_endpoints set failing_since = null, failures = 0, paused_until = null
      where app_id = ? and id = ?`;
    await this.scope.db.run(sql, [this.scope.appId, id]);
  }

  /**
   * It failed so often in a row; `hasRecovered`: after something arrived. Nothing is sent for `pauseMs`. Does nothing
   * where the app changed it since it was read: it may have another address by now, of which nothing is known.
   */
  async markFailing(
    { id, version }: Pick<WebhookEndpoint, 'id' | 'version'>,
    { failures, hasRecovered, pauseMs }: { readonly failures: number; readonly hasRecovered: boolean; readonly pauseMs: number },
  ): Promise<void> {
    const { time } = this.scope.db;
    const since = hasRecovered ? time.now : `coalesce(failing_since, ${time.now})`;
    const sql = `update billing_webhook_endpoints set failing_since = ${since}, failures = ?, paused_until = ${pauseMs > 0 ? time.in('?') : 'null'}
      where app_id = ? and id = ? and version = ?`;
    await this.scope.db.run(sql, [failures, ...(pauseMs > 0 ? [pauseMs] : []), this.scope.appId, id, version]);
  }

  /** The database's time went back: no pause lasts so much longer. */
  async endPauses(): Promise<void> {
    const { db, appId } = this.scope;
    const sql = `update billing_webhook_endpoints set paused_until = null where app_id = ? and paused_until > ${db.time.now}`;
    await db.run(sql, [appId]);
  }
}
