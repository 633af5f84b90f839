import { places } from '../../platform/db/sql.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import type { ImportNoun } from './import.nouns.js';
import { type ImportAction, ImportItem } from './import-item.entity.js';

/** How many items a noun has of each action. */
export type ActionCounts = Partial<Record<ImportAction, number>>;

/** What may refer to a row of each noun: table, column, and what to call it. */
const BUILT_ON: Readonly<Record<ImportNoun, readonly (readonly [string, string, string])[]>> = {
  customers: [
    ['billing_payments', 'customer_id', 'the payment'],
    ['billing_subscriptions', 'customer_id', 'the subscription'],
    ['billing_payment_methods', 'customer_id', 'the payment method'],
  ],
  paymentMethods: [
    ['billing_payments', 'payment_method_id', 'the payment'],
    ['billing_subscriptions', 'payment_method_id', 'the subscription'],
  ],
  subscriptions: [['billing_payments', 'subscription_id', 'the payment']],
};

/** Items of imports. */
export class ImportItemRepository extends TenantRepository<ImportItem> {
  protected readonly entity = ImportItem;
  protected readonly noun = 'import item';

  /** What is known of these lines, by key. */
  async among(runId: string, noun: ImportNoun, keys: readonly string[]): Promise<Map<string, ImportItem>> {
    const items = await this.rows({ runId, noun, itemKey: keys });
    return new Map(items.map((item) => [item.itemKey, item]));
  }

  /** Forgets what failed before of these lines: it is tried anew. Inside a transaction. */
  async forgetFailed(runId: string, noun: ImportNoun, keys: readonly string[]): Promise<void> {
    await this.scope.db.run(
      `delete from billing_import_items where app_id = ? and run_id = ? and noun = ? and action = 'failed' and item_key in (${places(keys)})`,
      [this.scope.appId, runId, noun, ...keys],
    );
  }

  /** Notes that Tilled's objects carry our mark. */
  async noteMarked(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.scope.db.run(`update billing_import_items set is_marked = ? where app_id = ? and id in (${places(ids)})`, [
      true,
      this.scope.appId,
      ...ids,
    ]);
  }

  /** Notes what became of an item. */
  async note(id: string, action: ImportAction, reason: string | null): Promise<void> {
    await this.scope.db.run('update billing_import_items set action = ?, reason = ? where app_id = ? and id = ?', [
      action,
      reason,
      this.scope.appId,
      id,
    ]);
  }

  /** Items of a run, oldest first, after an id; at most `limit`. */
  async after(runId: string, noun: ImportNoun, afterId: string, limit: number): Promise<ImportItem[]> {
    const table = this.scope.db.table(ImportItem);
    const raws = await this.scope.db.query(
      `select ${table.selectList} from ${table.name} where app_id = ? and run_id = ? and noun = ? and id > ? order by id limit ${limit}`,
      [this.scope.appId, runId, noun, afterId],
    );
    return raws.map((raw) => table.fromRaw(raw));
  }

  /** What is built on an imported row, in words, or null. */
  async builtOn(noun: ImportNoun, objectId: string): Promise<string | null> {
    for (const [table, column, words] of BUILT_ON[noun]) {
      const found = await this.scope.db.query(`select id from ${table} where app_id = ? and ${column} = ? limit 1`, [
        this.scope.appId,
        objectId,
      ]);
      if (found.length > 0) return `${words} ${String(found[0]?.['id'])}`;
    }
    return null;
  }

  /** Whether a rollback took back what an import had made here. */
  async wasRolledBack(objectId: string): Promise<boolean> {
    const found = await this.scope.db.query(
      "select id from billing_import_items where app_id = ? and object_id = ? and action = 'rolled_back' limit 1",
      [this.scope.appId, objectId],
    );
    return found.length > 0;
  }

  /** How many of each action a noun has in a run. */
  async countsOf(runId: string, noun: ImportNoun): Promise<ActionCounts> {
    const raws = await this.scope.db.query(
      'select action, count(*) as counted from billing_import_items where app_id = ? and run_id = ? and noun = ? group by action',
      [this.scope.appId, runId, noun],
    );
    return Object.fromEntries(raws.map((raw) => [String(raw['action']), Number(raw['counted'])]));
  }
}
