import { describe, expect, it } from '@jest/globals';
import { MIGRATIONS } from '../../migrations/index.js';
import { type Step, stepOf } from '../../src/platform/db/migration-steps.js';
import { RELEASE_BEFORE } from '../support/release-before.mjs';

/** A migration by its name and steps. */
interface Named {
  readonly name: string;
  readonly steps: readonly Step[];
}

const ALL: readonly Named[] = MIGRATIONS.map(({ name, class: Migration }) => ({ name, steps: new Migration().migration().steps }));
const SINCE = ALL.slice(ALL.findIndex(({ name }) => name === RELEASE_BEFORE.migration) + 1);

/** Why the release before cannot run on what these migrations make of its schema; empty if it can. */
function broken(migrations: readonly Named[]): string[] {
  const steps = migrations.flatMap((migration) => migration.steps.map((step) => ({ ...step, migration })));
  const tables = new Set(steps.flatMap(({ effect }) => (effect.on === 'table' && effect.isThere ? [effect.table] : [])));
  const columns = new Set(
    steps.flatMap(({ effect }) => (effect.on === 'column' && effect.isThere ? [`${effect.table}.${effect.column}`] : [])),
  );
  return steps.flatMap(({ sql, effect, migration }) => {
    const says = (words: string) => [`${migration.name}: ${words}: ${sql.replaceAll(/\s+/g, ' ').slice(0, 80)}`];
    const takesAway = (effect.on === 'table' || effect.on === 'column') && !effect.isThere;
    if (takesAway && !suits(migration.name)) return says('takes away what it may still use');
    if (effect.on === 'column' && effect.isThere && !/ null$| default \S+$/.test(sql.replace(/ not null$/, ' ')))
      return says('its new rows have no value for it');
    if (effect.on === 'index' && effect.key?.isUnique === true) {
      const isNew = tables.has(effect.table) || effect.key.columns.some((column) => columns.has(`${effect.table}.${column}`));
      if (!isNew) return says('its writes may break the key');
    }
    if (effect.on === 'table' && effect.isThere && !/app_id varchar\(64\) not null,.*primary key \(app_id, id\)/s.test(sql))
      return says('it does not start beside a table that is of no app');
    return sql.startsWith('delete from') ? says('deletes what it may still use') : [];
  });
}

/** `.needs-NNNN` of what only takes away what the release before does not use any more. */
function suits(name: string): boolean {
  const needed = /\.needs-(\d{4})$/.exec(name)?.[1];
  return needed !== undefined && needed <= RELEASE_BEFORE.migration.slice(0, 4);
}

describe('the release before', () => {
  it('is named by its newest migration, which is one of ours', () => {
    expect(ALL.map(({ name }) => name)).toContain(RELEASE_BEFORE.migration);
    expect(RELEASE_BEFORE.commit).toMatch(/^[0-9a-f]{40}$/);
  });

  it('runs on everything that was migrated since', () => {
    expect(broken(SINCE)).toEqual([]);
  });

  it.each([
    ['a column without a value', 'alter table billing_payments add column more int not null'],
    ['a column that goes', 'alter table billing_payments drop column status'],
    ['a table that goes', 'drop table billing_payments'],
    ['a key that its writes may break', 'create unique index billing_payments_one on billing_payments (app_id, status)'],
    ['a table of no app', 'create table billing_things (id varchar(64) not null, primary key (id))'],
    ['rows that go', 'delete from billing_events where 1 = 1'],
  ])('would not run on %s', (_, sql) => {
    expect(broken([{ name: '9999-more', steps: [stepOf(sql)] }])).toHaveLength(1);
  });

  it('runs on columns and keys that it does not write, and on what goes that it uses no more', () => {
    const more = ['add column more int null', 'add column count int not null default 0'].map((change) =>
      stepOf(`alter table billing_payments ${change}`),
    );
    const key = stepOf('create unique index billing_payments_more on billing_payments (app_id, more)');
    expect(broken([{ name: '9999-more', steps: [...more, key] }])).toEqual([]);
    const less = stepOf('alter table billing_payments drop column description');
    expect(broken([{ name: '9999-less.needs-0001', steps: [less] }])).toEqual([]);
    expect(broken([{ name: '9999-less.needs-9998', steps: [less] }])).toHaveLength(1);
  });
});
