/**
 * Sets the values that differ; true if any did. What only confirms a row is no change of it: it neither counts in its
 * version nor moves its updatedAt.
 */
export function assignChanged<Row extends object>(row: Row, values: Partial<Row>): boolean {
  const changed = Object.entries(values).filter(([property, value]) => !isSame(row[property as keyof Row], value));
  Object.assign(row, Object.fromEntries(changed));
  return changed.length > 0;
}

function isSame(one: unknown, other: unknown): boolean {
  if (one instanceof Date && other instanceof Date) return one.getTime() === other.getTime();
  return one === other;
}
