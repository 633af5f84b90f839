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
