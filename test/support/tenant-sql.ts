import mysqlParser from 'node-sql-parser/build/mysql.js';

/** What a statement says about apps: which of its parameters are app ids, or why it could reach rows of more than one. */
export interface NamedApps {
  readonly places: readonly number[];
  readonly why: string | null;
}

/** A node of the parser's tree. */
type Node = Readonly<Record<string, unknown>>;

/** Tables of a FROM, and what must be true of a row that comes out of it. */
interface Row {
  readonly tables: readonly { readonly name: string; readonly alias: string }[];
  readonly conditions: readonly { readonly expression: Node; readonly onlyFor: string | null }[];
}

// The build for one dialect loads in a tenth of the time of the whole.
const parser = new mysqlParser.Parser();

/** Stands for the n-th parameter: the parser keeps no positions. */
const MARK = 987_650_000_000;

/**
 * Reads a statement with a SQL parser: every tenant's table in it, also in subqueries, unions and joins, must be bound to
 * an app by `app_id = ?` among what is required of its rows, or by equality with the app_id of a table so bound; every
 * row inserted must have a parameter for its app_id. A statement that cannot be read is not confined.
 */
export function appsNamedIn(sql: string, isTenantTable: (table: string) => boolean): NamedApps {
  let count = 0;
  // What an upsert changes is the row of the unique key it hit, and those begin with app_id (platform/db/tenancy.check).
  const readable = sql
    .replace(/ on (conflict|duplicate key) .*$/i, '')
    .replace(/ returning .*$/i, '')
    .replaceAll('?', () => String(MARK + count++));
  const places: number[] = [];
  try {
    for (const statement of [parser.astify(readable)].flat()) confine(statement as unknown as Node, new Set(), { places, isTenantTable });
    return { places, why: null };
  } catch (error) {
    return { places, why: error instanceof Loose ? error.message : `It cannot be read: ${(error as Error).message.slice(0, 200)}` };
  }
}

class Loose extends Error {}

interface Findings {
  readonly places: number[];
  readonly isTenantTable: (table: string) => boolean;
}

/** Checks one statement or subquery; `outer` are the aliases around it that are bound to an app. Throws Loose. */
function confine(statement: Node, outer: ReadonlySet<string>, findings: Findings): void {
  if (statement['type'] === 'insert' || statement['type'] === 'replace') confineInsert(statement, findings);
  const row = rowOf(statement);
  // A name used again inside means the inner table.
  const bound = new Set([...outer].filter((name) => !row.tables.some(({ alias }) => alias === name)));
  // As often as there are tables: a table may be bound by one that is itself bound by another.
  for (const _ of row.tables) for (const { alias } of row.tables) if (isBound(alias, row, bound, findings.places)) bound.add(alias);
  const loose = row.tables.find(({ name, alias }) => findings.isTenantTable(name) && !bound.has(alias));
  if (loose !== undefined && statement['type'] !== 'insert') throw new Loose(`${loose.name} is read or written without its app_id.`);
  for (const inner of subqueriesIn(statement)) confine(inner, bound, findings);
}

function confineInsert(statement: Node, { places, isTenantTable }: Findings): void {
  const [target] = statement['table'] as Node[];
  if (!isTenantTable(String(target?.['table']))) return;
  const at = ((statement['columns'] ?? []) as string[]).indexOf('app_id');
  const rows = ((statement['values'] as Node)['values'] ?? []) as Node[];
  for (const row of rows) {
    const place = placeOf((row['value'] as Node[])[at]);
    if (place === null) throw new Loose(`A row of ${String(target?.['table'])} is inserted without its app_id.`);
    places.push(place);
  }
  if (rows.length === 0) throw new Loose('Rows are inserted from somewhere else.');
}

