import { Field, InputType, Int, ObjectType } from 'type-graphql';
import { EXPECTED_VERSION } from '../../graphql/descriptions.js';
import { IsOptional, Length, Matches, ValidateNested } from '../../graphql/input-rules.js';
import { plainPayload } from '../../graphql/payload.js';
import { CancelMode } from '../kit/cancel-mode.js';
import { AppSettings } from './settings.entity.js';

@InputType({ description: 'What customer sessions may do by themselves. What is absent stays.' })
export class PortalPolicyInput {
  @Field(() => [CancelMode], {
    nullable: true,
    description:
      "How a session may cancel its customer's subscriptions; empty: not at all. With AT_PERIOD_END it may also take back an end that the app itself set. Null or absent: it stays.",
  })
  mayCancel?: CancelMode[] | null;
}

@InputType({ description: 'What to change of the settings of the app. What is absent stays.' })
export class AppSettingsUpdateInput {
  @Field(() => Int, { nullable: true, description: EXPECTED_VERSION })
  expectedVersion?: number | null;

  @Field(() => String, { nullable: true, description: 'What pages call whom customers pay, 1 to 255 characters. Null removes it.' })
  @IsOptional()
  @Length(1, 255)
  brandName?: string | null;

  @Field(() => String, { nullable: true, description: 'The colour of pages, #rrggbb. Null removes it.' })
  @IsOptional()
  @Matches(/^#[0-9a-f]{6}$/i, { message: 'must be a colour as #rrggbb, e.g. #0b5fff' })
  brandColor?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'In which time zone pages show dates: a name of the IANA database, e.g. Europe/Berlin. Null or absent: it stays.',
  })
  timeZone?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'In which language and form pages show words, dates and amounts: a well-formed BCP 47 tag, e.g. de or fr. Null or absent: it stays.',
  })
  locale?: string | null;

  @Field(() => PortalPolicyInput, {
    nullable: true,
    description: 'What customer sessions may do by themselves. It holds for what they ask from then on.',
  })
  @IsOptional()
  @ValidateNested()
  portal?: PortalPolicyInput | null;
}

@ObjectType({ simpleResolvers: true, description: 'What became of a change of the settings.' })
export class AppSettingsPayload extends plainPayload() {
  @Field(() => AppSettings, { nullable: true, description: 'The settings as they are now; null where nothing was done.' })
  settings!: AppSettings | null;
}
