import { randomUUID } from 'node:crypto';
import type { Stopwatch } from '../../clock.js';
import type { Database } from '../database.js';
import { onConflict } from '../sql.js';

/** The one row: of no app. */
const ROW = ['', 'primary'];
/** The beat that a server has; no row before the first. */
export const BEAT = { sql: 'select beat from billing_heartbeats where app_id = ? and id = ?', parameters: ROW } as const;

/** Beats that are remembered: those of the last hour. */
const REMEMBERED_MAX = 3_600;

/**
 * The beat of the primary: a name without meaning, replaced each second by one of the processes that use replicas. A
 * server that shows a beat has everything that was committed before it, since replicas commit in the primary's order.
 * When that was is measured by this process alone, from before it wrote the beat, or from before it last looked and
 * found another. So no two clocks are compared, and a server that follows another database shows no beat known here.
 */
export class Heartbeat {
  /** How long ago each beat was made at most, oldest first. */
  private readonly beats = new Map<string, Stopwatch>();
  private last: string | null = null;
  /** Since before `last` was seen or made; null before the first look. */
  private sinceLast: Stopwatch | null = null;

  constructor(
    private readonly database: Database,
    private readonly startStopwatch: () => Stopwatch,
  ) {}

  /** Looks at the primary's beat, and makes the next unless somebody else did since. Throws if it cannot. */
  async beat(): Promise<void> {
    const since = this.startStopwatch();
    const [row] = await this.database.query(BEAT.sql, BEAT.parameters);
    const found = row === undefined ? null : String(row.beat);
    const isSomebodyElses = this.sinceLast !== null && found !== null && found !== this.last;
    // It was made after the last look, which did not find it.
    if (isSomebodyElses && this.sinceLast !== null) this.remember(found, this.sinceLast);
    [this.last, this.sinceLast] = [found, since];
    if (!isSomebodyElses) await this.make();
  }

  /** How long ago a beat was made at most; undefined for one that was not seen here. */
  since(beat: string): Stopwatch | undefined {
    return this.beats.get(beat);
  }

  private async make(): Promise<void> {
    const [beat, since] = [randomUUID(), this.startStopwatch()];
    // Before the answer, which may be lost: if it is ever seen, it was made after this.
    this.remember(beat, since);
    const { isEmbedded } = this.database;
    const insert = 'insert into billing_heartbeats (app_id, id, beat) values (?, ?, ?)';
    await this.database.run(`${insert} ${onConflict(isEmbedded, 'app_id, id', 'beat = excluded.beat')}`, [...ROW, beat]);
    [this.last, this.sinceLast] = [beat, since];
  }

  private remember(beat: string, since: Stopwatch): void {
    if (!this.beats.has(beat)) this.beats.set(beat, since);
    if (this.beats.size > REMEMBERED_MAX) this.beats.delete(this.beats.keys().next().value ?? '');
  }
}
