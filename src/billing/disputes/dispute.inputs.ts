import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { IDEMPOTENCY_KEY } from '../../graphql/descriptions.js';
import { MaxLength } from '../../graphql/input-rules.js';
import { repeatablePayload } from '../../graphql/payload.js';
import { Dispute } from './dispute.entity.js';

/** The most characters of a description that is sent to the processor. */
const DESCRIPTION_CHARS_MAX = 5_000;

@InputType({ description: 'What the app says to a dispute. The processor takes it once.' })
export class DisputeEvidenceSubmitInput {
  @Field(() => ID, { description: 'A dispute whose isEvidenceAccepted is true.' })
  disputeId!: string;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;

  @Field(() => String, {
    description: 'What happened, in words for the bank, 1 to 5,000 characters; may be empty with accept. It is sent, and not kept here.',
  })
  @MaxLength(DESCRIPTION_CHARS_MAX)
  description!: string;

  @Field(() => [ID], {
    nullable: true,
    description:
      "1 to 10 of the processor's files (file_…), uploaded for disputes: the processor takes no evidence without one. None with accept.",
  })
  fileIds?: string[] | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Concedes instead: no evidence is sent, now or later, and the cardholder keeps the money. It cannot be taken back.',
  })
  accept?: boolean | null;
}

@ObjectType({ simpleResolvers: true, description: 'What became of a mutation of a dispute.' })
export class DisputePayload extends repeatablePayload() {
  @Field(() => Dispute, { nullable: true, description: 'The dispute as it is now; null where it was not found.' })
  dispute!: Dispute | null;
}
