import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MIGRATIONS } from '../../migrations/index.js';
import { readCatalog } from '../support/catalog.js';
import { furnish } from '../support/furnish.js';
import * as ops from '../support/operations.generated.js';
import { billing } from '../support/processes.js';
import { type AnyRow, tableNames } from '../support/tables.js';
import { type TestApp, World } from '../support/world.js';

/** The oldest migration that everything after it is taken back to here: 0012 itself has no way back, and says why. */
const OLDEST = '0012-leases';
const TAKEN_BACK = MIGRATIONS.map(({ name }) => name).slice(MIGRATIONS.findIndex(({ name }) => name === OLDEST) + 1);
/** Filled again on the way forth from what else is there. */
const FILLED_AGAIN = ['reference_held'];

let world: World;
let app: TestApp;

beforeAll(async () => {
  world = await World.create();
  app = await world.app();
  await furnish(world, app);
  await world.settle();
});
// What stood in a column that was taken back is lost, and its test broke the books on purpose.
afterAll(() => world.end());

const goBack = (...args: readonly string[]) => billing(['migrate', '--down', ...args], world.environment);

/** Every row of every table, without the columns that are named. */
async function everything(without: readonly string[] = []): Promise<Readonly<Record<string, readonly AnyRow[]>>> {
  const names = (await tableNames(world.gateway.database)).filter((table) => !table.startsWith('billing_migration'));
  const rowsOf = async (table: string) => {
    const rows = await world.gateway.database.query(`select * from ${table}`, []);
    const kept = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([column]) => !without.includes(`${table}.${column}`))));
    return kept.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  };
  return Object.fromEntries(await Promise.all(names.map(async (table) => [table, await rowsOf(table)] as const)));
}

/** Columns that these migrations add, but for those that are filled again; and tables that they make. */
function addedBy(names: readonly string[]): { readonly columns: readonly string[]; readonly tables: readonly string[] } {
  const effects = MIGRATIONS.filter(({ name }) => names.includes(name)).flatMap(({ class: Migration }) =>
    new Migration().migration().steps.map(({ effect }) => effect),
  );
  return {
    columns: effects.flatMap((effect) =>
      effect.on === 'column' && effect.isThere && !FILLED_AGAIN.includes(effect.column) ? [`${effect.table}.${effect.column}`] : [],
    ),
    tables: effects.flatMap((effect) => (effect.on === 'table' && effect.isThere ? [effect.table] : [])),
  };
}

describe('billing migrate --down', () => {
  it('loses nothing unasked: it names what would be lost, what to do instead, and does nothing', async () => {
    const before = await everything();
    const { status, stderr } = await goBack('--to', '0013');
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/would lose billing_\w+(\.\w+ of| with its) \d+ rows.*keep it\..* --discard-data\.\n$/),
    ]);
    expect(await everything()).toEqual(before);
    expect(await world.gateway.migrator.inspect()).toEqual({ kind: 'ready', newer: [] });
  });

  it('is refused where the data would break the keys of before', async () => {
    const { customer } = await world.payer(app);
    const { id } = await world.payment(app, customer.id, { referenceId: 'order 1' });
    const again = await world.payment(app, customer.id);
    const refer = (payment: string, reference: string | null) =>
      world.gateway.database.run('update billing_payments set reference_id = ? where app_id = ? and id = ?', [reference, app.id, payment]);
    await refer(again.id, 'order 1');
    const { status, stderr } = await goBack('--to', '0013', '--discard-data');
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^0014-references cannot be taken back: 1 values of billing_payments \(app_id, reference_id\) are on several rows/,
      ),
    ]);
    await refer(again.id, null);
    expect(id).not.toBe(again.id);
  });

  it('goes back to the schema of before and forth again, and every row that is not what it took away is the same', async () => {
    const { columns, tables } = addedBy(TAKEN_BACK);
    const [catalog, before] = [await readCatalog(world.gateway.database), await everything(columns)];
    const back = await goBack('--to', OLDEST, '--discard-data');
    expect(back).toMatchObject({ status: 0, stderr: '' });
    expect(back.stdout).toContain(`Took back ${TAKEN_BACK.toReversed().join(', ')}.`);
    const then = await readCatalog(world.gateway.database);
    expect(then['billing_payments']?.indexes['billing_payments_reference']).toEqual({
      isUnique: true,
      columns: ['app_id', 'reference_id'],
    });
    expect(Object.keys(then).filter((table) => tables.includes(table))).toEqual([]);
    expect(await billing(['migrate'], world.environment)).toMatchObject({ status: 0, stderr: '' });
    expect(await readCatalog(world.gateway.database)).toEqual(catalog);
    const after = await everything(columns);
    expect(after).toEqual({ ...before, ...Object.fromEntries(tables.map((table) => [table, []])) });
  });

  it('leaves books that are worked on as before', async () => {
    const { customer } = await world.payer(app);
    const payment = await world.payment(app, customer.id, { referenceId: 'order 2' });
    const { refundCreate } = await world.ask(app, ops.RefundCreateDocument, { input: { paymentId: payment.id } });
    await world.settle();
    expect(refundCreate.userErrors).toEqual([]);
    expect((await world.gateway.verifyBooks()).violations).toEqual([]);
  });

  it('says of a migration without a way back why, and what to do instead', async () => {
    const { status, stderr } = await goBack('--to', '0011', '--discard-data');
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^0012-leases has no way back: .*Restore the backup that was taken before it\.\n$/),
    ]);
    expect(await world.gateway.migrator.inspect()).toEqual({ kind: 'ready', newer: [] });
  });
});

describe('every migration', () => {
  it('has a way back, or a sentence that says why not and what to do instead', () => {
    for (const { name, class: Migration } of MIGRATIONS) {
      const { steps, wayBack } = new Migration().migration();
      expect([name, steps.length > 0, typeof wayBack === 'string' || wayBack.length > 0]).toEqual([name, true, true]);
      if (typeof wayBack === 'string') expect([name, wayBack]).toEqual([name, expect.stringMatching(/\. (Drop|Restore) the /)]);
    }
  });
});
