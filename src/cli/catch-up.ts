import type { CatchUp } from '../backup/drill.service.js';
import type { Config } from '../config.js';
import { encryptionOf } from '../demo.js';
import { systemClock } from '../platform/clock.js';
import { createLog } from '../platform/log.js';
import { commandScopes, localTilled } from './kit.js';

/**
 * Brings a database that was just restored to the newest schema and to what Tilled says now: the events since are
 * recorded and their objects looked at. A gateway of its own does it, on that database alone, and it only reads from
 * Tilled. An app whose account at Tilled cannot be used is named, and left as it was backed up.
 */
export function catchUpOf(config: Config): CatchUp {
  return async (target) => {
    const tilled = config.tilled ?? (await localTilled(config));
    const surroundings = { database: target, encryption: await encryptionOf(config), clock: systemClock, log: createLog('silent') };
    const { composeGateway } = await import('../compose.js');
    const gateway = await composeGateway({ ...surroundings, tilled, tilledTimeoutMs: config.tilledTimeoutMs, purpose: 'catch-up' });
    try {
      await gateway.migrator.migrate();
      const { recorded, failed } = await gateway.webhooks.backfill.runEach(await commandScopes(gateway, undefined));
      const events = [...recorded.values()].reduce((sum, count) => sum + count, 0);
      await gateway.worker.drain();
      const { checked, violations } = await gateway.verifyBooks();
      return { events, notAsked: failed, left: await gateway.unsynced(), invariants: checked, violations };
    } finally {
      await gateway.database.close();
    }
  };
}
