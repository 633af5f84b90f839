import { Field, InputType, ObjectType } from 'type-graphql';
import { IsIn, Max, Min } from '../../graphql/input-rules.js';
import { Getter } from '../../graphql/reads/row-resolvers.js';
import { CurrencyCodeScalar, MinorUnitsScalar } from '../../graphql/scalars.js';
import { AMOUNT_MINOR_MAX, CURRENCIES, decimalOf } from '../money.js';

/** An amount with its currency. */
@ObjectType({
  simpleResolvers: true,
  description: 'An amount with its currency. `decimal` is for showing, e.g. "19.90"; a zero-decimal currency has no point.',
})
export class Money {
  @Field(() => MinorUnitsScalar, { description: 'The amount in minor units: 1990 is 19.90 USD, or 1990 JPY.' })
  readonly amountMinor: number;

  @Field(() => CurrencyCodeScalar, { description: 'The currency of the amount.' })
  readonly currency: string;

  constructor(amountMinor: number, currency: string) {
    this.amountMinor = amountMinor;
    this.currency = currency;
  }

  @Field(() => String, { description: 'The amount in major units as text, for showing only. Compute with amountMinor.' })
  @Getter()
  get decimal(): string {
    return decimalOf(this.amountMinor, this.currency);
  }
}

/** An amount to move, in a currency the processor takes. */
@InputType({ description: 'An amount to move: at least 1 and at most 99,999,999 minor units.' })
export class MoneyInput {
  @Field(() => MinorUnitsScalar, { description: 'How much, in minor units: 1990 is 19.90 USD, or 1990 JPY. From 1 to 99,999,999.' })
  @Min(1, { message: 'must be at least 1 minor unit' })
  @Max(AMOUNT_MINOR_MAX, { message: `must be at most ${AMOUNT_MINOR_MAX} minor units` })
  amountMinor!: number;

  @Field(() => CurrencyCodeScalar, {
    description: `Which currency: one of ${CURRENCIES.join(', ')}. The app's account at the processor has to take it.`,
  })
  @IsIn(CURRENCIES, { message: `must be one of ${CURRENCIES.join(', ')}` })
  currency!: string;
}
