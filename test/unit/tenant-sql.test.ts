import { describe, expect, it } from '@jest/globals';
import { appsNamedIn } from '../support/tenant-sql.js';

const isTenantTable = (table: string) => table.startsWith('billing_') && table !== 'billing_apps';
const named = (sql: string) => appsNamedIn(sql, isTenantTable);

describe('a statement that is bound to an app', () => {
  it.each([
    ['select `id` from billing_payments where app_id = ? and id in (?, ?) order by id', [0]],
    ['select `p0`.* from `billing_payments` as `p0` where `p0`.`app_id` = ? and `p0`.`id` = ? limit ? for update', [0]],
    ['select id from billing_payments where status = ? and (id = ? or id = ?) and app_id = ?', [3]],
    [
      'select * from (select 0 as b, id from billing_payments where app_id = ? limit 3) as b0 union all select * from (select 1 as b, id from billing_payments where app_id = ? limit 3) as b1',
      [0, 1],
    ],
    ['select r.id from billing_refunds r join billing_payments p on p.app_id = r.app_id and p.id = r.payment_id where r.app_id = ?', [0]],
    ['select id from billing_payments p where p.app_id = ? and not exists (select 1 from billing_jobs j where j.app_id = p.app_id)', [0]],
    ['update `billing_payments` set `status` = ?, `version` = ? where `app_id` = ? and `id` = ?', [2]],
    [
      'update `billing_payments` set `status` = case when (`app_id` = ? and `id` = ?) then ? else `status` end where (`app_id`, `id`) in ((?, ?), (?, ?))',
      [3, 5],
    ],
    ['update billing_payments set status = ? where (app_id = ? and id = ?) or (app_id = ? and id = ?)', [1, 3]],
    ['delete from billing_jobs where app_id = ? and id = ?', [0]],
    [
      'insert into billing_jobs (id, app_id, due_at) values (?, ?, ?), (?, ?, ?) on duplicate key update wanted = wanted + 1, due_at = if(due_at > ?, due_at, ?)',
      [1, 4],
    ],
    ['select id from billing_apps where tilled_account_id = ?', []],
  ])('%s', (sql, places) => expect([named(sql).why, new Set(named(sql).places)]).toEqual([null, new Set(places)]));
});

describe('a statement that could reach the rows of two apps', () => {
  it.each([
    'select id from billing_payments',
    'select id from billing_payments where id = ?',
    'select id from billing_payments where app_id = ? or id = ?',
    'select id from billing_payments where not app_id = ?',
    'select id from billing_payments where app_id <> ? and id = ?',
    'select id from billing_payments where app_id = app_id and id = ?',
    "select id from billing_payments where app_id = 'app-1'",
    'select id from billing_payments where app_id in (?, ?)',
    'select id from billing_payments where id = ? order by app_id = ?',
    'select app_id = ? from billing_payments where id = ?',
    'select id from (select id from billing_payments where id = ?) as b where app_id = ?',
    'select id from billing_payments where app_id = ? union all select id from billing_payments where id = ?',
    'select r.id from billing_refunds r join billing_payments p on p.id = r.payment_id where r.app_id = ?',
    'select r.id from billing_refunds r left join billing_payments p on r.app_id = ? and p.app_id = r.app_id',
    'select r.id from billing_refunds r, billing_payments p where r.app_id = ? and p.id = r.payment_id',
    'select id from billing_payments p where p.app_id = ? and exists (select 1 from billing_jobs j where j.subject = p.id)',
    'select (select count(*) from billing_payments) as n from billing_refunds where app_id = ?',
    'select id from billing_payments where case when app_id = ? then 1 else 1 end = 1',
    'update billing_payments set app_id = ? where id = ?',
    'update billing_payments set status = ? where (id, customer_id) in ((?, ?))',
    'delete from billing_jobs where id = ?',
    'insert into billing_jobs (id, due_at) values (?, ?)',
    "insert into billing_jobs (id, app_id) values (?, ?), (?, 'app-1')",
    'insert into billing_jobs (app_id, id) select app_id, id from billing_payments where app_id = ?',
    'select id from billing_payments where app_id = ? and',
  ])('%s', (sql) => expect(named(sql).why).toEqual(expect.any(String)));
});
