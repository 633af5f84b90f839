import { composeFoundation, type Foundation } from '../../src/compose.js';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/platform/clock.js';
import { createLog } from '../../src/platform/log.js';
import { TEST_ENCRYPTION } from './encryption.js';

/** The database at this address, as it is; whoever opens it closes it. */
export async function openFoundation(url: string): Promise<Foundation & { close(): Promise<void> }> {
  const { database } = readConfig({ DATABASE_URL_BILLING: url }, process.cwd());
  const foundation = await composeFoundation({ database, encryption: TEST_ENCRYPTION, clock: systemClock, log: createLog('silent') });
  return { ...foundation, close: () => foundation.database.close() };
}
