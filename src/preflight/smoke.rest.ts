import type { RawRow } from '../platform/db/table.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { OPERATIONS, type SmokeClient } from './smoke.client.js';

/** A customer that a smoke test made, with subscriptions that still run. */
export interface Remains {
  readonly customerId: string;
  readonly subscriptionIds: readonly string[];
}

/** One row of a table of this app, by our id. */
export function rowsOf(scope: Scope, table: string, id: string): Promise<RawRow[]> {
  return scope.db.query(`select * from ${table} where app_id = ? and id = ?`, [scope.appId, id]);
}

/** What smoke tests left in an app: customers whose external id begins so. */
export async function leftOver(scope: Scope, prefix: string): Promise<readonly Remains[]> {
  const customers = await scope.db.query(
    'select id from billing_customers where app_id = ? and external_id like ? and deleted_at is null',
    [scope.appId, `${prefix}%`],
  );
  return Promise.all(
    customers.map(async ({ id }) => {
      const sql = "select id from billing_subscriptions where app_id = ? and customer_id = ? and status <> 'CANCELED'";
      const subscriptions = await scope.db.query(sql, [scope.appId, id]);
      return { customerId: String(id), subscriptionIds: subscriptions.map((row) => String(row.id)) };
    }),
  );
}

/** Ends the subscriptions and deletes the customer, here and at Tilled. */
export async function tearDown(client: SmokeClient, { customerId, subscriptionIds }: Remains): Promise<void> {
  for (const id of subscriptionIds) await client.ask(OPERATIONS.cancel, { input: { id, mode: 'IMMEDIATELY' } });
  await client.ask(OPERATIONS.customerDelete, { input: { id: customerId } });
}
