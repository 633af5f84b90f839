import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import { type AuthCheckerFn, Authorized, Extensions } from 'type-graphql';
import type { Actor } from '../platform/tenancy/actor.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { forbidden } from './errors.js';

/** Kinds of caller a field may name. */
export type Role = 'service' | 'read_only' | 'operator' | 'customer';

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

/**
 * Who may reach a field: `@Allow('service')`. A root field without it does not compose. What a confined key needs is read
 * off the field's type (`customers:read`), or told: `@Allow('service', { needs: 'sessions:write' })`.
 */
export function Allow(...given: readonly (Role | Needs)[]): MethodDecorator & PropertyDecorator {
  const roles = given.filter((item) => typeof item === 'string');
  const told = given.find((item) => typeof item !== 'string');
  const decorators = [Authorized<Role>(roles), Extensions({ allow: { roles, needs: told?.needs } })];
  return (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => {
    for (const decorate of decorators as ((...on: unknown[]) => void)[]) decorate(target, key, descriptor);
  };
}

/** The type is a resource that keys can be confined to; with roles, nobody else may reach it by any way. */
export function Resource(name: string, ...roles: readonly Role[]): ClassDecorator {
  return Extensions({ resource: { name, roles: roles.length === 0 ? ROLES : roles } }) as ClassDecorator;
}

/** Lets a caller reach a field if its kind is named there, and its key has the scope. */
export const checkAccess: AuthCheckerFn<Scope, Role> = ({ context, info }, roles) => {
  if (!roles.some((role) => role === context.actor.kind)) throw forbidden(`${info.fieldName} is not for ${callerOf(context.actor)}.`);
  assertScope(context.actor, accessOf(info)?.scope ?? null, info.fieldName);
  return true;
};

/** Throws FORBIDDEN for a key that is confined to other scopes. */
export function assertScope(actor: Actor, scope: string | null, fieldName: string): void {
  if (!hasScope(actor, scope)) throw forbidden(`${fieldName} is not for a key without the scope ${scope}.`);
}

/** Whether a caller may see objects of a type, for what leads to types of several kinds. */
export function mayReach(schema: GraphQLSchema, typeName: string, actor: Actor): boolean {
  const access = schema.getType(typeName)?.extensions.access as Access | undefined;
  return access?.roles.some((role) => role === actor.kind) === true && hasScope(actor, access.scope);
}

function hasScope(actor: Actor, scope: string | null): boolean {
  const scopes = 'scopes' in actor ? (actor.scopes ?? null) : null;
  return scope === null || scopes === null || scopes.includes(scope);
}

function accessOf(info: GraphQLResolveInfo): Access | undefined {
  return info.parentType.getFields()[info.fieldName]?.extensions.access as Access | undefined;
}

function callerOf(actor: Actor): string {
  return actor.kind === 'customer' ? 'customer sessions' : `${actor.kind} keys`;
}
