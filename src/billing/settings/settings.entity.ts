import { Entity } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType } from 'type-graphql';
import { Resource } from '../../graphql/access.js';
import { JsonColumn, Text, VersionColumn } from '../../platform/db/columns.js';
import { TenantRow } from '../../platform/tenancy/tenant-row.js';
import { CancelMode } from '../kit/cancel-mode.js';

/** What customer sessions may do by themselves. Kept as JSON: it grows by what they may. */
@ObjectType({ simpleResolvers: true, description: 'What a customer session may do by itself, beside what every one may.' })
export class PortalPolicy {
  @Field(() => [CancelMode], {
    description:
      "How a session may cancel its customer's subscriptions. Empty, as it is until the app says otherwise: not at all. Who may at the period's end may also take that back.",
  })
  mayCancel!: readonly CancelMode[];
}

/** What an app set for itself. The id is the app's, so that its history is found with the app's own. */
@Resource('settings')
@ObjectType({ simpleResolvers: true, description: 'What an app sets for itself. Customer sessions read it too.' })
@Entity({ tableName: 'billing_app_settings' })
export class AppSettings extends TenantRow {
  @Field(() => Int, { description: 'Rises with each change: send it as expectedVersion.' })
  @VersionColumn()
  version!: number;

  @Field(() => String, { nullable: true, description: 'What pages call whom customers pay; null where nothing was chosen.' })
  @Text(255, { nullable: true })
  brandName!: string | null;

  @Field(() => String, { nullable: true, description: 'The colour of pages, #rrggbb in lower case; null where none was chosen.' })
  @Text(7, { nullable: true })
  brandColor!: string | null;

  @Field(() => String, {
    description: 'In which time zone pages show dates: a name of the IANA database, UTC until the app says otherwise.',
  })
  @Text(64)
  timeZone!: string;

  @Field(() => String, {
    description:
      'In which language and form pages show words, dates and amounts: a BCP 47 tag, en until the app says otherwise. A page that has not got it takes the nearest that it has.',
  })
  @Text(35)
  locale!: string;

  @Field(() => PortalPolicy, { description: 'What customer sessions may do by themselves.' })
  @JsonColumn()
  portal!: PortalPolicy;
}

/** The columns of an app that has set nothing yet. */
export const UNSET = {
  ...{ version: 1, brandName: null, brandColor: null, timeZone: 'UTC', locale: 'en' },
  portal: { mayCancel: [] },
} as const satisfies Omit<AppSettings, 'appId' | 'id'>;
