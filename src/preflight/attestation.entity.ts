import { Entity, Index, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { IdColumn, Text, TimeColumn } from '../platform/db/columns.js';

/** A person's or a program's word that a check is fulfilled. All are kept; the newest counts. */
@Entity({ tableName: 'billing_attestations' })
@Index({ name: 'billing_attestations_check', properties: ['checkId', 'attestedAt'] })
export class Attestation {
  @PrimaryKey({ columnType: 'varchar(64)', type: 'string' })
  id!: string;

  @IdColumn()
  checkId!: string;

  @Text(100)
  attestedBy!: string;

  @Text(1000, { nullable: true })
  note!: string | null;

  @TimeColumn()
  attestedAt!: Date;

  /** When it counts no more; null for never. */
  @TimeColumn({ nullable: true })
  expiresAt!: Date | null;
}
