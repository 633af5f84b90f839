import type { DatabaseConfig } from '../config.js';
import { BackupError, type ProgramEnvironment } from './programs.js';
import { type Restored, RestoreService } from './restore.service.js';
import { withStore } from './stores.js';

/** What came of bringing a restored database up to date with Tilled, and of checking its books. */
export interface CaughtUp {
  /** Events that Tilled emitted and the restored database did not know. */
  readonly events: number;
  /** Apps whose account at Tilled could not be asked, so that they are as they were backed up, and why. */
  readonly notAsked: readonly { readonly appId: string; readonly reason: string }[];
  /** Objects that could not be looked at again yet; each keeps its job. */
  readonly left: number;
  readonly invariants: number;
  readonly violations: readonly { readonly appId: string; readonly id: string; readonly sentence: string }[];
}

/** What a drill showed. */
export interface Drill {
  readonly restored: Restored;
  readonly caughtUp: CaughtUp;
  /** How much a disaster at the moment of the drill would have cost before Tilled's events were replayed, ms. */
  readonly rpoMs: number;
  /** From the decision to restore until the books were verified, ms. */
  readonly rtoMs: number;
}

/** Brings a restored database up to date: reads from Tilled, writes to that database only. */
export type CatchUp = (target: DatabaseConfig) => Promise<CaughtUp>;

/** Proves that the newest backup can be restored, by doing it. */
export class DrillService {
  constructor(
    private readonly environment: ProgramEnvironment,
    private readonly catchUp: CatchUp,
  ) {}

  /**
   * Restores the newest backup into `scratch`, which must be empty and is removed afterwards, brings it up to date and
   * checks it. Throws BackupError if it cannot be restored, or its books are broken.
   */
  async run(scratch: DatabaseConfig): Promise<Drill> {
    const startedAt = Date.now();
    const tables = await withStore(scratch, this.environment, ({ store }) => store.tables());
    if (tables.length > 0)
      throw new BackupError(`The scratch database is not empty: it holds ${tables.length} tables, and a drill removes what it used.`);
    try {
      const restored = await new RestoreService(this.environment).restore(scratch, { at: null, snapshotId: null }, 'nothing');
      const caughtUp = await this.catchUp(scratch);
      assertSound(caughtUp);
      return { restored, caughtUp, rpoMs: Math.max(0, startedAt - restored.reachedAt.getTime()), rtoMs: Date.now() - startedAt };
    } finally {
      await withStore(scratch, this.environment, ({ store }) => store.drop());
    }
  }
}

/** Throws BackupError for books that break an invariant. */
export function assertSound({ violations }: CaughtUp): void {
  const some = violations.slice(0, 3).map(({ appId, id, sentence }) => `${appId} ${id}: ${sentence}`);
  if (violations.length > 0) throw new BackupError(`The restored books break ${violations.length} invariants: ${some.join(' ')}`);
}
