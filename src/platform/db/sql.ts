/** A placeholder for each value, as IN wants them. */
export function places(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}

/** An INSERT of so many rows of these columns, given with commas between them; a placeholder for each value. */
export function inserting(table: string, columns: string, rows = 1): string {
  const row = `(${places(columns.split(','))})`;
  return `insert into ${table} (${columns}) values ${Array(rows).fill(row).join(', ')}`;
}

/** Ends an INSERT whose row may exist: then `changes` are made, where `excluded.x` is the value to be inserted. */
export function onConflict(isEmbedded: boolean, key: string, changes: string): string {
  if (isEmbedded) return `on conflict (${key}) do update set ${changes}`;
  return `on duplicate key update ${changes.replace(/\bexcluded\.(\w+)/g, 'values($1)')}`;
}

/** How many rows a statement names at most: SQLite takes 32,766 values, a server as many bytes as it was told to. */
export const ROWS_AT_ONCE = 500;

/** Values in parts that one statement can name. */
export function inParts<Value>(values: readonly Value[]): Value[][] {
  return Array.from({ length: Math.ceil(values.length / ROWS_AT_ONCE) }, (_, part) =>
    values.slice(part * ROWS_AT_ONCE, (part + 1) * ROWS_AT_ONCE),
  );
}

/** Values as drivers take them: one that is not there is null. */
export function storable(parameters: readonly unknown[]): unknown[] {
  return parameters.map((value) => (value === undefined ? null : value));
}
