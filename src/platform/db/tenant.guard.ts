import type { EntityManager, EventSubscriber, FlushEventArgs } from '@mikro-orm/core';

const appOfUnit = new WeakMap<object, string>();

/** Binds everything this unit of work writes to one app; anything else makes its flush throw. */
export function confineWrites(em: EntityManager, appId: string): void {
  appOfUnit.set(em, appId);
}

/** Refuses to write a row of another app than the unit of work was opened for: the last line before the database. */
export class TenantGuard implements EventSubscriber {
  onFlush(flush: FlushEventArgs): void {
    const appId = appOfUnit.get(flush.em);
    for (const change of flush.uow.getChangeSets()) {
      const row = change.entity as { appId?: unknown };
      if ('appId' in row && row.appId !== appId) {
        throw new Error(
          `A ${change.meta.className} of app ${String(row.appId)} was about to be written in the scope of ${appId ?? 'no app'}.`,
        );
      }
    }
  }
}
