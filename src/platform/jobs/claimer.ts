import type { Database, Unit } from '../db/database.js';
import { isLostRace } from '../db/lost-race.js';
import { CommitUnanswered } from '../db/outage.js';
import type { DueWorkReport } from './due-work.js';
import { drawnFence, type JobSql } from './job.sql.js';
import type { Lease, StartStopwatch } from './lease.js';
import type { LeaseKeeper } from './lease-keeper.js';
import { type Spread, WHOLE } from './spread.js';
import { type DueWork, type InProgress, type Slots, shareOut, type Turn } from './turns.js';

/** How often a worker that lost its race takes other work at once, before it waits as if there were none. */
const TRIES_MAX = 10;

interface ClaimerParts {
  readonly database: Database;
  readonly sql: JobSql;
  readonly keeper: LeaseKeeper;
  readonly due: DueWorkReport;
  readonly slots: Slots;
  readonly spread: Spread;
  readonly startStopwatch: StartStopwatch;
}

/**
 * Takes due work. It is chosen without locks, which in a cluster are known to one server alone, and is ours if its
 * fence is still the one that was read. Who lost chooses elsewhere at once (`Spread`).
 */
export class Claimer {
  constructor(private readonly parts: ClaimerParts) {}

  /** Takes up to `limit` due pieces of work, shared out among the apps beside what is in progress. */
  async claim(limit: number, inProgress: InProgress): Promise<Lease[]> {
    const { due, keeper, slots, spread } = this.parts;
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const works = await due.read();
      const turns = shareOut(spread.mixed(works), inProgress, limit, slots);
      if (turns.length === 0) return [];
      const leases = await this.takeOnce(turns, works);
      if (leases === null) spread.lost();
      else if (leases.length > 0) {
        spread.won();
        for (const lease of leases) keeper.keep(lease);
        return leases;
      }
      // Others have what was counted.
      due.forget();
    }
    return [];
  }

  /** Takes these turns in one transaction; null if somebody else took some of it. */
  private async takeOnce(turns: readonly Turn[], works: readonly DueWork[]): Promise<Lease[] | null> {
    let begun = 0;
    let taken: Lease[] = [];
    const taking = this.parts.database.statements(async (unit) => {
      // Begun anew, it would meet the same others in the same place.
      begun += 1;
      if (begun > 1) return null;
      taken = [];
      for (const turn of turns) taken.push(...(await this.takeTurn(turn, works, unit)));
      return taken;
    });
    return taking.catch((error: unknown) => {
      if (isLostRace(error)) return null;
      if (error instanceof CommitUnanswered) this.parts.keeper.giveBackNotBegun(taken);
      throw error;
    });
  }

  private async takeTurn({ appId, priority, count }: Turn, works: readonly DueWork[], unit: Unit): Promise<Lease[]> {
    const { database, sql, due, spread, startStopwatch } = this.parts;
    const waiting = works.find((work) => work.appId === appId && work.priority === priority)?.count ?? count;
    // The embedded database has one writer at a time, and no crc32().
    const { parts, part } = database.isEmbedded ? WHOLE : spread.partFor(count, waiting);
    const taken = startStopwatch();
    const rows = await database.query(sql.choosing(count, parts), [appId, priority, ...(parts > 1 ? [parts, part] : [])], unit);
    if (rows.length < count && parts === 1) due.forget();
    const leases: Lease[] = [];
    for (const row of rows) {
      const fence = drawnFence();
      const isTaken = (await database.run(sql.takingDue, [fence, appId, row.id, row.fence], unit)) > 0;
      if (isTaken) leases.push(sql.leaseOf(row, fence, taken));
    }
    if (leases.length < rows.length) spread.lost();
    return leases;
  }
}
