import { ArgsType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { PageArgs } from '../../graphql/connection.js';
import { IsEmail, IsOptional, Length, MaxLength } from '../../graphql/input-rules.js';
import { repeatablePayload } from '../../graphql/payload.js';
import { MetadataScalar } from '../../graphql/scalars.js';
import { Customer } from './customer.entity.js';

const EMAIL = { message: 'must be an e-mail address' };

@InputType()
export class CustomerCreateInput {
  @Field(() => String)
  @IsEmail({}, EMAIL)
  @MaxLength(320)
  email!: string;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @Length(1, 255)
  name?: string | null;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @Length(1, 255)
  externalId?: string | null;

  @Field(() => MetadataScalar, { nullable: true })
  metadata?: Record<string, string | null> | null;

  @Field(() => String, { nullable: true })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Absent fields stay; metadata merges key by key, and a null value removes its key.' })
export class CustomerUpdateInput {
  @Field(() => ID)
  id!: string;

  @Field(() => String, { nullable: true })
  @IsOptional()
  @IsEmail({}, EMAIL)
  @MaxLength(320)
  email?: string | null;

  @Field(() => String, { nullable: true, description: 'Null removes the name.' })
  @IsOptional()
  @Length(1, 255)
  name?: string | null;

  @Field(() => MetadataScalar, { nullable: true })
  metadata?: Record<string, string | null> | null;

  @Field(() => Int, { nullable: true })
  expectedVersion?: number | null;
}

@InputType({
  description: 'Removes personal data and detaches payment methods; financial records stay. Refused while a subscription is live.',
})
export class CustomerDeleteInput {
  @Field(() => ID)
  id!: string;
}

@ArgsType()
export class CustomersArgs extends PageArgs {
  @Field(() => String, { nullable: true, description: 'Exactly this address, in any case.' })
  email?: string | null;
}

@ObjectType({ simpleResolvers: true })
export class CustomerPayload extends repeatablePayload() {
  @Field(() => Customer, { nullable: true })
  customer!: Customer | null;
}
