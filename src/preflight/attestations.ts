import type { Clock } from '../platform/clock.js';
import type { Database } from '../platform/db/database.js';
import { inserting } from '../platform/db/sql.js';
import type { Ids } from '../platform/ids.js';
import { Attestation } from './attestation.entity.js';

/** Somebody's word, before it is written down. */
export type NewAttestation = Pick<Attestation, 'checkId' | 'attestedBy' | 'note' | 'expiresAt'>;

/** What was attested of this deployment. Nothing is overwritten: who said what, and when, stays. */
export class Attestations {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async add({ checkId, attestedBy, note, expiresAt }: NewAttestation): Promise<void> {
    await this.database.run(inserting('billing_attestations', 'id, check_id, attested_by, note, attested_at, expires_at'), [
      this.ids.make('att'),
      checkId,
      attestedBy,
      note,
      this.clock.now(),
      expiresAt,
    ]);
  }

  /** The newest of each check, by the check's id, expired ones too. */
  async newest(): Promise<ReadonlyMap<string, Attestation>> {
    const table = this.database.table(Attestation);
    const rows = await this.database.query(`select ${table.selectList} from billing_attestations order by attested_at, id`, []);
    return new Map(rows.map((row) => table.fromRaw(row)).map((attestation) => [attestation.checkId, attestation]));
  }
}
