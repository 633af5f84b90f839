import type { CatchUp, CatchUpWish, CaughtUp } from '../backup/drill.service.js';
import type { ErasedCustomer } from '../backup/erasures.js';
import { BackupError } from '../backup/programs.js';
import type { Gateway } from '../compose.js';
import type { Config } from '../config.js';
import { encryptionOf } from '../demo.js';
import { systemClock } from '../platform/clock.js';
import { createLog } from '../platform/log.js';
import type { BackfillReport } from '../webhooks/webhook.backfill.js';
import { commandScope, commandScopes, localTilled } from './kit.js';

/**
 * Brings a database that was just restored to the newest schema and to what Tilled says now: the events since are
 * recorded and their objects looked at. A gateway of its own does it, on that database alone, and it only reads from
 * Tilled. An app whose account at Tilled cannot be used is named, and left as it was backed up. Whoever had been
 * erased is erased again, from what was restored and from what Tilled told since.
 */
export function catchUpOf(config: Config): CatchUp {
  return async (target, { erased, replays }) => {
    const tilled = config.tilled ?? (await localTilled(config));
    const surroundings = { database: target, encryption: await encryptionOf(config), clock: systemClock, log: createLog('silent') };
    const { composeGateway } = await import('../compose.js');
    const gateway = await composeGateway({ ...surroundings, tilled, tilledTimeoutMs: config.tilledTimeoutMs, purpose: 'catch-up' });
    try {
      if (replays) await gateway.migrator.migrate();
      else if (!(await canErase(gateway, erased))) return UNTOUCHED;
      return await caughtUp(gateway, { erased, replays });
    } finally {
      await gateway.database.close();
    }
  };
}

/** Nothing was looked at. */
const UNTOUCHED: CaughtUp = { events: 0, notAsked: [], erasedAgain: 0, goneAtTilled: [], left: 0, invariants: 0, violations: [] };

async function caughtUp(gateway: Gateway, { erased, replays }: CatchUpWish): Promise<CaughtUp> {
  const missingBefore = new Set((await missing(gateway)).map(({ id }) => id));
  const again = await deletedAgain(gateway, erased);
  const { recorded, failed } = replays ? await gateway.webhooks.backfill.runEach(await commandScopes(gateway, undefined)) : NO_NEWS;
  if (replays) await gateway.worker.drain();
  for (const { scope, back, unknown } of again) {
    const customerIds = back.map(({ customerId }) => customerId);
    const alsoKnownAs = unknown.flatMap(({ customerId, tilledCustomerId }) => [customerId, tilledCustomerId]).filter((id) => id !== null);
    if (customerIds.length + alsoKnownAs.length > 0) await gateway.privacy.sweep(scope, customerIds, { sinceEventId: '', alsoKnownAs });
  }
  const { checked, violations } = await gateway.verifyBooks();
  return {
    events: [...recorded.values()].reduce((sum, count) => sum + count, 0),
    notAsked: failed,
    erasedAgain: again.reduce((sum, { back }) => sum + back.length, 0),
    goneAtTilled: (await missing(gateway)).filter(({ id }) => !missingBefore.has(id)),
    left: await gateway.unsynced(),
    invariants: checked,
    violations,
  };
}

const NO_NEWS: BackfillReport = { recorded: new Map(), failed: [] };

/** Deletes again, app by app, who was erased and is back. */
async function deletedAgain(gateway: Gateway, erased: readonly ErasedCustomer[]) {
  const apps = new Set((await gateway.access.listApps()).map(({ id }) => id));
  const byApp = [...Map.groupBy(erased, ({ appId }) => appId)].filter(([appId]) => apps.has(appId));
  const again = byApp.map(async ([appId, its]) => {
    const scope = await commandScope(gateway, appId);
    return { scope, ...(await gateway.privacy.deleteAgain(scope, its)) };
  });
  return Promise.all(again);
}

/**
 * Whether erasures can be done again: not in another schema than ours. Throws BackupError where they cannot and
 * somebody is back.
 */
async function canErase({ database, migrator }: Gateway, erased: readonly ErasedCustomer[]): Promise<boolean> {
  if ((await migrator.inspect()).kind === 'ready') return true;
  const ids = new Set(erased.map(({ customerId }) => customerId));
  const live = await database.query('select id from billing_customers where deleted_at is null', []);
  const back = live.filter((row) => ids.has(String(row.id)));
  if (back.length === 0) return false;
  throw new BackupError(
    `${back.length} customers who were erased since are back, and cannot be erased in a schema this old. The data is there: remove it, or restore without --no-replay.`,
  );
}

async function missing({ database }: Gateway): Promise<{ readonly appId: string; readonly id: string }[]> {
  const rows = await database.query('select app_id, id from billing_customers where missing_since is not null', []);
  return rows.map((row) => ({ appId: String(row.app_id), id: String(row.id) }));
}
