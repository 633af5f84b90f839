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

/** A new row as the caller fills it in, with every column; the app comes from the scope, its events are counted. */
export type NewRow<Row> = { [Property in Exclude<ColumnOf<Row>, 'appId' | 'eventSequence'>]: Row[Property] };

/** The properties that are columns. What a getter computes from them is none: it is read-only to the compiler. */
type ColumnOf<Row> = { [P in keyof Row]-?: IsSame<Pick<Row, P>, { -readonly [Q in P]: Row[Q] }> extends true ? P : never }[keyof Row];

type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
