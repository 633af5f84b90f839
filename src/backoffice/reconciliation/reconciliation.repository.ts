import { inserting, onConflict, places } from '../../platform/db/sql.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { Reconciled, Reconciliation } from './reconciliation.entity.js';

/** Comparisons of an app with Tilled. */
export class ReconciliationRepository extends TenantRepository<Reconciliation> {
  protected readonly entity = Reconciliation;
  protected readonly noun = 'reconciliation';

  /** The newest one, as it is now. */
  async latest(): Promise<Reconciliation | null> {
    return (await this.page({}, { first: 1 })).rows[0] ?? null;
  }
}

/** A table whose rows stand for objects at Tilled. */
export interface MirroredTable {
  readonly table: string;
  /** The column with the id at Tilled; null while the object is not there yet. */
  readonly tilledColumn: string;
}

/** Which rows of an app were compared, and what is being changed right now. */
export class ReconciledRepository extends TenantRepository<Reconciled> {
  protected readonly entity = Reconciled;
  protected readonly noun = 'reconciled row';

  /** Notes that rows were compared now. */
  async mark(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const now = this.scope.now();
    const sorted = [...new Set(ids)].sort();
    await this.scope.db.run(
      `${inserting('billing_reconciled', 'app_id, id, looked_at', sorted.length)} ${onConflict(this.scope.db.isEmbedded, 'app_id, id', 'looked_at = excluded.looked_at')}`,
      sorted.flatMap((id) => [this.scope.appId, id, now]),
    );
  }

  /** Ids of rows after `afterId` that are at Tilled and were not compared since a moment, oldest first. */
  async unmarked(of: MirroredTable, since: Date, page: { readonly afterId: string; readonly limit: number }): Promise<string[]> {
    const raws = await this.scope.db.query(
      `select r.id from ${of.table} r where r.app_id = ? and r.id > ? and r.${of.tilledColumn} is not null and not exists
        (select 1 from billing_reconciled m where m.app_id = r.app_id and m.id = r.id and m.looked_at >= ?) order by r.id limit ${page.limit}`,
      [this.scope.appId, page.afterId, since],
    );
    return raws.map((raw) => String(raw.id));
  }

  /** Ids of customers after `afterId` that are at Tilled, oldest first. */
  async customersAfter(afterId: string, limit: number): Promise<string[]> {
    const raws = await this.scope.db.query(
      `select id from billing_customers where app_id = ? and id > ? and tilled_customer_id is not null and deleted_at is null order by id limit ${limit}`,
      [this.scope.appId, afterId],
    );
    return raws.map((raw) => String(raw.id));
  }

  /** Whether a job about any of these is open, or an event will ask for one; dead jobs do not count. */
  async isUnderWay(subjects: readonly string[]): Promise<boolean> {
    if (subjects.length === 0) return false;
    const about = [this.scope.appId, ...subjects];
    const counted = await this.scope.db.query(
      `select count(*) as n from billing_jobs where app_id = ? and subject in (${places(subjects)}) and state <> 'dead' and kind not like 'reconcile%'
        union all select count(*) as n from billing_webhooks where app_id = ? and object_id in (${places(subjects)}) and unqueued_since is not null`,
      [...about, ...about],
    );
    return counted.some(({ n }) => Number(n) > 0);
  }
}
