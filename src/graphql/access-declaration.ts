import {
  DirectiveLocation,
  type GraphQLAbstractType,
  GraphQLDirective,
  GraphQLEnumType,
  type GraphQLField,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLString,
  getNamedType,
  isAbstractType,
  isObjectType,
} from 'graphql';
import type { Scope } from '../platform/tenancy/scope.js';
import { type Access, ROLES, type Role, UNCONFINED } from './access.js';

type Field = GraphQLField<unknown, Scope>;

/** The field of each outcome that leads to errors of several kinds, which show no rows. */
const ERRORS = 'userErrors';

const ROLE_MEANINGS: Readonly<Record<Role, string>> = {
  service: 'A backend of the app, with a key bg_svc_…: reads and changes everything of its app.',
  read_only: 'Analytics or support, with a key bg_ro_…: reads, and changes nothing.',
  operator: 'Who operates the app, with a key bg_ops_…: reads, has webhook events handled again and closes divergences.',
  customer: 'A browser, with the session of one customer: reaches that customer and what is theirs.',
};

const ROLE_TYPE = new GraphQLEnumType({
  name: 'Role',
  description: 'Kinds of caller: keys of a service, of readers and of operators, and the session of one customer.',
  values: Object.fromEntries(ROLES.map((role) => [role.toUpperCase(), { description: ROLE_MEANINGS[role] }])),
});

/** How schema.graphql says who may reach what. */
export const AUTH_DIRECTIVE = new GraphQLDirective({
  name: 'auth',
  description:
    'Who may reach it; a field without it is for whom its type is for. A key that is confined to scopes needs one of these as well; "*" is reached by keys that are not confined only. The outcome of a mutation shows what it wrote to whoever may write it.',
  locations: [DirectiveLocation.FIELD_DEFINITION, DirectiveLocation.OBJECT, DirectiveLocation.INTERFACE],
  args: {
    roles: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(ROLE_TYPE))), description: 'Kinds of caller that reach it.' },
    scopes: {
      type: new GraphQLList(new GraphQLNonNull(GraphQLString)),
      description: 'Of these a confined key needs one; absent: every key of these roles.',
    },
  },
});

/**
 * Settles who may reach every type and field, from what is enforced (`@Allow`) and how types lead to each other, and
 * writes it where schema.graphql is printed from. A field that leads to another resource asks confined keys for its
 * scope; other fields of objects are not touched, so that reading rows costs nothing. Throws where something would be
 * open by mistake.
 */
export function declareAccess(schema: GraphQLSchema): void {
  const roots = [schema.getQueryType(), schema.getMutationType()].filter((type) => type !== null && type !== undefined);
  const objects = Object.values(schema.getTypeMap()).filter(
    (type) => isObjectType(type) && !type.name.startsWith('__') && !roots.includes(type),
  ) as GraphQLObjectType[];
  const reach = new Map<string, ReadonlySet<Role>>();
  for (const root of roots) for (const field of fieldsOf(root)) declare(field, rootAccess(root, field));
  const widen = (from: GraphQLObjectType, field: Field, roles: readonly Role[]) => widenTo(schema, reach, { from, field, roles });
  let before = -1;
  for (let size = 0; size !== before; ) {
    before = size;
    for (const root of roots) for (const field of fieldsOf(root)) widen(root, field, allowOf(field)?.roles ?? []);
    for (const type of objects) for (const field of fieldsOf(type)) widen(type, field, rolesOf(reach, type, field));
    size = [...reach.values()].reduce((sum, roles) => sum + roles.size, 0);
  }
  for (const type of objects) declareType(type, reach);
  for (const type of Object.values(schema.getTypeMap())) if (isAbstractType(type)) declareAbstract(schema, type, reach);
}

function rootAccess(root: GraphQLObjectType, field: Field): Access {
  const allow = allowOf(field);
  if (allow === undefined) throw new Error(`${root.name}.${field.name} does not say who may reach it: give it @Allow(…).`);
  const resource = resourceOf(field.type);
  const derived = resource === null ? UNCONFINED : `${resource.name}:${root.name === 'Mutation' ? 'write' : 'read'}`;
  return { roles: inOrder(new Set(allow.roles)), scope: allow.needs === undefined ? derived : allow.needs };
}