function rowOf(statement: Node): Row {
  const listed = [statement['from'] ?? statement['table'] ?? []].flat() as Node[];
  const sources = listed.filter((source) => typeof source['table'] === 'string');
  const where = statement['where'] ? [{ expression: statement['where'] as Node, onlyFor: null }] : [];
  const joins = listed
    .filter((source) => source['on'])
    .map((source) => ({
      expression: source['on'] as Node,
      onlyFor: /LEFT|RIGHT|FULL/.test(String(source['join'])) ? aliasOf(source) : null,
    }));
  return {
    tables: sources.map((source) => ({ name: String(source['table']), alias: aliasOf(source) })),
    conditions: [...where, ...joins].flatMap(({ expression, onlyFor }) =>
      conjuncts(expression).map((each) => ({ expression: each, onlyFor })),
    ),
  };
}

function aliasOf(source: Node): string {
  return String(source['as'] ?? source['table']);
}

function conjuncts(expression: Node): Node[] {
  if (expression['operator'] !== 'AND') return [expression];
  return [...conjuncts(expression['left'] as Node), ...conjuncts(expression['right'] as Node)];
}

function isBound(alias: string, row: Row, bound: ReadonlySet<string>, places: number[]): boolean {
  const isOnlyTable = row.tables.length === 1;
  return row.conditions.some(
    ({ expression, onlyFor }) => (onlyFor === null || onlyFor === alias) && binds(expression, { alias, isOnlyTable, bound, places }),
  );
}

interface Binding {
  readonly alias: string;
  readonly isOnlyTable: boolean;
  readonly bound: ReadonlySet<string>;
  readonly places: number[];
}

function binds(expression: Node, binding: Binding): boolean {
  const [left, right] = [expression['left'] as Node, expression['right'] as Node];
  switch (expression['operator']) {
    case 'AND':
      return binds(left, binding) || binds(right, binding);
    case 'OR':
      return binds(left, binding) && binds(right, binding);
    case '=':
      return equates(left, right, binding) || equates(right, left, binding);
    case 'IN':
      return isAmongApps(left, right, binding);
    default:
      return false;
  }
}

function equates(left: Node, right: Node, binding: Binding): boolean {
  if (!isAppIdOf(left, binding)) return false;
  const place = placeOf(right);
  if (place !== null) binding.places.push(place);
  return place !== null || (right['column'] === 'app_id' && binding.bound.has(nameOf(right['table'])));
}

/** `(app_id, id) in ((?, ?), …)`, as several rows are updated at once. */
function isAmongApps(left: Node, right: Node, binding: Binding): boolean {
  if (left['type'] !== 'expr_list') return false;
  const at = (left['value'] as Node[]).findIndex((column) => isAppIdOf(column, binding));
  const rows = at < 0 ? [] : (right['value'] as Node[]);
  const places = rows.map((row) => placeOf((row['value'] as Node[])[at]));
  const found = places.filter((place) => place !== null);
  binding.places.push(...found);
  return places.length > 0 && found.length === places.length;
}

function isAppIdOf(column: Node, { alias, isOnlyTable }: Binding): boolean {
  if (column['type'] !== 'column_ref' || column['column'] !== 'app_id') return false;
  return column['table'] ? nameOf(column['table']) === alias : isOnlyTable;
}

/** Quoted names are nodes of their own. */
function nameOf(name: unknown): string {
  return typeof name === 'string' ? name : String((name as Node)['value']);
}

/** Which parameter a value is; null for anything else. */
function placeOf(value: Node | undefined): number | null {
  const number = value?.['type'] === 'number' || value?.['type'] === 'bigint' ? Number(value['value']) : Number.NaN;
  return number >= MARK ? number - MARK : null;
}

/** Every SELECT inside a statement, one level down. */
function subqueriesIn(value: unknown): Node[] {
  return Object.values((value ?? {}) as Node)
    .filter((inner) => typeof inner === 'object' && inner !== null)
    .flatMap((inner) => ((inner as Node)['type'] === 'select' ? [inner as Node] : subqueriesIn(inner)));
}
