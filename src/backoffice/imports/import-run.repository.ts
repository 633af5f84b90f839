import { TenantRepository } from '../../platform/tenancy/tenant.repository.js';
import { ImportRun } from './import-run.entity.js';

/** Imports of an app. */
export class ImportRunRepository extends TenantRepository<ImportRun> {
  protected readonly entity = ImportRun;
  protected readonly noun = 'import';

  /** The newest run of the same command that was not rolled back, or null. */
  async findByFingerprint(fingerprint: string): Promise<ImportRun | null> {
    const runs = await this.rows({ fingerprint, state: ['running', 'done'] });
    return runs.at(-1) ?? null;
  }
}