function widenTo(
  schema: GraphQLSchema,
  reach: Map<string, ReadonlySet<Role>>,
  { from, field, roles }: { readonly from: GraphQLObjectType; readonly field: Field; readonly roles: readonly Role[] },
): void {
  const named = getNamedType(field.type);
  const isOpen = isAbstractType(named) && field.name !== ERRORS;
  const targets = isAbstractType(named) ? schema.getPossibleTypes(named) : isObjectType(named) ? [named] : [];
  for (const target of targets) {
    const own = ownResource(target);
    // Nothing on the way to it asks for its scope, so it must have one itself.
    if (isOpen && own === undefined)
      throw new Error(
        `${from.name}.${field.name} may lead to ${target.name}, which says of no resource that it shows it: give it @Resource(…).`,
      );
    const cap = own?.roles ?? ROLES;
    const admitted = roles.filter((role) => cap.includes(role));
    // What leads to several types looks at each object itself (`mayReach`).
    if (admitted.length < roles.length && !isAbstractType(named))
      throw new Error(`${from.name}.${field.name} leads ${roles.join(', ')} to ${target.name}, which is for ${cap.join(', ')} only.`);
    reach.set(target.name, new Set([...(reach.get(target.name) ?? []), ...admitted]));
  }
}

function declareType(type: GraphQLObjectType, reach: ReadonlyMap<string, ReadonlySet<Role>>): void {
  const own = resourceOf(type);
  // The outcome of a mutation shows what it wrote to whoever may write it.
  const isOutcome = type.getFields()[ERRORS] !== undefined;
  declare(type, { roles: inOrder(reach.get(type.name) ?? new Set()), scope: own === null || isOutcome ? null : `${own.name}:read` });
  for (const field of fieldsOf(type)) {
    const allow = allowOf(field);
    const target = resourceOf(field.type);
    const derived = target === null || target.name === own?.name ? null : `${target.name}:read`;
    const scope = allow?.needs === undefined ? derived : allow.needs;
    if (allow === undefined && scope === null) continue;
    declare(field, { roles: inOrder(new Set(rolesOf(reach, type, field))), scope });
  }
}

function declareAbstract(schema: GraphQLSchema, type: GraphQLAbstractType, reach: ReadonlyMap<string, ReadonlySet<Role>>): void {
  const roles = schema.getPossibleTypes(type).flatMap(({ name }) => [...(reach.get(name) ?? [])]);
  declare(type, { roles: inOrder(new Set(roles)), scope: null });
}

function declare(on: { extensions: object }, access: Access): void {
  const { roles, scope } = access;
  const auth = { roles: roles.map((role) => role.toUpperCase()), ...(scope === null ? {} : { scopes: [scope] }) };
  on.extensions = { ...on.extensions, access, directives: { auth } };
}

/** Who reaches a field of an object: whoever reaches the object, unless the field says less. */
function rolesOf(reach: ReadonlyMap<string, ReadonlySet<Role>>, type: GraphQLObjectType, field: Field): readonly Role[] {
  const allowed = allowOf(field)?.roles ?? ROLES;
  return [...(reach.get(type.name) ?? [])].filter((role) => allowed.includes(role));
}

/** The resource that a type shows: its own, or what it is a list, a place in a list or an outcome of. */
function resourceOf(type: GraphQLOutputType): { readonly name: string; readonly roles: readonly Role[] } | null {
  const named = getNamedType(type);
  if (!isObjectType(named)) return null;
  const own = ownResource(named);
  if (own !== undefined) return own;
  const { nodes, node, userErrors, ...others } = named.getFields();
  const listed = nodes ?? node;
  if (listed !== undefined) return resourceOf(listed.type);
  if (userErrors === undefined) return null;
  return (
    Object.values(others)
      .map((field) => resourceOf(field.type))
      .find((found) => found !== null) ?? null
  );
}

function ownResource(type: GraphQLObjectType): { readonly name: string; readonly roles: readonly Role[] } | undefined {
  return type.extensions.resource as { name: string; roles: readonly Role[] } | undefined;
}

function allowOf(field: Field): { readonly roles: readonly Role[]; readonly needs: string | null | undefined } | undefined {
  return field.extensions.allow as { roles: readonly Role[]; needs: string | null | undefined } | undefined;
}

function fieldsOf(type: GraphQLObjectType): Field[] {
  return Object.values(type.getFields()) as Field[];
}

function inOrder(roles: ReadonlySet<Role>): readonly Role[] {
  return ROLES.filter((role) => roles.has(role));
}
