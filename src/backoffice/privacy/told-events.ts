import { EVENT_TYPES, type EventType } from '../../events/event.catalogue.js';
import { inParts, places } from '../../platform/db/sql.js';
import type { Scope } from '../../platform/tenancy/scope.js';

/** What is left of the payload of an event that told of a person. */
interface Left {
  readonly __typename: string;
  readonly id: string;
  readonly erased: true;
}

/**
 * Takes what events say of persons out of them: which object it was, what happened and when stays. They are those of
 * customers, by `person_id`, or of objects. Returns how many.
 */
export async function eraseToldEvents(scope: Scope, column: 'person_id' | 'object_id', ids: readonly string[]): Promise<number> {
  let erased = 0;
  for (const part of inParts(ids)) erased += await eraseBy(scope, column, part);
  return erased;
}

async function eraseBy(scope: Scope, column: 'person_id' | 'object_id', ids: readonly string[]): Promise<number> {
  const types: Readonly<Record<string, EventType>> = EVENT_TYPES;
  const sql = `select object_id, min(type) as type from billing_app_events where app_id = ? and ${column} in (${places(ids)}) group by object_id`;
  let erased = 0;
  for (const row of await scope.db.query(sql, [scope.appId, ...ids])) {
    const id = String(row['object_id']);
    const left: Left = { __typename: types[String(row['type'])]?.object ?? '', id, erased: true };
    const payload = JSON.stringify(left);
    const update = 'update billing_app_events set payload = ? where app_id = ? and object_id = ? and payload <> ?';
    erased += await scope.db.run(update, [payload, scope.appId, id, payload]);
  }
  return erased;
}
