import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { IdColumn, JsonColumn, Text, TimeColumn } from '../platform/db/columns.js';

/** A tenant: an application whose customers, subscriptions and payments are kept apart from every other's. */
@ObjectType({ simpleResolvers: true, description: 'The application the credential belongs to.' })
@Entity({ tableName: 'billing_apps' })
export class App {
  @Field(() => ID, { description: 'Its id, as the operator chose it.' })
  @PrimaryKey({ columnType: 'varchar(64)', type: 'string' })
  id!: string;

  @Field(() => String, { description: 'Its name, for people.' })
  @Text(255)
  name!: string;

  @IdColumn()
  tilledAccountId!: string;

  /** Signs the customer sessions of this app; sealed. */
  @Text(255, { nullable: true })
  sessionSecretSealed!: string | null;

  /** The app's own key at Tilled, sealed; null where it uses the deployment's. */
  @Text(512, { nullable: true })
  tilledSecretKeySealed!: string | null;

  /** Where pages may stand that read answers for this app; null for nowhere. */
  @JsonColumn({ nullable: true })
  corsOrigins!: readonly string[] | null;

  @Field(() => Date, {
    nullable: true,
    description:
      'Since when the operator has it suspended; null where it is not. Nothing is sold meanwhile: what takes money, or arranges that some is taken, is answered APP_SUSPENDED.',
  })
  @TimeColumn({ nullable: true })
  suspendedAt!: Date | null;

  /** Since when it is removed: only its financial records and its id are kept. */
  @TimeColumn({ nullable: true })
  removedAt!: Date | null;

  @TimeColumn()
  createdAt!: Date;
}
