import { Conflict } from '../../platform/errors.js';
import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { ImportRun } from './import-run.entity.js';

/** Another process took the same run over. */
export class RunTakenOver extends Conflict {
  constructor(runId: string) {
    super(`Another process goes on with ${runId}: this one has stopped, and what it did is kept.`);
  }
}

/** Imports of an app. */
export class ImportRunRepository extends TenantRepository<ImportRun> {
  protected readonly entity = ImportRun;
  protected readonly noun = 'import';

  /** The newest run of the same command that was not rolled back to its end, or null. */
  async findByFingerprint(fingerprint: string): Promise<ImportRun | null> {
    const runs = await this.rows({ fingerprint, state: ['running', 'done', 'rolling_back'] });
    return runs.at(-1) ?? null;
  }

  /** Throws RunTakenOver if another process has the run by now. Reads the database each time. */
  async assertHeld(id: string, fence: number): Promise<void> {
    const [run] = await this.scope.db.query('select fence from billing_imports where app_id = ? and id = ?', [this.scope.appId, id]);
    if (Number(run?.['fence']) !== fence) throw new RunTakenOver(id);
  }
}
