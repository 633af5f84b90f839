import { mkdir } from 'node:fs/promises';
import { Option } from 'commander';
import { composeFoundation, type Foundation } from '../compose.js';
import { type Config, readConfig } from '../config.js';
import { systemClock } from '../platform/clock.js';
import { prepareDatabase } from '../platform/db/prepare.js';
import { createLog } from '../platform/log.js';

/** Opens the database the environment names for one command, and closes it after. */
export type WithFoundation = (
  work: (foundation: Foundation, config: Config) => Promise<void>,
  how?: { readonly isUnprepared: boolean },
) => Promise<void>;

/** The real one: reads the environment, and makes sure of the schema unless the command is about that. */
export const withFoundation: WithFoundation = async (work, how = { isUnprepared: false }) => {
  const config = readConfig(process.env, process.cwd());
  if (config.database.kind === 'embedded') await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const foundation = await composeFoundation({ database: config.database, clock: systemClock, log: createLog('silent') });
  try {
    if (!how.isUnprepared) await prepareDatabase(foundation.database, foundation.migrator);
    await work(foundation, config);
  } finally {
    await foundation.database.close();
  }
};

/** `--json` for commands whose answer programs read. */
export function jsonOption(): Option {
  return new Option('--json', 'print the answer as JSON');
}
