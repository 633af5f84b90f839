import { ArgsType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { EXPECTED_VERSION, IDEMPOTENCY_KEY, METADATA, METADATA_CHANGES } from '../../graphql/descriptions.js';
import { IsEmail, IsOptional, Length, MaxLength } from '../../graphql/input-rules.js';
import { LabelledArgs } from '../../graphql/list-filters.js';
import { repeatablePayload } from '../../graphql/payload.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { Customer } from './customer.entity.js';

const EMAIL = { message: 'must be an e-mail address' };

@InputType({ description: 'A customer to make. One without an externalId and without an idempotency key is made again by every repeat.' })
export class CustomerCreateInput {
  @Field(() => String, {
    description: 'Their e-mail address, at most 320 characters; kept in lower case. Several customers may have the same one.',
  })
  @IsEmail({}, EMAIL)
  @MaxLength(320)
  email!: string;

  @Field(() => String, { nullable: true, description: 'Their whole name, 1 to 255 characters.' })
  @IsOptional()
  @Length(1, 255)
  name?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The app's own id of them, 1 to 255 characters, unique in the app. If another customer has it, DUPLICATE_EXTERNAL_ID names that one.",
  })
  @IsOptional()
  @Length(1, 255)
  externalId?: string | null;

  @Field(() => MetadataScalar, { nullable: true, description: METADATA })
  metadata?: Record<string, string | null> | null;

  @Field(() => String, { nullable: true, description: IDEMPOTENCY_KEY })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Absent fields stay; metadata merges key by key, and a null value removes its key.' })
export class CustomerUpdateInput {
  @Field(() => ID, { description: 'The customer to change.' })
  id!: string;

  @Field(() => String, { nullable: true, description: 'A new e-mail address, at most 320 characters. Null or absent: it stays.' })
  @IsOptional()
  @IsEmail({}, EMAIL)
  @MaxLength(320)
  email?: string | null;

  @Field(() => String, { nullable: true, description: 'A new name, 1 to 255 characters. Null removes the name; absent, it stays.' })
  @IsOptional()
  @Length(1, 255)
  name?: string | null;

  @Field(() => MetadataScalar, { nullable: true, description: METADATA_CHANGES })
  metadata?: Record<string, string | null> | null;

  @Field(() => Int, { nullable: true, description: EXPECTED_VERSION })
  expectedVersion?: number | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Makes the customer anew at the processor where missingSince says that somebody deleted them there; without it such a customer is answered CONFLICT. Their payment methods have to be collected anew. Nothing is done anew for a customer who is there.',
  })
  recreate?: boolean | null;
}

@InputType({ description: 'A customer to forget: personal data is removed and payment methods are detached; financial records stay.' })
export class CustomerDeleteInput {
  @Field(() => ID, { description: 'The customer to forget. It cannot be undone.' })
  id!: string;
}

@ArgsType()
export class CustomersArgs extends LabelledArgs {
  @Field(() => String, { nullable: true, description: 'Only customers with exactly this address, in any case.' })
  email?: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What became of a mutation of a customer.' })
export class CustomerPayload extends repeatablePayload() {
  @Field(() => Customer, {
    nullable: true,
    description: 'The customer as they are now; null where nothing was done. After customerDelete a row without personal data.',
  })
  customer!: Customer | null;
}
