import { places } from '../platform/db/sql.js';
import { TenantRepository } from '../platform/tenancy/tenant.repository.js';
import { AppEvent } from './app-event.entity.js';

/** An event with its place in the feed. */
export interface PublishedEvent {
  readonly id: string;
  readonly type: string;
  readonly objectId: string;
  readonly sequence: number;
  readonly position: number;
}

type Unpublished = Omit<PublishedEvent, 'position'>;

/** Events of an app. They are written by `recordAppEvent` alone. */
export class AppEventRepository extends TenantRepository<AppEvent> {
  protected readonly entity = AppEvent;
  protected readonly noun = 'event';

  /**
   * Gives places after `position` to the oldest `limit` events that have none, and to those of the same objects that
   * come before them; returns them in their order. Inside a transaction that holds the app's counter.
   */
  async publish(position: number, limit: number): Promise<PublishedEvent[]> {
    const oldest = await this.unpublished(`order by id limit ${limit}`);
    if (oldest.length === 0) return [];
    const objectIds = [...new Set(oldest.map(({ objectId }) => objectId))];
    const all = oldest.length < limit ? oldest : await this.unpublished(`and object_id in (${places(objectIds)}) order by id`, objectIds);
    const published = inOrder(oldest, all).map((event, index) => ({ ...event, position: position + index + 1 }));
    const cases = published.map(() => 'when ? then ?').join(' ');
    await this.scope.db.run(
      `update billing_app_events set position = case id ${cases} end, unpublished_since = null where app_id = ? and id in (${places(published)})`,
      [...published.flatMap((event) => [event.id, event.position]), this.scope.appId, ...published.map(({ id }) => id)],
    );
    return published;
  }

  /**
   * Removes up to `limit` of the oldest published events, those before the first that was written at `before` or later,
   * or of which a delivery is left: the feed loses its beginning and nothing else. Returns how many.
   */
  async removeOldest(before: Date, limit: number): Promise<number> {
    const delivery = 'select d.id from billing_webhook_deliveries d where d.app_id = e.app_id and d.app_event_id = e.id';
    const sql = `select e.id, case when e.created_at < ? and not exists (${delivery}) then 1 else 0 end as is_old from billing_app_events e
      where e.app_id = ? and e.position is not null order by e.position limit ${limit}`;
    const rows = await this.scope.db.query(sql, [before, this.scope.appId]);
    const kept = rows.findIndex((row) => Number(row.is_old) === 0);
    const ids = (kept < 0 ? rows : rows.slice(0, kept)).map((row) => String(row.id));
    if (ids.length === 0) return 0;
    return this.scope.db.run(`delete from billing_app_events where app_id = ? and id in (${places(ids)})`, [this.scope.appId, ...ids]);
  }

  private async unpublished(which: string, parameters: readonly string[] = []): Promise<Unpublished[]> {
    const rows = await this.scope.db.query(
      `select id, type, object_id, sequence from billing_app_events where app_id = ? and position is null and unpublished_since is not null ${which}`,
      [this.scope.appId, ...parameters],
    );
    return rows.map((row) => ({
      ...{ id: String(row.id), type: String(row.type), objectId: String(row.object_id), sequence: Number(row.sequence) },
    }));
  }
}

/** The events of `oldest` in their order, but none before one of its object with a lower number: clocks differ. */
function inOrder(oldest: readonly Unpublished[], all: readonly Unpublished[]): Unpublished[] {
  const waiting = new Map(
    [...Map.groupBy(all, ({ objectId }) => objectId)].map(([objectId, events]) => [
      objectId,
      events.toSorted((one, other) => one.sequence - other.sequence),
    ]),
  );
  return oldest.flatMap(({ objectId, sequence }) => {
    const events = waiting.get(objectId) ?? [];
    const upTo = events.findLastIndex((event) => event.sequence <= sequence) + 1;
    return events.splice(0, upTo);
  });
}
