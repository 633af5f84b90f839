import { inserting, onConflict } from '../../platform/db/sql.js';
import { recordTransition } from '../../platform/outbox/outbox.js';
import type { Page, PageRequest } from '../../platform/tenancy/page.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { Divergence, DivergenceClass, type DivergenceKind, DivergenceStatus, type Facts } from './divergence.entity.js';

/** A difference as it was just seen. */
export interface Sighting {
  readonly kind: DivergenceKind;
  readonly class: DivergenceClass;
  readonly objectId: string | null;
  readonly tilledId: string | null;
  readonly fields: readonly string[];
  readonly ours: Facts | null;
  readonly theirs: Facts | null;
  readonly occurredAt: Date | null;
}

/** An object by whichever ids of it are known. */
export interface ObjectRef {
  readonly kind: DivergenceKind;
  readonly objectId: string | null;
  readonly tilledId: string | null;
}

const { OPEN, RESOLVED } = DivergenceStatus;

const INSERT = inserting(
  'billing_divergences',
  'app_id, id, kind, class, object_id, tilled_id, open_key, fields, ours, theirs, status, detections, occurred_at, detected_at, seen_at',
);
const AGAIN = `detections = detections + 1, seen_at = excluded.seen_at, fields = excluded.fields, ours = excluded.ours,
  theirs = excluded.theirs, tilled_id = coalesce(excluded.tilled_id, tilled_id)`;

/** Differences between an app's books and Tilled's. */
export class DivergenceRepository extends TenantRepository<Divergence> {
  protected readonly entity = Divergence;
  protected readonly noun = 'divergence';

  list(page: PageRequest, status: DivergenceStatus[] | null, kind: DivergenceKind[] | null): Promise<Page<Divergence>> {
    return this.page({ ...(status === null ? {} : { status }), ...(kind === null ? {} : { kind }) }, page);
  }

  /**
   * Opens a divergence, or counts a further sighting of the one that is open; true if it is new. One statement: whoever
   * else sees the same at the same moment, there is one row. Inside a transaction.
   */
  async recordSighting(sighting: Sighting): Promise<boolean> {
    const { kind, class: found, objectId, tilledId } = sighting;
    const subject = found === DivergenceClass.DUPLICATE_AT_TILLED ? tilledId : (objectId ?? tilledId);
    const openKey = openKeyOf(kind, found, subject ?? '');
    const id = this.scope.newId('dv');
    const now = this.scope.now();
    const parameters = [
      ...[this.scope.appId, id, kind, found, objectId, tilledId, openKey, JSON.stringify(sighting.fields)],
      ...[sighting.ours, sighting.theirs].map((facts) => (facts === null ? null : JSON.stringify(facts))),
      ...[OPEN, 0, sighting.occurredAt, now, now],
    ];
    await this.scope.db.run(`${INSERT} ${onConflict(this.scope.db.isEmbedded, 'app_id, open_key', AGAIN)}`, parameters);
    const isNew = (await this.rows({ openKey: [openKey] })).some((row) => row.id === id);
    // Its first sighting is a change of a managed row: so the app is told.
    if (isNew) (await this.lock(id)).detections = 1;
    return isNew;
  }

  /** What is open about objects; second objects at Tilled are found by their own ids there. */
  openOf(refs: readonly ObjectRef[]): Promise<Divergence[]> {
    const openKey = refs.flatMap(({ kind, objectId, tilledId }) =>
      [objectId, tilledId].flatMap((id) => (id === null ? [] : Object.values(DivergenceClass).map((found) => openKeyOf(kind, found, id)))),
    );
    return this.rows({ openKey });
  }

  /** Everything there ever was about an object of ours, oldest first. */
  ofObject(objectId: string): Promise<Divergence[]> {
    return this.allBy('objectId', objectId);
  }

  /** The open ones about second objects at Tilled with the mark of an object of ours. */
  async openDuplicatesOf(objectId: string): Promise<Divergence[]> {
    const all = await this.rows({ objectId, status: OPEN });
    return all.filter((divergence) => divergence.class === DivergenceClass.DUPLICATE_AT_TILLED);
  }

  /** Up to `limit` open ones after the id `after`, oldest first. */
  async openAfter(after: string, limit: number): Promise<Divergence[]> {
    const raws = await this.scope.db.query(
      `select id from billing_divergences where app_id = ? and status = 'OPEN' and id > ? order by id limit ${limit}`,
      [this.scope.appId, after],
    );
    return raws.length === 0 ? [] : this.rows({ id: raws.map((raw) => String(raw.id)) });
  }

  /** Closes an open divergence and writes that down; false if it is closed already. Inside a transaction. */
  async close(id: string, status: Exclude<DivergenceStatus, DivergenceStatus.OPEN>, note: string | null): Promise<boolean> {
    const row = await this.lock(id);
    if (row.status !== OPEN) return false;
    const { actor } = this.scope.caller;
    const closedBy = 'keyId' in actor ? `${actor.kind} ${actor.keyId}` : actor.kind;
    Object.assign(row, { status, openKey: null, closedAt: this.scope.now(), closedBy, note });
    recordTransition(this.scope, { noun: 'divergence', objectId: id, from: OPEN, to: status });
    if (status === RESOLVED) this.scope.request.log.warn('divergence resolved', { divergenceId: id, objectId: row.objectId, closedBy });
    return true;
  }

  /** How many are open, and how many of them are duplicates; those found, and those healed, since a moment. */
  async since(moment: Date): Promise<{ open: number; duplicates: number; found: Divergence[]; healed: Divergence[] }> {
    const table = this.scope.db.table(Divergence);
    const read = async (column: string, status: string) =>
      (
        await this.scope.db.query(
          `select ${table.selectList} from billing_divergences where app_id = ? and ${column} >= ? ${status} order by id limit ${REPORTED_MAX}`,
          [this.scope.appId, moment],
        )
      ).map((raw) => table.fromRaw(raw));
    const [counted] = await this.scope.db.query(
      "select count(*) as n, count(case when class = ? then 1 end) as duplicates from billing_divergences where app_id = ? and status = 'OPEN'",
      [DivergenceClass.DUPLICATE_AT_TILLED, this.scope.appId],
    );
    const [open, duplicates] = [Number(counted?.n), Number(counted?.duplicates)];
    return { open, duplicates, found: await read('detected_at', ''), healed: await read('closed_at', "and status = 'HEALED'") };
  }
}

/** Rows from which times are reported at most. */
const REPORTED_MAX = 1_000;

function openKeyOf(kind: DivergenceKind, found: DivergenceClass, id: string): string {
  return `${kind} ${found} ${id}`;
}
