import { registerEnumType } from 'type-graphql';

/** What an enum and each of its values mean, in sentences that a stranger can act on. */
interface EnumWords<Name extends string> {
  readonly name: string;
  readonly description: string;
  readonly values: Readonly<Record<Name, string>>;
}

/** Puts an enum into the schema. The compiler names a value that says nothing of itself. */
export function describeEnum<Name extends string>(values: Readonly<Record<Name, string>>, words: EnumWords<NoInfer<Name>>): void {
  const { name, description } = words;
  const described = Object.entries<string>(words.values).map(([value, meaning]) => [value, { description: meaning }]);
  registerEnumType<Record<string, string>>(values, { name, description, valuesConfig: Object.fromEntries(described) });
}
