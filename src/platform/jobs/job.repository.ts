import { ROWS_AT_ONCE } from '../db/sql.js';
import type { Page, PageRequest } from '../tenancy/page.js';
import { TenantRepository } from '../tenancy/tenant.repository.js';
import { Job } from './job.entity.js';

/** Reads the queued work of an app; `Jobs` writes it. Not personal: it says only since when an object waits. */
export class JobRepository extends TenantRepository<Job> {
  protected readonly entity = Job;
  protected readonly noun = 'job';
  protected override readonly isPersonal = false;

  /** Work of these kinds, newest first; of one subject, if given. */
  list(page: PageRequest, filter: { readonly kinds: readonly string[]; readonly subject: string | null }): Promise<Page<Job>> {
    return this.page({ kind: filter.kinds, ...(filter.subject === null ? {} : { subject: filter.subject }) }, page);
  }

  /** Work of these kinds about one subject, oldest first. Loads of one tick share a query. */
  about(subject: string, kinds: readonly string[]): Promise<Job[]> {
    const loader = this.scope.db.loader(`job.about.${kinds.join()}`, async (subjects: readonly string[]) => {
      const rows = await this.rows({ kind: kinds, subject: subjects });
      return subjects.map((about) => rows.filter((row) => row.subject === about));
    });
    return loader.load(subject);
  }

  /** Work of one kind, of all subjects. */
  open(kind: string): Promise<Job[]> {
    return this.rows({ kind });
  }

  /** Now, in the time of all that jobs say of moments. */
  async now(): Promise<Date> {
    const { db } = this.scope;
    const [row] = await db.query(`select ${db.time.now} as now_at`, []);
    return db.time.read(row?.now_at);
  }

  /** Work after an id, oldest first, in a part that is bounded; only what waits for a person if `isDead`. */
  async after(id: string, { isDead }: { readonly isDead: boolean }): Promise<Job[]> {
    const table = this.scope.db.table(Job);
    const dead = isDead ? " and state = 'dead'" : '';
    const sql = `select ${table.selectList} from ${table.name} where app_id = ? and id > ?${dead} order by id limit ${ROWS_AT_ONCE}`;
    return (await this.scope.db.query(sql, [this.scope.appId, id])).map((raw) => table.fromRaw(raw));
  }
}
