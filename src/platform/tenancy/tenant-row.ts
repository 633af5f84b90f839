import { PrimaryKey } from '@mikro-orm/decorators/legacy';

/**
 * What every row of a tenant has: its app, and an id that is unique in it. The primary key is (app_id, id), so rows of
 * one app lie together in creation order, and a foreign key can carry the app along.
 */
export abstract class TenantRow {
  @PrimaryKey({ columnType: 'varchar(64)', type: 'string' })
  appId!: string;

  @PrimaryKey({ columnType: 'varchar(64)', type: 'string' })
  id!: string;
}
