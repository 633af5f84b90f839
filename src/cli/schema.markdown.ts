import {
  astFromValue,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  print,
} from 'graphql';
import { accessOf, UNCONFINED } from '../graphql/access.js';
import { TOP_LEVEL_CODES } from '../platform/top-level-codes.js';

/** A field of a type, or of an input. */
type Member = GraphQLField<unknown, unknown> | GraphQLInputField | GraphQLArgument;

const WRITTEN_BY = 'Written by `npm run schema` from the descriptions in the code; a test compares. Change them there.';

/** docs/api.md: everything of the schema with its words, one heading for each thing that a link may lead to. */
export function apiMarkdown(schema: GraphQLSchema): string {
  const types = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const ofKind = (isKind: (type: GraphQLNamedType) => boolean) => types.filter(isKind).map(typeSection);
  const isRoot = (type: GraphQLNamedType) => type === schema.getQueryType() || type === schema.getMutationType();
  const chapters: readonly (readonly [string, readonly string[]])[] = [
    ['Queries', rootSections('Query', Object.values(schema.getQueryType()?.getFields() ?? {}))],
    ['Mutations', rootSections('Mutation', Object.values(schema.getMutationType()?.getFields() ?? {}))],
    ['Objects', ofKind((type) => isObjectType(type) && !isRoot(type))],
    ['Interfaces', ofKind(isInterfaceType)],
    ['Inputs', ofKind(isInputObjectType)],
    ['Enums', ofKind(isEnumType)],
    ['Scalars', ofKind(isScalarType)],
    ['Directives', directiveSections(schema)],
  ];
  const contents = chapters.map(([title]) => `[${title}](#${title.toLowerCase()})`).join(' · ');
  return [
    '# The API',
    `${WRITTEN_BY} The same as text: [schema.graphql](../schema.graphql). What went wrong: [errors.md](errors.md).`,
    contents,
    ...chapters.flatMap(([title, sections]) => [`## ${title}`, ...sections]),
    '',
  ].join('\n\n');
}

/** docs/errors.md: every code, with what to do. */
export function errorsMarkdown(schema: GraphQLSchema): string {
  const codes = schema.getType('UserErrorCode');
  const userErrors = isEnumType(codes) ? codes.getValues() : [];
  return [
    '# Errors, and what to do',
    WRITTEN_BY,
    'An *expected* failure is in the `userErrors` of a mutation, beside the object; the answer is 200. Read its `code`, and look into `field` for the place in the input.',
    'A *top-level* error is in `errors`, with its code in `extensions.code`: the request was not one, was not allowed, or a fault of ours. If a mutation was carried out and something fails below it, `extensions.outcome` says what became of it.',
    'A *key* is the `idempotencyKey` of the input, or the header `Idempotency-Key`. It is kept for 30 days. The same key with the same input never does a thing twice. Never take a new key for something whose outcome you do not know.',
    '## In userErrors',
    table(
      ['Code', 'What happened, and what to do'],
      userErrors.map(({ name, description }) => [`\`${name}\``, description ?? '']),
    ),
    '## At the top level',
    table(
      ['Code', 'HTTP', 'What happened, and what to do'],
      Object.entries(TOP_LEVEL_CODES).map(([code, { http, meaning }]) => [`\`${code}\``, http, meaning]),
    ),
    'No answer at all counts like `TIMEOUT`: repeat with the same key.',
    '',
  ].join('\n\n');
}

function rootSections(root: string, fields: readonly GraphQLField<unknown, unknown>[]): string[] {
  return inOrder(fields).map((field) =>
    paragraphs([
      `### ${root}.${field.name}`,
      field.description ?? '',
      `Answers ${shownType(field)}. ${reachedBy(field)}`,
      field.args.length === 0 ? '' : table(['Argument', 'Type', ''], inOrder(field.args).map(row)),
    ]),
  );
}

function typeSection(type: GraphQLNamedType): string {
  return paragraphs([`### ${type.name}`, type.description ?? '', ...bodyOf(type)]);
}

function bodyOf(type: GraphQLNamedType): string[] {
  if (isEnumType(type)) {
    const values = inOrder(type.getValues()).map(({ name, description }) => [`\`${name}\``, description ?? '']);
    return [table(['Value', 'Meaning'], values)];
  }
  if (isInputObjectType(type)) return [table(['Field', 'Type', ''], inOrder(Object.values(type.getFields())).map(row))];
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  const fields = inOrder(Object.values(type.getFields()));
  const taken = fields.flatMap((field) => inOrder(field.args).map((argument) => ({ field, argument })));
  const args = taken.map(({ field, argument }) => [`\`${field.name}(${argument.name}:)\``, ...row(argument).slice(1)]);
  const kinds = type.getInterfaces().map(({ name }) => link(name));
  return [
    [kinds.length === 0 ? '' : `Is a ${kinds.join(', ')}.`, reachedBy(type)].filter(Boolean).join(' '),
    table(['Field', 'Type', ''], fields.map(row)),
    args.length === 0 ? '' : table(['Argument', 'Type', ''], args),
  ];
}

function directiveSections(schema: GraphQLSchema): string[] {
  const directives = schema.getDirectives().filter((directive) => !isSpecifiedDirective(directive));
  return directives.map(({ name, description, args }) =>
    paragraphs([`### @${name}`, description ?? '', table(['Argument', 'Type', ''], args.map(row))]),
  );
}

/** Who may reach it, as it is enforced. */
function reachedBy(part: { readonly extensions: Readonly<Record<string, unknown>> }): string {
  const access = accessOf(part);
  if (access === undefined || access.roles.length === 0) return '';
  const roles = access.roles.map((role) => `\`${role.toUpperCase()}\``).join(', ');
  const confined = access.scope === UNCONFINED ? '; not for confined keys' : `; a confined key needs \`${access.scope}\``;
  return `For ${roles}${access.scope === null ? '' : confined}.`;
}

function row(member: Member): string[] {
  return [`\`${member.name}\``, shownType(member), member.description ?? ''];
}

/** The type, with what counts where nothing is given, and a link to what it is. */
function shownType(member: Member): string {
  const named = getNamedType(member.type);
  const preset = 'defaultValue' in member ? member.defaultValue : undefined;
  const literal = preset === undefined || !('defaultValue' in member) ? null : astFromValue(preset, member.type);
  const text = `\`${String(member.type)}${literal ? ` = ${print(literal)}` : ''}\``;
  return isSpecifiedScalarType(named) ? text : link(named.name, text);
}

function link(name: string, text = name): string {
  return `[${text}](#${name.toLowerCase()})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows.map((cells) => cells.map(inCell))];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function paragraphs(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

function inOrder<Named extends { readonly name: string }>(parts: readonly Named[]): Named[] {
  return parts.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
