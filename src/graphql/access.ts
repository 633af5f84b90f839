import { type AuthCheckerFn, Authorized } from 'type-graphql';
import type { Actor } from '../platform/tenancy/actor.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { forbidden } from './errors.js';

/** Kinds of caller a field may name. */
export type Role = 'service' | 'read_only' | 'operator' | 'customer';

/** All of an app's data may be read. */
export const READERS: readonly Role[] = ['service', 'read_only', 'operator'];

/** Who may reach a root field: `@Allow('service')`. A field without it is refused by a test. */
export const Allow = (...roles: readonly Role[]): MethodDecorator & PropertyDecorator => Authorized<Role>([...roles]);

/** Lets a caller reach a field if its kind is named there. */
export const checkAccess: AuthCheckerFn<Scope, Role> = ({ context, info }, roles) => {
  if (roles.some((role) => role === context.actor.kind)) return true;
  throw forbidden(`${info.fieldName} is not for ${callerOf(context.actor)}.`);
};

function callerOf(actor: Actor): string {
  return actor.kind === 'customer' ? 'customer sessions' : `${actor.kind} keys`;
}
