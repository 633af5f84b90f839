/** Records by their id. */
export function byId(rows) {
  return new Map(rows.map((row) => [row.id, row]));
}

/** Records by what they have in common. */
export function groupBy(rows, keyOf) {
  return Map.groupBy(rows, keyOf);
}

/** Our id on an object at Tilled. */
export function markOf({ metadata }) {
  return metadata?.billing_id;
}
