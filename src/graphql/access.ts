import type { GraphQLSchema } from 'graphql';
import { Extensions } from 'type-graphql';
import type { Actor } from '../platform/tenancy/actor.js';

/** Kinds of caller a field may name. */
export type Role = 'service' | 'read_only' | 'operator' | 'customer';

/** All roles. */
export const ROLES: readonly Role[] = ['service', 'read_only', 'operator', 'customer'];

/** All of an app's data may be read. */
export const READERS: readonly Role[] = ['service', 'read_only', 'operator'];

/** The scope of a field that confined keys never reach. */
export const UNCONFINED = '*';

/** What a key that is confined to scopes must have; null: every key may. */
interface Needs {
  readonly needs: string | null;
}

/** Who may reach a field or a type, as it is enforced and as schema.graphql shows it: `declareAccess` writes it. */
export interface Access {
  readonly roles: readonly Role[];
  readonly scope: string | null;
}

/** What is for nobody. */
export const NOBODY: Access = { roles: [], scope: null };

/**
 * Who may reach a field: `@Allow('service')`. A root field without it does not compose. What a confined key needs is
 * read off the field's type (`customers:read`), or told: `@Allow('service', { needs: 'sessions:write' })`.
 */
export function Allow(...rules: readonly (Role | Needs)[]): MethodDecorator & PropertyDecorator {
  const roles = rules.filter((item) => typeof item === 'string');
  const told = rules.find((item) => typeof item !== 'string');
  return Extensions({ allow: { roles, needs: told?.needs } });
}

/** The type is a resource that keys can be confined to; with roles, nobody else may reach it by any way. */
export function Resource(name: string, ...roles: readonly Role[]): ClassDecorator {
  return Extensions({ resource: { name, roles: roles.length === 0 ? ROLES : roles } }) as ClassDecorator;
}

/** What a field or a type is declared to be for; undefined for fields that are for whom their type is for. */
export function accessOf({ extensions }: { readonly extensions: Readonly<Record<string, unknown>> }): Access | undefined {
  return extensions['access'] as Access | undefined;
}

/** Null if the caller may reach it, by its kind and the scopes of its key; else whom it is not for, in words. */
export function refusalReason(actor: Actor, { roles, scope }: Access): string | null {
  if (!roles.some((role) => role === actor.kind)) return actor.kind === 'customer' ? 'customer sessions' : `${actor.kind} keys`;
  const scopes = 'scopes' in actor ? (actor.scopes ?? null) : null;
  return scope === null || scopes === null || scopes.includes(scope) ? null : `a key without the scope ${scope}`;
}

/** Whether a caller may see objects of a type, for what leads to types of several kinds. */
export function mayReach(schema: GraphQLSchema, typeName: string, actor: Actor): boolean {
  return refusalReason(actor, accessOf(schema.getType(typeName) ?? { extensions: {} }) ?? NOBODY) === null;
}
