import { NotAllowed } from '../../platform/errors.js';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { CancelMode } from '../kit/cancel-mode.js';
import { AppSettingsRepository } from './settings.repository.js';

/** Why the caller may not cancel so, or take that back, by what its app lets customer sessions do; null if it may. */
export async function cancelRefusal(scope: Scope, mode: CancelMode): Promise<NotAllowed | null> {
  if (scope.caller.onlyCustomerId === null) return null;
  const { portal } = await AppSettingsRepository.of(scope).current();
  if (portal.mayCancel.includes(mode)) return null;
  return new NotAllowed(
    `Customer sessions of this app may not cancel ${mode}, nor take that back: its PortalPolicy.mayCancel says so. Nothing was done.`,
  );
}
