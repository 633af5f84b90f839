import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { IdColumn, Text, TimeColumn } from '../../platform/db/columns.js';

/** A tenant: an application whose customers, subscriptions and payments are kept apart from every other's. */
@ObjectType({ simpleResolvers: true, description: 'The application the credential belongs to.' })
@Entity({ tableName: 'billing_apps' })
export class App {
  @Field(() => ID)
  @PrimaryKey({ columnType: 'varchar(64)', type: 'string' })
  id!: string;

  @Field(() => String)
  @Text(255)
  name!: string;

  @IdColumn()
  tilledAccountId!: string;

  /** Signs the customer sessions of this app. */
  @Text(64)
  sessionSecret!: string;

  @TimeColumn()
  createdAt!: Date;
}
