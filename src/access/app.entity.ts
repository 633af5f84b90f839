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

  @TimeColumn()
  createdAt!: Date;
}
