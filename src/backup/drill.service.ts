import type { DatabaseConfig } from '../config.js';
import { systemTicks } from '../platform/clock.js';
import type { ErasedCustomer } from './erasures.js';
import { BackupError, type ProgramEnvironment } from './programs.js';
import { type Restored, RestoreService } from './restore.service.js';
import { withStore } from './stores.js';

/** What came of bringing a restored database up to date with Tilled, and of checking its books. */
export interface CaughtUp {
  /** Events that Tilled emitted and the restored database did not know. */
  readonly events: number;
  /** Apps whose account at Tilled could not be asked, so that they are as they were backed up, and why. */
  readonly notAsked: readonly { readonly appId: string; readonly reason: string }[];
  /** Customers who had been erased after what was restored, and were erased again. */
  readonly erasedAgain: number;
  /** Customers whom Tilled has no more though these books did not delete them. */
  readonly goneAtTilled: readonly { readonly appId: string; readonly id: string }[];
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

/** How a restored database is brought up to date. */
export interface CatchUpWish {
  readonly erased: readonly ErasedCustomer[];
  /** Whether to migrate and to ask Tilled for what it emitted since; else erasures alone are done again. */
  readonly replays: boolean;
}

/** Brings a restored database up to date: reads from Tilled, writes to that database only. */
export type CatchUp = (target: DatabaseConfig, wish: CatchUpWish) => Promise<CaughtUp>;

/** Proves that the newest backup can be restored, by doing it. */
export class DrillService {
  constructor(
    private readonly environment: ProgramEnvironment,
    private readonly catchUp: CatchUp,
  ) {}

  /**
   * Restores the newest backup into `scratch`, which must be empty and is removed afterwards, brings it up to date
   * and checks it. Throws BackupError if it cannot be restored, or its books are broken.
   */
  async run(scratch: DatabaseConfig): Promise<Drill> {
    const startedAtMs = systemTicks.ms();
    const { tables, now } = await withStore(scratch, this.environment, async ({ store }) => ({
      tables: await store.tables(),
      now: await store.now(),
    }));
    if (tables.length > 0)
      throw new BackupError(`The scratch database is not empty: it holds ${tables.length} tables, and a drill removes what it used.`);
    try {
      const restored = await new RestoreService(this.environment).restore(scratch, { at: null, snapshotId: null }, 'nothing');
      const caughtUp = await this.catchUp(scratch, { erased: restored.erased, replays: true });
      assertSound(caughtUp);
      const rpoMs = Math.max(0, now.getTime() - restored.reachedAt.getTime());
      return { restored, caughtUp, rpoMs, rtoMs: Math.trunc(systemTicks.ms() - startedAtMs) };
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
