import { Command, Option } from 'commander';
import type { KeyRole } from '../billing/access/api-key.entity.js';
import { jsonOption, type WithFoundation } from './kit.js';

const ROLES: Readonly<Record<string, KeyRole>> = { service: 'service', 'read-only': 'read_only', operator: 'operator' };

/** billing keys: the credentials of apps. */
export function keysCommand(withFoundation: WithFoundation): Command {
  const keys = new Command('keys').description('The API keys of an app.');
  keys
    .command('create')
    .description('Makes a key and prints it once; it cannot be read again.')
    .requiredOption('--app <id>', 'the app it opens')
    .addOption(new Option('--role <role>', 'what it may do').choices(Object.keys(ROLES)).default('service'))
    .addOption(jsonOption())
    .action((options: { app: string; role: string; json?: true }) =>
      withFoundation(async ({ access }) => {
        const { id, key } = await access.createKey(options.app, ROLES[options.role] ?? 'read_only');
        process.stdout.write(options.json ? `${JSON.stringify({ id, key, app: options.app, role: options.role })}\n` : `${key}\n`);
      }),
    );
  return keys;
}
