import type { LiveSchema } from './live-schema.js';

/**
 * What a migration says: SQL for MySQL, MariaDB and SQLite alike, and where it cannot be worked out how it is undone.
 */
export type Statement = string | { readonly up: string; readonly down: string };

/** What a step does: something is there after it, or gone; rows are written. */
export type Effect =
  | { readonly on: 'table'; readonly table: string; readonly isThere: boolean }
  | { readonly on: 'column'; readonly table: string; readonly column: string; readonly isThere: boolean }
  | { readonly on: 'index'; readonly table: string; readonly index: string; readonly key: IndexKey | null }
  | { readonly on: 'rows'; readonly table: string };

/** The columns of an index, and whether they are unique. */
export interface IndexKey {
  readonly columns: readonly string[];
  readonly isUnique: boolean;
}

/** One statement of a migration. */
export interface Step {
  readonly sql: string;
  readonly effect: Effect;
}

/** A migration as the migrator runs it. */
export interface Migration {
  /** In order; each is done or not, and the schema shows which. */
  readonly steps: readonly Step[];
  /** What undoes them, in order; or why nothing does, and what to do instead. */
  readonly wayBack: readonly Step[] | string;
}

type Form = readonly [RegExp, (found: readonly string[]) => Effect];

/** Every form that a statement of a migration may have. There are no others, so that each can be seen in the schema. */
const FORMS: readonly Form[] = [
  [/^create table (\w+) \(/, ([, table = '']) => ({ on: 'table', table, isThere: true })],
  [/^drop table (\w+)$/, ([, table = '']) => ({ on: 'table', table, isThere: false })],
  [
    /^alter table (\w+) add column (\w+) (?:[^,(]|\([^)]*\))+$/,
    ([, table = '', column = '']) => ({ on: 'column', table, column, isThere: true }),
  ],
  [/^alter table (\w+) drop column (\w+)$/, ([, table = '', column = '']) => ({ on: 'column', table, column, isThere: false })],
  [
    /^create (unique )?index (\w+) on (\w+) \((\w+(?:, \w+)*)\)$/,
    ([, unique, index = '', table = '', columns = '']) => ({
      on: 'index',
      table,
      index,
      key: { columns: columns.split(', '), isUnique: unique !== undefined },
    }),
  ],
  [/^drop index (\w+) on (\w+)$/, ([, index = '', table = '']) => ({ on: 'index', table, index, key: null })],
  [/^(?:update|insert into|delete from) (\w+) /, ([, table = '']) => ({ on: 'rows', table })],
];

/** The step that a statement is. Throws if it has none of the forms that a migration may use. */
export function stepOf(sql: string): Step {
  for (const [form, effectOf] of FORMS) {
    const found = form.exec(sql);
    if (found !== null) return { sql, effect: effectOf(found) };
  }
  throw new Error(`No form of src/platform/db/migration-steps.ts fits this statement of a migration: ${sql}`);
}

/** The steps of these statements, and the way back: what was made is taken away, rows stay as they are. */
export function migrationOf(statements: readonly Statement[], noWayBack: string | null): Migration {
  const steps = statements.map((statement) => stepOf(typeof statement === 'string' ? statement : statement.up));
  if (noWayBack !== null) return { steps, wayBack: noWayBack };
  const made = new Set(steps.flatMap(({ effect }) => (effect.on === 'table' && effect.isThere ? [effect.table] : [])));
  const wayBack = statements.flatMap((statement, at) => {
    const step = steps[at];
    return step === undefined ? [] : undone(step, typeof statement === 'string' ? null : statement.down, made);
  });
  return { steps, wayBack: wayBack.toReversed() };
}

function undone({ sql, effect }: Step, down: string | null, made: ReadonlySet<string>): Step[] {
  if (down !== null) return [stepOf(down)];
  // The whole table goes.
  if (effect.on !== 'table' && made.has(effect.table)) return [];
  if (effect.on === 'rows') return [];
  if (effect.on === 'table' && effect.isThere) return [stepOf(`drop table ${effect.table}`)];
  if (effect.on === 'column' && effect.isThere) return [stepOf(`alter table ${effect.table} drop column ${effect.column}`)];
  if (effect.on === 'index' && effect.key !== null) return [stepOf(`drop index ${effect.index} on ${effect.table}`)];
  throw new Error(`What undoes this has to be said, { up, down }, or why nothing does (noWayBack): ${sql}`);
}

/**
 * How many of these steps are done, which go in order: those up to the last that shows. Rows that were written do not
 * show, so what writes them is written to be repeated.
 */
export function stepsDone(steps: readonly Step[], schema: LiveSchema): number {
  return steps.findLastIndex(({ effect }) => shows(effect, schema)) + 1;
}

function shows(effect: Effect, schema: LiveSchema): boolean {
  const table = schema.get(effect.table);
  if (effect.on === 'table') return (table !== undefined) === effect.isThere;
  if (table === undefined || effect.on === 'rows') return false;
  if (effect.on === 'column') return table.columns.has(effect.column) === effect.isThere;
  const live = table.indexes.get(effect.index);
  if (effect.key === null || live === undefined) return effect.key === null && live === undefined;
  return live.isUnique === effect.key.isUnique && live.columns.join() === effect.key.columns.join();
}
