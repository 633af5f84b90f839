import { describe, expect, it } from '@jest/globals';
import { migrationOf, stepOf, stepsDone } from '../../src/platform/db/migration-steps.js';

const index = (columns: string[], isUnique = false) => ({ columns, isUnique });
const schema = (indexes: Record<string, ReturnType<typeof index>>, ...columns: string[]) =>
  new Map([['billing_payments', { columns: new Set(columns), indexes: new Map(Object.entries(indexes)) }]]);

describe('a statement of a migration', () => {
  it.each([
    'alter table billing_payments modify column status varchar(30) not null',
    'alter table billing_payments add column one int null, add column two int null',
    'rename table billing_payments to billing_charges',
    'create index billing_payments_status on billing_payments (status(10))',
  ])('that nobody could see in the schema afterwards is refused: %s', (sql) => {
    expect(() => stepOf(sql)).toThrow('No form of src/platform/db/migration-steps.ts fits');
  });

  it('that takes something away says how it is put back, or why it is not', () => {
    expect(() => migrationOf(['drop index billing_payments_status on billing_payments'], null)).toThrow('What undoes this has to be said');
    expect(migrationOf(['alter table billing_payments drop column status'], 'it is gone. Restore the backup.').wayBack).toMatch(/gone/);
  });
});

describe('the way back', () => {
  it('takes away what was made, the newest first, and a table with all that belongs to it', () => {
    const { wayBack } = migrationOf(
      [
        'alter table billing_payments add column held varchar(255) null',
        'create index billing_payments_held on billing_payments (app_id, held)',
        "update billing_payments set held = id where status = 'FAILED'",
        'create table billing_things (app_id varchar(64) not null)',
        'create index billing_things_all on billing_things (app_id)',
      ],
      null,
    );
    expect(typeof wayBack === 'string' ? wayBack : wayBack.map(({ sql }) => sql)).toEqual([
      'drop table billing_things',
      'drop index billing_payments_held on billing_payments',
      'alter table billing_payments drop column held',
    ]);
  });
});

describe('the steps that are done', () => {
  const { steps } = migrationOf(
    [
      'alter table billing_payments add column held varchar(255) null',
      'update billing_payments set held = id where held is null',
      {
        up: 'drop index billing_payments_key on billing_payments',
        down: 'create unique index billing_payments_key on billing_payments (app_id, old)',
      },
      'create index billing_payments_key on billing_payments (app_id, held)',
    ],
    null,
  );
  const before = { billing_payments_key: index(['app_id', 'old'], true) };

  it.each([
    ['none', 0, schema(before)],
    ['a column', 1, schema(before, 'held')],
    ['what lies before an index that is gone', 3, schema({}, 'held')],
    ['all, where an index of the same name is another one now', 4, schema({ billing_payments_key: index(['app_id', 'held']) }, 'held')],
    ['none where there is no such table, from which something could be gone', 0, new Map()],
  ])('are read from the schema: %s', (_, done, live) => {
    expect(stepsDone(steps, live)).toBe(done);
  });
});
